package memory_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/wva-go/wva"
	"github.com/wva-go/wva/adapters/memory"
)

// A load that one replica cannot bear is shared once there are two.
func Example() {
	ctx := context.Background()
	llama := wva.ModelKey{Model: "meta/llama-3.1-8b"}
	id := wva.ID{Name: "llama-h100"}
	cluster, err := memory.NewCluster(wva.Variant{ID: id, Model: llama.Model, Cost: 80, Current: 1})
	if err != nil {
		fmt.Println(err)
		return
	}
	show := func() {
		variants, _ := cluster.Variants(ctx)
		metrics, err := cluster.Collect(ctx, variants)
		for _, r := range metrics.Replicas {
			fmt.Printf("%s %.2f  ", r.Replica, r.KVUsage.Value)
		}
		fmt.Println(err)
	}
	cluster.SetLoad(llama, memory.Load{KV: 0.9})
	show()
	cluster.Scale(ctx, []wva.Decision{{Variant: id, Target: 2}})
	show()
	cluster.Break(memory.Collect, memory.Fault{Err: errors.New("connection refused"), Times: 1})
	show()
	// Output:
	// llama-h100-0 0.90  <nil>
	// llama-h100-0 0.45  llama-h100-1 0.45  <nil>
	// memory: Collect: connection refused
}
