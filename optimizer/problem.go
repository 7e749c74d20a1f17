package optimizer

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
)

// Problem is what is to be served, and with what.
type Problem struct {
	Workloads []Workload `json:"workloads"`
	Capacity  Capacity   `json:"capacity"`
	Quotas    []Quota    `json:"quotas,omitempty"`
	Budgets   []Budget   `json:"budgets,omitempty"`
}

// Workload is a load that one or several accelerators can serve.
type Workload struct {
	Name       string       `json:"name"` // unique
	Namespace  string       `json:"namespace,omitempty"`
	Class      string       `json:"class,omitempty"` // its service class, which quotas and budgets may name
	Priority   int          `json:"priority"`        // 1 is served first
	Rate       float64      `json:"rate"`            // requests per second to serve
	Min        int          `json:"min,omitempty"`
	Max        int          `json:"max,omitempty"` // replicas in all; 0 = no maximum
	Candidates []Candidate  `json:"candidates"`
	Current    []Allocation `json:"current,omitempty"` // what it runs on now
	Keep       bool         `json:"keep,omitempty"`    // stay on the accelerators of Current
}

// Candidate is an accelerator arrangement that can serve a workload.
type Candidate struct {
	Name    string  `json:"name"`    // unique within the workload
	Type    string  `json:"type"`    // of its devices, as the capacity counts them
	Devices int     `json:"devices"` // per replica, at least 1
	Cost    float64 `json:"cost"`    // of a replica, per hour
	Rate    float64 `json:"rate"`    // requests per second that a replica carries within the SLO
	Min     int     `json:"min,omitempty"`
	Max     int     `json:"max,omitempty"`     // replicas of this candidate; 0 = no maximum
	Binding string  `json:"binding,omitempty"` // what limits Rate: ttft, itl, stability
}

// Allocation is a number of replicas of a candidate.
type Allocation struct {
	Candidate string `json:"candidate"`
	Replicas  int    `json:"replicas"`
}

// Capacity is the devices that there are. Its zero value has none: say Unlimited where there is no limit.
type Capacity struct {
	Unlimited bool      `json:"unlimited,omitempty"`
	Devices   []Devices `json:"devices,omitempty"` // a type that is not listed has none
}

// Devices counts the devices of a type.
type Devices struct {
	Type  string `json:"type"`
	Count int    `json:"count"`
}

// Quota limits the devices of some types, together, for the workloads of a namespace or a class.
type Quota struct {
	Namespace string   `json:"namespace,omitempty"` // empty = every namespace
	Class     string   `json:"class,omitempty"`     // empty = every class
	Types     []string `json:"types"`               // at least one
	Devices   int      `json:"devices"`
}

// Budget limits the cost per hour of a class, or of the fleet.
type Budget struct {
	Class   string  `json:"class,omitempty"` // empty = the fleet
	PerHour float64 `json:"perHour"`
}

// maxReplicas is beyond any fleet and keeps integer arithmetic safe.
const maxReplicas = 1_000_000

// validate reports everything that concerns the problem as a whole.
func (p Problem) validate() error {
	var errs []error
	seen := map[string]bool{}
	for _, d := range p.Capacity.Devices {
		if d.Type == "" || seen[d.Type] || d.Count < 0 || d.Count > maxReplicas {
			errs = append(errs, fmt.Errorf("capacity: %q: count %d: want each type once, with a count from 0 to %d", d.Type, d.Count, maxReplicas))
		}
		seen[d.Type] = true
	}
	if p.Capacity.Unlimited && len(p.Capacity.Devices) > 0 {
		errs = append(errs, errors.New("capacity: unlimited, with devices listed"))
	}
	for i, q := range p.Quotas {
		if len(q.Types) == 0 || q.Devices < 0 || q.Devices > maxReplicas {
			errs = append(errs, fmt.Errorf("quota %d: %d devices of %d types: want at least one type and 0 to %d devices", i, q.Devices, len(q.Types), maxReplicas))
		}
	}
	for i, b := range p.Budgets {
		if !(b.PerHour >= 0) || math.IsInf(b.PerHour, 0) {
			errs = append(errs, fmt.Errorf("budget %d: %v per hour: want a finite number, 0 or more", i, b.PerHour))
		}
	}
	names := map[string]bool{}
	for _, w := range p.Workloads {
		if w.Name == "" || names[w.Name] {
			errs = append(errs, fmt.Errorf("workload %q: want a name that occurs once", w.Name))
		}
		names[w.Name] = true
	}
	return errors.Join(errs...)
}

// validate reports everything that is wrong with a workload.
func (w Workload) validate() error {
	var errs []error
	bad := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("workload %q: "+format, append([]any{w.Name}, args...)...))
	}
	if !(w.Rate >= 0) || math.IsInf(w.Rate, 0) {
		bad("rate %v: want a finite number of requests per second, 0 or more", w.Rate)
	}
	if w.Min < 0 || w.Max < 0 || w.Min > maxReplicas || w.Max > maxReplicas || w.Max > 0 && w.Min > w.Max {
		bad("min %d, max %d: want 0 ≤ min ≤ max ≤ %d, or max 0 for none", w.Min, w.Max, maxReplicas)
	}
	if len(w.Candidates) == 0 {
		bad("no candidate: want at least one accelerator that can serve it")
	}
	names := map[string]bool{}
	for _, c := range w.Candidates {
		switch {
		case c.Name == "" || names[c.Name]:
			bad("candidate %q: want a name that occurs once", c.Name)
		case !(c.Rate > 0) || math.IsInf(c.Rate, 0):
			bad("candidate %s: rate %v: want a finite number of requests per second, above 0", c.Name, c.Rate)
		case !(c.Cost >= 0) || math.IsInf(c.Cost, 0):
			bad("candidate %s: cost %v: want a finite number, 0 or more", c.Name, c.Cost)
		case c.Type == "" || c.Devices < 1 || c.Devices > maxReplicas:
			bad("candidate %s: %d devices of type %q: want at least 1 of a named type", c.Name, c.Devices, c.Type)
		case c.Min < 0 || c.Max < 0 || c.Min > maxReplicas || c.Max > 0 && c.Min > c.Max:
			bad("candidate %s: min %d, max %d: want 0 ≤ min ≤ max, or max 0 for none", c.Name, c.Min, c.Max)
		case w.Rate/c.Rate > maxReplicas:
			bad("candidate %s: %g requests/s at %g a replica need more than %d replicas", c.Name, w.Rate, c.Rate, maxReplicas)
		}
		names[c.Name] = true
	}
	for _, a := range w.Current {
		if a.Replicas < 0 || a.Replicas > maxReplicas {
			bad("current allocation %s: %d replicas: want 0 to %d", a.Candidate, a.Replicas, maxReplicas)
		}
	}
	return errors.Join(errs...)
}

// canonical orders what the plan must not depend on the order of.
func (p Problem) canonical() Problem {
	p.Workloads = slices.Clone(p.Workloads)
	for i := range p.Workloads {
		w := &p.Workloads[i]
		w.Candidates = slices.Clone(w.Candidates)
		slices.SortFunc(w.Candidates, func(a, b Candidate) int { return cmp.Compare(a.Name, b.Name) })
	}
	slices.SortFunc(p.Workloads, func(a, b Workload) int {
		return cmp.Or(cmp.Compare(a.Priority, b.Priority), cmp.Compare(a.Name, b.Name))
	})
	return p
}
