package memory

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/wva-go/wva"
)

// Load is what the ready replicas of a model have to bear together. They share it evenly.
type Load struct {
	KV      float64 // KV caches in use: 2.5 fills two and a half replicas; a replica never reports more than a full one
	Waiting float64 // requests in the servers' queues

	// Model is reported for the model as it stands, but for its key.
	Model wva.ModelMetrics
	// Replica is reported for every replica, but for its variant, name, time, KV usage and queue.
	Replica wva.ReplicaMetrics
}

// SetLoad replaces the load of a model. A model without load reports idle replicas.
func (c *Cluster) SetLoad(key wva.ModelKey, load Load) error {
	for _, f := range []struct {
		name  string
		value float64
	}{{"KV", load.KV}, {"waiting", load.Waiting}} {
		if math.IsNaN(f.value) || math.IsInf(f.value, 0) || f.value < 0 {
			return fmt.Errorf("memory: load of %s: %s %v: want a finite number, 0 or more", key, f.name, f.value)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.loads == nil {
		c.loads = make(map[wva.ModelKey]Load)
	}
	c.loads[key] = load
	return nil
}

// SetReplicas fixes what the ready replicas of a variant report, in the order in which they were started, instead of a
// share of the load. Replicas beyond the list report nothing. The variant, the replica's name, and the time where it is
// zero, are filled in. An empty list returns the variant to the load.
func (c *Cluster) SetReplicas(id wva.ID, metrics ...wva.ReplicaMetrics) error {
	return c.change(id, func(v *variant) {
		v.measured, v.fixed = slices.Clone(metrics), len(metrics) > 0
	})
}

// Collect reports on the ready replicas of the variants.
func (c *Cluster) Collect(ctx context.Context, variants []wva.Variant) (wva.Metrics, error) {
	faults, err := c.enter(ctx, Collect)
	if err != nil {
		return wva.Metrics{}, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.settle()
	var m wva.Metrics
	ready := c.readyByModel()
	seen := make(map[wva.ModelKey]bool)
	for _, asked := range variants {
		if key := asked.Key(); !seen[key] {
			seen[key] = true
			c.collectModel(&m, key, faults)
		}
		if v, ok := c.variants[asked.ID]; ok {
			c.collectVariant(&m, v, ready[v.Key()], faults)
		}
	}
	return m, nil
}

func (c *Cluster) collectModel(m *wva.Metrics, key wva.ModelKey, faults []Fault) {
	for _, f := range faults {
		if f.Model == key && f.Err != nil && f.Variant == (wva.ID{}) {
			m.Problems = append(m.Problems, problem(key, "", f.Err))
			return
		}
	}
	if load, ok := c.loads[key]; ok {
		model := load.Model
		model.ModelKey = key
		m.Models = append(m.Models, model)
	}
}

func (c *Cluster) collectVariant(m *wva.Metrics, v *variant, sharing int, faults []Fault) {
	names := v.readyNames()
	at := c.now()
	for _, f := range faults {
		if !f.hits(v.Variant) {
			continue
		}
		if f.Err != nil {
			if f.Variant == v.ID {
				m.Problems = append(m.Problems, problem(v.Key(), v.ID.Name, f.Err))
			}
			return
		}
		at = at.Add(-f.Age)
		names = names[:len(names)-f.lost(len(names))]
	}
	for i, name := range names {
		r, reports := v.report(i, c.loads[v.Key()], sharing)
		if !reports {
			return
		}
		r.Variant, r.Replica = v.ID, name
		if r.At.IsZero() {
			r.At = at
		}
		m.Replicas = append(m.Replicas, r)
	}
}

// report is what the i-th ready replica says, which shares the load with others.
func (v *variant) report(i int, load Load, sharing int) (wva.ReplicaMetrics, bool) {
	if v.fixed {
		if i >= len(v.measured) {
			return wva.ReplicaMetrics{}, false
		}
		return v.measured[i], true
	}
	r := load.Replica
	r.KVUsage = wva.Read(min(load.KV/float64(sharing), 1))
	r.Waiting = wva.Read(load.Waiting / float64(sharing))
	return r, true
}

// readyByModel counts the ready replicas that share each model's load.
func (c *Cluster) readyByModel() map[wva.ModelKey]int {
	ready := make(map[wva.ModelKey]int)
	for _, v := range c.variants {
		if !v.fixed {
			ready[v.Key()] += len(v.readyNames())
		}
	}
	return ready
}

func (v *variant) readyNames() []string {
	var names []string
	for _, r := range v.replicas {
		if r.ready {
			names = append(names, r.name)
		}
	}
	return names
}

func problem(key wva.ModelKey, variant string, err error) wva.MetricsProblem {
	return wva.MetricsProblem{ModelKey: key, Variant: variant, Reason: wva.PrometheusError, Message: err.Error()}
}
