// Package wva decides how many replicas of each LLM-inference variant to run, and says why.
//
// A variant is a set of identical model servers of one model on one accelerator arrangement: Llama-3.1-8B on one
// H100 each, say. Several variants may serve the same model; they share its load.
//
// [Decide] is the whole of it: a pure function from what one cycle knows (a [Snapshot]), what the operator wants (a
// [Policy]) and what earlier cycles left behind (a [History]) to a [Report] with one explained [Decision] for each
// variant. Nothing in it does I/O, reads a clock or depends on the order of its inputs, so a stored Snapshot replays
// to the same decisions, byte for byte.
//
// An [Autoscaler] runs Decide in a loop against the world. The world is three small interfaces: a [Fleet] says which
// variants exist, a [MetricsSource] what their servers are doing, and a [Scaler] carries the decisions out or
// publishes them for another autoscaler to act on. The packages below adapters implement them for memory, a
// simulator, YAML files, Prometheus and Kubernetes.
//
// Two rules hold whatever the mode. What is not known is never taken for idleness: a replica without fresh metrics, a
// model whose analysis failed, an inventory that could not be read can hold a target up but never bring one down. And
// no decision leaves its bounds: the last stage before a Report is a guard that enforces every variant's minimum and
// maximum and the devices there are, whatever the stages before it wanted.
//
// The behaviour that users of the Workload-Variant-Autoscaler know, its documents and its defaults hold here too.
package wva
