package wva

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"time"
)

// Behavior slows changes down, in the words of the HorizontalPodAutoscaler's behavior (autoscaling/v2). The zero
// Behavior changes nothing in CAPACITY-ONLY; in HYBRID and MODEL-ONLY it has a window for scale-down.
type Behavior struct {
	ScaleUp   ScalingRules `json:"scaleUp,omitzero"`
	ScaleDown ScalingRules `json:"scaleDown,omitzero"`
}

// ScalingRules limit the changes in one direction.
type ScalingRules struct {
	// StabilizationWindow makes a change only as large as every target wanted within the window would: down to the
	// highest of them, up to the lowest. 0 is the default, and [NoStabilization] none. The default is none, but for scale-down where the model decides: a replica that goes
	// and is missed is back a start later, so that one stays idle for as long as a start of the model takes, five minutes where nobody knows yet how long that is. In HYBRID the
	// window of scale-down is also that of growth which only replaces other replicas: [RuleExchange].
	StabilizationWindow time.Duration `json:"stabilizationWindow,omitempty"`
	// Policies bound the change of one cycle; none = no bound.
	Policies []ScalingPolicy `json:"policies,omitempty"`
	// SelectPolicy says which of several policies counts: the one that allows the most (empty or Max), the least (Min), or
	// no change in this direction at all (Disabled).
	SelectPolicy SelectPolicy `json:"selectPolicy,omitempty"`
	// Tolerance is the relative change, |target − current| / current, up to which nothing changes.
	Tolerance float64 `json:"tolerance,omitempty"`
}

// NoStabilization is a StabilizationWindow that is none, also where the default is one.
const NoStabilization time.Duration = -1

// longestWindow bounds what is remembered.
const longestWindow = time.Hour

// unknownStartup is the default window while no start has been seen, that of the HorizontalPodAutoscaler.
const unknownStartup = 5 * time.Minute

// ScalingPolicy is one bound on the change of a cycle: Value replicas, or Value percent of the current ones (rounded up).
type ScalingPolicy struct {
	Type  ScalingPolicyType `json:"type"`
	Value float64           `json:"value"`
}

// ScalingPolicyType is the unit of a ScalingPolicy.
type ScalingPolicyType string

// The units of a ScalingPolicy.
const (
	PodsPolicy    ScalingPolicyType = "Pods"
	PercentPolicy ScalingPolicyType = "Percent"
)

// SelectPolicy chooses among several policies.
type SelectPolicy string

// The ways to choose.
const (
	MaxPolicySelect      SelectPolicy = "Max"
	MinPolicySelect      SelectPolicy = "Min"
	DisabledPolicySelect SelectPolicy = "Disabled"
)

// Rules of the behavior stage.
const (
	RuleTolerance     Rule = "behavior.tolerance"
	RuleStabilization Rule = "behavior.stabilization"
	RuleExchange      Rule = "behavior.exchange" // growth that only replaces other replicas waits until the plan stands
	RuleStep          Rule = "behavior.step"
	RuleDisabled      Rule = "behavior.disabled"
)

// Validate refuses windows, values and tolerances that are negative or not finite, and unknown words.
func (b Behavior) Validate() error {
	return errors.Join(b.ScaleUp.validate("scaleUp"), b.ScaleDown.validate("scaleDown"))
}

func (r ScalingRules) validate(direction string) error {
	var errs []error
	bad := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("behavior.%s: "+format, append([]any{direction}, args...)...))
	}
	if w := r.StabilizationWindow; w != NoStabilization && (w < 0 || w > longestWindow) {
		bad("stabilization window %v: want 0 to %v, or %d for none", w, longestWindow, NoStabilization)
	}
	if !(r.Tolerance >= 0) || math.IsInf(r.Tolerance, 0) {
		bad("tolerance %v: want a finite number, 0 or more", r.Tolerance)
	}
	switch r.SelectPolicy {
	case "", MaxPolicySelect, MinPolicySelect, DisabledPolicySelect:
	default:
		bad("select policy %q: want Max, Min or Disabled", r.SelectPolicy)
	}
	for i, p := range r.Policies {
		if p.Type != PodsPolicy && p.Type != PercentPolicy {
			bad("policy %d: type %q: want Pods or Percent", i, p.Type)
		}
		if !(p.Value > 0) || math.IsInf(p.Value, 0) {
			bad("policy %d: value %v: want a positive finite number", i, p.Value)
		}
	}
	return errors.Join(errs...)
}

// step returns the largest change that the policies allow from current replicas.
func (r ScalingRules) step(current int) int {
	if len(r.Policies) == 0 {
		return maxReplicas
	}
	allowed := -1
	for _, p := range r.Policies {
		change := p.Value
		if p.Type == PercentPolicy {
			change = float64(current) * p.Value / 100
		}
		n := int(math.Ceil(min(change, maxReplicas)))
		switch {
		case allowed < 0:
			allowed = n
		case r.SelectPolicy == MinPolicySelect:
			allowed = min(allowed, n)
		default:
			allowed = max(allowed, n)
		}
	}
	return allowed
}

// Recommendation is a target that was wanted at some time, before it was slowed down.
type Recommendation struct {
	At     time.Time `json:"at"`
	Target int       `json:"target"`
}

// pace applies the behavior to a variant's target. Held models are not paced: their targets do not move.
func (c *cycle) pace(v *variantState, p pacing) {
	if v.model.held != "" {
		return
	}
	wanted := v.target
	v.recommendations = recent(v.recommendations, c.snapshot.At, p.window())
	if !v.known && p.window() > 0 {
		// Nobody knows what was wanted before: what runs, as the HorizontalPodAutoscaler assumes as well. Otherwise a window would not hold the first cycle.
		v.recommendations = append(v.recommendations, Recommendation{At: c.snapshot.At, Target: v.Current})
	}
	v.recommendations = append(v.recommendations, Recommendation{At: c.snapshot.At, Target: wanted})
	rules, direction, exchange := p.up, 1, p.exchange
	if wanted < v.Current {
		rules, direction, exchange = p.down, -1, 0
	}
	if wanted == v.Current {
		return
	}
	if rules.SelectPolicy == DisabledPolicySelect {
		v.slow(v.Current, RuleDisabled, fmt.Sprintf("stay at %d: %s is disabled", v.Current, action(v.Current, wanted)))
		return
	}
	if math.Abs(float64(wanted-v.Current)) <= rules.Tolerance*float64(v.Current) {
		v.slow(v.Current, RuleTolerance, fmt.Sprintf("stay at %d: %d is within the tolerance of %g%%", v.Current, wanted, 100*rules.Tolerance))
		return
	}
	if stable := v.stable(c.snapshot.At, rules.StabilizationWindow, direction); stable != wanted {
		v.slow(stable, RuleStabilization, fmt.Sprintf("%d rather than %d: stabilized over the last %v", stable, wanted, rules.StabilizationWindow))
	}
	if stable := v.stable(c.snapshot.At, exchange, direction); stable != v.target {
		v.slow(stable, RuleExchange, fmt.Sprintf("%d rather than %d: what runs carries the demand, and the plan for other replicas has not stood for %v", stable, v.target, exchange))
	}
	if allowed := rules.step(v.Current); direction*(v.target-v.Current) > allowed {
		paced := v.Current + direction*allowed
		v.slow(paced, RuleStep, fmt.Sprintf("%d rather than %d: at most %d replicas a cycle", paced, v.target, allowed))
	}
}

// pacing is the policy's behavior for one model, with the windows that are to be.
type pacing struct {
	up, down ScalingRules
	exchange time.Duration // window of growth that only replaces other replicas
}

func (c *cycle) pacing(m *modelState) pacing {
	p := pacing{up: c.policy.Behavior.ScaleUp, down: c.policy.Behavior.ScaleDown}
	ours := c.policy.Mode != CapacityOnly && !c.policy.PublishedArbitration
	if p.down.StabilizationWindow == 0 && ours {
		p.down.StabilizationWindow = min(cmp.Or(m.horizon(), unknownStartup), longestWindow)
	}
	p.up.StabilizationWindow = max(0, p.up.StabilizationWindow)
	p.down.StabilizationWindow = max(0, p.down.StabilizationWindow)
	if ours && c.policy.Mode == Hybrid && m.exchanges() { // without the saturation analysis nothing would keep the old replicas until the new ones serve
		p.exchange = p.down.StabilizationWindow
	}
	return p
}

// window is how long recommendations are remembered.
func (p pacing) window() time.Duration {
	return max(p.up.StabilizationWindow, p.down.StabilizationWindow)
}

// exchanges tells whether what a model runs, with what is starting, carries the demand and nothing is short: growth of one variant then only replaces another one, which is
// cheaper where it lasts, and where it does not costs a start for nothing.
func (m *modelState) exchanges() bool {
	if m.demand == nil || m.analysis != nil && m.analysis.ScaleUp {
		return false
	}
	carried := 0.0
	for _, v := range m.variants {
		stays := v.Current
		if v.Max > 0 {
			stays = min(stays, v.Max)
		}
		carried += float64(stays) * v.capacity.Rate
	}
	return carried >= m.demand.Forecast
}

// slow replaces the target without calling it a matter of safety.
func (v *variantState) slow(target int, rule Rule, message string) {
	v.target = target
	v.say(rule, message)
}

// stable returns the target within the window that asks for the smallest change in the direction; at most none.
func (v *variantState) stable(now time.Time, window time.Duration, direction int) int {
	smallest := v.target
	if window == 0 {
		return smallest
	}
	for _, r := range v.recommendations {
		if now.Sub(r.At) <= window && direction*r.Target < direction*smallest {
			smallest = r.Target
		}
	}
	if direction*smallest < direction*v.Current {
		return v.Current
	}
	return smallest
}

// recent drops what is older than the window, or lies in the future after a jump of the clock.
func recent(past []Recommendation, now time.Time, window time.Duration) []Recommendation {
	var kept []Recommendation
	for _, r := range past {
		if age := now.Sub(r.At); age >= 0 && age <= window {
			kept = append(kept, r)
		}
	}
	return kept
}
