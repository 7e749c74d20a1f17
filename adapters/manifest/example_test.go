package manifest_test

import (
	"fmt"
	"os"

	"github.com/wva-go/wva/adapters/manifest"
)

func Example() {
	m, err := manifest.Load(os.DirFS("testdata"))
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, v := range m.Fleet {
		fmt.Println(v.ID, v.Model, v.Accelerator, v.Current)
	}
	u, _ := m.Policy.UnitCosts.Lookup("MI300X")
	fmt.Println(u.Type, u.PerHour)
	// Output:
	// llm-inference/gone meta/llama-3.1-8b A100 0
	// llm-inference/llama-8b-autoscaler meta/llama-3.1-8b NVIDIA-A100-PCIE-80GB 2
	// llm-inference/llama-8b-h100 meta/llama-3.1-8b H100 1
	// llm-inference/llama-8b-mi300x meta/llama-3.1-8b AMD-MI300X-192GB 0
	// AMD-MI300X-192GB 65
}

// A mistake is reported where it stands; everything else is there.
func ExampleParse() {
	m, err := manifest.Parse("policy.yaml", `
apiVersion: v1
kind: ConfigMap
metadata: {name: accelerator-unitcost}
data:
  accelerators: |
    - {name: A100, type: NVIDIA-A100-PCIE-80GB, cost: 40}
    - {name: H100, type: NVIDIA-H100-80GB-HBM3, cost: -80}
`)
	fmt.Println(err)
	fmt.Println(len(m.Policy.UnitCosts))
	// Output:
	// policy.yaml:8: ConfigMap accelerator-unitcost: accelerators: H100: cost "-80": want 0 or more
	// 1
}
