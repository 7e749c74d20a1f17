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

// The token-based analysis asks for several replicas at once, and two analyses are combined by the larger target.
func ExampleAnalyzeTokens() {
	states := []saturation.VariantState{
		{Variant: "a100", Cost: 40, Current: 2, Ready: 1}, // one replica is loading its weights
		{Variant: "h100", Cost: 80, Current: 1, Ready: 1},
	}
	replicas := []saturation.TokenReplica{
		{Variant: "a100", TokensInUse: 12_000, KVTokens: 16_000, QueueLength: 4, Input: 500, Output: 100},
		{Variant: "h100", TokensInUse: 50_000, KVTokens: 64_000, QueueLength: 120, Input: 500, Output: 100},
	}
	analysis, err := saturation.AnalyzeTokens(replicas, states, saturation.GatewayQueue{}, saturation.DefaultTokenConfig(), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	byTokens, err := analysis.Targets(states)
	if err != nil {
		fmt.Println(err)
		return
	}
	other := []saturation.Target{{Variant: "a100", Replicas: 3}, {Variant: "h100", Replicas: 1}} // of another analysis
	for _, t := range byTokens {
		fmt.Printf("%s: %s\n", t.Variant, t.Reason)
	}
	for _, t := range saturation.Cautious(byTokens, other) {
		fmt.Printf("%s: %d replicas\n", t.Variant, t.Replicas)
	}
	// Output:
	// a100: stay at 2: 70282 tokens missing and 0 spare
	// h100: grow to 3: 70282 tokens are missing
	// a100: 3 replicas
	// h100: 3 replicas
}
