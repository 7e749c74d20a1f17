package optimizer

import (
	"fmt"
	"math"
)

// Options say how to optimize. The zero Options are unusable: start from [DefaultOptions].
type Options struct {
	// Mixed lets one workload be served by several candidates at once.
	Mixed bool `json:"mixed,omitempty"`
	// Penalty is the part of the old and the new cost that a change of accelerator costs.
	Penalty float64 `json:"penalty"`
	// Hysteresis is the part of its current cost that a change of accelerator has to save beyond the penalty.
	Hysteresis float64 `json:"hysteresis,omitempty"`
	// Policy says who gets what is left when not every workload can be served in full.
	Policy Policy `json:"policy,omitempty"`
	// Delayed leaves the best effort until all priorities have been served; otherwise it comes within each priority.
	Delayed bool `json:"delayed,omitempty"`
	// Nodes bounds the search, in nodes of a branch and bound over up to 1,000 ways to serve workloads; those over more count for as many as they take. Two thirds are for
	// who is served, the rest is for the cost.
	Nodes int `json:"nodes"`
	// Greedy walks as WVA's published solver does instead of solving.
	Greedy bool `json:"greedy,omitempty"`
	// Partial plans the sound workloads although others are invalid; the error names those.
	Partial bool `json:"partial,omitempty"`
}

// Policy is a way to share out devices that are too few.
type Policy string

// The policies.
const (
	None               Policy = ""                   // a whole workload or nothing
	PriorityExhaustive Policy = "PriorityExhaustive" // one workload at a time, by priority, as many replicas as fit
	PriorityRoundRobin Policy = "PriorityRoundRobin" // one replica in turn within a priority
	RoundRobin         Policy = "RoundRobin"         // one replica in turn across all
	MaxMinFair         Policy = "MaxMinFair"         // the smallest served share as large as it can be, whatever the priority
)

// DefaultOptions returns one accelerator for each workload, the published transition penalty of 0.1, and whole workloads or nothing.
func DefaultOptions() Options { return Options{Penalty: 0.1, Nodes: 60_000} }

// Validate names the first option that cannot be.
func (o Options) Validate() error {
	if !(o.Penalty >= 0) || math.IsInf(o.Penalty, 0) {
		return fmt.Errorf("options: penalty %v: want a finite number, 0 or more", o.Penalty)
	}
	if !(o.Hysteresis >= 0) || math.IsInf(o.Hysteresis, 0) {
		return fmt.Errorf("options: hysteresis %v: want a finite number, 0 or more", o.Hysteresis)
	}
	if o.Nodes < 1 {
		return fmt.Errorf("options: nodes %d: want at least 1; start from DefaultOptions", o.Nodes)
	}
	switch o.Policy {
	case None, PriorityExhaustive, PriorityRoundRobin, RoundRobin, MaxMinFair:
	default:
		return fmt.Errorf("options: policy %q: want %s, %s, %s, %s or none", o.Policy, PriorityExhaustive, PriorityRoundRobin, RoundRobin, MaxMinFair)
	}
	if o.Greedy && (o.Mixed || o.Policy == MaxMinFair) {
		return fmt.Errorf("options: the greedy solver knows neither mixed allocations nor %s", MaxMinFair)
	}
	return nil
}
