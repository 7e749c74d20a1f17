package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/wva-go/wva"
	"github.com/wva-go/wva/adapters/simulator"
	"github.com/wva-go/wva/model"
)

// start is when the simulated day begins.
var start = time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC)

// startup is how long a replica takes to load its weights.
const startup = 45 * time.Second

// servers are one replica of an 8B model on each accelerator: times of an iteration as in published benchmarks of vLLM, and the KV
// cache that 90% of the memory leaves beside 16 GB of weights at 128 KiB a token.
var servers = map[string]model.Server{
	"A100":   {Profile: model.Profile{Alpha: 14e-3, Beta: 60e-6, Gamma: 0.60e-6}, MaxBatch: 256, KVCapacity: 430_000, MaxBatchedTokens: 8192},
	"H100":   {Profile: model.Profile{Alpha: 6e-3, Beta: 16e-6, Gamma: 0.12e-6}, MaxBatch: 256, KVCapacity: 430_000, MaxBatchedTokens: 8192},
	"MI300X": {Profile: model.Profile{Alpha: 7.5e-3, Beta: 25e-6, Gamma: 0.08e-6}, MaxBatch: 256, KVCapacity: 1_290_000, MaxBatchedTokens: 8192},
}

// simulate runs the variants as simulated servers; every model gets the load.
func simulate(variants []wva.Variant, rates rates) (*simulator.Cluster, error) {
	if len(variants) == 0 {
		return nil, errors.New("no VariantAutoscaling in the files")
	}
	cluster, err := simulator.NewCluster(start)
	if err != nil {
		return nil, err
	}
	for i, v := range variants {
		server, ok := servers[v.Accelerator]
		if !ok {
			server = servers["A100"]
		}
		v.Server, v.Startup = &server, startup
		if err := cluster.Put(v); err != nil {
			return nil, fmt.Errorf("simulate: %w", err)
		}
		cluster.Send(v.Key(), simulator.Load{
			Rate: func(t float64) float64 { return rates.at(time.Duration(t * float64(time.Second))) }, Peak: rates.peak(),
			Input: model.TokenLengths{Mean: 1800, CV: 0.7}, Output: model.TokenLengths{Mean: 250, CV: 1}, Seed: uint64(i),
		}.Requests())
	}
	return cluster, nil
}
