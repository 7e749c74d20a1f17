package saturation_test

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/wva-go/wva/saturation"
)

// drawnTokens is everything one token-based analysis takes.
type drawnTokens struct {
	replicas []saturation.TokenReplica
	states   []saturation.VariantState
	gateway  saturation.GatewayQueue
	cfg      saturation.TokenConfig
	observed []saturation.Observed
}

func (d drawnTokens) analyze(t *rapid.T) saturation.TokenAnalysis {
	a, err := saturation.AnalyzeTokens(d.replicas, d.states, d.gateway, d.cfg, d.observed)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func drawTokens(t *rapid.T) drawnTokens {
	_, states := drawModel(t)
	d := drawnTokens{states: states, cfg: saturation.DefaultTokenConfig()}
	d.cfg.ScaleUpThreshold = rapid.Float64Range(1e-6, 1).Draw(t, "up")
	d.cfg.ScaleDownBoundary = rapid.Float64Range(1e-6, d.cfg.ScaleUpThreshold).Draw(t, "down")
	d.gateway = saturation.GatewayQueue{Requests: float64(rapid.IntRange(0, 20).Draw(t, "requests")), Bytes: float64(rapid.IntRange(0, 1e5).Draw(t, "bytes"))}
	for _, accelerator := range rapid.SliceOfDistinct(rapid.SampledFrom([]string{"a100", "h100"}), rapid.ID).Draw(t, "seen") {
		d.observed = append(d.observed, saturation.Observed{Accelerator: accelerator, Answers: "medium", Tokens: rapid.SliceOfN(rapid.Float64Range(0, 20000), 0, 12).Draw(t, "observed")})
	}
	for _, s := range states {
		for range s.Ready {
			d.replicas = append(d.replicas, saturation.TokenReplica{
				Variant: s.Variant, Accelerator: rapid.SampledFrom([]string{"a100", "h100", ""}).Draw(t, "accelerator"),
				TokensInUse: rapid.SampledFrom([]float64{0, 0.1, 800, 1e4, 12e3}).Draw(t, "tokens"), KVTokens: rapid.SampledFrom([]float64{0, 5e-324, 16000, 64000.3, 1e12}).Draw(t, "KV"),
				QueueLength: float64(rapid.IntRange(0, 8).Draw(t, "queue")), Input: rapid.SampledFrom([]float64{0, 0.1, 500.7}).Draw(t, "input"),
				Output: rapid.SampledFrom([]float64{0, 99.9, 100, 700}).Draw(t, "output"), PrefixHit: rapid.SampledFrom([]float64{0, 0.1, 0.7, 1}).Draw(t, "hit"),
				MaxBatch: rapid.IntRange(0, 3).Draw(t, "batch"),
			})
		}
	}
	return d
}

// Neither the order of the replicas, nor of the states, nor of what was observed matters, to the last byte.
func TestPropertyTokensOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := drawTokens(t)
		shuffled := d
		shuffled.replicas = rapid.Permutation(d.replicas).Draw(t, "replicas")
		shuffled.states = rapid.Permutation(d.states).Draw(t, "states")
		shuffled.observed = rapid.Permutation(d.observed).Draw(t, "observed")
		a, b := d.analyze(t), shuffled.analyze(t)
		if diff := cmp.Diff(a, b); diff != "" {
			t.Fatal(diff)
		}
		x, _ := a.Targets(d.states)
		y, _ := b.Targets(shuffled.states)
		if diff := cmp.Diff(x, y); diff != "" {
			t.Fatal(diff)
		}
	})
}

// Whatever is accepted makes numbers that JSON can carry, and an analysis can go on from what it carried.
func TestPropertyTokensJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := drawTokens(t)
		a := d.analyze(t)
		text, err := json.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		var back saturation.TokenAnalysis
		if err := json.Unmarshal(text, &back); err != nil {
			t.Fatal(err)
		}
		d.observed = back.Observed
		d.analyze(t)
	})
}

// Growth covers what is missing unless every variant is at its limit; shrinking gives up no more than is spare; bounds hold; and
// one replica that reports is left.
func TestPropertyTokensTargets(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := drawTokens(t)
		a := d.analyze(t)
		targets, err := a.Targets(d.states)
		if err != nil {
			t.Fatal(err)
		}
		change, left, reporting, room := 0.0, 0, 0, false
		for i, target := range targets {
			s, v := d.states[i], a.Variants[i] // both by name
			by := target.Replicas - s.Current
			change += float64(by) * v.PerReplica
			ready := min(v.Ready, s.Current)
			reporting, left = reporting+ready, left+ready+min(by, 0)
			room = room || v.PerReplica > 0 && (s.Max == 0 || target.Replicas < s.Max)
			if target.Replicas < min(s.Current, s.Min) || s.Max > 0 && target.Replicas > max(s.Current, s.Max) {
				t.Fatalf("%+v goes to %d", s, target.Replicas)
			}
			if by > 0 && a.Required == 0 || by < 0 && a.Spare == 0 {
				t.Fatalf("%+v without need", target)
			}
		}
		slack := 1e-9 * max(1, a.Required, a.Spare)
		if a.Required > 0 && room && change < a.Required-slack && a.Required < 1e6 {
			t.Fatalf("%v tokens missing, %v come", a.Required, change)
		}
		if -change > a.Spare+slack {
			t.Fatalf("%v tokens spare, %v go", a.Spare, -change)
		}
		if reporting > 0 && left == 0 {
			t.Fatal("the model lost its last replica that reports")
		}
		if math.IsNaN(change) {
			t.Fatal("NaN")
		}
	})
}
