package memory

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/wva-go/wva"
)

// ErrUnknownVariant says that the cluster does not have a variant; ErrNoTarget that it has no scale target.
var (
	ErrUnknownVariant = errors.New("no such variant")
	ErrNoTarget       = errors.New("the scale target does not exist")
)

// Cluster is a fleet in memory: a [wva.Fleet], [wva.MetricsSource] and [wva.Scaler] in one. The zero Cluster is empty
// and has no limit on devices.
type Cluster struct {
	Clock func() time.Time // nil = time.Now; set before first use

	mu        sync.Mutex
	variants  map[wva.ID]*variant
	loads     map[wva.ModelKey]Load
	inventory wva.Inventory
	faults    []*script
	calls     map[Call]int
}

// variant is a variant and its replicas. The fields Current and Pending of its configuration are not kept up to date.
type variant struct {
	wva.Variant
	replicas []replica
	born     int // replicas that ever were, for their names
	measured []wva.ReplicaMetrics
	fixed    bool // whether measured replaces the load
}

// replica is one server.
type replica struct {
	name    string
	readyAt time.Time
	ready   bool
}

// NewCluster returns a cluster of these variants.
func NewCluster(variants ...wva.Variant) (*Cluster, error) {
	c := new(Cluster)
	for _, v := range variants {
		if err := c.Put(v); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// Put adds a variant, or replaces the one of the same ID with all its replicas. It has Current replicas; the Pending
// ones among them start now, the others are ready.
func (c *Cluster) Put(v wva.Variant) error {
	if err := v.Validate(); err != nil {
		return fmt.Errorf("memory: %w", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.variants == nil {
		c.variants = make(map[wva.ID]*variant)
	}
	state := &variant{Variant: clone(v)}
	if !v.TargetMissing {
		now := c.now()
		state.grow(v.Current-v.Pending, now)
		state.settle(now)
		state.grow(v.Pending, now.Add(v.Startup))
	}
	c.variants[v.ID] = state
	return nil
}

// Remove takes a variant out of the cluster with all its replicas.
func (c *Cluster) Remove(id wva.ID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.variants, id)
}

// DeleteTarget deletes the scale target of a variant and its replicas; the variant stays.
func (c *Cluster) DeleteTarget(id wva.ID) error {
	return c.change(id, func(v *variant) {
		v.TargetMissing = true
		v.replicas = nil
	})
}

// CreateTarget gives a variant a new scale target of that many replicas, which start now.
func (c *Cluster) CreateTarget(id wva.ID, replicas int) error {
	if replicas < 0 {
		return fmt.Errorf("memory: create target of %s: replicas %d: want 0 or more", id, replicas)
	}
	return c.change(id, func(v *variant) {
		v.TargetMissing = false
		v.replicas = nil
		v.grow(replicas, c.now().Add(v.Startup))
	})
}

// SetInventory limits the devices of the cluster.
func (c *Cluster) SetInventory(inv wva.Inventory) error {
	if err := inv.Validate(); err != nil {
		return fmt.Errorf("memory: %w", err)
	}
	inv.Devices = slices.Clone(inv.Devices)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.inventory = inv
	return nil
}

// Variant returns a variant as it is now, with its replicas counted.
func (c *Cluster) Variant(id wva.ID) (wva.Variant, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.settle()
	v, ok := c.variants[id]
	if !ok {
		return wva.Variant{}, false
	}
	return v.now(), true
}

// change applies an edit to one variant.
func (c *Cluster) change(id wva.ID, edit func(*variant)) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	v, ok := c.variants[id]
	if !ok {
		return fmt.Errorf("memory: %s: %w", id, ErrUnknownVariant)
	}
	edit(v)
	return nil
}

// sorted returns the variants by ID.
func (c *Cluster) sorted() []*variant {
	return slices.SortedFunc(maps.Values(c.variants), func(a, b *variant) int { return a.ID.Compare(b.ID) })
}

func (c *Cluster) now() time.Time {
	if c.Clock != nil {
		return c.Clock()
	}
	return time.Now()
}

// now is the variant with its replicas counted.
func (v *variant) now() wva.Variant {
	out := clone(v.Variant)
	out.Current, out.Pending = len(v.replicas), 0
	for _, r := range v.replicas {
		if !r.ready {
			out.Pending++
		}
	}
	return out
}

// grow adds replicas that can serve from readyAt on.
func (v *variant) grow(n int, readyAt time.Time) {
	for range n {
		v.replicas = append(v.replicas, replica{name: fmt.Sprintf("%s-%d", v.ID.Name, v.born), readyAt: readyAt})
		v.born++
	}
}

// shrink takes the newest replicas away, those that are not ready first.
func (v *variant) shrink(n int) {
	slices.SortStableFunc(v.replicas, func(a, b replica) int {
		switch {
		case a.ready == b.ready:
			return 0
		case a.ready:
			return -1
		}
		return 1
	})
	v.replicas = v.replicas[:len(v.replicas)-n]
}

// settle makes ready what had the time to start.
func (v *variant) settle(now time.Time) {
	for i, r := range v.replicas {
		if !r.readyAt.After(now) {
			v.replicas[i].ready = true
		}
	}
}

// clone copies what a variant points at.
func clone(v wva.Variant) wva.Variant {
	v.Labels = maps.Clone(v.Labels)
	if v.Server != nil {
		server := *v.Server
		v.Server = &server
	}
	return v
}
