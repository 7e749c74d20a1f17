package simulator_test

import (
	"testing"
	"time"

	"github.com/wva-go/wva"
	"github.com/wva-go/wva/adapters/simulator"
	"github.com/wva-go/wva/model"
)

// An hour of 20 replicas of a large model under a chat load.
func BenchmarkClusterHour(b *testing.B) {
	v := wva.Variant{
		ID: wva.ID{Name: "a"}, Model: "llama", Current: 20,
		Server: &model.Server{Profile: model.Profile{Alpha: 22e-3, Beta: 80e-6, Gamma: 0.03e-6}, MaxBatch: 256, KVCapacity: 600_000, MaxBatchedTokens: 8192},
	}
	b.ReportAllocs()
	for b.Loop() {
		c, err := simulator.NewCluster(noon, v)
		if err != nil {
			b.Fatal(err)
		}
		c.Send(v.Key(), simulator.Constant(60, model.TokenLengths{Mean: 512, CV: 1}, model.TokenLengths{Mean: 256, CV: 1}, 1).Requests())
		for range 60 {
			c.Advance(time.Minute)
			c.Take(v.Key())
		}
		c.Close()
	}
}
