package recording_test

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/wva-go/wva"
	"github.com/wva-go/wva/adapters/memory"
	"github.com/wva-go/wva/adapters/recording"
)

// Three cycles are recorded, and decided again with a higher threshold for scaling up.
func Example() {
	dir, err := os.MkdirTemp("", "wva")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	recorder, err := recording.NewRecorder(dir, recording.Options{OnError: func(err error) { fmt.Println(err) }})
	if err != nil {
		fmt.Println(err)
		return
	}
	now := time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC)
	cluster := &memory.Cluster{Clock: func() time.Time { return now }}
	_ = cluster.Put(wva.Variant{ID: wva.ID{Name: "llama-a100"}, Model: "llama", Cost: 40, Current: 1})
	autoscaler, _ := wva.NewAutoscaler(cluster, cluster, cluster, wva.DefaultPolicy())
	autoscaler.Clock = cluster.Clock
	autoscaler.OnSnapshot = recorder.Record
	for _, kv := range []float64{0.6, 0.75, 0.75} {
		_ = cluster.SetLoad(wva.ModelKey{Model: "llama"}, memory.Load{KV: kv})
		_, _ = autoscaler.Step(context.Background())
		now = now.Add(time.Minute)
	}
	if err := recorder.Close(context.Background()); err != nil {
		fmt.Println(err)
	}

	later := wva.DefaultPolicy()
	later.Saturation.Default.KVSpareTrigger = 0.02
	for entry, err := range recording.Entries(os.DirFS(dir)) {
		if err != nil {
			fmt.Println(err)
			continue
		}
		then, _, _ := wva.Decide(entry.Snapshot, wva.DefaultPolicy(), entry.History)
		instead, _, _ := wva.Decide(entry.Snapshot, later, entry.History)
		fmt.Printf("%s: %d → %d, with the later trigger %d\n",
			entry.Snapshot.At.Format("15:04"), then.Decisions[0].Current, then.Decisions[0].Target, instead.Decisions[0].Target)
	}
	// Output:
	// 09:00: 1 → 1, with the later trigger 1
	// 09:01: 1 → 2, with the later trigger 1
	// 09:02: 2 → 2, with the later trigger 1
}
