package simulator_test

import (
	"context"
	"fmt"
	"time"

	"github.com/wva-go/wva"
	"github.com/wva-go/wva/adapters/simulator"
	"github.com/wva-go/wva/model"
)

// An hour of a fleet in a moment: the load doubles, and the autoscaler follows.
func ExampleCluster() {
	start := time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC)
	llama := wva.Variant{
		ID: wva.ID{Name: "llama-a100"}, Model: "llama", Accelerator: "A100", Cost: 40, Current: 2, Max: 10, Startup: time.Minute,
		Server: &model.Server{Profile: model.Profile{Alpha: 14e-3, Beta: 60e-6, Gamma: 0.6e-6}, MaxBatch: 256, KVCapacity: 400_000, MaxBatchedTokens: 8192},
	}
	cluster, err := simulator.NewCluster(start, llama)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer cluster.Close()
	load := simulator.Load{
		Rate: func(seconds float64) float64 {
			if seconds < 1800 {
				return 15
			}
			return 30
		},
		Peak: 30, Input: model.TokenLengths{Mean: 300, CV: 1}, Output: model.TokenLengths{Mean: 200, CV: 1}, Seed: 1,
	}
	cluster.Send(llama.Key(), load.Requests())
	autoscaler, err := wva.NewAutoscaler(cluster, cluster, cluster, wva.DefaultPolicy())
	if err != nil {
		fmt.Println(err)
		return
	}
	autoscaler.Clock = cluster.Now
	for range 60 {
		cluster.Advance(time.Minute)
		report, err := autoscaler.Step(context.Background())
		if err != nil {
			fmt.Println(err)
			return
		}
		if minute := int(report.At.Sub(start).Minutes()); minute%15 == 0 {
			fmt.Printf("%s: %d replicas\n", report.At.Format("15:04"), report.Decisions[0].Target)
		}
	}
	// Output:
	// 09:15: 1 replicas
	// 09:30: 2 replicas
	// 09:45: 4 replicas
	// 10:00: 5 replicas
}
