package optimizer

import (
	"cmp"
	"slices"
)

// bestEffort shares what is left among workloads that cannot be served in full, which are in the order of priorities.
func (pl *planner) bestEffort(workloads []int) {
	switch pl.options.Policy {
	case PriorityExhaustive:
		for _, i := range workloads {
			pl.fill([]int{i})
		}
	case PriorityRoundRobin:
		for _, group := range pl.groups(workloads) {
			pl.fill(group)
		}
	case RoundRobin:
		pl.fill(workloads)
	}
}

// fill gives the workloads one replica in turn, each of the candidate that it began with, until none takes another.
func (pl *planner) fill(workloads []int) {
	room := pl.room()
	for given := true; given; {
		given = false
		for _, i := range workloads {
			if pl.addReplica(i, room) {
				given = true
			}
		}
	}
}

// addReplica gives a workload one more replica of the candidate with the least cost for the rate it carries, among those that there is room for; a
// single-accelerator workload keeps to its first.
func (pl *planner) addReplica(i int, room []float64) bool {
	w := &pl.problem.Workloads[i]
	if pl.share(i) >= 1 {
		return false
	}
	for _, k := range w.byEfficiency() {
		if !pl.options.Mixed && pl.partial[i] != nil && !pl.began(i, k) {
			continue
		}
		one := make([]int, len(w.Candidates))
		one[k] = 1
		c := choice{uses: pl.rows.uses(w, one)}
		if pl.full(i, k) || !c.fits(room) {
			continue
		}
		c.take(room, 1)
		if pl.partial[i] == nil {
			pl.partial[i] = make([]int, len(w.Candidates))
		}
		pl.partial[i][k]++
		return true
	}
	return false
}

// began tells whether the workload's best effort is on candidate k, or on none yet.
func (pl *planner) began(i, k int) bool {
	for j, n := range pl.partial[i] {
		if n > 0 {
			return j == k
		}
	}
	return true
}

func (pl *planner) full(i, k int) bool {
	w := &pl.problem.Workloads[i]
	total := 0
	for _, n := range pl.partial[i] {
		total += n
	}
	if w.Max > 0 && total >= w.Max {
		return true
	}
	c := w.Candidates[k]
	return c.Max > 0 && pl.partial[i] != nil && pl.partial[i][k] >= c.Max
}

// share is the part of a workload's load that its replicas serve; 1 without load, once it has its minimum.
func (pl *planner) share(i int) float64 {
	w := &pl.problem.Workloads[i]
	rate, total := 0.0, 0
	for k, n := range pl.replicas(i) {
		rate += float64(n) * w.Candidates[k].Rate
		total += n
	}
	if w.Rate <= 0 {
		if w.Min == 0 {
			return 1
		}
		return min(1, float64(total)/float64(w.Min))
	}
	return min(1, rate/(w.Rate*(1-1e-12)))
}

// byEfficiency lists the candidates by what a unit of rate costs, then by name.
func (w *Workload) byEfficiency() []int {
	order := make([]int, len(w.Candidates))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		x, y := w.Candidates[a], w.Candidates[b]
		return cmp.Or(cmp.Compare(x.Cost*y.Rate, y.Cost*x.Rate), cmp.Compare(x.Name, y.Name))
	})
	return order
}

// fair makes the smallest share as large as it can be: everybody starts from nothing, and the one with the smallest share is given the next replica, from
// what is free or from who has more and keeps more than that.
func (pl *planner) fair() {
	for i := range pl.problem.Workloads {
		pl.chosen[i] = -1
		pl.partial[i] = make([]int, len(pl.problem.Workloads[i].Candidates))
	}
	room := pl.room()
	stuck := make([]bool, len(pl.partial))
	for {
		poorest := -1
		for i := range stuck {
			if !stuck[i] && pl.share(i) < 1 && (poorest < 0 || pl.share(i) < pl.share(poorest)) {
				poorest = i
			}
		}
		if poorest < 0 {
			break
		}
		switch {
		case pl.addReplica(poorest, room):
		case pl.takeFromRicher(poorest, room):
			clear(stuck) // what was taken and not needed may help another
		default:
			stuck[poorest] = true
		}
	}
	for i := range pl.partial {
		if pl.share(i) >= 1 {
			pl.adopt(i)
		}
	}
}

// takeFromRicher moves room from a workload that stays better off than the poor one is now.
func (pl *planner) takeFromRicher(poor int, room []float64) bool {
	before := pl.share(poor)
	for i := range pl.partial {
		w := &pl.problem.Workloads[i]
		for k, n := range pl.partial[i] {
			if i == poor || n == 0 {
				continue
			}
			one := make([]int, len(w.Candidates))
			one[k] = 1
			c := choice{uses: pl.rows.uses(w, one)}
			pl.partial[i][k]--
			c.take(room, -1)
			if pl.share(i) > before && pl.addReplica(poor, room) {
				return true
			}
			pl.partial[i][k]++
			c.take(room, 1)
		}
	}
	return false
}

// adopt turns the replicas of a workload that is served in full into its pattern, so that they are priced and explained as one.
func (pl *planner) adopt(i int) {
	w := &pl.problem.Workloads[i]
	pl.patterns[i] = append(pl.patterns[i], w.price(slices.Clone(pl.partial[i]), pl.options))
	pl.chosen[i] = len(pl.patterns[i]) - 1
	pl.partial[i] = nil
}
