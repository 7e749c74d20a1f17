package optimizer

import (
	"cmp"
	"math"
	"slices"
)

// pattern is one way to serve a workload in full: replicas of each of its candidates.
type pattern struct {
	replicas []int   // by candidate
	cost     float64 // per hour
	penalty  float64
	moves    bool  // whether accelerators change
	uses     []use // of the rows
}

func (p pattern) value() float64 { return p.cost + p.penalty }

// maxPatterns bounds the ways to mix that are looked at for one workload; beyond it only mixes of two candidates are, and where there are too many of those as
// well, only those in which the second candidate carries a small part.
const maxPatterns = 4000

// patterns lists the ways to serve a workload, the best first: by value, then those that stay, then by name. None that uses more of
// some candidate and less of none is among them. It tells whether the list is complete.
func (w *Workload) patterns(o Options) (list []pattern, complete bool) {
	f := w.from(o)
	complete = true
	if o.Mixed && len(w.Candidates) > 1 {
		list = w.mixes(len(w.Candidates), &f)
		if len(list) > maxPatterns {
			complete = false
			list = w.mixes(2, &f)
		}
		if len(list) > maxPatterns {
			list = append(w.singles(&f), w.tails(&f)...)
		}
	} else {
		list = w.singles(&f)
	}
	if w.Keep && len(w.Current) > 0 {
		if kept := slices.DeleteFunc(slices.Clone(list), func(p pattern) bool { return p.moves }); len(kept) > 0 {
			list = kept
		}
	}
	slices.SortStableFunc(list, func(a, b pattern) int {
		return cmp.Or(compareValue(a.value(), b.value()), cmp.Compare(b2i(a.moves), b2i(b.moves)))
	})
	return list, complete
}

// fractional is what no way to serve the workload can undercut, on the list or not: its minimums, and the rest of the load in fractions of the replicas that carry it
// most cheaply.
func (w *Workload) fractional() float64 {
	bound, rest, cheapest := 0.0, w.Rate, math.Inf(1)
	for _, c := range w.Candidates {
		bound += float64(c.Min) * c.Cost
		rest -= float64(c.Min) * c.Rate
		cheapest = min(cheapest, c.Cost/c.Rate)
	}
	return bound + max(rest, 0)*cheapest
}

// compareValue orders values that differ by more than rounding.
func compareValue(a, b float64) int {
	if math.Abs(a-b) <= 1e-9*max(math.Abs(a), math.Abs(b)) {
		return 0
	}
	return cmp.Compare(a, b)
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// floor is the replicas that every pattern has: the minimum of each candidate.
func (w *Workload) floor() []int {
	replicas := make([]int, len(w.Candidates))
	for i, c := range w.Candidates {
		replicas[i] = c.Min
	}
	return replicas
}

// cover returns the replicas of candidate i that serve what the minimums of the others leave; false where its maximum, or the workload's, is in the way.
func (w *Workload) cover(i int) (int, bool) {
	rate, total := w.Rate, 0
	for j, c := range w.Candidates {
		if j != i {
			rate -= float64(c.Min) * c.Rate
			total += c.Min
		}
	}
	c := w.Candidates[i]
	n := max(replicasFor(rate, c.Rate), c.Min, w.Min-total)
	return n, w.allows(i, n, total)
}

// replicasFor returns the replicas that carry a rate; a rounding error more than a whole number is none.
func replicasFor(rate, each float64) int {
	return max(0, int(math.Ceil(rate/each*(1-1e-12))))
}

func (w *Workload) allows(i, n, others int) bool {
	c := w.Candidates[i]
	return (c.Max == 0 || n <= c.Max) && (w.Max == 0 || n+others <= w.Max)
}

// mixes lists the covers by up to so many candidates from which no replica can be taken away.
func (w *Workload) mixes(kinds int, f *origin) []pattern {
	var list []pattern
	replicas := w.floor()
	var walk func(i, used int)
	walk = func(i, used int) {
		if len(list) > maxPatterns {
			return
		}
		if i == len(w.Candidates) {
			if w.covers(replicas) && w.minimal(replicas) {
				list = append(list, f.price(slices.Clone(replicas)))
			}
			return
		}
		c := w.Candidates[i]
		need := max(c.Min, replicasFor(w.remaining(replicas, i), c.Rate), w.Min-w.others(replicas, i))
		if c.Max > 0 {
			need = min(need, c.Max)
		}
		from := c.Min
		if used+1 >= kinds || i == len(w.Candidates)-1 { // the last to join brings all that is still needed
			replicas[i] = c.Min
			walk(i+1, used)
			from = max(need, c.Min+1)
		}
		for n := from; n <= need; n++ {
			replicas[i] = n
			if extra := used + b2i(n > c.Min); extra <= kinds {
				walk(i+1, extra)
			}
		}
		replicas[i] = c.Min
	}
	walk(0, 0)
	return list
}

// singles lists the covers by one candidate.
func (w *Workload) singles(f *origin) []pattern {
	var list []pattern
	for i := range w.Candidates {
		if n, ok := w.cover(i); ok {
			replicas := w.floor()
			replicas[i] = n
			list = append(list, f.price(replicas))
		}
	}
	return list
}

// tails lists the covers in which one candidate carries all but the last few of its replicas, and another the rest: with many replicas the cheapest mix
// is the cheapest candidate for its rate, and something smaller where its last replicas would be half empty.
func (w *Workload) tails(f *origin) []pattern {
	var list []pattern
	n := len(w.Candidates)
	longest := max(1, maxPatterns/(n*(n-1)))
	for i := range w.Candidates {
		all, _ := w.cover(i)
		if w.Candidates[i].Max > 0 {
			all = min(all, w.Candidates[i].Max+1)
		}
		for j := range w.Candidates {
			for k := all - 1; j != i && k > max(w.Candidates[i].Min, all-1-longest); k-- {
				replicas := w.floor()
				replicas[i] = k
				replicas[j] = max(replicasFor(w.remaining(replicas, j), w.Candidates[j].Rate), w.Min-w.others(replicas, j), w.Candidates[j].Min)
				if w.allows(j, replicas[j], w.others(replicas, j)) && w.minimal(replicas) {
					list = append(list, f.price(replicas))
				}
			}
		}
	}
	return list
}

// remaining is the rate that candidates other than i leave, those after i at their minimum.
func (w *Workload) remaining(replicas []int, i int) float64 {
	rate := w.Rate
	for j, n := range replicas {
		if j != i {
			rate -= float64(n) * w.Candidates[j].Rate
		}
	}
	return max(rate, 0)
}

// others counts the replicas of candidates other than i.
func (w *Workload) others(replicas []int, i int) int {
	total := -replicas[i]
	for _, n := range replicas {
		total += n
	}
	return total
}

func (w *Workload) covers(replicas []int) bool {
	rate, total := 0.0, 0
	for i, n := range replicas {
		rate += float64(n) * w.Candidates[i].Rate
		total += n
	}
	return rate >= w.Rate*(1-1e-12) && total >= w.Min && (w.Max == 0 || total <= w.Max)
}

// minimal tells whether no replica beyond the minimums can be taken away.
func (w *Workload) minimal(replicas []int) bool {
	for i := range replicas {
		if replicas[i] == w.Candidates[i].Min {
			continue
		}
		replicas[i]--
		still := w.covers(replicas)
		replicas[i]++
		if still {
			return false
		}
	}
	return true
}

// price works out cost and transition penalty. A change of count on one accelerator is free. Otherwise the penalty is that part of the cost of what is
// taken away and of what is added; for a change from one accelerator to another that is all of the old and the new, as published, and for a first allocation
// all of the new. What is taken away counts at what the old accelerator would need for the load of today: that makes the penalty a
// distance, so that no detour is cheaper than the way, and a plan that has been carried out stays. The greedy solver counts what runs.
func (w *Workload) price(replicas []int, o Options) pattern {
	f := w.from(o)
	return f.price(replicas)
}

// origin is what a workload runs on now, as far as the price of its patterns depends on it.
type origin struct {
	workload *Workload
	options  Options
	current  []int   // by candidate
	from     []int   // what changes are counted from
	running  bool    // whether it runs on anything
	leaves   bool    // whether some of that is no candidate any more
	cost     float64 // of what runs on candidates
}

func (w *Workload) from(o Options) origin {
	current, others := w.current()
	f := origin{workload: w, options: o, current: current, from: current, running: others > 0, leaves: others > 0, cost: w.currentCost(current)}
	kinds, only := 0, -1
	for i, n := range current {
		if n > 0 {
			f.running, only = true, i
			kinds++
		}
	}
	if !o.Greedy && kinds == 1 && others == 0 {
		if n, ok := w.cover(only); ok {
			f.from = w.floor()
			f.from[only] = n
		}
	}
	return f
}

func (f *origin) price(replicas []int) pattern {
	p := pattern{replicas: replicas}
	moves, moved := f.leaves, 0.0
	for i, n := range replicas {
		cost := f.workload.Candidates[i].Cost
		p.cost += float64(n) * cost
		moves = moves || (n > 0) != (f.current[i] > 0)
		if !f.options.Greedy || (n > 0) != (f.from[i] > 0) {
			moved += math.Abs(float64(n-f.from[i])) * cost
		}
	}
	p.moves = f.running && moves
	p.penalty = f.options.Penalty * moved
	if p.moves {
		p.penalty += f.options.Hysteresis * f.cost
	}
	return p
}

// current returns the replicas that run now by candidate, and those of candidates that the workload no longer has.
func (w *Workload) current() (byCandidate []int, others int) {
	byCandidate = make([]int, len(w.Candidates))
	for _, a := range w.Current {
		i := slices.IndexFunc(w.Candidates, func(c Candidate) bool { return c.Name == a.Candidate })
		if i < 0 {
			others += a.Replicas
			continue
		}
		byCandidate[i] += a.Replicas
	}
	return byCandidate, others
}

func (w *Workload) currentCost(current []int) float64 {
	cost := 0.0
	for i, n := range current {
		cost += float64(n) * w.Candidates[i].Cost
	}
	return cost
}
