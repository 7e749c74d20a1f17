package prometheus

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/wva-go/wva"
)

// metrics is the outcome of the round, in a fixed order.
func (r *round) metrics() wva.Metrics {
	r.source.mu.Lock()
	shapes := maps.Clone(r.source.shapes)
	r.source.mu.Unlock()
	m := wva.Metrics{Problems: r.problems()}
	var reporting []*replica
	for _, p := range r.replicas {
		if p != nil && (p.KVUsage.Valid || p.Waiting.Valid) {
			reporting = append(reporting, p)
		}
	}
	slices.SortFunc(reporting, func(a, b *replica) int {
		return cmp.Or(a.Variant.Compare(b.Variant), cmp.Compare(a.Replica, b.Replica))
	})
	r.detail(reporting)
	m.Replicas = slices.Grow(m.Replicas, len(reporting))
	for _, p := range reporting {
		p.secondMoments(shapes[p.model])
		p.At = r.sampledAt(p)
		m.Replicas = append(m.Replicas, p.ReplicaMetrics)
	}
	completions := map[wva.ModelKey]float64{}
	for _, p := range m.Replicas {
		completions[r.fleet.variants[r.fleet.index[p.Variant]].Key()] += max(0, p.CompletionRate.Value)
	}
	m.Models = r.modelMetrics(completions)
	return m
}

// sampledAt is when a server was last sampled. Where that is not known, its sample may be as old as the window of the peak.
func (r *round) sampledAt(p *replica) time.Time {
	if p.sampled.Valid {
		return seconds(p.sampled.Value)
	}
	return r.at.Time().Add(-r.source.options.Windows.Peak).UTC()
}

// seconds is the instant of a Unix time; one beyond what a time can hold is the zero time.
func seconds(unix float64) time.Time {
	if math.Abs(unix) > 1e11 {
		return time.Time{}
	}
	whole, fraction := math.Modf(unix)
	return time.Unix(int64(whole), int64(math.Round(fraction*1e3))*1e6).UTC()
}

// modelMetrics is what is known of the models as a whole.
func (r *round) modelMetrics(completions map[wva.ModelKey]float64) []wva.ModelMetrics {
	var all []wva.ModelMetrics
	for _, key := range slices.SortedFunc(maps.Keys(r.fleet.engines), wva.ModelKey.Compare) {
		m := wva.ModelMetrics{ModelKey: key, GatewayQueue: r.front[askQueue][key], RequestsInRetention: r.retained(key), ArrivalRate: r.front[askArrivals][key]}
		if m.ArrivalRate.Value <= completions[key] || r.partial[key] {
			// The gateways do not see every request, or not more than the servers complete: those tell more.
			m.ArrivalRate = wva.Reading{}
		}
		if m != (wva.ModelMetrics{ModelKey: key}) {
			all = append(all, m)
		}
	}
	return all
}

// retained counts a model's requests within its retention period. It is absent where the servers of one of its engines, as far as there are any, did not say.
func (r *round) retained(key wva.ModelKey) wva.Reading {
	var total wva.Reading
	for _, m := range r.fleet.engines[key] {
		n := r.requests[m]
		if r.unsure[m] || !n.Valid && r.fleet.replicas[m] > 0 {
			return wva.Reading{}
		}
		if n.Valid {
			total = wva.Read(total.Value + n.Value)
		}
	}
	return total
}
