package saturation

import (
	"fmt"
	"strings"
)

// Kind says which rule gave a Target.
type Kind string

// The kinds of Reason.
const (
	Steady      Kind = "steady"       // enough spare capacity, and no replica may go
	ScaleUp     Kind = "scale-up"     // spare capacity is short and this variant is the cheapest that may grow
	ScaleDown   Kind = "scale-down"   // one replica may go and this variant is the most expensive that may shrink
	OtherChosen Kind = "other-chosen" // another variant grows or shrinks instead
	NoRoom      Kind = "no-room"      // spare capacity is short, but every variant is starting replicas, at its maximum or out of devices
	AtMinimum   Kind = "at-minimum"   // one replica may go, but every variant is at its minimum
	Transition  Kind = "transition"   // the last target is not reached yet and is kept
	Waiting     Kind = "waiting"      // another variant of the model is in transition, or replicas do not all report
	NoMetrics   Kind = "no-metrics"   // no replica reports

	TokensSteady Kind = "tokens-steady" // of the token-based analysis: supply and demand match
	TokensUp     Kind = "tokens-up"     // tokens are missing
	TokensDown   Kind = "tokens-down"   // tokens are spare
)

// Reason explains a Target with the numbers it rests on.
type Reason struct {
	Kind     Kind   `json:"kind"`
	Replicas int    `json:"replicas"`        // the target
	Current  int    `json:"current"`         // the variant's current replicas
	Other    string `json:"other,omitempty"` // the variant chosen instead

	Cost           float64 `json:"cost"`            // of one replica
	Short          string  `json:"short,omitempty"` // what is short, with its numbers
	SpareKV        float64 `json:"spareKV"`         // as in the Analysis, and so are the next three
	SpareQueue     float64 `json:"spareQueue"`
	RemainingKV    float64 `json:"remainingKV"`
	RemainingQueue float64 `json:"remainingQueue"`

	Required float64 `json:"required,omitempty"` // tokens, of the token-based analysis
	Spare    float64 `json:"spare,omitempty"`
}

// reason fills in the numbers of the analysis.
func (a Analysis) reason(s VariantState) Reason {
	return Reason{
		Current: s.Current, Cost: s.Cost, Short: a.shortage(),
		SpareKV: a.SpareKV, SpareQueue: a.SpareQueue, RemainingKV: a.RemainingKV, RemainingQueue: a.RemainingQueue,
	}
}

// shortage says what is short, with both numbers.
func (a Analysis) shortage() string {
	var parts []string
	if a.KVShort {
		parts = append(parts, fmt.Sprintf("spare KV cache %.3f is below %.3f", a.SpareKV, a.Config.KVSpareTrigger))
	}
	if a.QueueShort {
		parts = append(parts, fmt.Sprintf("spare queue %.1f is below %.1f", a.SpareQueue, a.Config.QueueSpareTrigger))
	}
	if len(parts) > 0 && a.NonSaturated == 0 {
		if a.Replicas == 1 {
			return "its replica is saturated: " + strings.Join(parts, " and ")
		}
		return fmt.Sprintf("all %d replicas are saturated: %s", a.Replicas, strings.Join(parts, " and "))
	}
	return strings.Join(parts, " and ")
}

// String is the reason as a sentence for a log.
func (r Reason) String() string {
	switch r.Kind {
	case ScaleUp:
		return fmt.Sprintf("grow to %d: %s; cheapest variant that may grow, at %g a replica", r.Replicas, r.Short, r.Cost)
	case ScaleDown:
		return fmt.Sprintf("shrink to %d: with one replica fewer, spare KV cache %.3f and spare queue %.1f remain; most expensive variant that may shrink, at %g a replica",
			r.Replicas, r.RemainingKV, r.RemainingQueue, r.Cost)
	case OtherChosen:
		if r.Short != "" {
			return fmt.Sprintf("stay at %d: %s, and %s grows", r.Replicas, r.Short, r.Other)
		}
		return fmt.Sprintf("stay at %d: one replica may go, and %s shrinks", r.Replicas, r.Other)
	case NoRoom:
		return fmt.Sprintf("stay at %d: %s, but every variant is starting replicas, at its maximum or out of devices", r.Replicas, r.Short)
	case AtMinimum:
		return fmt.Sprintf("stay at %d: one replica could go, but every variant is at its minimum", r.Replicas)
	case Transition:
		return fmt.Sprintf("keep the target of %d: %d replicas now", r.Replicas, r.Current)
	case Waiting:
		return fmt.Sprintf("stay at %d: the model waits for a change under way or for replicas that do not report yet", r.Replicas)
	case TokensUp:
		return fmt.Sprintf("grow to %d: %.0f tokens are missing", r.Replicas, r.Required)
	case TokensDown:
		return fmt.Sprintf("shrink to %d: %.0f tokens are spare", r.Replicas, r.Spare)
	case TokensSteady:
		return fmt.Sprintf("stay at %d: %.0f tokens missing and %.0f spare", r.Replicas, r.Required, r.Spare)
	case NoMetrics:
		return fmt.Sprintf("stay at %d: no replica reports metrics", r.Replicas)
	}
	return fmt.Sprintf("stay at %d: spare KV cache %.3f and spare queue %.1f are enough, and too little to give up a replica", r.Replicas, r.SpareKV, r.SpareQueue)
}
