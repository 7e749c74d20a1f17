package saturation_test

import (
	"fmt"
	"testing"

	"github.com/wva-go/wva/saturation"
)

func fleet(variants, replicasEach int) []saturation.Replica {
	all := make([]saturation.Replica, 0, variants*replicasEach)
	for v := range variants {
		name := fmt.Sprintf("variant-%04d", v)
		for r := range replicasEach {
			all = append(all, saturation.Replica{Variant: name, KVUsage: float64((v*31+r*17)%100) / 100, QueueLength: float64((v + r) % 6)})
		}
	}
	return all
}

// 100,000 replicas in 1,000 variants: of one model, and of a model for each variant.
func BenchmarkAnalyze(b *testing.B) {
	all := fleet(1000, 100)
	cfg := saturation.DefaultConfig()
	b.Run("one-model", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := saturation.Analyze(all, cfg); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("1000-models", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			for m := range 1000 {
				if _, err := saturation.Analyze(all[m*100:(m+1)*100], cfg); err != nil {
					b.Fatal(err)
				}
			}
		}
	})
}

// 100,000 replicas in 1,000 variants, a model for each, in tokens.
func BenchmarkAnalyzeTokens(b *testing.B) {
	var all []saturation.TokenReplica
	for i, r := range fleet(1000, 100) {
		all = append(all, saturation.TokenReplica{Variant: r.Variant, TokensInUse: 16000 * r.KVUsage, KVTokens: 16000, QueueLength: r.QueueLength, Input: 500, Output: float64(i % 700)})
	}
	states := make([]saturation.VariantState, 1000)
	for m := range states {
		states[m] = saturation.VariantState{Variant: all[m*100].Variant, Cost: 1, Current: 100, Ready: 100}
	}
	cfg := saturation.DefaultTokenConfig()
	b.ReportAllocs()
	for b.Loop() {
		for m := range states {
			if _, err := saturation.AnalyzeTokens(all[m*100:(m+1)*100], states[m:m+1], saturation.GatewayQueue{}, cfg, nil); err != nil {
				b.Fatal(err)
			}
		}
	}
}
