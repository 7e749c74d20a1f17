package saturation_test

import (
	"fmt"

	"github.com/wva-go/wva/saturation"
)

func Example() {
	// Three servers of one model: two on A100 at 10 an hour, one on H100 at 20.
	analysis, err := saturation.Analyze([]saturation.Replica{
		{Variant: "a100", KVUsage: 0.72, QueueLength: 1},
		{Variant: "a100", KVUsage: 0.78, QueueLength: 0},
		{Variant: "h100", KVUsage: 0.74, QueueLength: 2},
	}, saturation.DefaultConfig())
	if err != nil {
		fmt.Println(err)
		return
	}
	targets, err := analysis.Targets([]saturation.VariantState{
		{Variant: "a100", Cost: 10, Current: 2, Ready: 2},
		{Variant: "h100", Cost: 20, Current: 1, Ready: 1},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, t := range targets {
		fmt.Printf("%s: %s\n", t.Variant, t.Reason)
	}
	// Output:
	// a100: grow to 3: spare KV cache 0.053 is below 0.100; cheapest variant that may grow, at 10 a replica
	// h100: stay at 1: spare KV cache 0.053 is below 0.100, and a100 grows
}
