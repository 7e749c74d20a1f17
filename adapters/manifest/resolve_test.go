package manifest_test

import (
	"fmt"
	"testing"

	"github.com/wva-go/wva/adapters/manifest"
)

const classes = `
---
apiVersion: v1
kind: ConfigMap
metadata: {name: serviceclass}
data:
  premium.yaml: |
    {name: Premium, priority: 1, data: [{model: m}]}
  others: |
    - {name: Standard, priority: 5, model: m}
    - {name: Freemium, priority: 10, model: m}
`

// A variant names its service class by label, or as a 0.4 resource does.
func TestServiceClassOfVariant(t *testing.T) {
	const va = "apiVersion: llmd.ai/v1alpha1\nkind: VariantAutoscaling\nmetadata: {name: v, labels: {%s}}\nspec: {scaleTargetRef: {name: v}, modelID: m, %s}\n"
	for name, test := range map[string]struct{ label, ref, others, want, err string }{
		"none":                     {"", "", classes, "", "<nil>"},
		"label":                    {"wva.llmd.ai/service-class: Standard", "", classes, "Standard", "<nil>"},
		"label before reference":   {"wva.llmd.ai/service-class: Standard", "sloClassRef: {name: Premium}", classes, "Standard", "<nil>"},
		"reference by name":        {"", "sloClassRef: {name: Premium, key: m}", classes, "Premium", "<nil>"},
		"reference by key":         {"", "sloClassRef: {name: serviceclass, key: Freemium}", classes, "Freemium", "<nil>"},
		"reference to an entry":    {"", "sloClassRef: {name: serviceclass, key: premium.yaml}", classes, "Premium", "<nil>"},
		"without any class":        {"", "sloClassRef: {name: Premium, key: m}", "", "Premium", "<nil>"},
		"label without any class":  {"wva.llmd.ai/service-class: Gold", "", "", "Gold", "<nil>"},
		"label of no class":        {"wva.llmd.ai/service-class: Gold", "", classes, "Gold", `f:1: VariantAutoscaling v: label wva.llmd.ai/service-class: no service class is called "Gold": want one of Freemium, Premium, Standard`},
		"reference to no class":    {"", "sloClassRef: {name: gold, key: m}", classes, "", "f:4: VariantAutoscaling v: sloClassRef: gold/m is no service class: want one of Freemium, Premium, Standard; until then the class is chosen by model"},
		"entry of several classes": {"", "sloClassRef: {name: serviceclass, key: others}", classes, "", "f:4: VariantAutoscaling v: sloClassRef: serviceclass/others is no service class: want one of Freemium, Premium, Standard; until then the class is chosen by model"},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := manifest.Parse("f", fmt.Sprintf(va, test.label, test.ref)+test.others)
			if fmt.Sprint(err) != test.err {
				t.Errorf("error %v\nwant  %s", err, test.err)
			}
			if len(m.Fleet) != 1 || m.Fleet[0].ServiceClass != test.want {
				t.Errorf("fleet %v, want class %q", m.Fleet, test.want)
			}
		})
	}
}

// The accelerator is what the labels say, else the node selector, else the only profile; devices are what the containers
// ask for, else what the profile of that accelerator says, under its name or its type.
func TestAcceleratorOfVariant(t *testing.T) {
	const format = `
apiVersion: v1
kind: ConfigMap
metadata: {name: accelerator-unitcost}
data: {accelerators: "[{name: H100, type: NVIDIA-H100-80GB-HBM3, cost: 80}]"}
---
apiVersion: llmd.ai/v1alpha1
kind: VariantAutoscaling
metadata: {name: v, labels: {%s}}
spec:
  scaleTargetRef: {name: v}
  modelID: m
  modelProfile: {accelerators: [%s]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: v, labels: {%s}}
spec: {template: {spec: {%s}}}
`
	const label, product = "inference.optimization/acceleratorName: ", "nvidia.com/gpu.product: "
	for name, test := range map[string]struct{ va, profiles, deployment, pod, want string }{
		"nothing":              {"", "", "", "", " 0"},
		"label":                {label + "A100", "", label + "L4", "nodeSelector: {" + product + "X}", "A100 0"},
		"deployment's label":   {"", "", label + "L4", "nodeSelector: {" + product + "X}", "L4 0"},
		"node selector":        {"", "", "", "nodeSelector: {" + product + "X}", "X 0"},
		"the only profile":     {"", "{acc: A100, accCount: 2}", "", "", "A100 2"},
		"one of two profiles":  {label + "L4", "{acc: A100, accCount: 2}, {acc: L4, accCount: 8}", "", "", "L4 8"},
		"two profiles, no say": {"", "{acc: A100, accCount: 2}, {acc: L4, accCount: 8}", "", "", " 0"},
		"profile by name":      {"", "{acc: H100, accCount: 2}, {acc: L4}", "", "nodeSelector: {" + product + "NVIDIA-H100-80GB-HBM3}", "NVIDIA-H100-80GB-HBM3 2"},
		"limits":               {label + "L4", "{acc: L4, accCount: 8}", "", "containers: [{resources: {limits: {nvidia.com/gpu: 4}}}]", "L4 4"},
		"two containers":       {label + "L4", "", "", "containers: [{resources: {limits: {nvidia.com/gpu: 4}}}, {resources: {requests: {nvidia.com/gpu: '2'}}}]", "L4 6"},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := manifest.Parse("f", fmt.Sprintf(format, test.va, test.profiles, test.deployment, test.pod))
			if err != nil {
				t.Fatal(err)
			}
			if got := fmt.Sprint(m.Fleet[0].Accelerator, " ", m.Fleet[0].Devices); got != test.want {
				t.Errorf("accelerator and devices %q, want %q", got, test.want)
			}
		})
	}
}
