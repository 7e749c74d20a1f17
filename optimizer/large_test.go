package optimizer_test

import (
	"fmt"
	"testing"

	"github.com/wva-go/wva/optimizer"
)

// A load of thousands of replicas has too many mixes to look at all of them. The plan is still within two replicas of what no plan can undercut: the cheapest
// candidate for its rate, in fractions.
func TestLargeLoads(t *testing.T) {
	for _, rate := range []float64{500, 5_000, 100_000, 3_000_000} {
		for kinds := 2; kinds <= 12; kinds += 5 {
			t.Run(fmt.Sprintf("%g requests/s on %d kinds", rate, kinds), func(t *testing.T) {
				w := optimizer.Workload{Name: "w", Priority: 1, Rate: rate, Min: 1}
				best, dearest := 1e9, 0.0
				for k := range kinds {
					c := optimizer.Candidate{Name: fmt.Sprintf("c%02d", k), Type: "T", Devices: 1, Cost: 40 + 17*float64(k*k%7), Rate: 3.1 + 1.7*float64(k*5%11)}
					w.Candidates = append(w.Candidates, c)
					best, dearest = min(best, c.Cost/c.Rate), max(dearest, c.Cost)
				}
				o := optimizer.DefaultOptions()
				o.Mixed, o.Penalty = true, 0
				plan, err := optimizer.Optimize(optimizer.Problem{Workloads: []optimizer.Workload{w}, Capacity: optimizer.Capacity{Unlimited: true}}, o)
				if err != nil {
					t.Fatal(err)
				}
				if most := best*rate + 2*dearest; plan.Cost > most {
					t.Errorf("%s costs %g, and %g is enough", plan.Workloads[0].Reason.Message, plan.Cost, most)
				}
			})
		}
	}
}
