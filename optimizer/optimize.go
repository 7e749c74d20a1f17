package optimizer

import (
	"errors"
	"fmt"
	"slices"
)

// Optimize plans a problem. The plan does not depend on the order of workloads, candidates or devices.
//
// Every workload that cannot be planned is named in the error, with the field and the value; no plan is made then unless Options.Partial asks for that of
// the others.
func Optimize(p Problem, o Options) (Plan, error) {
	if err := errors.Join(o.Validate(), p.validate()); err != nil {
		return Plan{}, fmt.Errorf("optimizer: %w", err)
	}
	p = p.canonical()
	var errs []error
	sound := p.Workloads[:0:0]
	for _, w := range p.Workloads {
		if err := w.validate(); err != nil {
			errs = append(errs, err)
			continue
		}
		sound = append(sound, w)
	}
	err := errors.Join(errs...)
	if err != nil {
		err = fmt.Errorf("optimizer: %w", err)
		if !o.Partial {
			return Plan{}, err
		}
	}
	p.Workloads = sound
	if o.Greedy {
		return greedy(p, o), err
	}
	return newPlanner(p, o).plan(), err
}

// planner holds a problem on its way to a plan.
type planner struct {
	problem  Problem
	options  Options
	rows     rows
	patterns [][]pattern // by workload
	complete []bool      // whether those are all that there are
	chosen   []int       // pattern of each workload, −1 = none
	partial  [][]int     // replicas of best effort, by workload and candidate
	left     int         // nodes to count with
	result   Plan
}

func newPlanner(p Problem, o Options) *planner {
	pl := &planner{problem: p, options: o, rows: newRows(p), patterns: make([][]pattern, len(p.Workloads)),
		complete: make([]bool, len(p.Workloads)), chosen: make([]int, len(p.Workloads)), partial: make([][]int, len(p.Workloads))}
	for i := range p.Workloads {
		pl.patterns[i], pl.complete[i] = p.Workloads[i].patterns(o)
		for k := range pl.patterns[i] {
			pl.patterns[i][k].uses = pl.rows.uses(&p.Workloads[i], pl.patterns[i][k].replicas)
		}
		pl.chosen[i] = -1
	}
	return pl
}

func (pl *planner) plan() Plan {
	pl.result.Proven = true
	switch {
	case pl.options.Policy == MaxMinFair:
		pl.serve(pl.all())
		if slices.Contains(pl.chosen, -1) {
			pl.fair()
		}
	case pl.options.Policy == None || pl.options.Delayed:
		pl.serve(pl.all())
		pl.bestEffort(pl.unserved())
	default:
		pl.serveByPriority()
	}
	pl.report()
	return pl.result
}

func (pl *planner) all() []int {
	all := make([]int, len(pl.problem.Workloads))
	for i := range all {
		all[i] = i
	}
	return all
}

func (pl *planner) unserved() []int {
	return slices.DeleteFunc(pl.all(), func(i int) bool { return pl.chosen[i] >= 0 || pl.partial[i] != nil })
}

// serveByPriority settles one priority after the other, the best effort of each before the next.
func (pl *planner) serveByPriority() {
	for _, group := range pl.groups(pl.all()) {
		pl.serve(group)
		pl.bestEffort(slices.DeleteFunc(slices.Clone(group), func(i int) bool { return pl.chosen[i] >= 0 }))
	}
}

// groups splits workloads, which are in the order of priorities, by priority.
func (pl *planner) groups(workloads []int) [][]int {
	var groups [][]int
	for _, i := range workloads {
		last := len(groups) - 1
		if last >= 0 && pl.problem.Workloads[groups[last][0]].Priority == pl.problem.Workloads[i].Priority {
			groups[last] = append(groups[last], i)
			continue
		}
		groups = append(groups, []int{i})
	}
	return groups
}
