package prometheus_test

import (
	"errors"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	client "github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/wva-go/wva"
	"github.com/wva-go/wva/adapters/prometheus"
	"github.com/wva-go/wva/saturation"
)

func decision(name string, current, target int) wva.Decision {
	d := wva.Decision{Variant: wva.ID{Namespace: "ns", Name: name}, Accelerator: "A100", Current: current, Target: target, Action: wva.NoChange,
		Reasons: []wva.Reason{{Rule: "saturation.scale-up", Message: "short"}}}
	if target > current {
		d.Action = wva.ScaleUp
	}
	return d
}

func TestPublisher(t *testing.T) {
	registry := client.NewPedanticRegistry()
	p, err := prometheus.NewPublisher(registry, prometheus.PublisherOptions{ControllerInstance: "east", NewNames: true})
	if err != nil {
		t.Fatal(err)
	}
	hostile := `b"} or vector(1)#`
	if err := p.Scale(t.Context(), []wva.Decision{decision("a", 0, 2), decision(hostile, 3, 3)}); err != nil {
		t.Fatal(err)
	}
	want := `
# HELP inferno_desired_replicas Replicas that the variant should run.
# TYPE inferno_desired_replicas gauge
inferno_desired_replicas{accelerator_type="A100",controller_instance="east",namespace="ns",variant_name="a"} 2
inferno_desired_replicas{accelerator_type="A100",controller_instance="east",namespace="ns",variant_name="b\"} or vector(1)#"} 3
# HELP inferno_desired_ratio Desired over current replicas; the desired ones where there are none.
# TYPE inferno_desired_ratio gauge
inferno_desired_ratio{accelerator_type="A100",controller_instance="east",namespace="ns",variant_name="a"} 2
inferno_desired_ratio{accelerator_type="A100",controller_instance="east",namespace="ns",variant_name="b\"} or vector(1)#"} 1
# HELP wva_replica_scaling_total Decisions that changed the replicas.
# TYPE wva_replica_scaling_total counter
wva_replica_scaling_total{accelerator_type="A100",controller_instance="east",direction="up",namespace="ns",reason="saturation.scale-up",variant_name="a"} 1
`
	if err := testutil.GatherAndCompare(registry, strings.NewReader(want), "inferno_desired_replicas", "inferno_desired_ratio", "wva_replica_scaling_total"); err != nil {
		t.Error(err)
	}
	if problems, err := testutil.GatherAndLint(registry); err != nil || len(problems) > 0 {
		t.Errorf("the linter says %v, %v", problems, err)
	}
	// A variant that goes takes its metrics with it.
	if err := p.Scale(t.Context(), []wva.Decision{decision("a", 2, 2)}); err != nil {
		t.Fatal(err)
	}
	if n, err := testutil.GatherAndCount(registry, "inferno_desired_replicas", "inferno_current_replicas", "wva_desired_ratio"); err != nil || n != 3 {
		t.Errorf("%d series of one variant, %v", n, err)
	}
	p.Observe(wva.Report{Models: []wva.ModelReport{{SafetyNet: "no metrics"}}}, errors.New("down"), time.Second)
	if n, err := testutil.GatherAndCount(registry, "wva_safety_net_activations_total", "wva_step_failures_total", "wva_step_duration_seconds"); err != nil || n != 3 {
		t.Errorf("%d series of the steps, %v", n, err)
	}
	if _, err := prometheus.NewPublisher(registry, prometheus.PublisherOptions{ControllerInstance: "east"}); err == nil {
		t.Error("registered twice")
	}
}

// What a report says about models is published as long as it says so.
func TestPublisherModels(t *testing.T) {
	registry := client.NewPedanticRegistry()
	p, err := prometheus.NewPublisher(registry, prometheus.PublisherOptions{})
	if err != nil {
		t.Fatal(err)
	}
	v := wva.Variant{ID: wva.ID{Namespace: "ns", Name: "a"}, Model: "llama", Accelerator: "A100", Cost: 40, Current: 2}
	report := func(problems ...wva.MetricsProblem) wva.Report {
		m := wva.Metrics{Problems: problems}
		for _, name := range []string{"a-0", "a-1"} {
			m.Replicas = append(m.Replicas, wva.ReplicaMetrics{Variant: v.ID, Replica: name, At: noon, KVUsage: wva.Read(0.4), Waiting: wva.Read(1)})
		}
		r, _, err := wva.Decide(wva.Snapshot{At: noon, Variants: []wva.Variant{v}, Metrics: m, Inventory: wva.Unlimited()}, wva.DefaultPolicy(), wva.History{})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	p.Observe(report(), nil, time.Second)
	want := `
# HELP wva_model_held Whether the safety net holds the model's targets, 1 or 0.
# TYPE wva_model_held gauge
wva_model_held{model_name="llama",namespace="ns"} 0
# HELP wva_model_reporting_replicas Replicas that report fresh metrics.
# TYPE wva_model_reporting_replicas gauge
wva_model_reporting_replicas{model_name="llama",namespace="ns"} 2
# HELP wva_model_kv_utilization_ratio KV cache in use over the saturation threshold, mean of the replicas that are not saturated; 1 where all are.
# TYPE wva_model_kv_utilization_ratio gauge
wva_model_kv_utilization_ratio{model_name="llama",namespace="ns"} 0.5
# HELP wva_model_spare_queue_requests Requests left below the queue threshold, mean of the replicas that are not saturated.
# TYPE wva_model_spare_queue_requests gauge
wva_model_spare_queue_requests{model_name="llama",namespace="ns"} 4
`
	if err := testutil.GatherAndCompare(registry, strings.NewReader(want), "wva_model_held", "wva_model_reporting_replicas", "wva_model_kv_utilization_ratio", "wva_model_spare_queue_requests"); err != nil {
		t.Error(err)
	}
	if problems, err := testutil.GatherAndLint(registry); err != nil || len(problems) > 0 {
		t.Errorf("the linter says %v, %v", problems, err)
	}
	count := func(name string, want int) {
		t.Helper()
		if n, err := testutil.GatherAndCount(registry, name); err != nil || n != want {
			t.Errorf("%d series %s, %v, want %d", n, name, err, want)
		}
	}
	// A step that failed before it decided changes nothing; a model that is held has no analysis, which is not one of 0.
	p.Observe(wva.Report{}, errors.New("down"), time.Second)
	count("wva_model_spare_kv_ratio", 1)
	p.Observe(report(wva.MetricsProblem{ModelKey: v.Key(), Reason: wva.PrometheusError, Message: "down"}), nil, time.Second)
	count("wva_model_spare_kv_ratio", 0)
	count("wva_model_held", 1)
	p.Observe(wva.Report{At: noon}, nil, time.Second)
	count("wva_model_held", 0)
}

// The page of the registry is served in both formats.
func TestPublisherPage(t *testing.T) {
	registry := client.NewPedanticRegistry()
	p, err := prometheus.NewPublisher(registry, prometheus.PublisherOptions{NewNames: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Scale(t.Context(), []wva.Decision{decision("a", 1, 2)}); err != nil {
		t.Fatal(err)
	}
	handler := promhttp.HandlerFor(registry, promhttp.HandlerOpts{EnableOpenMetrics: true})
	for accept, end := range map[string]string{"text/plain": "\n", "application/openmetrics-text; version=1.0.0": "# EOF\n"} {
		request := httptest.NewRequest("GET", "/metrics", nil)
		request.Header.Set("Accept", accept)
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, request)
		kind, _, _ := strings.Cut(accept, ";")
		if got := answer.Body.String(); !strings.HasPrefix(answer.Header().Get("Content-Type"), kind) || !strings.HasSuffix(got, end) ||
			!strings.Contains(got, `wva_replica_scaling_total{accelerator_type="A100",direction="up",namespace="ns",reason="saturation.scale-up",variant_name="a"} 1`) {
			t.Errorf("%s: %s\n%s", accept, answer.Header().Get("Content-Type"), got)
		}
	}
}

// A variant that is forgotten is published no more until it is decided again; others stay, and one that is not known is no harm.
func TestForget(t *testing.T) {
	registry := client.NewPedanticRegistry()
	p, err := prometheus.NewPublisher(registry, prometheus.PublisherOptions{})
	if err != nil {
		t.Fatal(err)
	}
	both := []wva.Decision{decision("a", 1, 2), decision("b", 1, 1)}
	if err := p.Scale(t.Context(), both); err != nil {
		t.Fatal(err)
	}
	p.Forget(both[0].Variant, wva.ID{Name: "nobody"})
	if n, err := testutil.GatherAndCount(registry, "inferno_desired_replicas", "inferno_replica_scaling_total"); err != nil || n != 1 {
		t.Errorf("%d series, error %v, want that of b alone", n, err)
	}
	if err := p.Scale(t.Context(), both); err != nil {
		t.Fatal(err)
	}
	if n, err := testutil.GatherAndCount(registry, "inferno_desired_replicas"); err != nil || n != 2 {
		t.Errorf("%d series, error %v, want two again", n, err)
	}
}

// A name that is no UTF-8, which no label can be, is published as far as it is, and goes away like others.
func TestPublisherNamesThatAreNoLabels(t *testing.T) {
	registry := client.NewPedanticRegistry()
	p, err := prometheus.NewPublisher(registry, prometheus.PublisherOptions{})
	if err != nil {
		t.Fatal(err)
	}
	d := decision("a\xff", 1, 2)
	d.Variant.Namespace, d.Accelerator, d.Reasons[0].Rule = "ns\xff", "A100\xff", "mine\xff"
	key := wva.ModelKey{Namespace: "ns\xff", Model: "llama\xff"}
	if err := p.Scale(t.Context(), []wva.Decision{d}); err != nil {
		t.Fatal(err)
	}
	p.Observe(wva.Report{At: noon, Models: []wva.ModelReport{{ModelKey: key, Saturation: &saturation.Analysis{Replicas: 2}}}}, nil, time.Second)
	count := func() int {
		n, err := testutil.GatherAndCount(registry, "inferno_desired_replicas", "inferno_replica_scaling_total", "wva_model_held", "wva_model_reporting_replicas")
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if n := count(); n != 4 {
		t.Errorf("%d series, want 4", n)
	}
	if err := p.Scale(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	p.Observe(wva.Report{At: noon}, nil, time.Second)
	if n := count(); n != 0 {
		t.Errorf("%d series are left", n)
	}
}
