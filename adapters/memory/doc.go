// Package memory is a fleet of model servers in memory, for tests, examples and trying things out.
//
// A [Cluster] stands behind all three ports of package wva: it lists its variants, reports metrics for the replicas that
// are ready, and carries decisions out. New replicas become ready after the variant's Startup time. The load of a model
// ([Load]) is spread evenly over its ready replicas, so that scaling up visibly relieves them; where a test wants exact
// numbers it gives every replica its own ([Cluster.SetReplicas]).
//
// What goes wrong in a real cluster goes wrong here when the test says so: [Cluster.Break] scripts a [Fault] for one of
// the calls, for one variant, one model or all of them, for a number of calls or until it is mended.
//
// A Cluster is safe for concurrent use, and deterministic under a given clock and order of calls.
package memory
