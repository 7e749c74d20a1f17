package optimizer

import "slices"

// serve chooses patterns for workloads within what the others leave: as many as can be by priority, then as cheaply as can be. A third of the nodes is kept for that.
func (pl *planner) serve(workloads []int) {
	limits := pl.room()
	if len(limits) == 0 {
		pl.serveFreely(workloads)
		return
	}
	pl.left = pl.options.Nodes - pl.options.Nodes/3
	groups := pl.count(nil, pl.groups(workloads), limits)
	m := pl.pricing(groups, limits)
	s := m.program.solve(max(1, pl.options.Nodes/3), m.start(pl))
	pl.take(m, s)
	if slices.ContainsFunc(workloads, func(i int) bool { return !pl.complete[i] }) {
		pl.result.Proven, s.bound = false, pl.loose(groups)
	}
	pl.result.LowerBound += max(s.bound, 0)
}

// serveFreely chooses for every workload its best pattern.
func (pl *planner) serveFreely(workloads []int) {
	bound := 0.0
	for _, i := range workloads {
		switch {
		case len(pl.patterns[i]) == 0:
			bound += pl.nothing(i)
			continue
		case pl.complete[i]:
			bound += pl.patterns[i][0].value()
		default:
			bound += pl.problem.Workloads[i].fractional()
			pl.result.Proven = false
		}
		pl.chosen[i] = 0
	}
	pl.result.LowerBound += bound
}

// widest is the largest worth of a workload in units of the least important one, where several groups are counted in one sum.
const widest = 1e4

// count settles how many workloads of each group can be served, the more important ones first. Groups that can all be served are settled at once; the others one by one, or
// several in one sum of worths where they are small: a workload is worth more than all less important ones together.
func (pl *planner) count(before []settled, groups [][]int, limits []float64) []settled {
	if len(groups) == 0 {
		return before
	}
	worth := make([]float64, len(groups))
	for g, next := len(groups)-1, 1.0; g >= 0; g-- {
		worth[g], next = next, next*float64(len(groups[g])+1)
	}
	halve := worth[0] > widest
	if halve {
		for g := range worth {
			worth[g] = 1 // whether all can be served is all that is asked
		}
	}
	m := pl.counting(before, groups, worth, limits)
	nodes := 0
	if !halve {
		nodes = (pl.left + 1) / 2
	}
	s := m.program.solve(nodes, m.start(pl))
	if !halve {
		pl.left = max(0, pl.left-s.nodes)
	}
	if halve && m.program.value(s.selected) >= 1 {
		half := len(groups) / 2
		return pl.count(pl.count(before, groups[:half], limits), groups[half:], limits)
	}
	pl.take(m, s)
	for _, g := range groups {
		unserved := 0
		for _, i := range g {
			unserved += b2i(pl.chosen[i] < 0)
		}
		before = append(before, settled{g, len(g) - unserved})
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
