package prometheus

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/wva-go/wva"
)

// Publisher is a scaler that publishes: a HorizontalPodAutoscaler or KEDA reads the desired replicas and acts. A variant that is no longer decided is no longer
// published, so that nobody acts on what was.
type Publisher struct {
	mu    sync.Mutex
	names []family
	known map[wva.ID]prometheus.Labels

	latency   prometheus.Histogram
	failures  prometheus.Counter
	safetyNet prometheus.Counter
	models    *modelGauges
}

// PublisherOptions say under which names and labels.
type PublisherOptions struct {
	// ControllerInstance, where it is set, is the label controller_instance of every metric.
	ControllerInstance string
	// NewNames publishes the names of WVA 0.5, which begin with wva_, beside those that begin with inferno_.
	NewNames bool
}

// family is the metrics under one prefix.
type family struct {
	desired, current, ratio *prometheus.GaugeVec
	scaled                  *prometheus.CounterVec
}

// NewPublisher registers the metrics. It fails where the registry has some of these names already.
func NewPublisher(registry prometheus.Registerer, o PublisherOptions) (*Publisher, error) {
	p := &Publisher{known: map[wva.ID]prometheus.Labels{}}
	prefixes := []string{"inferno_"}
	if o.NewNames {
		prefixes = append(prefixes, "wva_")
	}
	constant := prometheus.Labels{}
	if o.ControllerInstance != "" {
		constant["controller_instance"] = o.ControllerInstance
	}
	var all []prometheus.Collector
	for _, prefix := range prefixes {
		gauge := func(name, help string) *prometheus.GaugeVec {
			v := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: prefix + name, Help: help, ConstLabels: constant}, []string{"variant_name", "namespace", "accelerator_type"})
			all = append(all, v)
			return v
		}
		f := family{
			desired: gauge("desired_replicas", "Replicas that the variant should run."),
			current: gauge("current_replicas", "Replicas that the variant runs."),
			ratio:   gauge("desired_ratio", "Desired over current replicas; the desired ones where there are none."),
			scaled: prometheus.NewCounterVec(prometheus.CounterOpts{Name: prefix + "replica_scaling_total", Help: "Decisions that changed the replicas.", ConstLabels: constant},
				[]string{"variant_name", "namespace", "accelerator_type", "direction", "reason"}),
		}
		all = append(all, f.scaled)
		p.names = append(p.names, f)
	}
	p.latency = prometheus.NewHistogram(prometheus.HistogramOpts{Name: "wva_step_duration_seconds",
		Help: "Time from reading the fleet to handing out the decisions.", ConstLabels: constant, Buckets: prometheus.DefBuckets})
	p.failures = prometheus.NewCounter(prometheus.CounterOpts{Name: "wva_step_failures_total", Help: "Steps that ended with an error.", ConstLabels: constant})
	p.safetyNet = prometheus.NewCounter(prometheus.CounterOpts{Name: "wva_safety_net_activations_total", Help: "Models that the safety net held, summed over steps.", ConstLabels: constant})
	all = append(all, p.latency, p.failures, p.safetyNet)
	p.models = newModelGauges(constant)
	for _, g := range p.models.all() {
		all = append(all, g)
	}
	for i, c := range all {
		if err := registry.Register(c); err != nil {
			for _, registered := range all[:i] {
				registry.Unregister(registered)
			}
			return nil, fmt.Errorf("prometheus: publisher: %w", err)
		}
	}
	return p, nil
}

// Scale implements [wva.Scaler]: it publishes all decisions of a cycle and forgets the variants that are not among them.
func (p *Publisher) Scale(ctx context.Context, decisions []wva.Decision) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	gone := p.known
	p.known = make(map[wva.ID]prometheus.Labels, len(decisions))
	for _, d := range decisions {
		labels := prometheus.Labels{"variant_name": labelValue(d.Variant.Name), "namespace": labelValue(d.Variant.Namespace), "accelerator_type": labelValue(d.Accelerator)}
		if before, ok := gone[d.Variant]; ok {
			if before["accelerator_type"] != labels["accelerator_type"] {
				p.forget(before)
			}
			delete(gone, d.Variant)
		}
		p.known[d.Variant] = labels
		p.publish(d, labels)
	}
	for _, labels := range gone {
		p.forget(labels)
	}
	return nil
}

func (p *Publisher) publish(d wva.Decision, labels prometheus.Labels) {
	ratio := float64(d.Target)
	if d.Current > 0 {
		ratio /= float64(d.Current)
	}
	for _, f := range p.names {
		f.desired.With(labels).Set(float64(d.Target))
		f.current.With(labels).Set(float64(d.Current))
		f.ratio.With(labels).Set(ratio)
		if d.Action == wva.NoChange {
			continue
		}
		direction := "up"
		if d.Action == wva.ScaleDown {
			direction = "down"
		}
		reason := ""
		if n := len(d.Reasons); n > 0 {
			reason = string(d.Reasons[n-1].Rule)
		}
		f.scaled.WithLabelValues(labels["variant_name"], labels["namespace"], labels["accelerator_type"], direction, labelValue(reason)).Inc()
	}
}

// labelValue is a text as a label can have it: others make the registry's client panic.
func labelValue(text string) string { return strings.ToValidUTF8(text, "\uFFFD") }

// Forget stops publishing variants before the next cycle, because what they scale is gone.
func (p *Publisher) Forget(variants ...wva.ID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, id := range variants {
		if labels, ok := p.known[id]; ok {
			delete(p.known, id)
			p.forget(labels)
		}
	}
}

func (p *Publisher) forget(labels prometheus.Labels) {
	for _, f := range p.names {
		f.desired.Delete(labels)
		f.current.Delete(labels)
		f.ratio.Delete(labels)
		f.scaled.DeletePartialMatch(labels)
	}
}

// Observe takes note of a step: give it to Autoscaler.OnStep with the time that the step took. It publishes what the report says about models; one that left is no longer
// published. A step that came to no decisions leaves what was published before.
func (p *Publisher) Observe(report wva.Report, err error, took time.Duration) {
	p.latency.Observe(took.Seconds())
	if err != nil {
		p.failures.Inc()
	}
	for _, m := range report.Models {
		if m.SafetyNet != "" {
			p.safetyNet.Inc()
		}
	}
	if report.At.IsZero() {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.models.publish(report.Models)
}
