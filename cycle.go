package wva

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/wva-go/wva/model"
	"github.com/wva-go/wva/optimizer"
	"github.com/wva-go/wva/saturation"
)

// cycle is the working state of one Decide. Stages read and refine the targets of its variants; nothing outside sees it.
type cycle struct {
	snapshot Snapshot
	policy   Policy
	history  History
	models   []*modelState             // the most important first
	variants []*variantState           // by ID
	devices  deviceLedger              // devices that are still free
	front    map[ModelKey]ModelMetrics // measured in front of the servers
	problems []Problem
}

// modelState is one model on its way through a cycle.
type modelState struct {
	key        ModelKey
	priority   int // of its most important service class
	variants   []*variantState
	metrics    MetricsReason
	message    string
	complete   bool   // every replica reports fresh metrics
	held       string // why the safety net holds the targets; empty = it does not
	analysis   *saturation.Analysis
	tokens     *saturation.TokenAnalysis // nil = not asked for, or not possible
	class      string                    // the most important service class of its variants; empty = none
	slo        model.SLO
	plan       *optimizer.Assignment // nil = the optimizer was not asked
	demand     *Demand               // nil = not known
	remembered ModelHistory
}

// variantState is one variant on its way through a cycle.
type variantState struct {
	Variant
	model           *modelState
	price           float64          // of one replica an hour
	priced          bool             // whether by the unit cost of its accelerator, and not by the variant cost
	fresh           []ReplicaMetrics // by replica, one each
	previous        int              // target of the last cycle
	known           bool             // whether there was one
	past            VariantHistory
	recommendations []Recommendation
	target          int
	queue           *model.Queue   // nil = no model-based opinion
	capacity        model.Capacity // of one replica
	wanted          int            // the model-based target
	hasModel        bool
	predicted       Prediction
	reasons         []Reason
	override        *Override
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
	c.front = make(map[ModelKey]ModelMetrics, len(s.Metrics.Models))
	for _, m := range s.Metrics.Models {
		c.front[m.ModelKey] = c.front[m.ModelKey].or(m)
	}
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
	state := &variantState{Variant: v, model: m, target: v.Current, price: v.Cost}
	if u, ok := c.policy.UnitCosts.Lookup(v.Accelerator); ok {
		state.price, state.priced = u.PerHour*float64(v.DevicesPerReplica()), true
	}
	if err := v.Validate(); err != nil {
		m.held = err.Error()
		c.problem(Problem{Variant: v.ID, Model: m.key, Kind: InvalidVariant, Message: err.Error()})
		return
	}
	if past, ok := c.history.Variant(v.ID); ok {
		state.previous, state.known, state.past = past.Target, true, past
		state.recommendations = past.Recommendations
	}
	if class, slo, ok := c.policy.ServiceClasses.For(v.ServiceClass, v.Model); ok && class.Priority < m.priority {
		m.priority, m.class, m.slo = class.Priority, class.Name, slo
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
		h.Variants = append(h.Variants, v.remember(c.snapshot.At))
	}
	for _, m := range c.models {
		past, known := c.history.Model(m.key)
		switch {
		case m.remembered.Model != "":
			h.Models = append(h.Models, m.remembered)
		case m.remembered.Observed != nil:
			past.ModelKey, past.Observed = m.key, m.remembered.Observed
			h.Models = append(h.Models, past)
		case known:
			h.Models = append(h.Models, past)
		}
	}
	slices.SortFunc(h.Models, func(a, b ModelHistory) int { return a.Compare(b.ModelKey) })
	return h
}

func (v *variantState) remember(now time.Time) VariantHistory {
	h := VariantHistory{ID: v.ID, Target: v.target, Recommendations: v.recommendations, PendingSince: v.past.PendingSince, Startup: v.past.Startup}
	switch {
	case v.Pending > 0 && h.PendingSince.IsZero():
		h.PendingSince = now
	case v.Pending == 0 && !h.PendingSince.IsZero():
		if took := now.Sub(h.PendingSince); took > 0 && took <= maxStartup {
			h.Startup = learn(h.Startup, took)
		}
		h.PendingSince = time.Time{}
	}
	return h
}

// maxStartup is beyond what any model takes to load; what takes longer was stuck, or the clock jumped.
const maxStartup = time.Hour

// learn moves the learnt start-up time half of the way to the newest one, so that it follows a change of image or storage
// within a few starts.
func learn(before, took time.Duration) time.Duration {
	if before == 0 {
		return took
	}
	return (before + took) / 2
}

// startup returns how long a new replica takes: as configured, else as learnt, else 0.
func (v *variantState) startup() time.Duration {
	if v.Startup > 0 {
		return v.Startup
	}
	return v.past.Startup
}
