package memory

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/wva-go/wva"
)

// Variants lists the variants by ID, with their replicas counted.
func (c *Cluster) Variants(ctx context.Context) ([]wva.Variant, error) {
	faults, err := c.enter(ctx, Variants)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.count(Start)
	c.settle()
	variants := make([]wva.Variant, 0, len(c.variants))
	for _, v := range c.sorted() {
		if failure(faults, v.Variant) == nil {
			variants = append(variants, v.now())
		}
	}
	return variants, nil
}

// settle makes ready what had the time to start and is not kept from it.
func (c *Cluster) settle() {
	now, faults := c.now(), c.active(Start)
	for _, v := range c.variants {
		if !slices.ContainsFunc(faults, func(f Fault) bool { return f.hits(v.Variant) }) {
			v.settle(now)
		}
	}
}

// Inventory returns what [Cluster.SetInventory] set, and otherwise no limit.
func (c *Cluster) Inventory(ctx context.Context) (wva.Inventory, error) {
	if _, err := c.enter(ctx, Inventory); err != nil {
		return wva.Inventory{}, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	inv := c.inventory
	if inv.Limit == wva.InventoryUnknown {
		inv = wva.Unlimited()
	}
	inv.Devices = slices.Clone(inv.Devices)
	if inv.At.IsZero() {
		inv.At = c.now()
	}
	return inv, nil
}

// Scale gives every variant its target. Replicas of a variant with a Startup time are pending for so long; the others
// are ready at once. The replicas that a variant loses are the newest, pending ones first.
func (c *Cluster) Scale(ctx context.Context, decisions []wva.Decision) error {
	faults, err := c.enter(ctx, Scale)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.settle()
	var errs []error
	for _, d := range decisions {
		if err := c.scale(d, faults); err != nil {
			errs = append(errs, &wva.ScaleError{Variant: d.Variant, Err: err})
		}
	}
	return errors.Join(errs...)
}

func (c *Cluster) scale(d wva.Decision, faults []Fault) error {
	v, ok := c.variants[d.Variant]
	if !ok {
		return ErrUnknownVariant
	}
	if err := failure(faults, v.Variant); err != nil {
		return err
	}
	if v.TargetMissing {
		return ErrNoTarget
	}
	if d.Target < 0 {
		return fmt.Errorf("target %d: want 0 or more", d.Target)
	}
	switch n := d.Target - len(v.replicas); {
	case n > 0:
		v.grow(n, c.now().Add(v.Startup))
	case n < 0:
		v.shrink(-n)
	}
	return nil
}
