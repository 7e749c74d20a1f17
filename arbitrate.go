package wva

import (
	"cmp"
	"fmt"
	"slices"
)

// Rules of the arbitration between the saturation analysis and the model-based optimizer.
const (
	RuleCapacityVeto   Rule = "arbitration.capacity-veto"         // saturation wants more, the model fewer: neither
	RuleSafetyBlock    Rule = "arbitration.capacity-safety-block" // the model wants fewer than saturation says is safe
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
	removable  int  // replicas that it lets go
	saturated  int  // replicas at a threshold, for which it lets none go
}

// arbitrate applies WVA's matrix, its rows in order. It differs in two points: a variant without a model-based target follows
// the saturation analysis, and where both want more the larger target wins. With published set both are as in WVA 0.4: a
// missing target counts as 0 and the model's target wins. That a scale-down is safe or not is in WVA a yes or no; here it is a number of replicas.
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
	case o.analyzed && o.model < o.current-o.removable:
		return verdict{o.current - o.removable, RuleSafetyBlock, true}
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
		return fmt.Sprintf("stay at %d: the model asks for %d, but the saturation analysis for %d", v.target, o.model, o.saturation)
	case RuleSafetyBlock:
		switch {
		case o.saturated > 0:
			return fmt.Sprintf("stay at %d: the model asks for %d, but %d replicas are saturated", v.target, o.model, o.saturated)
		case o.removable > 0:
			return fmt.Sprintf("%d rather than %d by the model: the load of more than %d removed replicas would saturate the others", v.target, o.model, o.removable)
		}
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

// combine settles the targets of a model from the two analyses.
func (c *cycle) combine(m *modelState) {
	switch {
	case m.held != "":
	case c.policy.Mode == ModelOnly:
		for _, v := range m.variants {
			v.target = v.Current
			if v.hasModel {
				v.target = v.wanted
			}
		}
	default:
		c.arbitrate(m)
	}
}

// arbitrate hands out the replicas of a model that may go, the dearest first by what the optimizer counts, so that together the variants give up no more than it finds
// safe. As published, it is asked about one replica, and the answer counts for any number of every variant.
func (c *cycle) arbitrate(m *modelState) {
	published := c.policy.PublishedArbitration
	removable := 0
	if m.analysis != nil {
		removable = m.analysis.Removable()
	}
	for _, v := range dearestFirst(m.variants) {
		o := opinion{current: v.Current, saturation: v.target, model: v.wanted, hasModel: v.hasModel, analyzed: m.analysis != nil && m.analysis.Replicas > 0}
		switch {
		case !o.analyzed || !m.analysis.ScaleDownSafe:
		case published:
			o.removable = v.Current
		default:
			share, _ := m.analysis.Variant(v.ID.Name)
			if o.saturated = share.Replicas - share.NonSaturated; o.saturated == 0 {
				o.removable = removable + v.Pending // those that have not started carry nothing
			}
		}
		verdict := arbitrate(o, published)
		if verdict.safety {
			v.override = &Override{Rule: verdict.rule, Wanted: v.wanted}
		}
		v.target = verdict.target
		v.say(verdict.rule, verdict.message(o))
		removable = max(0, removable-max(0, v.Current-v.Pending-v.target))
	}
}

func dearestFirst(variants []*variantState) []*variantState {
	return slices.SortedFunc(slices.Values(variants), func(a, b *variantState) int {
		return cmp.Or(cmp.Compare(b.price, a.price), b.ID.Compare(a.ID))
	})
}
