package wva

import (
	"fmt"
	"math"
	"slices"
)

// Rules of the guard.
const (
	RuleGuardMetrics   Rule = "guard.metrics"   // nothing shrinks on incomplete metrics
	RuleGuardMinimum   Rule = "guard.minimum"   // the variant's minimum
	RuleGuardMaximum   Rule = "guard.maximum"   // the variant's maximum
	RuleGuardInventory Rule = "guard.inventory" // the devices there are
	RuleGuardBudget    Rule = "guard.budget"    // the cost per hour that the fleet or a class may have
)

// guard is the last stage: whatever the others wanted, no target leaves the cycle that shrinks on incomplete metrics,
// lies outside its variant's bounds, needs devices that are not there or grows beyond a budget. Where these disagree the later one wins,
// except that a minimum, which an operator asked for, is not cut back for want of devices.
func (c *cycle) guard() {
	for _, m := range c.models {
		for _, v := range m.variants {
			v.guardMetrics()
			v.guardBounds()
		}
	}
	c.guardInventory()
	for _, b := range c.policy.Budgets {
		c.guardBudget(b.Class, b.PerHour)
	}
}

// guardBudget takes growth back, of the least important models first, until the cost of the targets is within a budget or nothing grows any more.
func (c *cycle) guardBudget(class string, perHour float64) {
	total := 0.0
	for _, v := range c.variants {
		if class == "" || v.model.class == class {
			total += v.price * float64(v.target)
		}
	}
	for _, m := range slices.Backward(c.models) {
		for _, v := range slices.Backward(m.variants) {
			floor := max(v.Current, v.Min)
			if class != "" && m.class != class || v.price <= 0 || v.target <= floor || total <= perHour+1e-9 {
				continue
			}
			granted := max(floor, v.target-int(math.Ceil((total-perHour)/v.price-1e-9)))
			total -= v.price * float64(v.target-granted)
			message := fmt.Sprintf("%d instead of %d replicas: the budget of %g an hour", granted, v.target, perHour)
			c.problem(Problem{Variant: v.ID, Model: m.key, Kind: BudgetShort, Message: fmt.Sprintf("variant %s: %s", v.ID, message)})
			v.overrule(granted, RuleGuardBudget, message, Number{"budget", perHour})
		}
	}
}

func (v *variantState) guardMetrics() {
	if v.target >= v.Current || v.model.complete {
		return
	}
	v.overrule(v.Current, RuleGuardMetrics,
		fmt.Sprintf("stay at %d instead of %d: nothing shrinks while %s", v.Current, v.target, v.model.message))
}

func (v *variantState) guardBounds() {
	if v.target < v.Min {
		v.overrule(v.Min, RuleGuardMinimum, fmt.Sprintf("raise to the minimum of %d", v.Min), Number{"minimum", float64(v.Min)})
	}
	if v.Max > 0 && v.target > v.Max {
		v.overrule(v.Max, RuleGuardMaximum, fmt.Sprintf("cut to the maximum of %d", v.Max), Number{"maximum", float64(v.Max)})
	}
}

// guardInventory grants devices to the growth of the most important models first. A replica that is to go holds its
// devices until it is gone, so what others give up is free in a later cycle.
func (c *cycle) guardInventory() {
	c.devices = newDeviceLedger(c) // what earlier stages reserved no longer counts
	for _, m := range c.models {
		for _, v := range m.variants {
			floor := max(v.Current, min(v.target, v.Min))
			if v.target <= floor {
				c.devices.take(v, v.target-v.Current)
				continue
			}
			granted := min(v.target, v.Current+c.devices.room(v))
			c.refuse(v, max(granted, floor))
			c.devices.take(v, v.target-v.Current)
		}
	}
}

// refuse cuts a growing variant to what the inventory has room for.
func (c *cycle) refuse(v *variantState, granted int) {
	if granted >= v.target {
		return
	}
	kind, cause := c.devices.refusal(v)
	short := (v.target - granted) * v.DevicesPerReplica()
	message := fmt.Sprintf("%d instead of %d replicas: %s", granted, v.target, cause)
	c.problem(Problem{Variant: v.ID, Model: v.model.key, Kind: kind, Message: fmt.Sprintf("variant %s: %s", v.ID, message)})
	v.overrule(granted, RuleGuardInventory, message, Number{"devicesMissing", float64(short)})
}
