package optimizer_test

import (
	"fmt"

	"github.com/wva-go/wva/optimizer"
)

// Two workloads want the same four devices. The more important one gets what it needs; the other one is told what is missing.
func ExampleOptimize() {
	h100 := func(rate float64) []optimizer.Candidate {
		return []optimizer.Candidate{{Name: "h100", Type: "H100", Devices: 1, Cost: 80, Rate: rate, Binding: "itl"}}
	}
	plan, err := optimizer.Optimize(optimizer.Problem{
		Workloads: []optimizer.Workload{
			{Name: "batch", Priority: 5, Rate: 20, Candidates: h100(10)},
			{Name: "chat", Priority: 1, Rate: 30, Candidates: h100(10)},
		},
		Capacity: optimizer.Capacity{Devices: []optimizer.Devices{{Type: "H100", Count: 4}}},
	}, optimizer.DefaultOptions())
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, a := range plan.Workloads {
		fmt.Printf("%s: %d replicas, %.0f%% served; missing %v\n", a.Workload, a.Replicas("h100"), 100*a.Served, a.Reason.Missing)
	}
	fmt.Println("proven:", plan.Proven)
	// Output:
	// chat: 3 replicas, 100% served; missing []
	// batch: 0 replicas, 0% served; missing [{H100 1}]
	// proven: true
}
