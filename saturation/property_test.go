package saturation_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/wva-go/wva/saturation"
)

func drawConfig(t *rapid.T) saturation.Config {
	trigger := rapid.Float64Range(0, 0.5).Draw(t, "kv trigger")
	return saturation.Config{
		KVSpareTrigger:       trigger,
		KVCacheThreshold:     rapid.Float64Range(trigger, 1).Draw(t, "kv threshold"),
		QueueLengthThreshold: rapid.Float64Range(0, 20).Draw(t, "queue threshold"),
		QueueSpareTrigger:    rapid.Float64Range(0, 10).Draw(t, "queue trigger"),
		Transition:           saturation.TransitionRule(rapid.IntRange(0, 1).Draw(t, "rule")),
	}
}

// drawModel draws the replicas and the states of one model.
func drawModel(t *rapid.T) ([]saturation.Replica, []saturation.VariantState) {
	var all []saturation.Replica
	var states []saturation.VariantState
	crowd := rapid.Float64Range(0, 1).Draw(t, "crowd")
	for i := range rapid.IntRange(1, 12).Draw(t, "variants") {
		s := saturation.VariantState{
			Variant: fmt.Sprintf("v%02d", i), Cost: float64(rapid.IntRange(1, 4).Draw(t, "cost")),
			Current: rapid.IntRange(0, 5).Draw(t, "current"), Min: rapid.IntRange(0, 2).Draw(t, "min"),
		}
		s.Ready = s.Current
		if rapid.IntRange(0, 3).Draw(t, "odd") == 0 {
			s.Ready = rapid.IntRange(0, 5).Draw(t, "ready")
			s.Desired = rapid.IntRange(0, 6).Draw(t, "desired")
		}
		if rapid.Bool().Draw(t, "bounded") {
			s.Max = max(s.Min, 1) + rapid.IntRange(0, 5).Draw(t, "above")
		}
		states = append(states, s)
		for range s.Ready {
			all = append(all, saturation.Replica{
				Variant:     s.Variant,
				KVUsage:     min(1, crowd*rapid.Float64Range(0.5, 1.2).Draw(t, "kv")),
				QueueLength: rapid.Float64Range(0, 4).Draw(t, "queue"),
			})
		}
	}
	return all, states
}

func mustAnalyze(t *rapid.T, all []saturation.Replica, cfg saturation.Config) saturation.Analysis {
	a, err := saturation.Analyze(all, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func mustTarget(t *rapid.T, a saturation.Analysis, states []saturation.VariantState) []saturation.Target {
	targets, err := a.Targets(states)
	if err != nil {
		t.Fatal(err)
	}
	return targets
}

func TestPropertyOrderNeverMatters(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all, states := drawModel(t)
		cfg := drawConfig(t)
		a := mustAnalyze(t, all, cfg)
		b := mustAnalyze(t, rapid.Permutation(all).Draw(t, "replicas"), cfg)
		if diff := cmp.Diff(a, b); diff != "" {
			t.Fatal(diff)
		}
		if diff := cmp.Diff(mustTarget(t, a, states), mustTarget(t, b, rapid.Permutation(states).Draw(t, "states"))); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestPropertyTargets(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all, states := drawModel(t)
		a := mustAnalyze(t, all, drawConfig(t))
		targets := mustTarget(t, a, states)
		moved := 0
		for i, target := range targets {
			s := states[i]
			change := target.Replicas - target.Start
			if change == 0 {
				continue
			}
			moved++
			switch {
			case change > 1 || change < -1:
				t.Fatalf("%s changes by %d", s.Variant, change)
			case change < 0 && a.ScaleUp:
				t.Fatalf("%s shrinks while the model is short", s.Variant)
			case change < 0 && target.Replicas < max(1, s.Min):
				t.Fatalf("%s shrinks to %d", s.Variant, target.Replicas)
			case change > 0 && s.Max > 0 && target.Replicas > s.Max:
				t.Fatalf("%s grows to %d, above %d", s.Variant, target.Replicas, s.Max)
			case change > 0:
				requireCheapest(t, states, targets, i)
			}
		}
		if moved > 1 {
			t.Fatalf("%d variants move in one step", moved)
		}
	})
}

// requireCheapest fails where a cheaper variant than the one that grows could have grown.
func requireCheapest(t *rapid.T, states []saturation.VariantState, targets []saturation.Target, grows int) {
	for i, s := range states {
		eligible := targets[i].Reason.Kind == saturation.OtherChosen && s.Ready >= s.Current && (s.Max == 0 || targets[i].Start < s.Max)
		if eligible && s.Cost < states[grows].Cost {
			t.Fatalf("%s at %g grows although %s costs %g", states[grows].Variant, states[grows].Cost, s.Variant, s.Cost)
		}
	}
}

// After a scale-down that the analysis calls safe, the same load on one replica fewer does not ask for a replica back.
func TestPropertyScaleDownHolds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all, _ := drawModel(t)
		cfg := drawConfig(t)
		a := mustAnalyze(t, all, cfg)
		if !a.ScaleDownSafe {
			t.Skip("nothing is given up")
		}
		usage, queue := cfg.KVCacheThreshold-a.RemainingKV, cfg.QueueLengthThreshold-a.RemainingQueue
		var after []saturation.Replica
		for range a.NonSaturated - 1 {
			after = append(after, saturation.Replica{Variant: "v", KVUsage: max(0, usage), QueueLength: max(0, queue)})
		}
		if b := mustAnalyze(t, after, cfg); b.ScaleUp && b.NonSaturated > 0 &&
			(b.SpareKV < cfg.KVSpareTrigger-1e-12 || b.SpareQueue < cfg.QueueSpareTrigger-1e-12) {
			t.Fatalf("before %+v\nafter  %+v", a, b)
		}
	})
}
