package saturation_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wva-go/wva/saturation"
)

// tokens analyzes with the default thresholds, nothing at the gateway and nothing observed before.
func tokens(t *testing.T, replicas []saturation.TokenReplica, states ...saturation.VariantState) saturation.TokenAnalysis {
	t.Helper()
	a, err := saturation.AnalyzeTokens(replicas, states, saturation.GatewayQueue{}, saturation.DefaultTokenConfig(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// server has 10,000 usable tokens.
func server(variant string, inUse, queue float64) saturation.TokenReplica {
	return saturation.TokenReplica{Variant: variant, TokensInUse: inUse, KVTokens: 12500, QueueLength: queue, Input: 1000, Output: 200}
}

// The smaller of KV cache and compute limit counts; the limit is observed, or follows from the batch, or is not known.
func TestTokensCapacity(t *testing.T) {
	observed := []saturation.Observed{{Accelerator: "h100", Answers: "medium", Tokens: []float64{4000, 5000}}}
	for _, tt := range []struct {
		name   string
		change func(*saturation.TokenReplica)
		want   float64
	}{
		{"80% of the KV cache", func(*saturation.TokenReplica) {}, 10000},
		{"batch of 4: 4·(1000 + 200/2)", func(r *saturation.TokenReplica) { r.MaxBatch = 4 }, 4400},
		{"batch of 100 does not fit the cache", func(r *saturation.TokenReplica) { r.MaxBatch = 100 }, 10000},
		{"observed counts before the batch", func(r *saturation.TokenReplica) { r.Accelerator, r.MaxBatch = "h100", 4 }, 4500},
		{"observed with other answers", func(r *saturation.TokenReplica) { r.Accelerator, r.Output = "h100", 500 }, 10000},
		{"observed now: (4000 + 5000 + 6000)/3", func(r *saturation.TokenReplica) { r.Accelerator, r.TokensInUse, r.QueueLength = "h100", 6000, 5 }, 5000},
		{"a queue below its threshold shows no limit", func(r *saturation.TokenReplica) { r.TokensInUse, r.QueueLength = 6000, 4 }, 10000},
		{"no cache", func(r *saturation.TokenReplica) { r.KVTokens = 0 }, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := server("a", 100, 0)
			tt.change(&r)
			states := []saturation.VariantState{{Variant: "a", Current: 1, Ready: 1}}
			a, err := saturation.AnalyzeTokens([]saturation.TokenReplica{r}, states, saturation.GatewayQueue{}, saturation.DefaultTokenConfig(), observed)
			if err != nil {
				t.Fatal(err)
			}
			if got := a.Variants[0].PerReplica; math.Abs(got-tt.want) > 1e-9 {
				t.Errorf("capacity %v, want %v", got, tt.want)
			}
		})
	}
}

func TestTokensTargets(t *testing.T) {
	type state = saturation.VariantState
	busy := func(variant string, n int) []saturation.TokenReplica {
		return slices.Repeat([]saturation.TokenReplica{server(variant, 10000, 10)}, n) // demand 20,000 each
	}
	idle := func(variant string, n int) []saturation.TokenReplica {
		return slices.Repeat([]saturation.TokenReplica{server(variant, 0, 0)}, n)
	}
	for _, tt := range []struct {
		name     string
		replicas []saturation.TokenReplica
		states   []state
		want     []int
		kinds    []saturation.Kind
	}{
		{
			name:     "several replicas in one step: (40000/0.85 − 20000)/10000 is 2.7",
			replicas: busy("a", 2), states: []state{{Variant: "a", Cost: 1, Current: 2, Ready: 2}},
			want: []int{5}, kinds: []saturation.Kind{saturation.TokensUp},
		},
		{
			name:     "replicas that are starting are supply to come, and no reason to wait",
			replicas: busy("a", 2), states: []state{{Variant: "a", Cost: 1, Current: 4, Ready: 2}},
			want: []int{5},
		},
		{
			name:     "the cheapest up to its maximum, then the next; none without devices",
			replicas: slices.Concat(busy("a", 1), busy("b", 1), busy("c", 1)), // (60000/0.85 − 30000)/10000 = 4.1
			states: []state{{Variant: "a", Cost: 1, Current: 1, Ready: 1, Full: true}, {Variant: "b", Cost: 2, Current: 1, Ready: 1, Max: 3},
				{Variant: "c", Cost: 3, Current: 1, Ready: 1}},
			want:  []int{1, 3, 4},
			kinds: []saturation.Kind{saturation.TokensSteady, saturation.TokensUp, saturation.TokensUp},
		},
		{
			name:     "equal cost per token: the first name grows",
			replicas: slices.Concat(busy("b", 1), idle("a", 1)), states: []state{{Variant: "b", Cost: 1, Current: 1, Ready: 1}, {Variant: "a", Cost: 1, Current: 1, Ready: 1}},
			want: []int{2, 1},
		},
		{
			name:     "the dearest go first, down to their minimum; one of the model stays",
			replicas: slices.Concat(idle("a", 3), idle("b", 2)),
			states:   []state{{Variant: "a", Cost: 1, Current: 3, Ready: 3}, {Variant: "b", Cost: 2, Current: 2, Ready: 2, Min: 1}},
			want:     []int{0, 1}, kinds: []saturation.Kind{saturation.TokensDown, saturation.TokensDown},
		},
		{
			name:     "the last replica that reports is left while another is starting",
			replicas: idle("b", 1),
			states:   []state{{Variant: "a", Cost: 1, Current: 1}, {Variant: "b", Cost: 2, Current: 1, Ready: 1}},
			want:     []int{1, 1},
		},
		{
			name:   "no replica reports",
			states: []state{{Variant: "a", Cost: 1, Current: 2}},
			want:   []int{2}, kinds: []saturation.Kind{saturation.NoMetrics},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			list, err := tokens(t, tt.replicas, tt.states...).Targets(tt.states)
			if err != nil {
				t.Fatal(err)
			}
			for i, target := range list {
				if target.Replicas != tt.want[i] || len(tt.kinds) > 0 && target.Reason.Kind != tt.kinds[i] {
					t.Errorf("%+v, want %d replicas", target, tt.want[i])
				}
				if !strings.Contains(target.Reason.String(), fmt.Sprintf("to %d", target.Replicas)) && !strings.Contains(target.Reason.String(), fmt.Sprintf("at %d", target.Replicas)) {
					t.Errorf("the reason %q does not say %d", target.Reason, target.Replicas)
				}
			}
		})
	}
}

// The replicas of a variant that has no state serve all the same.
func TestTokensWithoutState(t *testing.T) {
	a := tokens(t, []saturation.TokenReplica{server("new", 100, 0), server("a", 50, 0)}, saturation.VariantState{Variant: "a", Current: 1, Ready: 1})
	if a.Supply != 20000 || a.Demand != 150 || len(a.Variants) != 2 || a.Variants[1].Variant != "new" {
		t.Errorf("analysis = %+v", a)
	}
}

// A full queue shows the compute limit, and ten of them are remembered.
func TestTokensObserve(t *testing.T) {
	cfg := saturation.DefaultTokenConfig()
	states := []saturation.VariantState{{Variant: "a", Cost: 1, Current: 1, Ready: 1}}
	var observed []saturation.Observed
	for i := range 12 {
		a, err := saturation.AnalyzeTokens([]saturation.TokenReplica{{Variant: "a", TokensInUse: 1000 + float64(i), KVTokens: 16000, QueueLength: 6, Input: 100, Output: 50}}, states, saturation.GatewayQueue{}, cfg, observed)
		if err != nil {
			t.Fatal(err)
		}
		observed = a.Observed
	}
	if len(observed) != 1 || len(observed[0].Tokens) != 10 || observed[0].Tokens[0] != 1002 || observed[0].Answers != "short" {
		t.Errorf("observed %+v", observed)
	}
	a, _ := saturation.AnalyzeTokens([]saturation.TokenReplica{{Variant: "a", TokensInUse: 10, KVTokens: 16000, Input: 100, Output: 50}}, states, saturation.GatewayQueue{}, cfg, observed)
	if got := a.Variants[0].PerReplica; math.Abs(got-1006.5) > 1e-9 {
		t.Errorf("capacity %v, want the mean of the last ten", got)
	}
}

// Of more than ten at once the middle ten are kept.
func TestTokensObserveMany(t *testing.T) {
	var replicas []saturation.TokenReplica
	for i := range 14 {
		replicas = append(replicas, server("a", float64(1000+i), 5))
	}
	a := tokens(t, replicas, saturation.VariantState{Variant: "a", Current: 14, Ready: 14})
	want := []saturation.Observed{{Answers: "medium", Tokens: []float64{1002, 1003, 1004, 1005, 1006, 1007, 1008, 1009, 1010, 1011}}}
	if diff := cmp.Diff(want, a.Observed); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestTokensRefuse(t *testing.T) {
	type replica = saturation.TokenReplica
	type config = saturation.TokenConfig
	for _, tt := range []struct {
		want     string
		config   func(*config)
		replica  replica
		gateway  saturation.GatewayQueue
		observed []saturation.Observed
	}{
		{want: "scaleUpThreshold 0: want a number above 0", config: func(c *config) { c.ScaleUpThreshold = 0 }},
		{want: "scaleDownBoundary 1e-320", config: func(c *config) { c.ScaleDownBoundary = 1e-320 }},
		{want: "scaleDownBoundary 0.9 is above scaleUpThreshold 0.85", config: func(c *config) { c.ScaleDownBoundary = 0.9 }},
		{want: "queueLengthThreshold +Inf", config: func(c *config) { c.QueueLengthThreshold = math.Inf(1) }},
		{want: "replica 0: variant is empty", replica: replica{Input: 1}},
		{want: "replica 0: a: tokens in use NaN", replica: replica{Variant: "a", TokensInUse: math.NaN()}},
		{want: "prefix hit 1.5: want a number from 0 to 1", replica: replica{Variant: "a", PrefixHit: 1.5}},
		{want: "max batch -1", replica: replica{Variant: "a", MaxBatch: -1}},
		{want: "gateway queue: requests -1", gateway: saturation.GatewayQueue{Requests: -1}},
		{want: "gateway queue: bytes +Inf", gateway: saturation.GatewayQueue{Bytes: math.Inf(1)}},
		{want: `observed 0: answers "huge"`, observed: []saturation.Observed{{Answers: "huge"}}},
		{want: "observed 0: tokens NaN", observed: []saturation.Observed{{Answers: "short", Tokens: []float64{math.NaN()}}}},
		{want: `observed 1: accelerator "h100" with short answers: want one entry`, observed: []saturation.Observed{{Accelerator: "h100", Answers: "short"}, {Accelerator: "h100", Answers: "short"}}},
	} {
		t.Run(tt.want, func(t *testing.T) {
			cfg := saturation.DefaultTokenConfig()
			if tt.config != nil {
				tt.config(&cfg)
			}
			var replicas []replica
			if tt.replica != (replica{}) {
				replicas = append(replicas, tt.replica)
			}
			_, err := saturation.AnalyzeTokens(replicas, nil, tt.gateway, cfg, tt.observed)
			if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.HasPrefix(err.Error(), "saturation: ") {
				t.Errorf("error = %v, want it to say %q", err, tt.want)
			}
		})
	}
	if _, err := (saturation.TokenAnalysis{}).Targets([]saturation.VariantState{{Variant: "a", Cost: -1}}); err == nil {
		t.Error("a negative cost, and no error")
	}
}

func TestCautious(t *testing.T) {
	got := saturation.Cautious(
		[]saturation.Target{{Variant: "a", Replicas: 2}, {Variant: "b", Replicas: 1}},
		[]saturation.Target{{Variant: "b", Replicas: 3}, {Variant: "a", Replicas: 1}},
	)
	if len(got) != 2 || got[0].Replicas != 2 || got[1].Replicas != 3 {
		t.Errorf("got %+v", got)
	}
}
