package saturation_test

import (
	"encoding/json"
	"math"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wva-go/wva/saturation"
)

// goldenCase is one case of testdata/saturation_v1.json: outputs of the published analyzers, whose commits the file names.
type goldenCase struct {
	Name   string
	Config struct {
		KVCacheThreshold, QueueLengthThreshold, KVSpareTrigger, QueueSpareTrigger float64
	}
	Replicas []struct {
		Variant         string
		Cost, KV, Queue float64
	}
	States []struct {
		Variant                   string
		Current, Pending, Desired int
	}
	Analysis struct {
		Total         int
		NonSaturated  int     `json:"non_saturated"`
		SpareKV       float64 `json:"avg_spare_kv"`
		SpareQueue    float64 `json:"avg_spare_queue"`
		ScaleUp       bool    `json:"should_scale_up"`
		ScaleDownSafe bool    `json:"scale_down_safe"`
	}
	TargetsV04 map[string]int `json:"targets_v04"`
	TargetsV05 map[string]int `json:"targets_v05"`
}

func (c goldenCase) config(rule saturation.TransitionRule) saturation.Config {
	return saturation.Config{
		KVCacheThreshold: c.Config.KVCacheThreshold, QueueLengthThreshold: c.Config.QueueLengthThreshold,
		KVSpareTrigger: c.Config.KVSpareTrigger, QueueSpareTrigger: c.Config.QueueSpareTrigger, Transition: rule,
	}
}

func (c goldenCase) replicas() []saturation.Replica {
	var replicas []saturation.Replica
	for _, r := range c.Replicas {
		replicas = append(replicas, saturation.Replica{Variant: r.Variant, KVUsage: r.KV, QueueLength: r.Queue})
	}
	return replicas
}

// states puts together what the file gives by variant and by replica.
func (c goldenCase) states() []saturation.VariantState {
	var states []saturation.VariantState
	for _, s := range c.States {
		state := saturation.VariantState{Variant: s.Variant, Current: s.Current, Pending: s.Pending, Desired: s.Desired, Cost: 10}
		for _, r := range c.Replicas {
			if r.Variant == s.Variant {
				state.Ready++
				state.Cost = r.Cost
			}
		}
		states = append(states, state)
	}
	return states
}

func goldenCases(t *testing.T) []goldenCase {
	text, err := os.ReadFile("testdata/saturation_v1.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Cases []goldenCase }
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Cases) == 0 {
		t.Fatal("no cases")
	}
	return file.Cases
}

func TestGoldenAnalysis(t *testing.T) {
	for _, c := range goldenCases(t) {
		t.Run(c.Name, func(t *testing.T) {
			a, err := saturation.Analyze(c.replicas(), c.config(saturation.PerModel))
			if err != nil {
				t.Fatal(err)
			}
			want := c.Analysis
			if a.Replicas != want.Total || a.NonSaturated != want.NonSaturated || a.ScaleUp != want.ScaleUp || a.ScaleDownSafe != want.ScaleDownSafe {
				t.Errorf("got %+v, want %+v", a, want)
			}
			if math.Abs(a.SpareKV-want.SpareKV) > 1e-12 || math.Abs(a.SpareQueue-want.SpareQueue) > 1e-12 {
				t.Errorf("spare = %v, %v, want %v, %v", a.SpareKV, a.SpareQueue, want.SpareKV, want.SpareQueue)
			}
		})
	}
}

// The published targets leave out variants without metrics; ours keep their current replicas.
func TestGoldenTargets(t *testing.T) {
	for _, c := range goldenCases(t) {
		for rule, want := range map[saturation.TransitionRule]map[string]int{saturation.PerVariant: c.TargetsV04, saturation.PerModel: c.TargetsV05} {
			t.Run(c.Name+"/"+rule.String(), func(t *testing.T) {
				a, err := saturation.Analyze(c.replicas(), c.config(rule))
				if err != nil {
					t.Fatal(err)
				}
				targets, err := a.Targets(c.states())
				if err != nil {
					t.Fatal(err)
				}
				got := map[string]int{}
				for i, target := range targets {
					if _, published := want[target.Variant]; published {
						got[target.Variant] = target.Replicas
					} else if target.Replicas != c.states()[i].Current {
						t.Errorf("%s: %d, want its current %d", target.Variant, target.Replicas, c.states()[i].Current)
					}
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("-want +got:\n%s%v", diff, targets)
				}
			})
		}
	}
}
