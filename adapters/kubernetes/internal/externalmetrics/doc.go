// Package externalmetrics serves the metrics of a registry as external.metrics.k8s.io, for tests: what a HorizontalPodAutoscaler asks, without the Prometheus adapter in
// between. The API server reaches it through an APIService whose Service is an external name.
package externalmetrics
