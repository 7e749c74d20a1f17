package optimizer

import (
	"cmp"
	"maps"
	"slices"
)

// rows are the limits of a problem: devices by type, then quotas, then budgets.
type rows struct {
	limits []float64
	types  map[string]int // row of a device type; absent = none there, or no limit
	none   int            // row of the types that are not listed; −1 = no limit
	quotas []Quota
	budget []Budget
	first  int // row of the first quota
}

func newRows(p Problem) rows {
	r := rows{types: map[string]int{}, none: -1, quotas: p.Quotas, budget: p.Budgets}
	if !p.Capacity.Unlimited {
		devices := slices.SortedFunc(slices.Values(p.Capacity.Devices), func(a, b Devices) int { return cmp.Compare(a.Type, b.Type) })
		for _, d := range devices {
			r.types[d.Type] = len(r.limits)
			r.limits = append(r.limits, float64(d.Count))
		}
		r.none = len(r.limits)
		r.limits = append(r.limits, 0)
	}
	r.first = len(r.limits)
	for _, q := range p.Quotas {
		r.limits = append(r.limits, float64(q.Devices))
	}
	for _, b := range p.Budgets {
		r.limits = append(r.limits, b.PerHour)
	}
	return r
}

// device returns the row that counts a type; −1 where there is no limit.
func (r rows) device(kind string) int {
	if row, ok := r.types[kind]; ok {
		return row
	}
	return r.none
}

// uses returns what replicas of a workload's candidates take of every row.
func (r rows) uses(w *Workload, replicas []int) []use {
	if len(r.limits) == 0 {
		return nil
	}
	amounts := map[int]float64{}
	for i, n := range replicas {
		if n == 0 {
			continue
		}
		c := w.Candidates[i]
		devices := float64(n * c.Devices)
		if row := r.device(c.Type); row >= 0 {
			amounts[row] += devices
		}
		for k, q := range r.quotas {
			if (q.Namespace == "" || q.Namespace == w.Namespace) && (q.Class == "" || q.Class == w.Class) && slices.Contains(q.Types, c.Type) {
				amounts[r.first+k] += devices
			}
		}
		for k, b := range r.budget {
			if b.Class == "" || b.Class == w.Class {
				amounts[r.first+len(r.quotas)+k] += float64(n) * c.Cost
			}
		}
	}
	var uses []use
	for _, row := range slices.Sorted(maps.Keys(amounts)) {
		uses = append(uses, use{row, amounts[row]})
	}
	return uses
}

// model is a program over some workloads, with what its choices mean.
type model struct {
	program   program
	workloads []int
	pattern   [][]int // of each item and choice; −1 = nothing
}

// settled is a group of workloads of which it is known how many can be served, but not yet which.
type settled struct {
	workloads []int
	served    int
}

// counting builds the program that serves as much as can be of some groups by the worth of their workloads, beside as many of each group before as it says. Of plans that
// serve the same those are preferred that use little of what is scarce, since it is easier to find one more from there.
func (pl *planner) counting(before []settled, groups [][]int, worth, limits []float64) model {
	m := model{program: program{limits: slices.Clone(limits), least: 1 - 2*blur, counts: true}}
	for _, g := range before {
		m.add(pl, g)
	}
	counted := len(m.workloads)
	for _, g := range groups {
		m.add(pl, settled{g, -1})
	}
	total, dearest := 1e-6, pl.dearest(m.workloads)
	for _, choices := range m.program.items {
		most := 0.0
		for j := range choices {
			choices[j].value = 1e-3 * choices[j].value / dearest
			for _, u := range choices[j].uses {
				choices[j].value += u.amount / max(m.program.limits[u.row], 1)
			}
			most = max(most, choices[j].value)
		}
		total += most
	}
	for _, choices := range m.program.items {
		for j := range choices {
			choices[j].value *= blur / total
		}
	}
	for k, g := range groups {
		for range g {
			choices := m.program.items[counted]
			choices[len(choices)-1].value += worth[k] // nothing comes last
			counted++
		}
	}
	return m
}

// pricing builds the program that serves as many of each group as it says, as cheaply as can be.
func (pl *planner) pricing(groups []settled, limits []float64) model {
	m := model{program: program{limits: slices.Clone(limits)}}
	for _, g := range groups {
		m.add(pl, g)
	}
	m.program.least = 1e-9 * pl.dearest(m.workloads)
	return m
}

// add brings the workloads of a group into the program, and a row for those that go without where it takes one. Patterns that do not fit even alone are left out.
func (m *model) add(pl *planner, g settled) {
	row := -1
	if 0 < g.served && g.served < len(g.workloads) {
		row = len(m.program.limits)
		m.program.limits = append(m.program.limits, float64(len(g.workloads)-g.served))
	}
	for _, i := range g.workloads {
		var choices []choice
		var meaning []int
		for k, p := range pl.patterns[i] {
			c := choice{p.value(), p.uses}
			if g.served != 0 && c.fits(m.program.limits) {
				choices, meaning = append(choices, c), append(meaning, k)
			}
		}
		if g.served < len(g.workloads) {
			c := choice{value: pl.nothing(i)}
			if row >= 0 {
				c.uses = []use{{row, 1}}
			}
			choices, meaning = append(choices, c), append(meaning, -1)
		}
		m.program.items, m.pattern, m.workloads = append(m.program.items, choices), append(m.pattern, meaning), append(m.workloads, i)
	}
}

// dearest bounds what any selection of patterns costs.
func (pl *planner) dearest(workloads []int) float64 {
	sum := 1e-6
	for _, i := range workloads {
		most := 0.0
		for _, p := range pl.patterns[i] {
			most = max(most, p.value())
		}
		sum += most
	}
	return sum
}

// start is the selection that the planner has now.
func (m model) start(pl *planner) []int {
	selected := make([]int, len(m.workloads))
	for k, i := range m.workloads {
		selected[k] = slices.Index(m.pattern[k], pl.chosen[i])
	}
	return selected
}

// room is what the patterns and the best effort of the workloads so far leave of the limits.
func (pl *planner) room() []float64 {
	room := slices.Clone(pl.rows.limits)
	for i := range pl.problem.Workloads {
		for _, u := range pl.rows.uses(&pl.problem.Workloads[i], pl.replicas(i)) {
			room[u.row] -= u.amount
		}
	}
	return room
}

// replicas returns what a workload has been given so far, by candidate.
func (pl *planner) replicas(i int) []int {
	if pl.chosen[i] >= 0 {
		return pl.patterns[i][pl.chosen[i]].replicas
	}
	return pl.partial[i]
}
