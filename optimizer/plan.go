package optimizer

// Plan is the outcome of Optimize.
type Plan struct {
	Workloads []Assignment `json:"workloads"` // by priority, then name
	Cost      float64      `json:"cost"`      // per hour, of all replicas
	Penalty   float64      `json:"penalty"`   // transition penalties
	// LowerBound bounds Cost + Penalty of any plan that serves as many workloads of each priority in full, whichever they are, best effort left out of both.
	LowerBound float64 `json:"lowerBound"`
	Gap        float64 `json:"gap"`    // relative distance of Cost + Penalty from LowerBound, best effort left out; 0 where the plan is proved optimal
	Proven     bool    `json:"proven"` // that no plan serves more by priority, nor as many more cheaply
	Nodes      int     `json:"nodes"`  // of the search
}

// Assignment is what one workload gets, and why.
type Assignment struct {
	Workload    string       `json:"workload"`
	Allocations []Allocation `json:"allocations"`       // by candidate; empty = nothing
	Cost        float64      `json:"cost"`              // per hour
	Penalty     float64      `json:"penalty,omitempty"` // of a change of accelerator, per hour
	Served      float64      `json:"served"`            // part of the load that is served, 1 = all
	Reason      Reason       `json:"reason"`
}

// Replicas returns the replicas of a candidate.
func (a Assignment) Replicas(candidate string) int {
	for _, x := range a.Allocations {
		if x.Candidate == candidate {
			return x.Replicas
		}
	}
	return 0
}

// Reason explains an Assignment.
type Reason struct {
	Binding Binding `json:"binding"` // what decides the number of replicas, or stands in the way of more
	// RunnerUp is the next best way to serve the workload were there no limits, and what it would cost more per hour, penalty included.
	RunnerUp []Allocation `json:"runnerUp,omitempty"`
	Extra    float64      `json:"extra,omitempty"`
	// Missing is the cheapest extra capacity that would serve the workload in full, where it is not.
	Missing []Devices `json:"missing,omitempty"`
	Message string    `json:"message"`
}

// Binding names what binds.
type Binding string

// What may bind, beside the SLO target that the candidate names.
const (
	BindingMinimum  Binding = "minimum replicas"
	BindingMaximum  Binding = "maximum replicas"
	BindingCapacity Binding = "capacity"
	BindingBudget   Binding = "budget"
	BindingNoLoad   Binding = "no load"
	BindingRate     Binding = "rate"
)

// Assignment returns what a workload gets; false where the plan does not have it.
func (p Plan) Assignment(workload string) (Assignment, bool) {
	for _, a := range p.Workloads {
		if a.Workload == workload {
			return a, true
		}
	}
	return Assignment{}, false
}
