package wva

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/wva-go/wva/saturation"
)

// cycle is the working state of one Decide. Stages read and refine the targets of its variants; nothing outside sees it.
type cycle struct {
	snapshot Snapshot
	policy   Policy
	history  History
	models   []*modelState   // the most important first
	variants []*variantState // by ID
	devices  deviceLedger    // devices that are still free
	problems []Problem
}

// modelState is one model on its way through a cycle.
type modelState struct {
	key      ModelKey
	priority int // of its most important service class
	variants []*variantState
	metrics  MetricsReason
	message  string
	complete bool   // every replica reports fresh metrics
	held     string // why the safety net holds the targets; empty = it does not
	analysis *saturation.Analysis
}

// variantState is one variant on its way through a cycle.
type variantState struct {
	Variant
	model    *modelState
	invalid  bool
	fresh    []ReplicaMetrics // by replica, one each
	previous int              // target of the last cycle
	known    bool             // whether there was one
	target   int
	reasons  []Reason
	override *Override
}

func newCycle(s Snapshot, p Policy, h History) *cycle {
	c := &cycle{snapshot: s, policy: p, history: h}
	byKey := map[ModelKey]*modelState{}
	variants := slices.Clone(s.Variants)
	slices.SortFunc(variants, func(a, b Variant) int { return a.ID.Compare(b.ID) })
	for _, v := range variants {
		c.admit(v, byKey)
	}
	slices.SortFunc(c.models, func(a, b *modelState) int {
		return cmp.Or(cmp.Compare(a.priority, b.priority), a.key.Compare(b.key))
	})
	c.devices = newDeviceLedger(c)
	return c
}

// admit takes a variant into the cycle, unless there is nothing to scale.
func (c *cycle) admit(v Variant, byKey map[ModelKey]*modelState) {
	if v.TargetMissing {
		c.problem(Problem{Variant: v.ID, Model: v.Key(), Kind: TargetNotFound,
			Message: fmt.Sprintf("target %s of variant %s does not exist: create it, or correct scaleTargetRef", targetName(v.Target), v.ID)})
		return
	}
	m := byKey[v.Key()]
	if m == nil {
		m = &modelState{key: v.Key(), priority: math.MaxInt}
		byKey[m.key] = m
		c.models = append(c.models, m)
	}
	state := &variantState{Variant: v, model: m, target: v.Current}
	if err := v.Validate(); err != nil {
		state.invalid = true
		m.held = err.Error()
		c.problem(Problem{Variant: v.ID, Model: m.key, Kind: InvalidVariant, Message: err.Error()})
		return
	}
	if past, ok := c.history.Variant(v.ID); ok {
		state.previous, state.known = past.Target, true
	}
	if class, _, ok := c.policy.ServiceClasses.For(v.ServiceClass, v.Model); ok {
		m.priority = min(m.priority, class.Priority)
	}
	m.variants = append(m.variants, state)
	c.variants = append(c.variants, state)
}

func targetName(t TargetRef) string {
	if t.Kind == "" {
		return t.Name
	}
	return t.Kind + " " + t.Name
}

func (c *cycle) problem(p Problem) { c.problems = append(c.problems, p) }

// say adds a reason without changing the target.
func (v *variantState) say(rule Rule, message string, numbers ...Number) {
	v.reasons = append(v.reasons, Reason{Rule: rule, Message: message, Numbers: numbers})
}

// overrule replaces the target for the sake of safety and keeps what was wanted first.
func (v *variantState) overrule(target int, rule Rule, message string, numbers ...Number) {
	if target == v.target {
		return
	}
	wanted := v.target
	if v.override != nil {
		wanted = v.override.Wanted
	}
	v.override = &Override{Rule: rule, Wanted: wanted}
	v.target = target
	v.say(rule, message, numbers...)
}

// remember returns the history for the next cycle: variants without a target are forgotten.
func (c *cycle) remember() History {
	var h History
	for _, v := range c.variants {
		h.Variants = append(h.Variants, VariantHistory{ID: v.ID, Target: v.target})
	}
	return h
}
