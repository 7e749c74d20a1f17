// Package serving puts simulated model servers behind the pods of a cluster, for tests: each ready pod is a replica in a [simulator.Cluster] that keeps real time, and
// answers on /metrics as vLLM does. A Prometheus server finds the pages by HTTP service discovery.
package serving
