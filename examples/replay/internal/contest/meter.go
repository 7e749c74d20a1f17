package contest

import (
	"context"
	"time"

	"github.com/wva-go/wva"
	"github.com/wva-go/wva/adapters/simulator"
	"github.com/wva-go/wva/model"
)

// meter measures a run.
type meter struct {
	contest   *Contest
	moments   []Moment
	ttft, itl histogram
	within    int
	finished  int
	rejected  int
	changes   int
	cost      float64
}

func newMeter(c *Contest) *meter {
	return &meter{contest: c, moments: make([]Moment, 0, c.Steps())}
}

// read takes stock at the end of an interval.
func (m *meter) read(ctx context.Context, cluster *simulator.Cluster, at time.Duration) (Moment, error) {
	cost := cluster.Cost()
	moment := Moment{Seconds: at.Seconds(), Cost: cost, CostPerHour: (cost - m.cost) / m.contest.Survey.Interval.Hours()}
	m.cost = cost
	for _, key := range m.contest.Models() {
		moment.Models = append(moment.Models, m.requests(key, cluster.Take(key)))
	}
	variants, err := cluster.Variants(ctx)
	if err != nil {
		return moment, err
	}
	metrics, err := cluster.Collect(ctx, variants)
	if err != nil {
		return moment, err
	}
	for _, v := range variants {
		state := VariantMoment{Variant: v.ID.String(), Replicas: v.Current, Target: v.Current, Action: wva.NoChange}
		for _, r := range metrics.Replicas {
			if r.Variant == v.ID {
				state.Ready++
				state.KVUsage += r.KVUsage.Value
				state.Waiting += r.Waiting.Value
			}
		}
		state.KVUsage /= float64(max(state.Ready, 1))
		state.Waiting /= float64(max(state.Ready, 1))
		moment.Variants = append(moment.Variants, state)
	}
	return moment, nil
}

// requests counts what ended of one model.
func (m *meter) requests(key wva.ModelKey, records []simulator.Record) ModelMoment {
	out := ModelMoment{Model: key.String()}
	slo := m.contest.SLO(key)
	var ttft, itl []float64
	for _, r := range records {
		if r.Rejected {
			m.rejected++
			continue
		}
		out.Finished++
		if keeps(slo, r) {
			out.Within++
		}
		ttft = append(ttft, r.TTFT())
		m.ttft.add(r.TTFT())
		if r.Output > 1 {
			itl = append(itl, r.ITL())
			m.itl.add(r.ITL())
		}
	}
	m.finished += out.Finished
	m.within += out.Within
	out.TTFT, out.ITL = exact(ttft), exact(itl)
	return out
}

// keeps tells whether a request is within the SLO.
func keeps(slo model.SLO, r simulator.Record) bool {
	return (slo.TTFT == 0 || r.TTFT() <= slo.TTFT.Seconds()) && (slo.ITL == 0 || r.ITL() <= slo.ITL.Seconds())
}

// note adds the decisions to the moment in which they were taken.
func (m *meter) note(moment *Moment, decisions []wva.Decision) {
	for i := range moment.Variants {
		v := &moment.Variants[i]
		for _, d := range decisions {
			if d.Variant.String() != v.Variant {
				continue
			}
			v.Target, v.Action, v.Why = d.Target, d.Action, d.Why()
			if d.Override != nil {
				v.Override = string(d.Override.Rule)
			}
			if d.Action != wva.NoChange {
				m.changes++
			}
		}
	}
}

func (m *meter) summary() Summary {
	s := Summary{
		Requests: m.contest.Survey.Requests * len(m.contest.Models()), Rejected: m.rejected,
		TTFT: m.ttft.quantiles(), ITL: m.itl.quantiles(), Cost: m.cost, Changes: m.changes,
	}
	s.Within = float64(m.within) / float64(max(s.Requests, 1))
	s.Unfinished = s.Requests - m.finished - m.rejected
	for _, moment := range m.moments {
		n := moment.Replicas()
		s.MeanReplicas += float64(n) / float64(len(m.moments))
		s.PeakReplicas = max(s.PeakReplicas, n)
	}
	return s
}

// Replicas is what all variants were asked for.
func (m Moment) Replicas() int {
	n := 0
	for _, v := range m.Variants {
		n += v.Replicas
	}
	return n
}
