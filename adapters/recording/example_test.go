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

// An Autoscaler plays a recording as if it lived then, here under another policy that waits before it shrinks.
func ExamplePlayback() {
	dir, err := os.MkdirTemp("", "wva")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	recorder, err := recording.NewRecorder(dir, recording.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	start := time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC)
	id := wva.ID{Name: "llama"}
	for minute, kv := range []float64{0.6, 0.2, 0.2} {
		at := start.Add(time.Duration(minute) * time.Minute)
		s := wva.Snapshot{At: at, Variants: []wva.Variant{{ID: id, Model: "llama", Current: 2}}, Inventory: wva.Unlimited()}
		for _, name := range []string{"llama-0", "llama-1"} {
			s.Metrics.Replicas = append(s.Metrics.Replicas, wva.ReplicaMetrics{Variant: id, Replica: name, At: at, KVUsage: wva.Read(kv), Waiting: wva.Read(0)})
		}
		recorder.Record(s, wva.History{})
	}
	if err := recorder.Close(context.Background()); err != nil {
		fmt.Println(err)
	}

	patient := wva.DefaultPolicy()
	patient.Behavior.ScaleDown.StabilizationWindow = 90 * time.Second
	var playback recording.Playback
	autoscaler, _ := wva.NewAutoscaler(&playback, &playback, &playback, patient)
	autoscaler.Clock = playback.Now
	for playback.Entry, err = range recording.Entries(os.DirFS(dir)) {
		if err != nil {
			fmt.Println(err)
			continue
		}
		report, err := autoscaler.Step(context.Background())
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(report.Decisions[0].Target, report.Decisions[0].Why())
	}
	// Output:
	// 2 stay at 2: spare KV cache 0.200 and spare queue 5.0 are enough, and too little to give up a replica
	// 2 shrink to 1: with one replica fewer, spare KV cache 0.400 and spare queue 5.0 remain; most expensive variant that may shrink, at 0 a replica; 2 rather than 1: stabilized over the last 1m30s
	// 1 shrink to 1: with one replica fewer, spare KV cache 0.400 and spare queue 5.0 remain; most expensive variant that may shrink, at 0 a replica
}
