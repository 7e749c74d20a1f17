// Command embed shows what it takes to put wva into a controller of one's own: a custom metrics source and a custom scaler, over a fleet in memory.
package main

import (
	"context"
	"fmt"
	"math"
	"os"
	"time"

	"github.com/wva-go/wva"
	"github.com/wva-go/wva/adapters/memory"
)

// waves is a metrics source of one's own: a load that comes and goes, spread over the replicas that are ready.
type waves struct{ now time.Time }

func (w *waves) Collect(_ context.Context, variants []wva.Variant) (wva.Metrics, error) {
	caches := 1.5 + 1.2*math.Sin(float64(w.now.Minute())/6) // KV caches in use, over all replicas
	ready := 0
	for _, v := range variants {
		ready += v.Current - v.Pending
	}
	var m wva.Metrics
	for _, v := range variants {
		for i := range v.Current - v.Pending {
			m.Replicas = append(m.Replicas, wva.ReplicaMetrics{
				Variant: v.ID, Replica: fmt.Sprintf("%s-%d", v.ID.Name, i), At: w.now,
				KVUsage: wva.Read(min(1, caches/float64(ready))), Waiting: wva.Read(max(0, 10*(caches/float64(ready)-0.8))),
			})
		}
	}
	return m, nil
}

// printer is a scaler of one's own: it says what it does and hands on to the fleet.
type printer struct{ next wva.Scaler }

func (p printer) Scale(ctx context.Context, decisions []wva.Decision) error {
	for _, d := range decisions {
		if d.Action != wva.NoChange {
			fmt.Println(d)
		}
	}
	return p.next.Scale(ctx, decisions)
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "embed:", err)
		os.Exit(1)
	}
}

func run() error {
	fleet, err := memory.NewCluster(wva.Variant{ID: wva.ID{Name: "llama-a100"}, Model: "llama", Accelerator: "A100", Cost: 40, Current: 1, Max: 6})
	if err != nil {
		return err
	}
	metrics := &waves{now: time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC)}
	autoscaler, err := wva.NewAutoscaler(fleet, metrics, printer{fleet}, wva.DefaultPolicy())
	if err != nil {
		return err
	}
	autoscaler.Clock = func() time.Time { return metrics.now }
	for range 40 { // in production: autoscaler.Run(ctx, time.Minute)
		if _, err := autoscaler.Step(context.Background()); err != nil {
			return err
		}
		metrics.now = metrics.now.Add(time.Minute)
	}
	return nil
}
