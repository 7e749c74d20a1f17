package wva

import (
	"encoding/json"
	"os"
	"testing"
)

// Every arbitration of testdata/arbitration.json, outputs of the published HYBRID mode whose commit the file names.
func TestArbitrationGolden(t *testing.T) {
	text, err := os.ReadFile("testdata/arbitration.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Cases []struct {
			Name     string
			Analysis struct {
				ScaleDownSafe bool `json:"scale_down_safe"`
				Total         int
			}
			ModelTargets  map[string]int `json:"model_targets"`
			TargetsHybrid map[string]int `json:"targets_hybrid"`
			Arbitration   []struct {
				Variant         string
				Current, Target int
				Action          string
				ModelBased      bool `json:"model_based"`
				Saturation      bool `json:"saturation_based"`
				SafetyOverride  bool `json:"safety_override"`
			}
		}
	}
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, c := range file.Cases {
		for _, want := range c.Arbitration {
			n++
			model, known := c.ModelTargets[want.Variant]
			saturation, analyzed := c.TargetsHybrid[want.Variant]
			if !analyzed {
				saturation = want.Current
			}
			o := opinion{current: want.Current, saturation: saturation, model: model, hasModel: known, analyzed: true}
			if c.Analysis.ScaleDownSafe {
				o.removable = want.Current
			}
			got := arbitrate(o, true)
			if got.target != want.Target || got.safety != want.SafetyOverride || string(action(want.Current, got.target)) != want.Action ||
				(got.rule == RuleModelDriven || got.rule == RuleSafetyBlock) != want.ModelBased || (got.rule == RuleCapacityDriven || got.safety) != want.Saturation {
				t.Errorf("%s/%s: got %+v, want %+v", c.Name, want.Variant, got, want)
			}
		}
	}
	if n == 0 {
		t.Fatal("no arbitration")
	}
}

// Where ours differs from the published matrix.
func TestArbitrationOurs(t *testing.T) {
	for _, tt := range []struct {
		name string
		o    opinion
		want verdict
	}{
		{"no opinion is not zero", opinion{current: 3, saturation: 3, analyzed: true, removable: 1}, verdict{3, RuleCapacityDriven, false}},
		{"no opinion: saturation decides", opinion{current: 3, saturation: 4, analyzed: true}, verdict{4, RuleCapacityDriven, false}},
		{"both want more: the larger", opinion{current: 3, saturation: 5, model: 4, hasModel: true, analyzed: true}, verdict{5, RuleModelDriven, false}},
		{"both want more: the larger, the other way", opinion{current: 3, saturation: 4, model: 6, hasModel: true, analyzed: true}, verdict{6, RuleModelDriven, false}},
		{"capacity veto", opinion{current: 3, saturation: 4, model: 1, hasModel: true, analyzed: true}, verdict{3, RuleCapacityVeto, true}},
		{"safety block", opinion{current: 3, saturation: 3, model: 1, hasModel: true, analyzed: true}, verdict{3, RuleSafetyBlock, true}},
		{"the model shrinks where it is safe", opinion{current: 3, saturation: 2, model: 1, hasModel: true, analyzed: true, removable: 2}, verdict{1, RuleModelDriven, false}},
		{"and no further", opinion{current: 3, saturation: 2, model: 0, hasModel: true, analyzed: true, removable: 2}, verdict{1, RuleSafetyBlock, true}},
		{"without an analysis nothing blocks", opinion{current: 3, saturation: 3, model: 1, hasModel: true}, verdict{1, RuleModelDriven, false}},
		{"saturation alone does not shrink", opinion{current: 3, saturation: 2, model: 3, hasModel: true, analyzed: true, removable: 1}, verdict{3, RuleNoAction, false}},
	} {
		if got := arbitrate(tt.o, false); got != tt.want {
			t.Errorf("%s: got %+v, want %+v", tt.name, got, tt.want)
		}
	}
}
