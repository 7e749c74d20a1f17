package simulator

import (
	"slices"
	"time"

	"github.com/wva-go/wva"
)

// tick is the longest step in which a cluster advances; queues and KV caches are sampled at its end.
const tick = 1.0 // seconds

// Advance lets time pass: requests arrive and are served, replicas become ready, and draining ones leave.
func (c *Cluster) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for end := c.now + d.Seconds(); c.now < end; {
		c.advance(min(end, c.now+tick))
	}
}

func (c *Cluster) advance(to float64) {
	c.wake()
	for {
		t := c.earliest(to)
		if t == nil {
			break
		}
		t.arrivals.add(t.pending.At, 1)
		c.route(t, *t.pending)
		t.draw()
	}
	hours := (to - c.now) / time.Hour.Seconds()
	for _, v := range c.variants {
		for _, r := range v.replicas {
			c.spent += v.Cost * hours
			if r.ready {
				r.server.AdvanceTo(to)
				r.observe(to)
			}
		}
		v.replicas = slices.DeleteFunc(v.replicas, (*replica).gone)
	}
	c.now = to
}

// earliest returns the traffic with the next arrival up to a time; of equal ones the first by model.
func (c *Cluster) earliest(to float64) *traffic {
	var first *traffic
	for _, t := range c.models {
		if t.pending == nil || t.pending.At > to {
			continue
		}
		if first == nil || t.pending.At < first.pending.At || t.pending.At == first.pending.At && t.key.Compare(first.key) < 0 {
			first = t
		}
	}
	return first
}

// wake makes the replicas ready whose time has come and for which there are devices, and gives them what the gateway held back.
func (c *Cluster) wake() {
	free := c.free()
	for _, v := range c.variants {
		for _, r := range v.replicas {
			if r.ready || r.readyAt > c.now || v.frozen || !free.take(v) {
				continue
			}
			r.ready = true
			r.server.AdvanceTo(c.now)
		}
	}
	for _, t := range c.models {
		held := t.gateway
		t.gateway = nil
		for _, request := range held {
			c.route(t, request)
		}
	}
}

// devices counts what the inventory has left; nil where it has no limit.
type devices map[string]int

func (c *Cluster) free() devices {
	if c.inventory.Limit != wva.InventoryLimited {
		return nil
	}
	free := devices{}
	for _, d := range c.inventory.Devices {
		free[d.Type] += d.Count
	}
	for _, v := range c.variants {
		for _, r := range v.replicas {
			if r.ready {
				free[v.Accelerator] -= v.DevicesPerReplica()
			}
		}
	}
	return free
}

func (d devices) take(v *variant) bool {
	if d == nil {
		return true
	}
	if d[v.Accelerator] < v.DevicesPerReplica() {
		return false
	}
	d[v.Accelerator] -= v.DevicesPerReplica()
	return true
}
