package wva_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wva-go/wva"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// variant returns a variant of model m in namespace ns with one A100 to a replica.
func variant(name string, cost float64, current int) wva.Variant {
	return wva.Variant{ID: wva.ID{Namespace: "ns", Name: name}, Model: "m", Accelerator: "A100", Cost: cost, Current: current}
}

// reports returns fresh metrics of replicas of a variant: pairs of KV usage and waiting requests.
func reports(name string, loads ...[2]float64) []wva.ReplicaMetrics {
	var samples []wva.ReplicaMetrics
	for i, l := range loads {
		samples = append(samples, wva.ReplicaMetrics{
			Variant: wva.ID{Namespace: "ns", Name: name}, Replica: name + "-" + string(rune('a'+i)), At: noon.Add(-time.Second),
			KVUsage: wva.Read(l[0]), Waiting: wva.Read(l[1]),
		})
	}
	return samples
}

func snapshot(variants []wva.Variant, samples ...[]wva.ReplicaMetrics) wva.Snapshot {
	s := wva.Snapshot{At: noon, Variants: variants, Inventory: wva.Unlimited()}
	for _, more := range samples {
		s.Metrics.Replicas = append(s.Metrics.Replicas, more...)
	}
	return s
}

func remembered(targets map[string]int) wva.History {
	var h wva.History
	for _, name := range []string{"a", "b", "c"} {
		if n, ok := targets[name]; ok {
			h.Variants = append(h.Variants, wva.VariantHistory{ID: wva.ID{Namespace: "ns", Name: name}, Target: n})
		}
	}
	return h
}

func TestDecideCapacityOnly(t *testing.T) {
	idle, busy := [2]float64{0.10, 0}, [2]float64{0.78, 1}
	old := reports("a", idle, idle)
	for i := range old {
		old[i].At = noon.Add(-6 * time.Minute)
	}
	for _, tt := range []struct {
		name     string
		snapshot wva.Snapshot
		history  wva.History
		want     map[string]int
		why      string // part of the reasons of the first decision
		override wva.Rule
	}{
		{
			name:     "a busy model grows its cheapest variant",
			snapshot: snapshot([]wva.Variant{variant("a", 5, 1), variant("b", 20, 1)}, reports("a", busy), reports("b", busy)),
			want:     map[string]int{"a": 2, "b": 1},
			why:      "KV",
		},
		{
			name:     "an idle model shrinks its dearest variant",
			snapshot: snapshot([]wva.Variant{variant("a", 5, 2), variant("b", 20, 2)}, reports("a", idle, idle), reports("b", idle, idle)),
			want:     map[string]int{"a": 2, "b": 1},
		},
		{
			name:     "one replica without metrics stops everything under the per-model rule",
			snapshot: snapshot([]wva.Variant{variant("a", 5, 3)}, reports("a", idle, idle)),
			want:     map[string]int{"a": 3},
		},
		{
			name:     "no metrics at all: current replicas, where nothing else is known",
			snapshot: snapshot([]wva.Variant{variant("a", 5, 3)}),
			want:     map[string]int{"a": 3},
			why:      "safety net activated",
			override: wva.RuleSafetyNetCurrent,
		},
		{
			name:     "no metrics at all: the previous target",
			snapshot: snapshot([]wva.Variant{variant("a", 5, 3)}),
			history:  remembered(map[string]int{"a": 4}),
			want:     map[string]int{"a": 4},
			override: wva.RuleSafetyNetPrevious,
		},
		{
			name:     "no metrics at all: a lower previous target is not carried out blindly",
			snapshot: snapshot([]wva.Variant{variant("a", 5, 3)}),
			history:  remembered(map[string]int{"a": 2}),
			want:     map[string]int{"a": 3},
			override: wva.RuleSafetyNetCurrent,
		},
		{
			name:     "stale metrics are no metrics",
			snapshot: snapshot([]wva.Variant{variant("a", 5, 2)}, old),
			want:     map[string]int{"a": 2},
			why:      "too old on 2 replicas",
			override: wva.RuleSafetyNetCurrent,
		},
		{
			name:     "a minimum is kept",
			snapshot: snapshot([]wva.Variant{withBounds(variant("a", 5, 2), 2, 0)}, reports("a", idle, idle)),
			want:     map[string]int{"a": 2},
		},
		{
			name:     "a minimum above the current replicas raises them",
			snapshot: snapshot([]wva.Variant{withBounds(variant("a", 5, 1), 3, 0)}, reports("a", idle)),
			want:     map[string]int{"a": 3},
			override: wva.RuleGuardMinimum,
		},
		{
			name:     "a maximum is kept, and the next cheapest grows",
			snapshot: snapshot([]wva.Variant{withBounds(variant("a", 5, 1), 0, 1), variant("b", 20, 1)}, reports("a", busy), reports("b", busy)),
			want:     map[string]int{"a": 1, "b": 2},
		},
		{
			name: "a variant whose target is gone takes no part",
			snapshot: snapshot([]wva.Variant{gone(variant("a", 5, 0)), variant("b", 20, 1)},
				reports("b", busy)),
			history: remembered(map[string]int{"a": 3}),
			want:    map[string]int{"b": 2},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			report, _, err := wva.Decide(tt.snapshot, wva.DefaultPolicy(), tt.history)
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]int{}
			for _, d := range report.Decisions {
				got[d.Variant.Name] = d.Target
				if len(d.Reasons) == 0 {
					t.Errorf("%s: no reason", d.Variant)
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("targets (-want +got):\n%s\n%s", diff, report)
			}
			first := report.Decisions[0]
			if !strings.Contains(first.Why(), tt.why) {
				t.Errorf("why = %q, want it to say %q", first.Why(), tt.why)
			}
			if tt.override != "" && (first.Override == nil || first.Override.Rule != tt.override) {
				t.Errorf("override = %+v, want %s", first.Override, tt.override)
			}
		})
	}
}

func withBounds(v wva.Variant, lowest, highest int) wva.Variant {
	v.Min, v.Max = lowest, highest
	return v
}

func gone(v wva.Variant) wva.Variant {
	v.TargetMissing = true
	return v
}

func TestDecideForgetsDeletedTargets(t *testing.T) {
	a := variant("a", 5, 2)
	_, h, err := wva.Decide(snapshot([]wva.Variant{a}, reports("a", [2]float64{0.5, 0}, [2]float64{0.5, 0})), wva.DefaultPolicy(), wva.History{})
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := h.Variant(a.ID); !ok {
		t.Fatal("a decision is not remembered")
	}
	report, h, err := wva.Decide(snapshot([]wva.Variant{gone(a)}), wva.DefaultPolicy(), h)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := h.Variant(a.ID); ok {
		t.Error("a deleted target is remembered")
	}
	if len(report.Decisions) != 0 || len(report.Problems) != 1 || report.Problems[0].Kind != wva.TargetNotFound {
		t.Errorf("report = %+v, want no decision and the problem %s", report, wva.TargetNotFound)
	}
}

func TestDecideInventory(t *testing.T) {
	busy := [2]float64{0.9, 9}
	a, b := variant("a", 5, 1), variant("b", 20, 1)
	b.Accelerator = "H100"
	s := snapshot([]wva.Variant{a, b}, reports("a", busy), reports("b", busy))
	for _, tt := range []struct {
		name      string
		inventory wva.Inventory
		want      [2]int
		problem   wva.ProblemKind
	}{
		{"no limit: the cheaper grows", wva.Unlimited(), [2]int{2, 1}, ""},
		{"no A100 is free: the H100 grows", wva.Limited(wva.Devices{Type: "A100", Count: 1}, wva.Devices{Type: "H100", Count: 2}), [2]int{1, 2}, ""},
		{"devices may be counted by product name", wva.Limited(wva.Devices{Type: "NVIDIA-A100-PCIE-80GB", Count: 2}), [2]int{2, 1}, ""},
		{"nothing is free", wva.Limited(wva.Devices{Type: "A100", Count: 1}, wva.Devices{Type: "H100", Count: 1}), [2]int{1, 1}, wva.InventoryShort},
		{"unknown is not unlimited", wva.Inventory{}, [2]int{1, 1}, wva.InventoryMissing},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s.Inventory = tt.inventory
			report, _, err := wva.Decide(s, wva.DefaultPolicy(), wva.History{})
			if err != nil {
				t.Fatal(err)
			}
			if got := [2]int{report.Decisions[0].Target, report.Decisions[1].Target}; got != tt.want {
				t.Errorf("targets = %v, want %v\n%s", got, tt.want, report)
			}
			var kinds []wva.ProblemKind
			for _, p := range report.Problems {
				kinds = append(kinds, p.Kind)
			}
			if tt.problem == "" && len(kinds) > 0 || tt.problem != "" && (len(kinds) == 0 || kinds[0] != tt.problem) {
				t.Errorf("problems = %v, want %q", report.Problems, tt.problem)
			}
		})
	}
}

func TestDecideRefuses(t *testing.T) {
	for _, tt := range []struct {
		name     string
		snapshot wva.Snapshot
		policy   wva.Policy
		want     string
	}{
		{"no time", wva.Snapshot{}, wva.DefaultPolicy(), "at is not set"},
		{"no policy", wva.Snapshot{At: noon}, wva.Policy{}, "DefaultPolicy"},
		{"twins", wva.Snapshot{At: noon, Variants: []wva.Variant{variant("a", 1, 1), variant("a", 2, 2)}}, wva.DefaultPolicy(), "variant ns/a is listed twice"},
		{"negative devices", wva.Snapshot{At: noon, Inventory: wva.Limited(wva.Devices{Type: "A100", Count: -1})}, wva.DefaultPolicy(), "A100: count -1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, _, err := wva.Decide(tt.snapshot, tt.policy, wva.History{})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error = %v, want it to say %q", err, tt.want)
			}
		})
	}
}

func TestSnapshotSurvivesJSON(t *testing.T) {
	s := snapshot([]wva.Variant{variant("a", 5, 1)}, reports("a", [2]float64{0.5, 2}))
	s.Metrics.Models = []wva.ModelMetrics{{ModelKey: wva.ModelKey{Namespace: "ns", Model: "m"}, GatewayQueue: wva.Read(3)}}
	text, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	var back wva.Snapshot
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(s, back); diff != "" {
		t.Errorf("-before +after:\n%s", diff)
	}
}

// A variant that cannot be right gets no decision, and its model is held; other models go on.
func TestDecideInvalidVariant(t *testing.T) {
	busy := [2]float64{0.9, 9}
	broken, sibling, other := variant("a", -1, 1), variant("b", 5, 1), variant("c", 5, 1)
	other.Model = "other"
	report, _, err := wva.Decide(snapshot([]wva.Variant{broken, sibling, other}, reports("a", busy), reports("b", busy), reports("c", busy)), wva.DefaultPolicy(), wva.History{})
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := report.Decision(broken.ID); ok {
		t.Error("the broken variant is decided")
	}
	if d, _ := report.Decision(sibling.ID); d.Target != 1 || !strings.Contains(d.Why(), "cost -1: want a number from 0 to 1e+12") {
		t.Errorf("sibling: %s", d)
	}
	if d, _ := report.Decision(other.ID); d.Target != 2 {
		t.Errorf("other model: %s", d)
	}
	if len(report.Problems) == 0 || report.Problems[0].Kind != wva.InvalidVariant {
		t.Errorf("problems: %v", report.Problems)
	}
}
