package saturation

import (
	"errors"
	"fmt"
)

// TokenConfig holds the thresholds of the token-based analysis. The zero TokenConfig is refused: start from [DefaultTokenConfig].
type TokenConfig struct {
	KVCacheThreshold     float64 `json:"kvCacheThreshold"`     // part of the KV cache that may be used
	QueueLengthThreshold float64 `json:"queueLengthThreshold"` // waiting requests at which a server is at its compute limit
	ScaleUpThreshold     float64 `json:"scaleUpThreshold"`     // part of the supply that demand may reach before the model grows
	ScaleDownBoundary    float64 `json:"scaleDownBoundary"`    // part of the supply that demand may reach after the model shrinks
}

// DefaultTokenConfig returns WVA's defaults: 80% of the KV cache, 5 waiting requests, growing beyond 85% of the supply, shrinking
// to 70% of it.
func DefaultTokenConfig() TokenConfig {
	return TokenConfig{KVCacheThreshold: 0.80, QueueLengthThreshold: 5, ScaleUpThreshold: 0.85, ScaleDownBoundary: 0.70}
}

// leastFraction is below any threshold that is meant. It keeps demand / threshold finite.
const leastFraction = 1e-6

// Validate joins what is wrong with the thresholds and says what each has to be.
func (c TokenConfig) Validate() error {
	var errs []error
	for _, f := range []struct {
		name  string
		value float64
	}{{"kvCacheThreshold", c.KVCacheThreshold}, {"scaleUpThreshold", c.ScaleUpThreshold}, {"scaleDownBoundary", c.ScaleDownBoundary}} {
		if !(f.value >= leastFraction && f.value <= 1) {
			errs = append(errs, fmt.Errorf("%s %v: want a number above 0, at most 1", f.name, f.value))
		}
	}
	if !(c.QueueLengthThreshold >= 0 && c.QueueLengthThreshold <= maxQueueLength) {
		errs = append(errs, fmt.Errorf("queueLengthThreshold %v: want a number from 0 to %g", c.QueueLengthThreshold, maxQueueLength))
	}
	if c.ScaleDownBoundary > c.ScaleUpThreshold {
		errs = append(errs, fmt.Errorf("scaleDownBoundary %v is above scaleUpThreshold %v: the model would grow and shrink in turn", c.ScaleDownBoundary, c.ScaleUpThreshold))
	}
	return errors.Join(errs...)
}

// Tokens returns the thresholds of the same model for the token-based analysis.
func (c Config) Tokens() TokenConfig {
	t := DefaultTokenConfig()
	t.KVCacheThreshold, t.QueueLengthThreshold = c.KVCacheThreshold, c.QueueLengthThreshold
	if c.ScaleUpThreshold != 0 {
		t.ScaleUpThreshold = c.ScaleUpThreshold
	}
	if c.ScaleDownBoundary != 0 {
		t.ScaleDownBoundary = c.ScaleDownBoundary
	}
	return t
}

// validateTokens judges the fields that the percent-based analysis has no use for.
func (c Config) validateTokens() error {
	t := c.Tokens()
	t.KVCacheThreshold, t.QueueLengthThreshold = 1, 0
	return t.Validate()
}
