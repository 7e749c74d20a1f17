package wva

import "context"

// Fleet says which variants exist, how they are configured and how many replicas they have.
type Fleet interface {
	Variants(ctx context.Context) ([]Variant, error)
	// Inventory returns the devices there are for the fleet; Unlimited where there is no limit.
	Inventory(ctx context.Context) (Inventory, error)
}

// MetricsSource says what the servers of the variants are doing.
type MetricsSource interface {
	// Collect returns what could be read. What could not is a MetricsProblem of its model; an error means that nothing
	// could be read at all.
	Collect(ctx context.Context, variants []Variant) (Metrics, error)
}

// Scaler carries decisions out, or publishes them for another autoscaler to act on.
type Scaler interface {
	// Scale is given every decision of a cycle, also those that change nothing. A variant that fails does not keep the
	// others from being scaled: the error joins the failures, each a [ScaleError] where it belongs to one variant.
	Scale(ctx context.Context, decisions []Decision) error
}

// ScaleError is the failure to scale one variant.
type ScaleError struct {
	Variant ID
	Err     error
}

func (e *ScaleError) Error() string { return "scale " + e.Variant.String() + ": " + e.Err.Error() }

func (e *ScaleError) Unwrap() error { return e.Err }
