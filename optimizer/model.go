package optimizer

import (
	"cmp"
	"iter"
	"maps"
	"math"
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

// band is a set of workloads that are settled together, and what serving each is worth.
type band struct {
	workloads []int
	worth     map[int]float64
}

// widest is the largest ratio of worths within a band: beyond it a difference in cost would drown in rounding.
const widest = 1e9

// bands gives every workload a worth above that of all less important ones and of all costs together, so that one sum of values orders selections by
// priority first. Where there are too many priorities for that, the more important ones are settled first.
func (pl *planner) bands(workloads []int) []band {
	groups := pl.groups(workloads)
	var bands []band
	for from := 0; from < len(groups); {
		to, span := from, 1.0
		for to < len(groups) && (to == from || span*float64(len(groups[to])+1) <= widest) {
			span *= float64(len(groups[to]) + 1)
			to++
		}
		b := band{worth: map[int]float64{}}
		worth := 1.5 * pl.dearest(workloads) // of all, since more important ones may have to move
		for g := to - 1; g >= from; g-- {
			for _, i := range groups[g] {
				b.worth[i] = worth
			}
			worth *= float64(len(groups[g]) + 1)
		}
		for _, g := range groups[from:to] {
			b.workloads = append(b.workloads, g...)
		}
		bands = append(bands, b)
		from = to
	}
	return bands
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

// program builds the program of some workloads. A fixed workload is served if it is now, and not if it is not.
func (pl *planner) program(workloads []int, fixed map[int]bool, limits []float64, worth map[int]float64) model {
	m := model{workloads: workloads, program: program{limits: limits}}
	total := 0.0
	for _, i := range workloads {
		w := &pl.problem.Workloads[i]
		var choices []choice
		var meaning []int
		if !fixed[i] || pl.chosen[i] >= 0 {
			for k, p := range pl.patterns[i] {
				choices = append(choices, choice{p.value(), pl.rows.uses(w, p.replicas)})
				meaning = append(meaning, k)
			}
		}
		if !fixed[i] || pl.chosen[i] < 0 {
			choices = append(choices, choice{value: worth[i] + pl.nothing(i)})
			meaning = append(meaning, -1)
		}
		total += worth[i]
		m.program.items = append(m.program.items, choices)
		m.program.rank = append(m.program.rank, pl.rank(i, fixed))
		m.pattern = append(m.pattern, meaning)
	}
	m.program.eps = 1e-9*pl.dearest(workloads) + 1e-14*total
	return m
}

// rank is the priority of a workload; one whose service is settled comes before all that may go without.
func (pl *planner) rank(i int, fixed map[int]bool) int {
	if fixed[i] {
		return math.MinInt
	}
	return pl.problem.Workloads[i].Priority
}

// start is the selection that the planner has now; nil where it has none for some workload.
func (m model) start(pl *planner) []int {
	selected := make([]int, len(m.workloads))
	for k, i := range m.workloads {
		selected[k] = slices.Index(m.pattern[k], pl.chosen[i])
		if selected[k] < 0 {
			return nil
		}
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

func mapKeys(m map[int]bool) iter.Seq[int] { return maps.Keys(m) }
