package wva_test

import (
	"context"
	"fmt"

	"github.com/wva-go/wva"
	"github.com/wva-go/wva/adapters/memory"
)

// A controller runs an Autoscaler over its own Fleet, MetricsSource and Scaler; here one in-memory cluster is all three.
func Example() {
	cluster, err := memory.NewCluster(
		wva.Variant{ID: wva.ID{Name: "llama-a100"}, Model: "llama", Accelerator: "A100", Cost: 40, Current: 1},
		wva.Variant{ID: wva.ID{Name: "llama-h100"}, Model: "llama", Accelerator: "H100", Cost: 80, Current: 1},
	)
	if err != nil {
		panic(err)
	}
	if err := cluster.SetLoad(wva.ModelKey{Model: "llama"}, memory.Load{KV: 1.5}); err != nil { // of two KV caches
		panic(err)
	}
	autoscaler, err := wva.NewAutoscaler(cluster, cluster, cluster, wva.DefaultPolicy())
	if err != nil {
		panic(err)
	}
	report, err := autoscaler.Step(context.Background()) // in production: autoscaler.Run(ctx, time.Minute)
	if err != nil {
		panic(err)
	}
	for _, d := range report.Decisions {
		fmt.Printf("%s %d → %d: %s\n", d.Variant, d.Current, d.Target, d.Why())
	}
	// Output:
	// llama-a100 1 → 2: grow to 2: spare KV cache 0.050 is below 0.100; cheapest variant that may grow, at 40 a replica
	// llama-h100 1 → 1: stay at 1: spare KV cache 0.050 is below 0.100, and llama-a100 grows
}
