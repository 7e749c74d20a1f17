// Package simulator is a cluster of continuous-batching model servers in simulated time.
//
// A [Server] runs iteration by iteration as vLLM does: it admits waiting requests up to its batch limit and its KV cache,
// prefills prompts in chunks beside the running decodes, gives every decoding request one token an iteration, preempts the latest
// request when the KV cache is full, and takes for each iteration the time that its [model.Profile] says. [Run] puts one server under
// a load and measures it: that is the ground truth against which package model is tested.
//
// A [Cluster] is a fleet of such servers behind wva's ports: it routes requests, starts replicas with a delay, drains
// them when they go, and reports what real servers would report.
//
// Everything is deterministic for a seed, on every platform.
package simulator
