package saturation_test

import (
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wva-go/wva/saturation"
)

// load is the KV usage and queue length of one replica.
type load [2]float64

func replicas(variant string, loads ...load) []saturation.Replica {
	var out []saturation.Replica
	for _, l := range loads {
		out = append(out, saturation.Replica{Variant: variant, KVUsage: l[0], QueueLength: l[1]})
	}
	return out
}

func analyze(t *testing.T, cfg saturation.Config, groups ...[]saturation.Replica) saturation.Analysis {
	t.Helper()
	var all []saturation.Replica
	for _, g := range groups {
		all = append(all, g...)
	}
	a, err := saturation.Analyze(all, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func targets(t *testing.T, a saturation.Analysis, states ...saturation.VariantState) map[string]int {
	t.Helper()
	list, err := a.Targets(states)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]int{}
	for _, target := range list {
		got[target.Variant] = target.Replicas
	}
	return got
}

func near(got, want float64) bool { return math.Abs(got-want) < 1e-12 }

func perVariant() saturation.Config {
	cfg := saturation.DefaultConfig()
	cfg.Transition = saturation.PerVariant
	return cfg
}

// The trigger compares with <: a mean spare of exactly the trigger is enough.
func TestWorkedExample1(t *testing.T) {
	cfg := saturation.DefaultConfig()
	for _, tt := range []struct {
		second  float64
		spare   float64
		scaleUp bool
	}{{0.72, 0.115, false}, {0.75, 0.10, false}, {0.751, 0.0995, true}} {
		a := analyze(t, cfg, replicas("a", load{0.65, 0}, load{tt.second, 0}))
		if !near(a.SpareKV, tt.spare) || a.ScaleUp != tt.scaleUp {
			t.Errorf("with %v: spare %v, scale up %v; want %v, %v", tt.second, a.SpareKV, a.ScaleUp, tt.spare, tt.scaleUp)
		}
	}
}

func TestWorkedExample2(t *testing.T) {
	states := []saturation.VariantState{
		{Variant: "v1-l4", Cost: 5, Current: 2, Ready: 2},
		{Variant: "v2-a100", Cost: 20, Current: 4, Ready: 3, Desired: 4},
	}
	busy := load{0.75, 0}
	groups := [][]saturation.Replica{replicas("v1-l4", busy, busy), replicas("v2-a100", busy, busy, busy)}
	for _, tt := range []struct {
		cfg  saturation.Config
		want map[string]int
	}{
		{perVariant(), map[string]int{"v1-l4": 3, "v2-a100": 4}},
		{saturation.DefaultConfig(), map[string]int{"v1-l4": 2, "v2-a100": 4}},
	} {
		if diff := cmp.Diff(tt.want, targets(t, analyze(t, tt.cfg, groups...), states...)); diff != "" {
			t.Errorf("%s: -want +got:\n%s", tt.cfg.Transition, diff)
		}
	}
}

func TestWorkedExample3(t *testing.T) {
	a := analyze(t, saturation.DefaultConfig(),
		replicas("a100", load{0.70, 2}, load{0.75, 3}), replicas("h100", load{0.60, 1}, load{0.65, 2}, load{0.55, 1}))
	if !near(a.SpareKV, 0.15) || !near(a.SpareQueue, 3.2) || a.ScaleUp || a.ScaleDownSafe || !near(a.RemainingKV, -0.0125) {
		t.Errorf("analysis = %+v", a)
	}
	got := targets(t, a, saturation.VariantState{Variant: "a100", Cost: 20, Current: 2, Ready: 2}, saturation.VariantState{Variant: "h100", Cost: 15, Current: 3, Ready: 3})
	if diff := cmp.Diff(map[string]int{"a100": 2, "h100": 3}, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestTargets(t *testing.T) {
	busy, idle := load{0.75, 0}, load{0.1, 0}
	type state = saturation.VariantState
	for _, tt := range []struct {
		name     string
		replicas [][]saturation.Replica
		states   []state
		want     map[string]int
		kinds    map[string]saturation.Kind
	}{
		{
			name:     "the cheapest grows",
			replicas: [][]saturation.Replica{replicas("a", busy), replicas("b", busy)},
			states:   []state{{Variant: "a", Cost: 20, Current: 1, Ready: 1}, {Variant: "b", Cost: 10, Current: 1, Ready: 1}},
			want:     map[string]int{"a": 1, "b": 2},
			kinds:    map[string]saturation.Kind{"a": saturation.OtherChosen, "b": saturation.ScaleUp},
		},
		{
			name:     "equal costs: the one with more spare capacity grows",
			replicas: [][]saturation.Replica{replicas("a", load{0.78, 0}), replicas("b", busy)},
			states:   []state{{Variant: "a", Cost: 10, Current: 1, Ready: 1}, {Variant: "b", Cost: 10, Current: 1, Ready: 1}},
			want:     map[string]int{"a": 1, "b": 2},
		},
		{
			name:     "equal costs and spare capacity: the first name grows, the last shrinks",
			replicas: [][]saturation.Replica{replicas("a", idle, idle), replicas("b", idle, idle)},
			states:   []state{{Variant: "a", Cost: 10, Current: 2, Ready: 2}, {Variant: "b", Cost: 10, Current: 2, Ready: 2}},
			want:     map[string]int{"a": 2, "b": 1},
		},
		{
			name:     "pending replicas: the next cheapest grows",
			replicas: [][]saturation.Replica{replicas("a", busy), replicas("b", busy)},
			states:   []state{{Variant: "a", Cost: 5, Current: 1, Ready: 1, Pending: 1}, {Variant: "b", Cost: 10, Current: 1, Ready: 1}},
			want:     map[string]int{"a": 1, "b": 2},
		},
		{
			name:     "at its maximum, or without devices: the next cheapest grows",
			replicas: [][]saturation.Replica{replicas("a", busy), replicas("b", busy), replicas("c", busy)},
			states: []state{{Variant: "a", Cost: 5, Current: 1, Ready: 1, Max: 1}, {Variant: "b", Cost: 6, Current: 1, Ready: 1, Full: true},
				{Variant: "c", Cost: 10, Current: 1, Ready: 1}},
			want: map[string]int{"a": 1, "b": 1, "c": 2},
		},
		{
			name:     "nobody may grow",
			replicas: [][]saturation.Replica{replicas("a", busy)},
			states:   []state{{Variant: "a", Cost: 5, Current: 1, Ready: 1, Max: 1}},
			want:     map[string]int{"a": 1},
			kinds:    map[string]saturation.Kind{"a": saturation.NoRoom},
		},
		{
			name:     "never below one, and never below the minimum",
			replicas: [][]saturation.Replica{replicas("a", idle), replicas("b", idle, idle)},
			states:   []state{{Variant: "a", Cost: 20, Current: 1, Ready: 1}, {Variant: "b", Cost: 10, Current: 2, Ready: 2, Min: 2}},
			want:     map[string]int{"a": 1, "b": 2},
			kinds:    map[string]saturation.Kind{"a": saturation.AtMinimum, "b": saturation.AtMinimum},
		},
		{
			name:     "a variant that stands at zero may grow",
			replicas: [][]saturation.Replica{replicas("b", busy)},
			states:   []state{{Variant: "a", Cost: 5}, {Variant: "b", Cost: 10, Current: 1, Ready: 1}},
			want:     map[string]int{"a": 1, "b": 1},
		},
		{
			name:     "more replicas report than should: the model waits for the leaving one",
			replicas: [][]saturation.Replica{replicas("a", busy, busy)},
			states:   []state{{Variant: "a", Cost: 5, Current: 1, Ready: 2, Desired: 1}},
			want:     map[string]int{"a": 1},
			kinds:    map[string]saturation.Kind{"a": saturation.Waiting},
		},
		{
			name:     "a target not reached yet is kept",
			replicas: [][]saturation.Replica{replicas("a", idle, idle)},
			states:   []state{{Variant: "a", Cost: 5, Current: 2, Ready: 2, Desired: 5}},
			want:     map[string]int{"a": 5},
			kinds:    map[string]saturation.Kind{"a": saturation.Transition},
		},
		{
			name:     "a last target above the maximum is kept up to the maximum",
			replicas: [][]saturation.Replica{replicas("a", idle, idle)},
			states:   []state{{Variant: "a", Cost: 5, Current: 2, Ready: 2, Desired: 5, Max: 3}},
			want:     map[string]int{"a": 3},
		},
		{
			name:     "outside its bounds already: neither brought back nor moved further out",
			replicas: [][]saturation.Replica{replicas("a", busy), replicas("b", busy, busy, busy)},
			states:   []state{{Variant: "a", Cost: 20, Current: 1, Ready: 1, Min: 3}, {Variant: "b", Cost: 5, Current: 3, Ready: 3, Max: 2}},
			want:     map[string]int{"a": 2, "b": 3},
		},
		{
			name:     "equal costs and loads, unequal numbers of replicas: the name decides",
			replicas: [][]saturation.Replica{replicas("a", load{0.78, 0}, load{0.78, 0}, load{0.78, 0}), replicas("b", load{0.78, 0})},
			states:   []state{{Variant: "a", Cost: 10, Current: 3, Ready: 3}, {Variant: "b", Cost: 10, Current: 1, Ready: 1}},
			want:     map[string]int{"a": 4, "b": 1},
		},
		{
			name:     "all replicas saturated",
			replicas: [][]saturation.Replica{replicas("a", load{0.8, 0}, load{0.2, 5})},
			states:   []state{{Variant: "a", Cost: 5, Current: 2, Ready: 2}},
			want:     map[string]int{"a": 3},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := analyze(t, saturation.DefaultConfig(), tt.replicas...)
			if diff := cmp.Diff(tt.want, targets(t, a, tt.states...)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			list, _ := a.Targets(tt.states)
			for _, target := range list {
				if want, ok := tt.kinds[target.Variant]; ok && target.Reason.Kind != want {
					t.Errorf("%s: %s, want %s", target.Variant, target.Reason.Kind, want)
				}
				if target.Reason.String() == "" {
					t.Errorf("%s: no sentence", target.Variant)
				}
			}
		})
	}
}

// Under PerVariant a variant starts at the replicas that report, but not below its minimum for want of reports.
func TestMissingReportsKeepTheMinimum(t *testing.T) {
	a := analyze(t, perVariant(), replicas("a", load{0.5, 0}))
	got := targets(t, a, saturation.VariantState{Variant: "a", Cost: 5, Current: 3, Ready: 1, Min: 2})
	if diff := cmp.Diff(map[string]int{"a": 2}, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// Where a trigger is 0, a spare of exactly 0 after the redistribution is not enough: every replica left would be saturated.
func TestScaleDownThatSaturates(t *testing.T) {
	cfg := saturation.DefaultConfig()
	cfg.QueueSpareTrigger = 0
	if a := analyze(t, cfg, replicas("a", load{0.1, 2.5}, load{0.1, 2.5})); a.ScaleDownSafe || a.RemainingQueue != 0 {
		t.Errorf("one replica with a queue of 5 would be left: %+v", a)
	}
	if a := analyze(t, cfg, replicas("a", load{0.1, 2.4}, load{0.1, 2.4})); !a.ScaleDownSafe {
		t.Errorf("one replica with a queue of 4.8 would be left: %+v", a)
	}
}

func TestTransitionRuleText(t *testing.T) {
	for _, rule := range []saturation.TransitionRule{saturation.PerModel, saturation.PerVariant} {
		text, err := rule.MarshalText()
		if err != nil || string(text) != rule.String() {
			t.Errorf("%s: %q, %v", rule, text, err)
		}
		back := saturation.TransitionRule(7)
		if err := back.UnmarshalText(text); err != nil || back != rule {
			t.Errorf("%q read as %s, %v", text, back, err)
		}
	}
	if _, err := saturation.TransitionRule(7).MarshalText(); err == nil {
		t.Error("no rule 7, and no error")
	}
}

func TestConfigValidate(t *testing.T) {
	for want, change := range map[string]func(*saturation.Config){
		"":                     func(*saturation.Config) {},
		"kvCacheThreshold NaN": func(c *saturation.Config) { c.KVCacheThreshold = math.NaN() },
		"kvSpareTrigger 1.5: want a number from 0": func(c *saturation.Config) { c.KVSpareTrigger = 1.5 },
		"kvCacheThreshold 0.05 is below":           func(c *saturation.Config) { c.KVCacheThreshold = 0.05 },
		"queueLengthThreshold 1e+19":               func(c *saturation.Config) { c.QueueLengthThreshold = 1e19 },
		"queueSpareTrigger -1":                     func(c *saturation.Config) { c.QueueSpareTrigger = -1 },
		"transition 7":                             func(c *saturation.Config) { c.Transition = 7 },
	} {
		cfg := saturation.DefaultConfig()
		change(&cfg)
		if err := cfg.Validate(); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("error = %v, want it to say %q", err, want)
		}
	}
}

func TestRefused(t *testing.T) {
	nan := math.NaN()
	for _, tt := range []struct {
		name    string
		replica saturation.Replica
		want    string
	}{
		{"NaN usage", saturation.Replica{Variant: "a", KVUsage: nan}, "replica 0: a: KV usage NaN"},
		{"usage in percent", saturation.Replica{Variant: "a", KVUsage: 65}, "KV usage 65: want a number from 0 to 1"},
		{"negative queue", saturation.Replica{Variant: "a", QueueLength: -1}, "queue length -1"},
		{"endless queue", saturation.Replica{Variant: "a", QueueLength: math.Inf(1)}, "queue length +Inf"},
		{"nameless", saturation.Replica{}, "variant is empty"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := saturation.Analyze([]saturation.Replica{tt.replica}, saturation.DefaultConfig())
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error = %v, want it to say %q", err, tt.want)
			}
		})
	}
	a := analyze(t, saturation.DefaultConfig(), replicas("a", load{0.5, 0}))
	for _, tt := range []struct {
		states []saturation.VariantState
		want   string
	}{
		{[]saturation.VariantState{{Variant: "a"}, {Variant: "a"}}, `"a": want a name that occurs once`},
		{[]saturation.VariantState{{Variant: "a", Cost: nan}}, "cost NaN"},
		{[]saturation.VariantState{{Variant: "a", Current: -2}}, "current -2"},
		{[]saturation.VariantState{{Variant: "a", Min: 3, Max: 2}}, "min 3 is above max 2"},
	} {
		if _, err := a.Targets(tt.states); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("error = %v, want it to say %q", err, tt.want)
		}
	}
}
