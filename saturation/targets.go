package saturation

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
)

// VariantState is one variant of the model, whether or not its replicas report.
type VariantState struct {
	Variant string  `json:"variant"`
	Cost    float64 `json:"cost"`              // per replica
	Current int     `json:"current"`           // replicas that its scale target asks for
	Ready   int     `json:"ready"`             // replicas that report metrics
	Pending int     `json:"pending,omitempty"` // replicas known to be starting; those missing from Ready are taken for it too
	Desired int     `json:"desired,omitempty"` // the last target; 0 = none
	Min     int     `json:"min,omitempty"`     // never shrunk below this, nor below 1
	Max     int     `json:"max,omitempty"`     // never grown above this; 0 = no bound
	Full    bool    `json:"full,omitempty"`    // there are no devices for one more replica
}

// Target is the answer for one variant.
type Target struct {
	Variant  string `json:"variant"`
	Start    int    `json:"start"` // replicas that the rules started from: current, or under PerVariant those that report
	Replicas int    `json:"replicas"`
	Reason   Reason `json:"reason"`
}

// Targets chooses what each variant should run: at most one of them grows or shrinks, by one replica. The cheapest grows and
// the most expensive shrinks; equal costs go to the variant with the most spare KV cache, then queue, and then to the name, the
// first to grow and the last to shrink. Variants with pending replicas do not grow, none grows above its maximum or without devices, and none shrinks
// below its minimum or below 1.
//
// While a change is under way its targets are preserved and Config.Transition says who waits. A variant of which no replica
// reports though it should takes no part and keeps its current replicas.
//
// No target leaves its bounds, also where the last target or the replicas that report do; a variant that is outside its bounds
// already is neither brought back nor moved further out. Targets come back in the order of names. An error names the variant
// and the value that cannot be.
func (a Analysis) Targets(states []VariantState) ([]Target, error) {
	if err := validateStates(states); err != nil {
		return nil, fmt.Errorf("saturation: %w", err)
	}
	states = slices.Clone(states)
	slices.SortFunc(states, func(a, b VariantState) int { return cmp.Compare(a.Variant, b.Variant) })
	targets := make([]Target, len(states))
	taking := make([]bool, len(states)) // whether the variant takes part in the choice
	waiting := a.Config.Transition == PerModel && slices.ContainsFunc(states, VariantState.moving)
	for i, s := range states {
		targets[i], taking[i] = a.start(s, waiting)
	}
	if a.Replicas > 0 && !waiting {
		a.choose(states, targets, taking)
	}
	return targets, nil
}

// start gives a variant the target it has before anyone is chosen to grow or shrink.
func (a Analysis) start(s VariantState, waiting bool) (t Target, takesPart bool) {
	keep := func(n int, kind Kind) Target {
		n = s.within(n)
		return Target{Variant: s.Variant, Start: n, Replicas: n, Reason: Reason{Kind: kind, Replicas: n, Current: s.Current}}
	}
	switch {
	case a.Replicas == 0:
		return keep(s.Current, NoMetrics), false
	case s.Desired != 0 && (s.Desired != s.Current || a.Config.Transition == PerVariant && s.Desired != s.Ready):
		return keep(s.Desired, Transition), false
	case waiting:
		return keep(s.Current, Waiting), false
	case s.silent():
		return keep(s.Current, NoMetrics), false
	case a.Config.Transition == PerVariant:
		return keep(s.Ready, Steady), true
	}
	return keep(s.Current, Steady), true
}

// moving tells whether a change of the variant is under way.
func (s VariantState) moving() bool {
	return s.Desired != 0 && s.Desired != s.Current || s.Ready != s.Current && !s.silent()
}

// silent tells that the variant should report and does not at all.
func (s VariantState) silent() bool { return s.Ready == 0 && s.Current > 0 }

// starting tells whether replicas of the variant are pending.
func (s VariantState) starting() bool { return s.Pending > 0 || s.Ready < s.Current }

// floor is the fewest replicas to which the variant may be shrunk.
func (s VariantState) floor() int { return max(s.Min, 1) }

// within keeps n inside the variant's bounds, or where current is outside them already, no further out than that.
func (s VariantState) within(n int) int {
	n = max(n, min(s.Current, s.floor()))
	if s.Max > 0 {
		n = min(n, max(s.Current, s.Max))
	}
	return n
}

// choose lets one variant grow or shrink and tells the others why they do not.
func (a Analysis) choose(states []VariantState, targets []Target, taking []bool) {
	kind, change, none := Steady, 0, Steady
	var eligible func(i int) bool
	var prefer func(x, y int) int
	switch {
	case a.ScaleUp:
		kind, change, none = ScaleUp, 1, NoRoom
		eligible = func(i int) bool {
			return !states[i].starting() && !states[i].Full && (states[i].Max == 0 || targets[i].Start < states[i].Max)
		}
		prefer = func(x, y int) int {
			return cmp.Or(cmp.Compare(states[x].Cost, states[y].Cost), a.compareSpare(states[y], states[x]), cmp.Compare(x, y))
		}
	case a.ScaleDownSafe:
		kind, change, none = ScaleDown, -1, AtMinimum
		eligible = func(i int) bool { return targets[i].Start > states[i].floor() }
		prefer = func(x, y int) int {
			return cmp.Or(cmp.Compare(states[y].Cost, states[x].Cost), a.compareSpare(states[y], states[x]), cmp.Compare(y, x))
		}
	}
	chosen := -1
	for i := range states {
		if change != 0 && taking[i] && eligible(i) && (chosen < 0 || prefer(i, chosen) < 0) {
			chosen = i
		}
	}
	for i := range targets {
		if !taking[i] {
			continue
		}
		r := a.reason(states[i])
		switch {
		case i == chosen:
			targets[i].Replicas += change
			r.Kind = kind
		case chosen >= 0:
			r.Kind, r.Other = OtherChosen, states[chosen].Variant
		default:
			r.Kind = none
		}
		r.Replicas = targets[i].Replicas
		targets[i].Reason = r
	}
}

// compareSpare orders two variants by available capacity, the smaller first.
func (a Analysis) compareSpare(x, y VariantState) int {
	vx, _ := a.Variant(x.Variant)
	vy, _ := a.Variant(y.Variant)
	return cmp.Or(cmp.Compare(vx.SpareKV, vy.SpareKV), cmp.Compare(vx.SpareQueue, vy.SpareQueue))
}

func validateStates(states []VariantState) error {
	var errs []error
	names := make(map[string]bool, len(states))
	for _, s := range states {
		if s.Variant == "" || names[s.Variant] {
			errs = append(errs, fmt.Errorf("variant %q: want a name that occurs once", s.Variant))
		}
		names[s.Variant] = true
		if math.IsNaN(s.Cost) || math.IsInf(s.Cost, 0) || s.Cost < 0 {
			errs = append(errs, fmt.Errorf("variant %q: cost %v: want a finite number, 0 or more", s.Variant, s.Cost))
		}
		for _, f := range []struct {
			name  string
			value int
		}{{"current", s.Current}, {"ready", s.Ready}, {"pending", s.Pending}, {"desired", s.Desired}, {"min", s.Min}, {"max", s.Max}} {
			if f.value < 0 {
				errs = append(errs, fmt.Errorf("variant %q: %s %d: want 0 or more", s.Variant, f.name, f.value))
			}
		}
		if s.Max > 0 && s.Min > s.Max {
			errs = append(errs, fmt.Errorf("variant %q: min %d is above max %d", s.Variant, s.Min, s.Max))
		}
	}
	return errors.Join(errs...)
}
