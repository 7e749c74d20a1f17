package optimizer_test

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/wva-go/wva/optimizer"
)

func drawProblem(t *rapid.T) (optimizer.Problem, optimizer.Options) {
	o := optimizer.DefaultOptions()
	o.Mixed = rapid.Bool().Draw(t, "mixed")
	o.Policy = rapid.SampledFrom([]optimizer.Policy{optimizer.None, optimizer.PriorityExhaustive, optimizer.PriorityRoundRobin, optimizer.RoundRobin, optimizer.MaxMinFair}).Draw(t, "policy")
	o.Delayed = rapid.Bool().Draw(t, "delayed")
	return tight(rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1)), o.Mixed), o
}

func optimize(t *rapid.T, p optimizer.Problem, o optimizer.Options) optimizer.Plan {
	plan, err := optimizer.Optimize(p, o)
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

func candidateOf(w optimizer.Workload, name string) optimizer.Candidate {
	return w.Candidates[slices.IndexFunc(w.Candidates, func(c optimizer.Candidate) bool { return c.Name == name })]
}

func TestPropertyWithinLimits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, o := drawProblem(t)
		plan := optimize(t, p, o)
		used, quota, cost := map[string]int{}, make([]int, len(p.Quotas)), 0.0
		for _, w := range p.Workloads {
			a, _ := plan.Assignment(w.Name)
			for _, x := range a.Allocations {
				c := candidateOf(w, x.Candidate)
				used[c.Type] += x.Replicas * c.Devices
				cost += float64(x.Replicas) * c.Cost
				for k, q := range p.Quotas {
					if q.Class == w.Class && slices.Contains(q.Types, c.Type) {
						quota[k] += x.Replicas * c.Devices
					}
				}
			}
			if a.Reason.Message == "" {
				t.Fatalf("%s: no reason", w.Name)
			}
		}
		for _, d := range p.Capacity.Devices {
			if used[d.Type] > d.Count {
				t.Fatalf("%d of %d %s", used[d.Type], d.Count, d.Type)
			}
		}
		for k, q := range p.Quotas {
			if quota[k] > q.Devices {
				t.Fatalf("quota %d: %d of %d", k, quota[k], q.Devices)
			}
		}
		for _, b := range p.Budgets {
			if cost > b.PerHour+1e-6 {
				t.Fatalf("%g of %g an hour", cost, b.PerHour)
			}
		}
		if math.Abs(cost-plan.Cost) > 1e-6 {
			t.Fatalf("cost %g, said %g", cost, plan.Cost)
		}
	})
}

// More devices never cost the most important workloads anything.
func TestPropertyMoreCapacityNeverHurts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, o := drawProblem(t)
		o.Policy = optimizer.None
		before := outcomeOf(p, optimize(t, p, o))
		p.Capacity.Devices = slices.Clone(p.Capacity.Devices)
		p.Capacity.Devices[rapid.IntRange(0, len(p.Capacity.Devices)-1).Draw(t, "type")].Count += rapid.IntRange(1, 4).Draw(t, "more")
		if after := outcomeOf(p, optimize(t, p, o)); slices.Compare(after.served, before.served) < 0 {
			t.Fatalf("served %v by priority, and with more devices %v", before.served, after.served)
		}
	})
}

func TestPropertyCostsScale(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, o := drawProblem(t)
		plan := optimize(t, p, o)
		by := rapid.SampledFrom([]float64{0.25, 2, 64}).Draw(t, "by")
		for i := range p.Workloads {
			p.Workloads[i].Candidates = slices.Clone(p.Workloads[i].Candidates)
			for k := range p.Workloads[i].Candidates {
				p.Workloads[i].Candidates[k].Cost *= by
			}
		}
		for i := range p.Budgets {
			p.Budgets[i].PerHour *= by
		}
		scaled := optimize(t, p, o)
		if math.Abs(scaled.Cost-by*plan.Cost) > 1e-6*by*plan.Cost+1e-9 {
			t.Fatalf("cost %g, by %g it is %g", plan.Cost, by, scaled.Cost)
		}
		for i := range plan.Workloads {
			if diff := cmp.Diff(plan.Workloads[i].Allocations, scaled.Workloads[i].Allocations); diff != "" {
				t.Fatalf("%s: %s", plan.Workloads[i].Workload, diff)
			}
		}
	})
}

func TestPropertyOrderNeverMatters(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, o := drawProblem(t)
		plan := optimize(t, p, o)
		q := p
		q.Workloads = rapid.Permutation(p.Workloads).Draw(t, "workloads")
		q.Workloads = slices.Clone(q.Workloads)
		for i := range q.Workloads {
			q.Workloads[i].Candidates = rapid.Permutation(q.Workloads[i].Candidates).Draw(t, "candidates")
		}
		q.Capacity.Devices = rapid.Permutation(p.Capacity.Devices).Draw(t, "devices")
		a, _ := json.Marshal(plan)
		b, _ := json.Marshal(optimize(t, q, o))
		if string(a) != string(b) {
			t.Fatalf("%s\n%s", a, b)
		}
	})
}

// A plan that has been carried out is planned again as it is.
func TestPropertyPlanStays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, o := drawProblem(t)
		o.Policy = optimizer.None
		o.Penalty = rapid.SampledFrom([]float64{0.1, 0}).Draw(t, "penalty")
		plan := optimize(t, p, o)
		for i := range p.Workloads {
			a, _ := plan.Assignment(p.Workloads[i].Name)
			p.Workloads[i].Current = a.Allocations
		}
		again := optimize(t, p, o)
		for i, a := range plan.Workloads {
			if len(a.Allocations) == 0 {
				continue // what was not served has nothing to stay on
			}
			if diff := cmp.Diff(a.Allocations, again.Workloads[i].Allocations); diff != "" {
				t.Fatalf("%s: -first +again\n%s%+v\n%+v", a.Workload, diff, plan, again)
			}
		}
	})
}

// No share can rise by what is free.
func TestPropertyFair(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, o := drawProblem(t)
		o.Policy = optimizer.MaxMinFair
		p.Quotas, p.Budgets = nil, nil
		plan := optimize(t, p, o)
		free := map[string]int{}
		for _, d := range p.Capacity.Devices {
			free[d.Type] = d.Count
		}
		for _, w := range p.Workloads {
			a, _ := plan.Assignment(w.Name)
			for _, x := range a.Allocations {
				c := candidateOf(w, x.Candidate)
				free[c.Type] -= x.Replicas * c.Devices
			}
		}
		for _, w := range p.Workloads {
			a, _ := plan.Assignment(w.Name)
			for _, c := range w.Candidates {
				began := len(a.Allocations) == 0 || o.Mixed || a.Replicas(c.Name) > 0
				if a.Served < 1 && began && c.Devices <= free[c.Type] {
					t.Fatalf("%s is served %g and %d %s are free", w.Name, a.Served, free[c.Type], c.Type)
				}
			}
		}
	})
}

func TestRefuses(t *testing.T) {
	good := optimizer.Workload{Name: "good", Rate: 1, Candidates: []optimizer.Candidate{{Name: "A", Type: "A", Devices: 1, Cost: 1, Rate: 1}}}
	change := func(edit func(*optimizer.Workload)) optimizer.Workload {
		w := good
		w.Name = "bad"
		w.Candidates = slices.Clone(good.Candidates)
		edit(&w)
		return w
	}
	for _, tt := range []struct {
		want string
		bad  optimizer.Workload
	}{
		{`workload "bad": no candidate`, change(func(w *optimizer.Workload) { w.Candidates = nil })},
		{`workload "bad": candidate A: rate 0`, change(func(w *optimizer.Workload) { w.Candidates[0].Rate = 0 })},
		{`workload "bad": candidate A: rate NaN`, change(func(w *optimizer.Workload) { w.Candidates[0].Rate = math.NaN() })},
		{`workload "bad": rate NaN`, change(func(w *optimizer.Workload) { w.Rate = math.NaN() })},
		{`workload "bad": candidate A: cost -1`, change(func(w *optimizer.Workload) { w.Candidates[0].Cost = -1 })},
		{`workload "bad": candidate "A": want a name that occurs once`, change(func(w *optimizer.Workload) { w.Candidates = append(w.Candidates, w.Candidates[0]) })},
		{`workload "bad": min 3, max 2`, change(func(w *optimizer.Workload) { w.Min, w.Max = 3, 2 })},
	} {
		p := optimizer.Problem{Workloads: []optimizer.Workload{good, tt.bad}, Capacity: optimizer.Capacity{Unlimited: true}}
		if _, err := optimizer.Optimize(p, optimizer.DefaultOptions()); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("error = %v, want it to say %q", err, tt.want)
		}
		o := optimizer.DefaultOptions()
		o.Partial = true
		if plan, err := optimizer.Optimize(p, o); err == nil || len(plan.Workloads) != 1 || plan.Workloads[0].Served != 1 {
			t.Errorf("partial: %+v, %v", plan, err)
		}
	}
	for want, p := range map[string]optimizer.Problem{
		`workload "good": want a name that occurs once`: {Workloads: []optimizer.Workload{good, good}},
		"count -1":        {Capacity: optimizer.Capacity{Devices: []optimizer.Devices{{Type: "A", Count: -1}}}},
		"budget 0: NaN":   {Budgets: []optimizer.Budget{{PerHour: math.NaN()}}},
		"unlimited, with": {Capacity: optimizer.Capacity{Unlimited: true, Devices: []optimizer.Devices{{Type: "A"}}}},
		"quota 0: -1":     {Quotas: []optimizer.Quota{{Types: []string{"A"}, Devices: -1}}},
	} {
		if _, err := optimizer.Optimize(p, optimizer.DefaultOptions()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error = %v, want it to say %q", err, want)
		}
	}
	if _, err := optimizer.Optimize(optimizer.Problem{}, optimizer.Options{}); err == nil {
		t.Error("zero options are accepted")
	}
}
