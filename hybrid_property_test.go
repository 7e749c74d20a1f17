package wva_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/wva-go/wva"
	"github.com/wva-go/wva/model"
)

// drawModelled draws a world in HYBRID or MODEL-ONLY: most variants have a profile, most servers say what they complete, most models a service class.
func drawModelled(t *rapid.T) world {
	w := drawWorld(t)
	w.policy.Mode = rapid.SampledFrom([]wva.Mode{wva.Hybrid, wva.Hybrid, wva.ModelOnly}).Draw(t, "mode")
	w.policy.UnitCosts = hybridPolicy(wva.Hybrid).UnitCosts
	w.policy.Behavior.ScaleDown.StabilizationWindow = rapid.SampledFrom([]time.Duration{0, wva.NoStabilization, time.Minute}).Draw(t, "window")
	class := model.ServiceClass{Name: "Premium", Priority: 1}
	for m := range rapid.IntRange(1, 4).Draw(t, "classed") {
		class.Models = append(class.Models, model.ClassTarget{Model: fmt.Sprintf("model-%d", m), SLO: model.SLO{ITL: 40 * time.Millisecond, TTFT: time.Second}})
	}
	w.policy.ServiceClasses = model.ServiceClasses{class}
	for i := range w.snapshot.Variants {
		v := &w.snapshot.Variants[i]
		profile := onA100
		if v.Accelerator == "H100" {
			profile = onH100
		}
		if rapid.IntRange(0, 5).Draw(t, "unprofiled") > 0 {
			v.Server = &model.Server{Profile: profile, MaxBatch: 128, KVCapacity: 400_000}
		}
		v.Startup = time.Duration(rapid.IntRange(0, 10).Draw(t, "startup")) * time.Minute
		v.Pending = rapid.IntRange(0, v.Current).Draw(t, "pending")
	}
	silent := rapid.IntRange(0, 5).Draw(t, "silent") == 0
	for i := range w.snapshot.Metrics.Replicas {
		r := &w.snapshot.Metrics.Replicas[i]
		if !silent || rapid.Bool().Draw(t, "says") {
			r.CompletionRate = wva.Read(rapid.Float64Range(0, 20).Draw(t, "completions"))
		}
		r.Running = wva.Read(float64(rapid.IntRange(0, 100).Draw(t, "running")))
		r.Input.Mean, r.Output.Mean = wva.Read(300), wva.Read(200)
	}
	return w
}

// What holds of CAPACITY-ONLY holds where the model decides too: bounds, nothing shrinks unseen, the order of the input makes no difference.
func TestPropertyModelled(t *testing.T) {
	for name, holds := range map[string]func(world, *rapid.T){
		"bounds": world.withinBounds, "nothing shrinks unseen": world.nothingShrinksUnseen, "order never matters": world.orderNeverMatters, "every decision has a reason": world.reasons,
	} {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) { holds(drawModelled(t), t) })
		})
	}
}

func (w world) reasons(t *rapid.T) {
	report, _ := w.decide(t)
	for _, d := range report.Decisions {
		if len(d.Reasons) == 0 {
			t.Fatalf("%s: no reason\n%s", d.Variant, report)
		}
	}
}

// In HYBRID the variants of a model together give up no more serving replicas by the model than the saturation analysis finds safe. What a variant's own maximum
// takes away does not count.
func TestPropertyHybridShrinksSafely(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawModelled(t)
		w.policy.Mode = wva.Hybrid
		report, _ := w.decide(t)
		gone := map[string]int{}
		for _, d := range report.Decisions {
			byModel := slices.ContainsFunc(d.Reasons, func(r wva.Reason) bool { return r.Rule == wva.RuleModelDriven || r.Rule == wva.RuleSafetyBlock })
			if v := w.variant(d.Variant); byModel && (v.Max == 0 || d.Target < v.Max) {
				gone[d.Model] += max(0, v.Current-v.Pending-d.Target)
			}
		}
		for _, m := range report.Models {
			if m.Saturation == nil || m.SafetyNet != "" || gone[m.Model] == 0 {
				continue
			}
			if safe := m.Saturation.Removable(); gone[m.Model] > safe {
				t.Fatalf("%s gives up %d replicas, and %d may go\n%s", m.Model, gone[m.Model], safe, report)
			}
		}
	})
}
