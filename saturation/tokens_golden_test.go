package saturation_test

import (
	"encoding/json"
	"math"
	"os"
	"testing"

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
				Util       float64
				Ready      int
				Pending    int
			}
			Decisions []struct {
				Variant, Action string
				Current, Target int
			} `json:"cost_aware_decisions"`
		}
	}
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Cases) == 0 {
		t.Fatal("no cases")
	}
	actions := map[saturation.Kind]string{saturation.TokensUp: "scale-up", saturation.TokensDown: "scale-down", saturation.TokensSteady: "no-change"}
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
				if math.Abs(f.got-f.want) > 1e-12*max(1, f.want) {
					t.Errorf("%s = %v, want %v", f.name, f.got, f.want)
				}
			}
			if len(a.Variants) != len(c.Variants) {
				t.Fatalf("variants = %+v", a.Variants)
			}
			for i, v := range c.Variants {
				if got := a.Variants[i]; got.Variant != v.Variant || got.PerReplica != v.PerReplica || got.Supply != v.Total || got.Demand != v.Demand ||
					got.Ready != v.Ready || got.Pending != v.Pending || math.Abs(got.Demand/got.Supply-v.Util) > 1e-12 {
					t.Errorf("variant = %+v, want %+v", got, v)
				}
			}
			targets, err := a.Targets(states)
			if err != nil {
				t.Fatal(err)
			}
			for i, d := range c.Decisions {
				if got := targets[i]; got.Variant != d.Variant || got.Replicas != d.Target || got.Reason.Current != d.Current || actions[got.Reason.Kind] != d.Action {
					t.Errorf("target = %+v, want %+v", targets[i], d)
				}
			}
		})
	}
}
