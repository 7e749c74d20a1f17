package optimizer_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/wva-go/wva/optimizer"
)

// outcome orders plans: the workloads served of each priority, the most important first, and then cost with penalty.
type outcome struct {
	served []int
	value  float64
}

func (a outcome) compare(b outcome) int {
	if c := slices.Compare(b.served, a.served); c != 0 {
		return c
	}
	switch {
	case math.Abs(a.value-b.value) < 1e-6:
		return 0
	case a.value < b.value:
		return -1
	}
	return 1
}

// tight draws a small problem with too few devices.
func tight(r *rand.Rand, mixed bool) optimizer.Problem {
	types := []string{"A", "B", "C"}
	n := 1 + r.IntN(6)
	if mixed {
		n = 1 + r.IntN(4)
	}
	var p optimizer.Problem
	for i := range n {
		w := optimizer.Workload{Name: fmt.Sprintf("w%d", i), Class: fmt.Sprintf("c%d", r.IntN(2)), Priority: 1 + r.IntN(3), Rate: float64(1 + r.IntN(9)), Min: r.IntN(2)}
		for k, kind := range types {
			if k > 0 && r.IntN(4) == 0 {
				continue
			}
			w.Candidates = append(w.Candidates, optimizer.Candidate{Name: kind, Type: kind, Devices: 1 + r.IntN(2), Cost: float64(5 + r.IntN(40)), Rate: float64(2 + r.IntN(6))})
		}
		if r.IntN(2) == 0 {
			c := w.Candidates[r.IntN(len(w.Candidates))]
			w.Current = []optimizer.Allocation{{Candidate: c.Name, Replicas: 1 + r.IntN(3)}}
		}
		p.Workloads = append(p.Workloads, w)
	}
	for _, kind := range types {
		p.Capacity.Devices = append(p.Capacity.Devices, optimizer.Devices{Type: kind, Count: r.IntN(7)})
	}
	if r.IntN(4) == 0 {
		p.Quotas = append(p.Quotas, optimizer.Quota{Class: "c1", Types: []string{"A", "B"}, Devices: r.IntN(6)})
	}
	if r.IntN(4) == 0 {
		p.Budgets = append(p.Budgets, optimizer.Budget{PerHour: float64(50 + r.IntN(150))})
	}
	return p
}

// option is one way to serve a workload, worked out without the package's help.
type option struct {
	replicas []int
	value    float64
}

func optionsOf(w optimizer.Workload, mixed bool) []option {
	var list []option
	counts := make([]int, len(w.Candidates))
	var walk func(k int)
	walk = func(k int) {
		if k == len(counts) {
			rate, total, kinds := 0.0, 0, 0
			for i, n := range counts {
				rate += float64(n) * w.Candidates[i].Rate
				total += n
				if n > 0 {
					kinds++
				}
			}
			if rate >= w.Rate && total >= w.Min && (mixed || kinds <= 1) {
				list = append(list, option{slices.Clone(counts), value(w, counts)})
			}
			return
		}
		for n := 0; n <= max(int(math.Ceil(w.Rate/w.Candidates[k].Rate)), w.Min); n++ {
			counts[k] = n
			walk(k + 1)
		}
		counts[k] = 0
	}
	walk(0)
	return list
}

func value(w optimizer.Workload, counts []int) float64 {
	cost, moved := 0.0, 0.0
	for i, n := range counts {
		c := w.Candidates[i]
		old := 0
		if len(w.Current) > 0 && w.Current[0].Candidate == c.Name { // counted at what it would need today
			old = max(int(math.Ceil(w.Rate/c.Rate)), w.Min)
		}
		cost += float64(n) * c.Cost
		moved += math.Abs(float64(n-old)) * c.Cost
	}
	return cost + 0.1*moved
}

// brute tries everything that fits.
func brute(p optimizer.Problem, mixed bool) outcome {
	room := map[string]int{}
	for _, d := range p.Capacity.Devices {
		room[d.Type] = d.Count
	}
	quota := make([]int, len(p.Quotas))
	for i, q := range p.Quotas {
		quota[i] = q.Devices
	}
	budget := math.Inf(1)
	if len(p.Budgets) > 0 {
		budget = p.Budgets[0].PerHour
	}
	options := make([][]option, len(p.Workloads))
	for i, w := range p.Workloads {
		options[i] = optionsOf(w, mixed)
	}
	best := outcome{served: []int{-1, -1, -1}}
	now := outcome{served: make([]int, 3)}
	var walk func(i int)
	walk = func(i int) {
		if i == len(p.Workloads) {
			if now.compare(best) < 0 {
				best = outcome{slices.Clone(now.served), now.value}
			}
			return
		}
		w := p.Workloads[i]
		nothing := value(w, make([]int, len(w.Candidates)))
		now.value += nothing
		walk(i + 1)
		now.value -= nothing
		for _, o := range options[i] {
			fits, cost := true, 0.0
			apply := func(sign int) {
				for k, n := range o.replicas {
					c := w.Candidates[k]
					room[c.Type] -= sign * n * c.Devices
					fits = fits && room[c.Type] >= 0
					for q := range quota {
						if w.Class == p.Quotas[q].Class && slices.Contains(p.Quotas[q].Types, c.Type) {
							quota[q] -= sign * n * c.Devices
							fits = fits && quota[q] >= 0
						}
					}
				}
			}
			for k, n := range o.replicas {
				cost += float64(n) * w.Candidates[k].Cost
			}
			apply(1)
			budget -= cost
			if fits && budget > -1e-9 {
				now.served[w.Priority-1]++
				now.value += o.value
				walk(i + 1)
				now.served[w.Priority-1]--
				now.value -= o.value
			}
			apply(-1)
			budget += cost
		}
	}
	walk(0)
	return best
}

func outcomeOf(p optimizer.Problem, plan optimizer.Plan) outcome {
	o := outcome{served: make([]int, 3)}
	for _, w := range p.Workloads {
		a, _ := plan.Assignment(w.Name)
		if a.Served >= 1 {
			o.served[w.Priority-1]++
		}
		{
			counts := make([]int, len(w.Candidates))
			for i, c := range w.Candidates {
				counts[i] = a.Replicas(c.Name)
			}
			o.value += value(w, counts)
		}
	}
	return o
}

func TestAgainstBruteForce(t *testing.T) {
	for _, mixed := range []bool{false, true} {
		t.Run(fmt.Sprintf("mixed %v", mixed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(7, 11))
			for n := range 1500 {
				p := tight(r, mixed)
				o := optimizer.DefaultOptions()
				o.Mixed = mixed
				plan, err := optimizer.Optimize(p, o)
				if err != nil {
					t.Fatal(err)
				}
				want, got := brute(p, mixed), outcomeOf(p, plan)
				if got.compare(want) != 0 || !plan.Proven || plan.Gap != 0 {
					t.Fatalf("instance %d: got %+v (proven %v, gap %g), want %+v\n%+v\n%+v", n, got, plan.Proven, plan.Gap, want, p, plan)
				}
			}
		})
	}
}
