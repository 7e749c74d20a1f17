package simulator

import (
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/wva-go/wva"
)

// Cluster is a fleet of simulated servers: a [wva.Fleet], [wva.MetricsSource] and [wva.Scaler] in one. Time stands still until
// [Cluster.Advance]. It is safe for concurrent use, and deterministic for the order of calls.
type Cluster struct {
	mu        sync.Mutex
	start     time.Time
	now       float64 // seconds since start
	variants  []*variant
	models    map[wva.ModelKey]*traffic
	inventory wva.Inventory
	routing   Routing
	spent     float64    // cost of all replicas so far
	ready     []*replica // scratch of route
}

// variant is a variant of the fleet and its replicas.
type variant struct {
	wva.Variant
	replicas []*replica // in order of creation
	born     int
	frozen   bool // new replicas stay pending
}

// traffic is the requests of one model.
type traffic struct {
	key      wva.ModelKey
	next     func() (Request, bool)
	stop     func()
	pending  *Request // the next arrival
	gateway  []Request
	done     []Record
	arrivals window // per second, for scale to zero
	turn     int
}

// NewCluster returns a cluster at a time of these variants. Each needs a Server with a KV capacity; Current replicas of it serve
// from the start, but for the Pending ones among them.
func NewCluster(start time.Time, variants ...wva.Variant) (*Cluster, error) {
	c := &Cluster{start: start, models: map[wva.ModelKey]*traffic{}, inventory: wva.Unlimited()}
	for _, v := range variants {
		if err := c.Put(v); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// Put adds a variant, or replaces the one with the same ID; requests on its servers are lost then.
func (c *Cluster) Put(v wva.Variant) error {
	if err := v.Validate(); err != nil {
		return fmt.Errorf("simulator: %w", err)
	}
	if v.Server == nil || v.Server.KVCapacity <= 0 {
		return fmt.Errorf("simulator: variant %s: want a server with a KV capacity", v.ID)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	state := &variant{Variant: v}
	if !v.TargetMissing {
		for range v.Current - v.Pending {
			c.launchNext(state, c.now)
		}
		for range v.Pending {
			c.launchNext(state, c.now+v.Startup.Seconds())
		}
	}
	c.variants = slices.DeleteFunc(c.variants, func(other *variant) bool { return other.ID == v.ID })
	c.variants = append(c.variants, state)
	slices.SortFunc(c.variants, func(a, b *variant) int { return a.ID.Compare(b.ID) })
	c.traffic(v.Key())
	return nil
}

// DeleteTarget takes away the scale target of a variant with its replicas; requests on them are lost.
func (c *Cluster) DeleteTarget(id wva.ID) error {
	return c.edit(id, func(v *variant) { v.TargetMissing, v.replicas = true, nil })
}

// CreateTarget gives a variant its scale target back, with replicas that start now.
func (c *Cluster) CreateTarget(id wva.ID, replicas int) error {
	if replicas < 0 {
		return fmt.Errorf("simulator: create target of %s: replicas %d: want 0 or more", id, replicas)
	}
	return c.edit(id, func(v *variant) {
		v.TargetMissing, v.replicas = false, nil
		c.resize(v, replicas)
	})
}

// Freeze makes new replicas of a variant stay pending, as pods do for which there is no node; thawed, they start at once.
func (c *Cluster) Freeze(id wva.ID, frozen bool) error {
	return c.edit(id, func(v *variant) { v.frozen = frozen })
}

func (c *Cluster) edit(id wva.ID, change func(*variant)) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	v := c.variant(id)
	if v == nil {
		return fmt.Errorf("simulator: %s: %w", id, ErrUnknownVariant)
	}
	change(v)
	return nil
}

// ErrUnknownVariant says that the cluster does not have a variant.
var ErrUnknownVariant = errors.New("no such variant")

func (c *Cluster) variant(id wva.ID) *variant {
	for _, v := range c.variants {
		if v.ID == id {
			return v
		}
	}
	return nil
}

// SetInventory limits the devices: replicas beyond them stay pending.
func (c *Cluster) SetInventory(inv wva.Inventory) error {
	if err := inv.Validate(); err != nil {
		return fmt.Errorf("simulator: %w", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.inventory = inv
	return nil
}

// SetRouting chooses how requests find a server.
func (c *Cluster) SetRouting(r Routing) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.routing = r
}

// Send gives a model its requests, whose times count from now, in place of those that it had. They are drawn as time advances.
func (c *Cluster) Send(key wva.ModelKey, requests iter.Seq[Request]) {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.traffic(key)
	if t.stop != nil {
		t.stop()
	}
	offset := c.now
	next, stop := iter.Pull(requests)
	t.next = func() (Request, bool) {
		r, ok := next()
		r.At += offset
		return r, ok
	}
	t.stop = stop
	t.pending = nil
	t.draw()
}

// Close ends the sources of requests.
func (c *Cluster) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, t := range c.models {
		if t.stop != nil {
			t.stop()
			t.next, t.stop, t.pending = nil, nil, nil
		}
	}
}

func (c *Cluster) traffic(key wva.ModelKey) *traffic {
	t := c.models[key]
	if t == nil {
		t = &traffic{key: key, arrivals: newWindow(wva.DefaultRetention)}
		c.models[key] = t
	}
	return t
}

// draw takes the next arrival from the source.
func (t *traffic) draw() {
	t.pending = nil
	if t.next == nil {
		return
	}
	if r, ok := t.next(); ok && !math.IsNaN(r.At) {
		t.pending = &r
	}
}

// Now is the cluster's time.
func (c *Cluster) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.clock()
}

func (c *Cluster) clock() time.Time {
	return c.start.Add(time.Duration(c.now * float64(time.Second)))
}

// Cost is what all replicas have cost so far: the cost of a replica per hour times the hours of each, starting and draining
// included.
func (c *Cluster) Cost() float64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.spent
}

// Take returns the requests of a model that ended since the last call: finished ones, and rejected ones.
func (c *Cluster) Take(key wva.ModelKey) []Record {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.models[key]
	if t == nil {
		return nil
	}
	done := t.done
	t.done = nil
	return done
}
