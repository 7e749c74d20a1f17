package main

import (
	"bytes"
	"context"

	"github.com/wva-go/wva"
	"github.com/wva-go/wva/adapters/prometheus"
	"github.com/wva-go/wva/adapters/simulator"
)

// pages is a metrics source that reads the /metrics page of every replica, as a scraper does.
type pages struct{ cluster *simulator.Cluster }

// Collect implements [wva.MetricsSource].
func (p pages) Collect(ctx context.Context, variants []wva.Variant) (wva.Metrics, error) {
	var m wva.Metrics
	for _, v := range variants {
		for _, name := range p.cluster.Replicas(v.ID) {
			if err := ctx.Err(); err != nil {
				return wva.Metrics{}, err
			}
			r, err := p.read(v.ID, name)
			if err != nil {
				m.Problems = append(m.Problems, wva.MetricsProblem{
					ModelKey: v.Key(), Variant: v.ID.Name, Reason: wva.MetricsMissing, Message: err.Error(),
				})
				continue
			}
			m.Replicas = append(m.Replicas, r)
		}
	}
	return m, nil
}

func (p pages) read(id wva.ID, name string) (wva.ReplicaMetrics, error) {
	var text bytes.Buffer
	if err := p.cluster.WriteMetrics(&text, id, name); err != nil {
		return wva.ReplicaMetrics{}, err
	}
	page, err := prometheus.ParsePage(&text)
	if err != nil {
		return wva.ReplicaMetrics{}, err
	}
	return wva.ReplicaMetrics{
		Variant: id, Replica: name, At: p.cluster.Now(),
		KVUsage: page.KVUsage, Waiting: page.Waiting, Running: page.Running, KVCapacity: page.KVCapacity,
	}, nil
}
