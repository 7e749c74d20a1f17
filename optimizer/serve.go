package optimizer

import "slices"

// serve chooses patterns for workloads within what the others leave: as many as can be by priority, then as cheaply as can be.
func (pl *planner) serve(workloads []int) {
	limits := pl.room()
	groups := pl.count(nil, pl.groups(workloads), limits)
	m := pl.pricing(groups, limits)
	s := m.program.solve(pl.options.Nodes, m.start(pl))
	pl.take(m, s)
	if slices.ContainsFunc(workloads, func(i int) bool { return !pl.complete[i] }) {
		pl.result.Proven, s.bound = false, pl.loose(groups)
	}
	pl.result.LowerBound += max(s.bound, 0)
}

// count settles how many workloads of each group can be served, the more important ones first. Groups that can all be served together are settled at once.
func (pl *planner) count(before []settled, groups [][]int, limits []float64) []settled {
	if len(groups) == 0 {
		return before
	}
	all := slices.Concat(groups...)
	m := pl.counting(before, all, limits)
	nodes := pl.options.Nodes
	if len(groups) > 1 {
		nodes = 0
	}
	s := m.program.solve(nodes, m.start(pl))
	served := 0
	for k := len(m.workloads) - len(all); k < len(m.workloads); k++ {
		if m.pattern[k][s.selected[k]] >= 0 {
			served++
		}
	}
	if len(groups) > 1 && served < len(all) {
		half := len(groups) / 2
		return pl.count(pl.count(before, groups[:half], limits), groups[half:], limits)
	}
	pl.take(m, s)
	if len(groups) == 1 {
		return append(before, settled{all, served})
	}
	for _, g := range groups {
		before = append(before, settled{g, len(g)})
	}
	return before
}

// take notes the patterns that a solution selects.
func (pl *planner) take(m model, s solution) {
	pl.result.Nodes += s.nodes
	pl.result.Proven = pl.result.Proven && s.proven
	for k, i := range m.workloads {
		pl.chosen[i] = m.pattern[k][s.selected[k]]
	}
}

// loose bounds what serving as many workloads of each group takes where not all of their patterns are listed, so that the program's own bound holds for the listed ones alone.
func (pl *planner) loose(groups []settled) float64 {
	bound := 0.0
	for _, g := range groups {
		var extra []float64 // what serving a workload takes more than not serving it
		for _, i := range g.workloads {
			nothing := pl.nothing(i)
			bound += nothing
			switch {
			case !pl.complete[i]:
				extra = append(extra, pl.problem.Workloads[i].fractional()-nothing)
			case len(pl.patterns[i]) > 0:
				extra = append(extra, pl.patterns[i][0].value()-nothing)
			}
		}
		slices.Sort(extra)
		for _, e := range extra[:g.served] {
			bound += e
		}
	}
	return bound
}
