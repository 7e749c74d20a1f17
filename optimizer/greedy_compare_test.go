package optimizer_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/wva-go/wva/optimizer"
)

// How often, and by how much, the published greedy walk misses the optimum; docs/optimizer.md has the table.
func TestGreedyAgainstOptimum(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 11))
	var instances, worse, dearer int
	var extra, most float64
	for range 1500 {
		p := tight(r, false)
		p.Quotas, p.Budgets = nil, nil // the walk knows neither
		best, err := optimizer.Optimize(p, optimizer.DefaultOptions())
		if err != nil {
			t.Fatal(err)
		}
		o := optimizer.DefaultOptions()
		o.Greedy = true
		walked, err := optimizer.Optimize(p, o)
		if err != nil {
			t.Fatal(err)
		}
		instances++
		a, b := outcomeOf(p, best), outcomeOf(p, walked)
		switch {
		case slices.Compare(b.served, a.served) > 0:
			t.Fatalf("the walk serves more: %+v, %+v", b, a)
		case slices.Compare(b.served, a.served) < 0:
			worse++
		case b.value > a.value+1e-6:
			dearer++
			extra += b.value/a.value - 1
			most = max(most, b.value/a.value-1)
		case b.value < a.value-1e-6:
			t.Fatalf("the walk is cheaper: %+v, %+v", b, a)
		}
	}
	t.Logf("%d instances: in %d the walk serves a worse set, in %d the same set dearer, by %.1f%% on average and %.1f%% at most", instances, worse, dearer, 100*extra/float64(max(dearer, 1)), 100*most)
	if worse+dearer == 0 {
		t.Error("the walk is always optimal, which cannot be")
	}
}

func Example() {
	// A Premium and a Freemium workload, and three A100 for both.
	plan, err := optimizer.Optimize(optimizer.Problem{
		Workloads: []optimizer.Workload{
			{Name: "premium", Priority: 1, Rate: 12, Candidates: []optimizer.Candidate{
				{Name: "A100", Type: "A100", Devices: 1, Cost: 40, Rate: 5, Binding: "itl"},
				{Name: "H100", Type: "H100", Devices: 1, Cost: 80, Rate: 14, Binding: "ttft"},
			}},
			{Name: "freemium", Priority: 10, Rate: 8, Candidates: []optimizer.Candidate{
				{Name: "A100", Type: "A100", Devices: 1, Cost: 40, Rate: 6, Binding: "itl"},
			}},
		},
		Capacity: optimizer.Capacity{Devices: []optimizer.Devices{{Type: "A100", Count: 3}, {Type: "H100", Count: 1}}},
	}, optimizer.DefaultOptions())
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, a := range plan.Workloads {
		fmt.Printf("%s: %s\n", a.Workload, a.Reason.Message)
	}
	fmt.Printf("%g an hour, proved optimal: %v\n", plan.Cost, plan.Proven)
	// Output:
	// premium: 1×H100 at 80 an hour for 12 requests/s, bound by ttft; next best 3×A100 at 44 more
	// freemium: 2×A100 at 80 an hour for 8 requests/s, bound by itl
	// 160 an hour, proved optimal: true
}
