package cost_test

import (
	"fmt"

	"github.com/wva-go/wva/cost"
)

// A replica on two MI300X is dearer than one on an H100, and the price list says by how much.
func Example() {
	costs, err := cost.ParseUnitCosts(map[string]string{"accelerators": `
- {name: MI300X, type: AMD-MI300X-192GB, cost: 65, memSize: 196608}
- {name: H100, type: NVIDIA-H100-80GB-HBM3, cost: 80, memSize: 81920}
`})
	if err != nil {
		fmt.Println(err)
		return
	}
	small := cost.Allocation{Accelerator: "H100", Replicas: 1}
	large := cost.Allocation{Accelerator: "MI300X", Replicas: 1, DevicesPerReplica: 2}
	perHour, _ := costs.PerHour(large)
	more, _ := costs.Difference(small, large)
	fmt.Printf("%.0f per hour, %+.0f\n", perHour, more)
	// Output: 130 per hour, +50
}

// A broken item does not hide the sound ones.
func ExampleParseUnitCosts() {
	costs, err := cost.ParseUnitCosts(map[string]string{"accelerators": `
- name: H100
  type: NVIDIA-H100-80GB-HBM3
  cost: eighty
- name: A100
  type: NVIDIA-A100-PCIE-80GB
  cost: 40
`})
	fmt.Println(err)
	fmt.Println(len(costs), costs[0].Accelerator, costs[0].PerHour)
	// Output:
	// accelerators:4: H100: cost "eighty": want a number
	// 1 A100 40
}
