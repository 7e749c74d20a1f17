// Package contest puts policies under the same load, each with its own simulated fleet, and measures what becomes of the requests and what it costs.
//
// A [Contest] is the fleet, the load and the promise; [Contest.PlayAll] runs each [Policy] through it, several at a time. Everything is
// deterministic, however many run at a time.
package contest
