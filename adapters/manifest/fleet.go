package manifest

import (
	"context"
	"slices"

	"github.com/wva-go/wva"
)

// Fleet is a fleet as it stands in the files: every replica that a Deployment asks for, ready. It implements
// [wva.Fleet], never changes and has no limit on devices.
type Fleet []wva.Variant

// Variants returns the variants by ID.
func (f Fleet) Variants(ctx context.Context) ([]wva.Variant, error) {
	return slices.Clone(f), ctx.Err()
}

// Inventory returns no limit.
func (f Fleet) Inventory(ctx context.Context) (wva.Inventory, error) {
	return wva.Unlimited(), ctx.Err()
}
