package saturation

import (
	"errors"
	"fmt"
)

// Config holds the thresholds of one model. The zero Config calls every replica saturated: start from [DefaultConfig].
type Config struct {
	KVCacheThreshold     float64 `json:"kvCacheThreshold"`     // KV usage from which a replica is saturated, 0 to 1
	QueueLengthThreshold float64 `json:"queueLengthThreshold"` // waiting requests from which a replica is saturated
	KVSpareTrigger       float64 `json:"kvSpareTrigger"`       // mean spare KV below which the model grows, 0 to 1
	QueueSpareTrigger    float64 `json:"queueSpareTrigger"`    // mean spare queue below which the model grows
	// ScaleUpThreshold and ScaleDownBoundary are for the token-based analysis alone: see [Config.Tokens]. 0 = its default.
	ScaleUpThreshold  float64 `json:"scaleUpThreshold,omitzero"`
	ScaleDownBoundary float64 `json:"scaleDownBoundary,omitzero"`
	// Transition says who waits while a change is under way.
	Transition TransitionRule `json:"transition"`
}

// DefaultConfig returns WVA's defaults: saturated at 80% of the KV cache or 5 waiting requests, growing when less than 10% or
// 3 requests are spare.
func DefaultConfig() Config {
	return Config{KVCacheThreshold: 0.80, QueueLengthThreshold: 5, KVSpareTrigger: 0.10, QueueSpareTrigger: 3}
}

// Validate refuses thresholds that no replica could be judged by, and says what each has to be.
func (c Config) Validate() error {
	var errs []error
	fraction := func(field string, v float64) {
		if !(v >= 0 && v <= 1) {
			errs = append(errs, fmt.Errorf("%s %v: want a number from 0 to 1", field, v))
		}
	}
	count := func(field string, v float64) {
		if !(v >= 0 && v <= maxQueueLength) {
			errs = append(errs, fmt.Errorf("%s %v: want a number from 0 to %g", field, v, maxQueueLength))
		}
	}
	fraction("kvCacheThreshold", c.KVCacheThreshold)
	fraction("kvSpareTrigger", c.KVSpareTrigger)
	count("queueLengthThreshold", c.QueueLengthThreshold)
	count("queueSpareTrigger", c.QueueSpareTrigger)
	if c.KVCacheThreshold < c.KVSpareTrigger {
		errs = append(errs, fmt.Errorf("kvCacheThreshold %v is below kvSpareTrigger %v: the spare could never reach the trigger", c.KVCacheThreshold, c.KVSpareTrigger))
	}
	if c.Transition > PerVariant {
		errs = append(errs, fmt.Errorf("transition %d: want perModel or perVariant", c.Transition))
	}
	if err := c.validateTokens(); err != nil {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// TransitionRule says who waits while a change is under way: a variant whose last target is not reached yet, or whose
// replicas do not all report.
type TransitionRule uint8

// The two published rules.
const (
	PerModel   TransitionRule = iota // the whole model waits, as in WVA 0.5
	PerVariant                       // that variant alone waits, as in WVA 0.4
)

// String returns the rule's name in documents.
func (r TransitionRule) String() string {
	switch r {
	case PerModel:
		return "perModel"
	case PerVariant:
		return "perVariant"
	}
	return fmt.Sprintf("TransitionRule(%d)", uint8(r))
}

// MarshalText writes the rule's name.
func (r TransitionRule) MarshalText() ([]byte, error) {
	if r > PerVariant {
		return nil, fmt.Errorf("saturation: transition rule %d: want perModel or perVariant", uint8(r))
	}
	return []byte(r.String()), nil
}

// UnmarshalText reads the rule's name.
func (r *TransitionRule) UnmarshalText(text []byte) error {
	switch string(text) {
	case "perModel":
		*r = PerModel
	case "perVariant":
		*r = PerVariant
	default:
		return fmt.Errorf("saturation: transition rule %q: want perModel or perVariant", text)
	}
	return nil
}
