package main

import (
	"bytes"
	"context"
	"fmt"
	"strconv"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	promodel "github.com/prometheus/common/model"

	"github.com/wva-go/wva"
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
			var page bytes.Buffer
			err := p.cluster.WriteMetrics(&page, v.ID, name)
			if err == nil {
				var r wva.ReplicaMetrics
				if r, err = parse(&page); err == nil {
					r.Variant, r.Replica, r.At = v.ID, name, p.cluster.Now()
					m.Replicas = append(m.Replicas, r)
				}
			}
			if err != nil {
				m.Problems = append(m.Problems, wva.MetricsProblem{
					ModelKey: v.Key(), Variant: v.ID.Name, Reason: wva.MetricsMissing, Message: err.Error(),
				})
			}
		}
	}
	return m, nil
}

// parse reads what the saturation analysis needs from a page of vLLM.
func parse(page *bytes.Buffer) (wva.ReplicaMetrics, error) {
	parser := expfmt.NewTextParser(promodel.UTF8Validation)
	families, err := parser.TextToMetricFamilies(page)
	if err != nil {
		return wva.ReplicaMetrics{}, fmt.Errorf("metrics page: %w", err)
	}
	r := wva.ReplicaMetrics{
		KVUsage: gauge(families["vllm:kv_cache_usage_perc"]),
		Waiting: gauge(families["vllm:num_requests_waiting"]),
		Running: gauge(families["vllm:num_requests_running"]),
	}
	if info := families["vllm:cache_config_info"].GetMetric(); len(info) > 0 {
		r.KVCapacity = wva.Read(labelled(info[0], "num_gpu_blocks") * labelled(info[0], "block_size"))
	}
	return r, nil
}

func gauge(family *dto.MetricFamily) wva.Reading {
	if len(family.GetMetric()) == 0 {
		return wva.Reading{}
	}
	return wva.Read(family.GetMetric()[0].GetGauge().GetValue())
}

func labelled(m *dto.Metric, name string) float64 {
	for _, l := range m.GetLabel() {
		if l.GetName() == name {
			v, _ := strconv.ParseFloat(l.GetValue(), 64)
			return v
		}
	}
	return 0
}
