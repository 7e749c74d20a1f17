package optimizer

import (
	"cmp"
	"math"
	"slices"
)

// walker is the published greedy solver: workloads by priority, and within it by regret, what it would cost more to take the second choice than the
// first. A workload whose type is exhausted falls to its next candidate and is queued again. What fits nowhere is left to the policy. With the
// policy None a workload of lower priority can get devices that one of higher priority could not use in full: that priority inversion is
// published behaviour, and why this solver is not the default.
type walker struct {
	*planner
	entries []walkEntry
}

// walkEntry is a workload in the queue of a walker.
type walkEntry struct {
	workload int
	at       int // pattern that is tried next
	values   []float64
}

// regret is what the second choice costs more than the first; the last one has no second.
func (e walkEntry) regret() float64 {
	if e.at+1 >= len(e.values) {
		return math.MaxFloat64
	}
	return e.values[e.at+1] - e.values[e.at]
}

func greedy(p Problem, o Options) Plan {
	w := &walker{planner: newPlanner(p, o)}
	groups := w.groups(w.all())
	var waiting []int
	for _, group := range groups {
		left := w.walk(group)
		if o.Delayed {
			waiting = append(waiting, left...)
			continue
		}
		w.bestEffort(left)
	}
	w.bestEffort(waiting)
	w.planner.report()
	w.result.LowerBound, w.result.Gap, w.result.Proven = 0, 0, false // a walk proves nothing
	return w.result
}

// walk allocates a priority and returns what did not fit, in the order in which it was given up.
func (w *walker) walk(group []int) []int {
	w.entries = w.entries[:0]
	var left []int
	for _, i := range group {
		e := walkEntry{workload: i, values: w.publishedValues(i)}
		if len(e.values) == 0 {
			left = append(left, i)
			continue
		}
		w.push(e)
	}
	for len(w.entries) > 0 {
		e := w.entries[0]
		w.entries = w.entries[1:]
		p := w.patterns[e.workload][e.at]
		c := choice{uses: w.rows.uses(&w.problem.Workloads[e.workload], p.replicas)}
		room := w.planner.room()
		switch {
		case c.fits(room):
			w.chosen[e.workload] = e.at
		case e.at+1 < len(e.values):
			e.at++
			w.push(e)
		default:
			left = append(left, e.workload)
		}
	}
	return left
}

// push queues an entry: the larger regret first, then the larger value, then the name.
func (w *walker) push(e walkEntry) {
	w.entries = append(w.entries, e)
	slices.SortStableFunc(w.entries, func(a, b walkEntry) int {
		return cmp.Or(cmp.Compare(b.regret(), a.regret()), cmp.Compare(b.values[b.at], a.values[a.at]), cmp.Compare(a.workload, b.workload))
	})
}

// publishedValues orders the patterns of a workload by the published value and returns the values.
func (w *walker) publishedValues(i int) []float64 {
	work := &w.problem.Workloads[i]
	current, _ := work.current()
	old := work.currentCost(current)
	value := func(p pattern) float64 { return p.cost - old + p.penalty }
	slices.SortStableFunc(w.patterns[i], func(a, b pattern) int { return cmp.Compare(value(a), value(b)) })
	values := make([]float64, len(w.patterns[i]))
	for k, p := range w.patterns[i] {
		values[k] = value(p)
	}
	return values
}
