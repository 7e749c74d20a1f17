package wva_test

import (
	"fmt"
	"time"

	"github.com/wva-go/wva"
)

// Without the loop: one cycle's knowledge in, decisions out. A replica that does not report keeps the model from shrinking, however idle the other one is.
func ExampleDecide() {
	now := time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC)
	id := wva.ID{Namespace: "llm", Name: "llama-h100"}
	snapshot := wva.Snapshot{
		At:        now,
		Variants:  []wva.Variant{{ID: id, Model: "llama", Accelerator: "H100", Cost: 80, Current: 3}},
		Inventory: wva.Limited(wva.Devices{Type: "H100", Count: 8}),
		Metrics: wva.Metrics{Replicas: []wva.ReplicaMetrics{
			{Variant: id, Replica: "llama-h100-0", At: now, KVUsage: wva.Read(0.10), Waiting: wva.Read(0)},
			{Variant: id, Replica: "llama-h100-1", At: now, KVUsage: wva.Read(0.05), Waiting: wva.Read(0)},
		}},
	}
	report, _, err := wva.Decide(snapshot, wva.DefaultPolicy(), wva.History{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(report.Decisions[0])
	for _, p := range report.Problems {
		fmt.Println(p.Kind, p.Message)
	}
	// Output:
	// llm/llama-h100 no-change 3 → 3: stay at 3: the model waits for a change under way or for replicas that do not report yet
	// MetricsLost metrics missing (llama-h100 2 of 3 report): check that the servers are up and scraped
}

// The guide's variables choose the mode; os.LookupEnv is what a program would pass.
func ExamplePolicy_WithEnvironment() {
	environment := map[string]string{"EXPERIMENTAL_PROACTIVE_MODEL": "true", "WVA_SCALE_TO_ZERO": "perhaps"}
	policy, err := wva.DefaultPolicy().WithEnvironment(func(name string) (string, bool) {
		value, ok := environment[name]
		return value, ok
	})
	fmt.Println(policy.Mode)
	fmt.Println(err)
	// Output:
	// HYBRID
	// wva: WVA_SCALE_TO_ZERO "perhaps": want true or false
}

// Demand that rises by two requests per second each minute is expected to go on rising.
func ExampleHolt() {
	var samples []wva.DemandSample
	start := time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC)
	for minute := range 20 {
		samples = append(samples, wva.DemandSample{At: start.Add(time.Duration(minute) * time.Minute), Rate: 10 + 2*float64(minute)})
	}
	fmt.Printf("now %.0f, in 3 minutes %.0f\n", samples[19].Rate, wva.Holt{}.Forecast(samples, 3*time.Minute, 0.5))
	// Output: now 48, in 3 minutes 52
}
