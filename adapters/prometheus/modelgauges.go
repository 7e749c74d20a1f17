package prometheus

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/wva-go/wva"
)

// modelGauges are what a Report says about models: how much headroom they have. What was not analyzed is not published.
type modelGauges struct {
	reporting, held                    *prometheus.GaugeVec
	utilization, spareKV, spareQueue   *prometheus.GaugeVec
	tokens, requiredTokens, spareToken *prometheus.GaugeVec
	known                              map[wva.ModelKey]bool
}

func newModelGauges(constant prometheus.Labels) *modelGauges {
	gauge := func(name, help string) *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "wva_model_" + name, Help: help, ConstLabels: constant}, []string{"model_name", "namespace"})
	}
	return &modelGauges{
		reporting:      gauge("reporting_replicas", "Replicas that report fresh metrics."),
		held:           gauge("held", "Whether the safety net holds the model's targets, 1 or 0."),
		utilization:    gauge("kv_utilization_ratio", "KV cache in use over the saturation threshold, mean of the replicas that are not saturated; 1 where all are."),
		spareKV:        gauge("spare_kv_ratio", "KV cache left below the saturation threshold, mean of the replicas that are not saturated."),
		spareQueue:     gauge("spare_queue_requests", "Requests left below the queue threshold, mean of the replicas that are not saturated."),
		tokens:         gauge("token_utilization_ratio", "Demand over supply in tokens, of the token-based analysis."),
		requiredTokens: gauge("required_tokens", "Capacity that is missing, in tokens, of the token-based analysis."),
		spareToken:     gauge("spare_tokens", "Capacity that could go, in tokens, of the token-based analysis."),
		known:          map[wva.ModelKey]bool{},
	}
}

func (g *modelGauges) all() []*prometheus.GaugeVec {
	return []*prometheus.GaugeVec{g.reporting, g.held, g.utilization, g.spareKV, g.spareQueue, g.tokens, g.requiredTokens, g.spareToken}
}

// publish replaces what was published by what a report says.
func (g *modelGauges) publish(models []wva.ModelReport) {
	gone := g.known
	g.known = make(map[wva.ModelKey]bool, len(models))
	for _, m := range models {
		m.Model, m.Namespace = labelValue(m.Model), labelValue(m.Namespace)
		delete(gone, m.ModelKey)
		g.known[m.ModelKey] = true
		g.held.WithLabelValues(m.Model, m.Namespace).Set(truth(m.SafetyNet != ""))
		g.analysis(m)
		g.tokenAnalysis(m)
	}
	for key := range gone {
		forget(key, g.all()...)
	}
}

func (g *modelGauges) analysis(m wva.ModelReport) {
	a := m.Saturation
	if a == nil {
		forget(m.ModelKey, g.reporting, g.utilization, g.spareKV, g.spareQueue)
		return
	}
	g.reporting.WithLabelValues(m.Model, m.Namespace).Set(float64(a.Replicas))
	g.spareKV.WithLabelValues(m.Model, m.Namespace).Set(a.SpareKV)
	g.spareQueue.WithLabelValues(m.Model, m.Namespace).Set(a.SpareQueue)
	if threshold := a.Config.KVCacheThreshold; threshold > 0 && a.Replicas > 0 {
		g.utilization.WithLabelValues(m.Model, m.Namespace).Set((threshold - a.SpareKV) / threshold)
	} else {
		forget(m.ModelKey, g.utilization)
	}
}

func (g *modelGauges) tokenAnalysis(m wva.ModelReport) {
	a := m.Tokens
	if a == nil {
		forget(m.ModelKey, g.tokens, g.requiredTokens, g.spareToken)
		return
	}
	g.tokens.WithLabelValues(m.Model, m.Namespace).Set(a.Utilization)
	g.requiredTokens.WithLabelValues(m.Model, m.Namespace).Set(a.Required)
	g.spareToken.WithLabelValues(m.Model, m.Namespace).Set(a.Spare)
}

func forget(key wva.ModelKey, gauges ...*prometheus.GaugeVec) {
	for _, g := range gauges {
		g.DeleteLabelValues(key.Model, key.Namespace)
	}
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
