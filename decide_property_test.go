package wva_test

import (
	"encoding/json"
	"fmt"
	"math/rand"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/wva-go/wva"
	"github.com/wva-go/wva/saturation"
)

// world is a generated cycle: a few models with a few variants each, some healthy, some not.
type world struct {
	snapshot wva.Snapshot
	policy   wva.Policy
	history  wva.History
}

func drawWorld(t *rapid.T) world {
	w := world{policy: wva.DefaultPolicy(), snapshot: wva.Snapshot{At: noon, Inventory: drawInventory(t)}}
	if rapid.Bool().Draw(t, "per variant") {
		w.policy.Saturation.Default.Transition = saturation.PerVariant
	}
	for m := range rapid.IntRange(1, 4).Draw(t, "models") {
		for v := range rapid.IntRange(1, 4).Draw(t, "variants") {
			w.addVariant(t, fmt.Sprintf("model-%d", m), fmt.Sprintf("m%d-v%d", m, v))
		}
	}
	slices.SortFunc(w.history.Variants, func(a, b wva.VariantHistory) int { return a.ID.Compare(b.ID) })
	return w
}

func drawInventory(t *rapid.T) wva.Inventory {
	switch rapid.IntRange(0, 3).Draw(t, "inventory") {
	case 0:
		return wva.Inventory{}
	case 1:
		return wva.Limited(wva.Devices{Type: "A100", Count: rapid.IntRange(0, 40).Draw(t, "A100")},
			wva.Devices{Type: "H100", Count: rapid.IntRange(0, 40).Draw(t, "H100")})
	}
	return wva.Unlimited()
}

func (w *world) addVariant(t *rapid.T, model, name string) {
	v := wva.Variant{
		ID: wva.ID{Namespace: "ns", Name: name}, Model: model,
		Accelerator: rapid.SampledFrom([]string{"A100", "H100"}).Draw(t, "accelerator"),
		Devices:     rapid.IntRange(0, 2).Draw(t, "devices"),
		Cost:        rapid.SampledFrom([]float64{5, 10, 20}).Draw(t, "cost"),
		Current:     rapid.IntRange(0, 6).Draw(t, "current"),
		Min:         rapid.IntRange(0, 2).Draw(t, "min"),
	}
	if rapid.Bool().Draw(t, "bounded") {
		v.Max = v.Min + rapid.IntRange(1, 6).Draw(t, "above min")
	}
	v.TargetMissing = rapid.IntRange(0, 9).Draw(t, "missing") == 0
	w.snapshot.Variants = append(w.snapshot.Variants, v)
	if rapid.Bool().Draw(t, "remembered") {
		target := v.Current
		if rapid.IntRange(0, 3).Draw(t, "moved") == 0 {
			target = rapid.IntRange(0, 7).Draw(t, "previous")
		}
		w.history.Variants = append(w.history.Variants, wva.VariantHistory{ID: v.ID, Target: target})
	}
	reporting := v.Current
	if rapid.IntRange(0, 4).Draw(t, "lossy") == 0 {
		reporting = rapid.IntRange(0, v.Current+1).Draw(t, "reporting")
	}
	crowded := rapid.Bool().Draw(t, "crowded")
	for i := range reporting {
		r := wva.ReplicaMetrics{Variant: v.ID, Replica: fmt.Sprintf("%s-%d", name, i), At: noon}
		low, high := 0.0, 0.5
		if crowded {
			low, high = 0.6, 1
		}
		r.KVUsage = wva.Read(rapid.Float64Range(low, high).Draw(t, "kv"))
		r.Waiting = wva.Read(float64(rapid.IntRange(0, 6).Draw(t, "waiting")))
		if rapid.IntRange(0, 19).Draw(t, "old") == 0 {
			r.At = noon.Add(-10 * time.Minute)
		}
		w.snapshot.Metrics.Replicas = append(w.snapshot.Metrics.Replicas, r)
	}
}

func (w world) decide(t *rapid.T) (wva.Report, wva.History) {
	report, history, err := wva.Decide(w.snapshot, w.policy, w.history)
	if err != nil {
		t.Fatal(err)
	}
	return report, history
}

func (w world) variant(id wva.ID) wva.Variant {
	for _, v := range w.snapshot.Variants {
		if v.ID == id {
			return v
		}
	}
	return wva.Variant{}
}

func asJSON(t *rapid.T, v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func shuffle[T any](t *rapid.T, s []T) []T {
	s = slices.Clone(s)
	r := rand.New(rand.NewSource(rapid.Int64().Draw(t, "seed")))
	r.Shuffle(len(s), func(i, j int) { s[i], s[j] = s[j], s[i] })
	return s
}

func TestPropertyInputOrderNeverMatters(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) { drawWorld(t).orderNeverMatters(t) })
}

func (w world) orderNeverMatters(t *rapid.T) {
	report, history := w.decide(t)
	w.snapshot.Variants = shuffle(t, w.snapshot.Variants)
	w.snapshot.Metrics.Replicas = shuffle(t, w.snapshot.Metrics.Replicas)
	w.snapshot.Inventory.Devices = shuffle(t, w.snapshot.Inventory.Devices)
	again, historyAgain := w.decide(t)
	if a, b := asJSON(t, report), asJSON(t, again); a != b {
		t.Fatalf("the order of the input changed the report:\n%s\n%s", a, b)
	}
	if diff := cmp.Diff(history, historyAgain); diff != "" {
		t.Fatal(diff)
	}
}

func TestPropertyDecideChangesNoArgument(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		before := asJSON(t, []any{w.snapshot, w.history})
		w.decide(t)
		if after := asJSON(t, []any{w.snapshot, w.history}); after != before {
			t.Fatalf("before %s\nafter  %s", before, after)
		}
	})
}

func TestPropertyBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) { drawWorld(t).withinBounds(t) })
}

func (w world) withinBounds(t *rapid.T) {
	report, _ := w.decide(t)
	for _, d := range report.Decisions {
		if v := w.variant(d.Variant); d.Target < v.Min || v.Max > 0 && d.Target > v.Max {
			t.Fatalf("%s: %d is outside [%d, %d]", d.Variant, d.Target, v.Min, v.Max)
		}
	}
}

// A model changes by one replica at most in a cycle, but for bounds that were moved past its current replicas, for
// transitions that an earlier cycle decided, and for the one replica that a model without any gets back.
func TestPropertyOneReplicaAStep(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		w.history = wva.History{}
		for i := range w.snapshot.Variants {
			v := &w.snapshot.Variants[i]
			v.Current = max(v.Current, v.Min)
			if v.Max > 0 {
				v.Current = min(v.Current, v.Max)
			}
		}
		report, _ := w.decide(t)
		changes := map[string]int{}
		for _, d := range report.Decisions {
			changes[d.Model] += max(d.Target-d.Current, d.Current-d.Target)
		}
		for model, n := range changes {
			if n > 1 {
				t.Fatalf("%s changes by %d replicas\n%s", model, n, report)
			}
		}
	})
}

func TestPropertyNothingShrinksUnseen(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) { drawWorld(t).nothingShrinksUnseen(t) })
}

func (w world) nothingShrinksUnseen(t *rapid.T) {
	report, _ := w.decide(t)
	seen := map[wva.ID]int{}
	for _, r := range w.snapshot.Metrics.Replicas {
		if r.At.Equal(noon) {
			seen[r.Variant]++
		}
	}
	blind := map[string]bool{}
	for _, v := range w.snapshot.Variants {
		if !v.TargetMissing && seen[v.ID] < v.Current-v.Pending {
			blind[v.Model] = true
		}
	}
	for _, d := range report.Decisions {
		most := w.variant(d.Variant).Max
		if forced := most > 0 && d.Target == most; blind[d.Model] && d.Target < d.Current && !forced {
			t.Fatalf("%s shrinks although metrics are missing\n%s", d.Variant, report)
		}
	}
}

func TestPropertyFailureOfOneModelStaysThere(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		if w.snapshot.Inventory.Limit == wva.InventoryLimited {
			w.snapshot.Inventory = wva.Unlimited() // models that share devices are not independent
		}
		report, _ := w.decide(t)
		victim := "model-0"
		w.snapshot.Metrics.Problems = append(w.snapshot.Metrics.Problems, wva.MetricsProblem{
			ModelKey: wva.ModelKey{Namespace: "ns", Model: victim}, Reason: wva.PrometheusError, Message: "query failed",
		})
		failed, _ := w.decide(t)
		others := func(r wva.Report) string {
			return asJSON(t, slices.DeleteFunc(slices.Clone(r.Decisions), func(d wva.Decision) bool { return d.Model == victim }))
		}
		if a, b := others(report), others(failed); a != b {
			t.Fatalf("without the failure: %s\nwith it: %s", a, b)
		}
		for _, d := range failed.Decisions {
			if d.Model == victim && d.Override == nil {
				t.Fatalf("%s is not held: %s", d.Variant, d)
			}
		}
	})
}

func TestPropertySnapshotSurvivesJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		var back world
		for _, c := range []struct{ from, to any }{{w.snapshot, &back.snapshot}, {w.history, &back.history}} {
			if err := json.Unmarshal([]byte(asJSON(t, c.from)), c.to); err != nil {
				t.Fatal(err)
			}
		}
		back.policy = w.policy
		report, _ := w.decide(t)
		replayed, _ := back.decide(t)
		if a, b := asJSON(t, report), asJSON(t, replayed); a != b {
			t.Fatalf("decided   %s\nreplayed %s", a, b)
		}
	})
}
