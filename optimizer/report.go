package optimizer

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// report writes the plan down.
func (pl *planner) report() {
	room := pl.room()
	bounded := 0.0 // what the lower bound bounds: best effort comes on top of it
	for i := range pl.problem.Workloads {
		a := pl.assignment(i, room)
		pl.result.Cost += a.Cost
		pl.result.Penalty += a.Penalty
		if k := pl.chosen[i]; k >= 0 {
			bounded += pl.patterns[i][k].value()
		} else {
			bounded += pl.nothing(i)
		}
		pl.result.Workloads = append(pl.result.Workloads, a)
	}
	if pl.options.Policy == MaxMinFair && slices.ContainsFunc(pl.result.Workloads, func(a Assignment) bool { return a.Served < 1 }) {
		pl.result.LowerBound, pl.result.Proven = 0, false // shares were made equal, cost was not minimized
	}
	pl.result.LowerBound = min(pl.result.LowerBound, bounded)
	if bounded > 0 && !closeEnough(bounded, pl.result.LowerBound) {
		pl.result.Gap = (bounded - pl.result.LowerBound) / bounded
	}
}

// nothing is the penalty of giving a workload nothing.
func (pl *planner) nothing(i int) float64 {
	w := &pl.problem.Workloads[i]
	return w.price(make([]int, len(w.Candidates)), pl.options).penalty
}

func closeEnough(a, b float64) bool { return math.Abs(a-b) <= 1e-9*max(math.Abs(a), math.Abs(b)) }

func (pl *planner) assignment(i int, room []float64) Assignment {
	w := &pl.problem.Workloads[i]
	a := Assignment{Workload: w.Name, Served: pl.share(i), Allocations: w.allocations(pl.replicas(i))}
	if k := pl.chosen[i]; k >= 0 {
		a.Cost, a.Penalty, a.Served = pl.patterns[i][k].cost, pl.patterns[i][k].penalty, 1
		a.Reason = pl.explain(i, k)
		return a
	}
	replicas := pl.partial[i]
	if replicas == nil {
		replicas = make([]int, len(w.Candidates))
	}
	p := w.price(replicas, pl.options)
	a.Cost, a.Penalty = p.cost, p.penalty
	a.Reason = pl.explainShort(i, a.Served, room)
	return a
}

func (w *Workload) allocations(replicas []int) []Allocation {
	list := []Allocation{}
	for k, n := range replicas {
		if n > 0 {
			list = append(list, Allocation{w.Candidates[k].Name, n})
		}
	}
	return list
}

// explain says why a workload that is served has what it has.
func (pl *planner) explain(i, k int) Reason {
	w := &pl.problem.Workloads[i]
	chosen := pl.patterns[i][k]
	r := Reason{Binding: w.binding(chosen.replicas)}
	what := describe(w.allocations(chosen.replicas))
	if what == "nothing" {
		r.Message = "no load and no minimum: no replica"
		return r
	}
	r.Message = fmt.Sprintf("%s at %.4g an hour for %.4g requests/s, bound by %s", what, chosen.cost, w.Rate, r.Binding)
	for j, other := range pl.patterns[i] {
		if j == k {
			continue
		}
		r.RunnerUp, r.Extra = w.allocations(other.replicas), other.value()-chosen.value()
		if r.Extra < -1e-9 {
			r.Binding = BindingCapacity
			r.Message = fmt.Sprintf("%s at %.4g an hour for %.4g requests/s; %s would be %.4g cheaper, but is out of devices, quota or budget", what, chosen.cost, w.Rate, describe(r.RunnerUp), -r.Extra)
		} else {
			r.Message += fmt.Sprintf("; next best %s at %.4g more", describe(r.RunnerUp), r.Extra)
		}
		break
	}
	return r
}

// binding names what decides the number of replicas.
func (w *Workload) binding(replicas []int) Binding {
	total, rate := 0, 0.0
	first := -1
	for k, n := range replicas {
		if n > 0 && first < 0 {
			first = k
		}
		total += n
		rate += float64(n) * w.Candidates[k].Rate
	}
	switch {
	case total == 0:
		return BindingNoLoad
	case w.Rate <= 0:
		return BindingMinimum
	case total <= w.Min && rate-w.Candidates[first].Rate >= w.Rate, total == w.Min && total > 1 && rate >= w.Rate+w.Candidates[first].Rate:
		return BindingMinimum
	case w.Candidates[first].Binding != "":
		return Binding(w.Candidates[first].Binding)
	}
	return BindingRate
}

// explainShort says what is missing for a workload that is not served in full.
func (pl *planner) explainShort(i int, served float64, room []float64) Reason {
	w := &pl.problem.Workloads[i]
	if len(pl.patterns[i]) == 0 {
		return Reason{Binding: BindingMaximum, Message: fmt.Sprintf("not served: no candidate carries %.4g requests/s within its maximum of replicas", w.Rate)}
	}
	r := Reason{Binding: BindingCapacity}
	best := math.Inf(1)
	budget := false
	for _, p := range pl.patterns[i] {
		missing, price, broke := pl.missing(i, p, room)
		if price < best {
			r.Missing, r.RunnerUp, best, budget = missing, w.allocations(p.replicas), price, broke
		}
	}
	served = math.Round(1000*served) / 10
	switch {
	case budget && len(r.Missing) == 0:
		r.Binding = BindingBudget
		r.Message = fmt.Sprintf("%g%% served: the budget has no room for %s", served, describe(r.RunnerUp))
	default:
		r.Message = fmt.Sprintf("%g%% served: %s would need %s more", served, describe(r.RunnerUp), describeDevices(r.Missing))
	}
	return r
}

// missing is the devices that a pattern would need beyond what is free and what the workload has already, their price, and whether a budget or a quota
// stands in its way too.
func (pl *planner) missing(i int, p pattern, room []float64) (missing []Devices, price float64, limited bool) {
	w := &pl.problem.Workloads[i]
	need := map[string]int{}
	each := map[string]float64{}
	for k, n := range p.replicas {
		c := w.Candidates[k]
		have := 0
		if pl.partial[i] != nil {
			have = pl.partial[i][k]
		}
		need[c.Type] += (n - have) * c.Devices
		each[c.Type] = c.Cost / float64(c.Devices)
	}
	for _, u := range pl.rows.uses(w, p.replicas) {
		if u.row >= pl.rows.first && u.amount > room[u.row]+slack {
			limited = true
		}
	}
	for _, c := range w.Candidates { // in the order of names; each type once
		n, ok := need[c.Type]
		if !ok {
			continue
		}
		delete(need, c.Type)
		free := 0
		if row := pl.rows.device(c.Type); row < 0 {
			continue
		} else {
			free = int(room[row])
		}
		if short := n - free; short > 0 {
			missing = append(missing, Devices{c.Type, short})
			price += float64(short) * each[c.Type]
		}
	}
	return missing, price + 1e-9*p.cost, limited
}

func describe(allocations []Allocation) string {
	if len(allocations) == 0 {
		return "nothing"
	}
	parts := make([]string, len(allocations))
	for i, a := range allocations {
		parts[i] = fmt.Sprintf("%d×%s", a.Replicas, a.Candidate)
	}
	return strings.Join(parts, " + ")
}

func describeDevices(devices []Devices) string {
	if len(devices) == 0 {
		return "room in a quota or budget, but no device"
	}
	parts := make([]string, len(devices))
	for i, d := range devices {
		parts[i] = fmt.Sprintf("%d %s", d.Count, d.Type)
	}
	return strings.Join(parts, " and ")
}
