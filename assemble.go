package wva

import (
	"cmp"
	"fmt"
	"slices"
)

// report writes down what the cycle decided, in the order of names.
func (c *cycle) report() Report {
	r := Report{At: c.snapshot.At, Mode: c.policy.Mode, Decisions: make([]Decision, 0, len(c.variants)), Models: make([]ModelReport, 0, len(c.models))}
	for _, v := range c.variants {
		d := v.decision()
		r.Cost += d.Cost
		r.CostDelta += d.CostDelta
		r.Decisions = append(r.Decisions, d)
	}
	for _, m := range c.models {
		r.Models = append(r.Models, ModelReport{ModelKey: m.key, Metrics: m.metrics, Message: m.message, Saturation: m.analysis, Tokens: m.tokens, Demand: m.demand, Plan: m.plan, SafetyNet: m.held})
	}
	slices.SortFunc(r.Models, func(a, b ModelReport) int { return a.Compare(b.ModelKey) })
	c.reportInventory()
	slices.SortFunc(c.problems, func(a, b Problem) int {
		return cmp.Or(a.Model.Compare(b.Model), a.Variant.Compare(b.Variant), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Message, b.Message))
	})
	r.Problems = c.problems
	return r
}

func (v *variantState) decision() Decision {
	if warning := v.Architecture.Warning(); warning != "" {
		v.say(RuleArchitecture, warning)
	}
	return Decision{
		Variant: v.ID, Model: v.Model, Accelerator: v.Accelerator, Scale: v.Variant.Target,
		Current: v.Current, Ready: len(v.fresh), Target: v.target, Action: action(v.Current, v.target),
		Reasons: v.reasons, Override: v.override,
		Cost: v.price * float64(v.target), CostDelta: v.price * float64(v.target-v.Current), Predicted: v.predicted,
	}
}

func (c *cycle) reportInventory() {
	inv := c.snapshot.Inventory
	if inv.Error == "" {
		return
	}
	message := fmt.Sprintf("the inventory could not be read: %s", inv.Error)
	if inv.Limit != InventoryUnknown {
		message = fmt.Sprintf("the inventory of %v ago stays in force: %s", c.snapshot.At.Sub(inv.At), inv.Error)
	}
	c.problem(Problem{Kind: InventoryStale, Message: message})
}
