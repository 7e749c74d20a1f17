package kubernetes

import (
	"context"

	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/wva-go/wva"
)

// Fleet is the VariantAutoscalings of a cluster and what they scale. It implements [wva.Fleet] and reads from watches alone.
type Fleet struct{}

// NewFleet makes a fleet whose watches run with the manager.
func NewFleet(mgr ctrl.Manager, o FleetOptions) (*Fleet, error) { return &Fleet{}, nil }

// Variants implements [wva.Fleet].
func (f *Fleet) Variants(ctx context.Context) ([]wva.Variant, error) { return nil, ctx.Err() }

// Inventory implements [wva.Fleet].
func (f *Fleet) Inventory(ctx context.Context) (wva.Inventory, error) {
	return wva.Unlimited(), ctx.Err()
}

// Owner returns the variant that a pod is a replica of.
func (f *Fleet) Owner(namespace, pod string) (wva.ID, bool) { return wva.ID{}, false }
