package simulator

import (
	"context"
	"errors"
	"fmt"

	"github.com/wva-go/wva"
)

var (
	_ wva.Fleet         = (*Cluster)(nil)
	_ wva.MetricsSource = (*Cluster)(nil)
	_ wva.Scaler        = (*Cluster)(nil)
)

// Variants implements [wva.Fleet].
func (c *Cluster) Variants(ctx context.Context) ([]wva.Variant, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	variants := make([]wva.Variant, 0, len(c.variants))
	for _, v := range c.variants {
		out := v.Variant
		out.Current, out.Pending = v.count(), 0
		for _, r := range v.replicas {
			if !r.ready && !r.draining {
				out.Pending++
			}
		}
		variants = append(variants, out)
	}
	return variants, ctx.Err()
}

// Inventory implements [wva.Fleet].
func (c *Cluster) Inventory(ctx context.Context) (wva.Inventory, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	inv := c.inventory
	inv.At = c.clock()
	return inv, ctx.Err()
}

// Collect implements [wva.MetricsSource]: what ready replicas measured over the last minute. Draining ones no longer report.
func (c *Cluster) Collect(ctx context.Context, variants []wva.Variant) (wva.Metrics, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var m wva.Metrics
	asked := map[wva.ModelKey]bool{}
	for _, v := range variants {
		state := c.variant(v.ID)
		if state == nil {
			continue
		}
		for _, r := range state.replicas {
			if r.ready && !r.draining {
				m.Replicas = append(m.Replicas, c.measure(state, r))
			}
		}
		if !asked[v.Key()] {
			asked[v.Key()] = true
			t := c.traffic(v.Key())
			m.Models = append(m.Models, wva.ModelMetrics{
				ModelKey:            v.Key(),
				GatewayQueue:        wva.Read(float64(len(t.gateway))),
				RequestsInRetention: wva.Read(t.arrivals.total(c.now)),
			})
		}
	}
	return m, ctx.Err()
}

func (c *Cluster) measure(v *variant, r *replica) wva.ReplicaMetrics {
	age := min(recent.Seconds(), max(c.now-max(r.readyAt, r.born), tick))
	n := r.finished.total(c.now)
	m := wva.ReplicaMetrics{
		Variant: v.ID, Replica: r.name, At: c.clock(),
		KVUsage:        wva.Read(max(r.kv.max(c.now), r.server.KVUsage())),
		Waiting:        wva.Read(max(r.waiting.max(c.now), float64(r.server.Waiting()))),
		Running:        wva.Read(float64(r.server.Running())),
		KVCapacity:     wva.Read(float64(v.Server.KVCapacity)),
		CompletionRate: wva.Read(n / age),
	}
	if n == 0 {
		return m
	}
	m.Input = r.input.readings(c.now, n)
	m.Output = r.output.readings(c.now, n)
	m.TTFT = wva.Read(r.ttftSum.total(c.now) / n)
	if tokens := r.itlCount.total(c.now); tokens > 0 {
		m.ITL = wva.Read(r.itlSum.total(c.now) / tokens)
	}
	return m
}

func (m *moments) readings(at, n float64) wva.LengthReadings {
	return wva.LengthReadings{Mean: wva.Read(m.sum.total(at) / n), SecondMoment: wva.Read(m.squares.total(at) / n)}
}

// Scale implements [wva.Scaler].
func (c *Cluster) Scale(ctx context.Context, decisions []wva.Decision) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	var errs []error
	for _, d := range decisions {
		v := c.variant(d.Variant)
		switch {
		case v == nil:
			errs = append(errs, &wva.ScaleError{Variant: d.Variant, Err: ErrUnknownVariant})
		case v.TargetMissing:
			errs = append(errs, &wva.ScaleError{Variant: d.Variant, Err: errors.New("the scale target does not exist")})
		case d.Target < 0:
			errs = append(errs, &wva.ScaleError{Variant: d.Variant, Err: fmt.Errorf("target %d: want 0 or more", d.Target)})
		default:
			c.resize(v, d.Target)
		}
	}
	return errors.Join(errs...)
}
