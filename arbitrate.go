package wva

import "fmt"

// Rules of the arbitration between the saturation analysis and the model-based optimizer.
const (
	RuleCapacityVeto   Rule = "arbitration.capacity-veto"         // saturation wants more, the model fewer: neither
	RuleSafetyBlock    Rule = "arbitration.capacity-safety-block" // the model wants fewer, saturation says it is not safe
	RuleCapacityDriven Rule = "arbitration.capacity-driven"       // saturation wants more, the model has no opinion or sees no need
	RuleModelDriven    Rule = "arbitration.model-driven"          // the model's target
	RuleNoAction       Rule = "arbitration.no-action"
)

// verdict is the outcome of an arbitration.
type verdict struct {
	target int
	rule   Rule
	safety bool // a safety rule overrode what was wanted
}

// opinion is what the two analyses say about one variant.
type opinion struct {
	current    int
	saturation int
	model      int
	hasModel   bool // without a model-based target the variant has no model-based opinion
	analyzed   bool // the saturation analysis ran
	safe       bool // it allows a scale-down
}

// arbitrate applies WVA's matrix, its rows in order. It differs in two points: a variant without a model-based target follows
// the saturation analysis, and where both want more the larger target wins. With published set both are as in WVA 0.4: a
// missing target counts as 0 and the model's target wins.
func arbitrate(o opinion, published bool) verdict {
	if !o.hasModel {
		if !published {
			return verdict{target: o.saturation, rule: RuleCapacityDriven}
		}
		o.model = 0
	}
	switch {
	case o.saturation > o.current && o.model < o.current:
		return verdict{o.current, RuleCapacityVeto, true}
	case o.model < o.current && o.analyzed && !o.safe:
		return verdict{o.current, RuleSafetyBlock, true}
	case o.saturation > o.current && o.model == o.current:
		return verdict{o.saturation, RuleCapacityDriven, false}
	case o.saturation > o.current && !published:
		return verdict{max(o.saturation, o.model), RuleModelDriven, false}
	case o.model != o.current:
		return verdict{o.model, RuleModelDriven, false}
	}
	return verdict{o.current, RuleNoAction, false}
}

func (v verdict) message(o opinion) string {
	switch v.rule {
	case RuleCapacityVeto:
		return fmt.Sprintf("stay at %d: the model asks for %d, but the servers are saturated", v.target, o.model)
	case RuleSafetyBlock:
		return fmt.Sprintf("stay at %d: the model asks for %d, but the load of the removed replicas would saturate the others", v.target, o.model)
	case RuleCapacityDriven:
		if !o.hasModel {
			return fmt.Sprintf("%d by saturation: no model-based target for this variant", v.target)
		}
		return fmt.Sprintf("%d by saturation: the model sees no need to change", v.target)
	case RuleModelDriven:
		return fmt.Sprintf("%d by the model (saturation: %d)", v.target, o.saturation)
	}
	return fmt.Sprintf("stay at %d: saturation and model see no need to change", v.target)
}
