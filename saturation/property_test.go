package saturation_test

import (
	"encoding/json"
	"fmt"
	"slices"
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

// After a scale-down that the analysis calls safe, the same load on one replica fewer does not ask for a replica back: no
// tolerance, and whether or not a trigger is 0.
func TestPropertyScaleDownHolds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all, _ := drawModel(t)
		cfg := drawConfig(t)
		if rapid.Bool().Draw(t, "no triggers") {
			cfg.KVSpareTrigger, cfg.QueueSpareTrigger = 0, rapid.Float64Range(0, 1).Draw(t, "queue trigger")
		}
		a := mustAnalyze(t, all, cfg)
		if !a.ScaleDownSafe {
			t.Skip("nothing is given up")
		}
		// load · N / (N − 1), as the rule spells it
		growth := float64(a.NonSaturated) / float64(a.NonSaturated-1)
		each := saturation.Replica{Variant: "v", KVUsage: (cfg.KVCacheThreshold - a.SpareKV) * growth, QueueLength: (cfg.QueueLengthThreshold - a.SpareQueue) * growth}
		after := slices.Repeat([]saturation.Replica{each}, a.NonSaturated-1)
		b := mustAnalyze(t, after, cfg)
		if b.ScaleUp || b.NonSaturated != len(after) || b.SpareKV != a.RemainingKV || b.SpareQueue != a.RemainingQueue {
			t.Fatalf("before %+v\nafter  %+v", a, b)
		}
	})
}

// A model without spare capacity does not shrink, whatever its variants look like.
// So many replicas may go as one may go after the other, the load spread evenly each time, and one more may not.
func TestPropertyRemovable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 40).Draw(t, "replicas")
		kv, queue := rapid.Float64Range(0, 1).Draw(t, "kv"), rapid.Float64Range(0, 6).Draw(t, "queue")
		cfg := drawConfig(t)
		spread := func(gone int) saturation.Analysis {
			all := make([]saturation.Replica, n-gone)
			for i := range all {
				share := float64(n) / float64(n-gone)
				all[i] = saturation.Replica{Variant: "v", KVUsage: min(1, kv*share), QueueLength: queue * share}
			}
			return mustAnalyze(t, all, cfg)
		}
		a := spread(0)
		removable := a.Removable()
		if (removable > 0) != a.ScaleDownSafe || removable >= max(n, 1) {
			t.Fatalf("%d of %d may go, and one: %v", removable, n, a.ScaleDownSafe)
		}
		for gone := range removable {
			if after := spread(gone + 1); after.SpareKV < cfg.KVSpareTrigger-1e-9 || after.SpareQueue < cfg.QueueSpareTrigger-1e-9 {
				t.Fatalf("%d of %d may go, but after %d: %+v", removable, n, gone+1, after)
			}
		}
		if n-removable >= 2 {
			if after := spread(removable + 1); removable > 0 && after.SpareKV > cfg.KVSpareTrigger+1e-9 && after.SpareQueue > cfg.QueueSpareTrigger+1e-9 {
				t.Fatalf("only %d of %d may go, but after one more: %+v", removable, n, after)
			}
		}
	})
}

func TestPropertySaturatedModelKeepsItsReplicas(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all, states := drawModel(t)
		cfg := drawConfig(t)
		for i := range all {
			all[i].KVUsage = rapid.Float64Range(cfg.KVCacheThreshold, 1).Draw(t, "kv")
		}
		a := mustAnalyze(t, all, cfg)
		for _, target := range mustTarget(t, a, states) {
			if a.ScaleDownSafe || target.Replicas < target.Start {
				t.Fatalf("%+v with %+v", target, a)
			}
		}
	})
}

// No target is further outside its bounds than the variant's current replicas are.
func TestPropertyBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all, states := drawModel(t)
		for i, target := range mustTarget(t, mustAnalyze(t, all, drawConfig(t)), states) {
			s := states[i]
			if target.Replicas < min(s.Current, max(s.Min, 1)) || s.Max > 0 && target.Replicas > max(s.Current, s.Max) {
				t.Fatalf("%+v goes to %d", s, target.Replicas)
			}
		}
	})
}

// The mean of equal loads is that load, so that equal variants tie, whatever their number of replicas.
func TestPropertyEqualLoadsTie(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		each := saturation.Replica{KVUsage: rapid.Float64Range(0, 0.79).Draw(t, "kv"), QueueLength: rapid.Float64Range(0, 4.9).Draw(t, "queue")}
		var all []saturation.Replica
		for _, name := range []string{"a", "b"} {
			each.Variant = name
			all = append(all, slices.Repeat([]saturation.Replica{each}, rapid.IntRange(1, 40).Draw(t, name))...)
		}
		a := mustAnalyze(t, all, saturation.DefaultConfig())
		if x, y := a.Variants[0], a.Variants[1]; x.SpareKV != y.SpareKV || x.SpareQueue != y.SpareQueue || x.SpareKV != a.SpareKV {
			t.Fatalf("%+v\n%+v\n%+v", x, y, a)
		}
	})
}

// Nothing that is accepted makes a number that JSON cannot carry.
func TestPropertyJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all, states := drawModel(t)
		a := mustAnalyze(t, all, drawConfig(t))
		text, err := json.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		var back saturation.Analysis
		if err := json.Unmarshal(text, &back); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(a, back); diff != "" {
			t.Fatal(diff)
		}
		if diff := cmp.Diff(mustTarget(t, a, states), mustTarget(t, back, states)); diff != "" {
			t.Fatal(diff)
		}
	})
}
