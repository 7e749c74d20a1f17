package saturation_test

import (
	"encoding/json"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/wva-go/wva/saturation"
)

// Every case of testdata/saturation_v2.json, outputs of the published analyzer whose commit the file names.
func TestGoldenTokens(t *testing.T) {
	text, err := os.ReadFile("testdata/saturation_v2.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Cases []struct {
			Name     string
			Replicas []struct {
				Variant     string
				Cost        float64
				TokensInUse float64 `json:"tokens_in_use"`
				KVTokens    float64 `json:"total_kv_tokens"`
				Queue       float64
				In          float64 `json:"avg_in"`
				Out         float64 `json:"avg_out"`
				Hit         float64 `json:"prefix_hit"`
			}
			States []struct {
				Variant          string
				Current, Pending int
			}
			Gateway     *struct{ QueueBytes, QueueSize float64 } `json:"scheduler_queue"`
			Required    float64
			Spare       float64
			Demand      float64 `json:"total_demand"`
			Supply      float64 `json:"total_supply"`
			Utilization float64
			Variants    []struct {
				Variant    string
				Demand     float64
				PerReplica float64 `json:"per_replica"`
				Total      float64
			}
			Decisions []struct {
				Variant string
				Target  int
			} `json:"cost_aware_decisions"`
		}
	}
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	for _, c := range file.Cases {
		t.Run(c.Name, func(t *testing.T) {
			var replicas []saturation.TokenReplica
			costs, ready := map[string]float64{}, map[string]int{}
			for _, r := range c.Replicas {
				costs[r.Variant] = r.Cost
				ready[r.Variant]++
				replicas = append(replicas, saturation.TokenReplica{Variant: r.Variant, TokensInUse: r.TokensInUse, KVTokens: r.KVTokens, QueueLength: r.Queue, Input: r.In, Output: r.Out, PrefixHit: r.Hit})
			}
			var states []saturation.VariantState
			for _, s := range c.States {
				states = append(states, saturation.VariantState{Variant: s.Variant, Cost: costs[s.Variant], Current: s.Current, Pending: s.Pending, Ready: ready[s.Variant]})
			}
			var gateway saturation.GatewayQueue
			if c.Gateway != nil {
				gateway = saturation.GatewayQueue{Requests: c.Gateway.QueueSize, Bytes: c.Gateway.QueueBytes}
			}
			a, err := saturation.AnalyzeTokens(replicas, states, gateway, saturation.DefaultTokenConfig(), nil)
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range []struct {
				name      string
				got, want float64
			}{{"required", a.Required, c.Required}, {"spare", a.Spare, c.Spare}, {"demand", a.Demand, c.Demand}, {"supply", a.Supply, c.Supply}, {"utilization", a.Utilization, c.Utilization}} {
				if math.Abs(f.got-f.want) > 1e-9*max(1, f.want) {
					t.Errorf("%s = %v, want %v", f.name, f.got, f.want)
				}
			}
			for i, v := range c.Variants {
				if got := a.Variants[i]; got.Variant != v.Variant || got.PerReplica != v.PerReplica || got.Supply != v.Total || got.Demand != v.Demand {
					t.Errorf("variant = %+v, want %+v", got, v)
				}
			}
			targets, err := a.Targets(states)
			if err != nil {
				t.Fatal(err)
			}
			for i, d := range c.Decisions {
				if targets[i].Variant != d.Variant || targets[i].Replicas != d.Target {
					t.Errorf("target = %+v, want %+v", targets[i], d)
				}
			}
		})
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

func TestTokensRefuse(t *testing.T) {
	good := saturation.DefaultTokenConfig()
	bad := good
	bad.ScaleUpThreshold = 0
	for want, call := range map[string]func() error{
		"scaleUpThreshold 0": func() error {
			_, err := saturation.AnalyzeTokens(nil, nil, saturation.GatewayQueue{}, bad, nil)
			return err
		},
		"tokens in use NaN": func() error {
			_, err := saturation.AnalyzeTokens([]saturation.TokenReplica{{Variant: "a", TokensInUse: math.NaN()}}, nil, saturation.GatewayQueue{}, good, nil)
			return err
		},
		"gateway queue": func() error {
			_, err := saturation.AnalyzeTokens(nil, nil, saturation.GatewayQueue{Requests: -1}, good, nil)
			return err
		},
	} {
		if err := call(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error = %v, want it to say %q", err, want)
		}
	}
}

func TestPropertyTokens(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		_, states := drawModel(t)
		var replicas []saturation.TokenReplica
		for _, s := range states {
			for range s.Ready {
				replicas = append(replicas, saturation.TokenReplica{Variant: s.Variant, TokensInUse: rapid.Float64Range(0, 20000).Draw(t, "tokens"), KVTokens: 16000, QueueLength: float64(rapid.IntRange(0, 8).Draw(t, "queue")), Input: 500, Output: 100})
			}
		}
		a, err := saturation.AnalyzeTokens(replicas, states, saturation.GatewayQueue{}, saturation.DefaultTokenConfig(), nil)
		if err != nil {
			t.Fatal(err)
		}
		b, _ := saturation.AnalyzeTokens(rapid.Permutation(replicas).Draw(t, "order"), rapid.Permutation(states).Draw(t, "states"), saturation.GatewayQueue{}, saturation.DefaultTokenConfig(), nil)
		if diff := cmp.Diff(a, b); diff != "" {
			t.Fatal(diff)
		}
		targets, err := a.Targets(states)
		if err != nil {
			t.Fatal(err)
		}
		total, before := 0, 0
		for i, target := range targets {
			s := states[i]
			total, before = total+target.Replicas, before+s.Current
			if target.Replicas > s.Current && s.Max > 0 && target.Replicas > s.Max || target.Replicas < s.Current && target.Replicas < s.Min {
				t.Fatalf("%+v goes to %d", s, target.Replicas)
			}
		}
		if before > 0 && total == 0 {
			t.Fatal("the model lost its last replica")
		}
	})
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
