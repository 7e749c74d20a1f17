package prometheus_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wva-go/wva"
	"github.com/wva-go/wva/adapters/prometheus"
)

// well makes a server that knows everything of two replicas, one of each of two variants.
func well(t testing.TB) (*standIn, []wva.Variant) {
	s := newStandIn(t)
	a, b := podOf("llama-a100", 0), podOf("llama-h100", 0)
	s.rows = map[string][]string{
		"kvUsage":     {pod(0.5, a), pod(0.25, b)},
		"waiting":     {pod(3, a), pod(0, b)},
		"sampled":     {pod(ago(7*time.Second), a), pod(ago(9500*time.Millisecond), b)},
		"running":     {pod(12, a), pod(0, b)},
		"kvCapacity":  {row(1, "namespace", "ns", "pod", a, "num_gpu_blocks", "4000", "block_size", "16"), row(2, "namespace", "ns", "pod", b, "num_gpu_blocks", "1000", "block_size", "16")},
		"completions": {pod(1.5, a), pod(0.5, b)},
		"input":       {pod(300, a), pod("NaN", b)},
		"output":      {pod(100, a)},
		"ttft":        {pod(0.2, a)},
		"itl":         {pod(0.03, a)},
		"prefixHits":  {pod(0.75, a)},
		// As many prompts from 0 to 200 as from 200 to 400: uniform, with a coefficient of variation of 1/√3.
		"inputShape": {of(4, "le", "+Inf"), of(2, "le", "200"), of(4, "le", "400"), of(800)},
		"queue":      {row(2, "namespace", "gateway", "model_name", "llama"), row(5, "namespace", "ns", "model_name", "llama")},
		"arrivals":   {of(2.5)},
		"requests":   {of(1234.5)},
	}
	return s, []wva.Variant{deployment("llama-a100", 1), deployment("llama-h100", 1)}
}

func TestSource(t *testing.T) {
	server, variants := well(t)
	s := server.source(t, prometheus.SourceOptions{Retention: wva.ScaleToZero{Default: wva.Retention{Enabled: true}}.For})
	got := collect(t, s, variants...)
	want := wva.Metrics{
		Replicas: []wva.ReplicaMetrics{{
			Variant: wva.ID{Namespace: "ns", Name: "llama-a100"}, Replica: podOf("llama-a100", 0), At: noon.Add(-7 * time.Second),
			KVUsage: wva.Read(0.5), Waiting: wva.Read(3), Running: wva.Read(12), KVCapacity: wva.Read(64_000), CompletionRate: wva.Read(1.5),
			Input:  wva.LengthReadings{Mean: wva.Read(300), SecondMoment: wva.Read(120_000)},
			Output: wva.LengthReadings{Mean: wva.Read(100)}, // no shape: no second moment
			TTFT:   wva.Read(0.2), ITL: wva.Read(0.03), PrefixHitRate: wva.Read(0.75),
		}, {
			Variant: wva.ID{Namespace: "ns", Name: "llama-h100"}, Replica: podOf("llama-h100", 0), At: noon.Add(-9500 * time.Millisecond),
			KVUsage: wva.Read(0.25), Waiting: wva.Read(0), Running: wva.Read(0), KVCapacity: wva.Read(32_000), CompletionRate: wva.Read(0.5),
		}},
		Models: []wva.ModelMetrics{{
			ModelKey: wva.ModelKey{Namespace: "ns", Model: "llama"}, GatewayQueue: wva.Read(7), RequestsInRetention: wva.Read(1234.5), ArrivalRate: wva.Read(2.5),
		}},
	}
	approximately := cmp.Comparer(func(a, b wva.Reading) bool { return a.Valid == b.Valid && (a.Value-b.Value)*(a.Value-b.Value) < 1e-9 })
	if diff := cmp.Diff(want, got, approximately); diff != "" {
		t.Errorf("metrics (-want +got):\n%s", diff)
	}
	for name, queries := range server.queries {
		if len(queries) != 1 {
			t.Errorf("%d queries %s, want one for the fleet", len(queries), name)
		}
	}
	if q := server.queries["requests"][0]; !strings.Contains(q, "[10m]") || !strings.Contains(q, `{namespace=~"ns",model_name=~"llama"}`) {
		t.Errorf("requests asked as %s", q)
	}
}

// A query that fails costs its own numbers, and only those; when one of the two required ones fails, the model is held.
func TestSourceOneQueryFails(t *testing.T) {
	for _, tt := range []struct {
		query string
		held  bool
		spoil func(*wva.Metrics) // what the failure costs
	}{
		{"kvUsage", true, func(m *wva.Metrics) { each(m, func(r *wva.ReplicaMetrics) { r.KVUsage = wva.Reading{} }) }},
		{"waiting", true, func(m *wva.Metrics) { each(m, func(r *wva.ReplicaMetrics) { r.Waiting = wva.Reading{} }) }},
		{"sampled", false, func(m *wva.Metrics) { each(m, func(r *wva.ReplicaMetrics) { r.At = noon.Add(-time.Minute) }) }}, // as old as the peak's window allows
		{"running", false, func(m *wva.Metrics) { each(m, func(r *wva.ReplicaMetrics) { r.Running = wva.Reading{} }) }},
		{"completions", false, func(m *wva.Metrics) { each(m, func(r *wva.ReplicaMetrics) { r.CompletionRate = wva.Reading{} }) }},
		{"kvCapacity", false, func(m *wva.Metrics) { each(m, func(r *wva.ReplicaMetrics) { r.KVCapacity = wva.Reading{} }) }},
		{"input", false, func(m *wva.Metrics) { each(m, func(r *wva.ReplicaMetrics) { r.Input = wva.LengthReadings{} }) }},
		{"output", false, func(m *wva.Metrics) { each(m, func(r *wva.ReplicaMetrics) { r.Output = wva.LengthReadings{} }) }},
		{"inputShape", false, func(m *wva.Metrics) { each(m, func(r *wva.ReplicaMetrics) { r.Input.SecondMoment = wva.Reading{} }) }},
		{"ttft", false, func(m *wva.Metrics) { each(m, func(r *wva.ReplicaMetrics) { r.TTFT = wva.Reading{} }) }},
		{"itl", false, func(m *wva.Metrics) { each(m, func(r *wva.ReplicaMetrics) { r.ITL = wva.Reading{} }) }},
		{"prefixHits", false, func(m *wva.Metrics) { each(m, func(r *wva.ReplicaMetrics) { r.PrefixHitRate = wva.Reading{} }) }},
		{"queue", false, func(m *wva.Metrics) { m.Models[0].GatewayQueue = wva.Reading{} }},
		{"arrivals", false, func(m *wva.Metrics) { m.Models[0].ArrivalRate = wva.Reading{} }},
		{"requests", false, func(m *wva.Metrics) { m.Models[0].RequestsInRetention = wva.Reading{} }},
	} {
		t.Run(tt.query, func(t *testing.T) {
			server, variants := well(t)
			o := prometheus.SourceOptions{Retention: wva.ScaleToZero{Default: wva.Retention{Enabled: true}}.For}
			want := collect(t, server.source(t, o), variants...)
			tt.spoil(&want)
			server.answer[tt.query] = status(http.StatusServiceUnavailable, "later")
			got := collect(t, server.source(t, o), variants...)
			problems := got.Problems
			got.Problems = nil
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("metrics (-want +got):\n%s", diff)
			}
			key := wva.ModelKey{}
			if tt.held {
				key = variants[0].Key()
			}
			if len(problems) != 1 || problems[0].ModelKey != key || problems[0].Reason != wva.PrometheusError || !strings.Contains(problems[0].Message, "query "+tt.query+": server_error: server error: 503") {
				t.Errorf("problems: %+v", problems)
			}
			report, _, err := wva.Decide(wva.Snapshot{At: noon, Variants: variants, Metrics: wva.Metrics{Replicas: got.Replicas, Models: got.Models, Problems: problems}, Inventory: wva.Unlimited()}, wva.DefaultPolicy(), wva.History{})
			if err != nil || (report.Models[0].SafetyNet != "") != tt.held || !tt.held && len(report.Problems) == 0 {
				t.Errorf("safety net %q, problems %v, %v; want held = %v", report.Models[0].SafetyNet, report.Problems, err, tt.held)
			}
		})
	}
}

func each(m *wva.Metrics, change func(*wva.ReplicaMetrics)) {
	for i := range m.Replicas {
		change(&m.Replicas[i])
	}
}

// Two series for one pod are one replica, and the busier one counts.
func TestSourceDuplicates(t *testing.T) {
	server, variants := well(t)
	a := podOf("llama-a100", 0)
	server.rows["kvUsage"] = append(server.rows["kvUsage"], pod(0.75, a, "job", "second"), pod(0.1, a, "job", "third"))
	server.rows["waiting"] = append(server.rows["waiting"], pod(1, a, "job", "second"))
	m := collect(t, server.source(t, prometheus.SourceOptions{}), variants...)
	if len(m.Replicas) != 2 || m.Replicas[0].KVUsage.Value != 0.75 || m.Replicas[0].Waiting.Value != 3 {
		t.Errorf("replicas: %+v", m.Replicas)
	}
}

// Missing, stale, impossible and not a number are four things, and none of them is zero.
func TestSourceHealth(t *testing.T) {
	a, b := podOf("llama-a100", 0), podOf("llama-a100", 1)
	for _, tt := range []struct {
		name    string
		rows    map[string][]string
		reports int
		reason  wva.MetricsReason
		message string
	}{
		{"nothing was ever scraped", nil, 0, wva.MetricsMissing, "0 of 2 replicas of ns/llama-a100 report: check that the servers are up, that Prometheus scrapes them"},
		{"one of two", map[string][]string{"kvUsage": {pod(0, a)}, "waiting": {pod(0, a)}, "sampled": {pod(ago(0), a)}}, 1, wva.MetricsMissing, "1 of 2 replicas of ns/llama-a100 report"},
		{"stopped long ago", map[string][]string{"lastSeen": {pod(ago(12*time.Minute), a), pod(ago(20*time.Minute), b)}}, 0, wva.MetricsStale, "the last sample of " + a + " is 12m0s old"},
		{"stopped just now", map[string][]string{"lastSeen": {pod(ago(2*time.Minute), a)}}, 0, wva.MetricsMissing, "the last sample of " + a + " is 2m0s old"},
		{"not a number", map[string][]string{"kvUsage": {pod("NaN", a), pod("+Inf", b)}, "waiting": {pod(1, a), pod(2, b)}, "sampled": {pod(ago(0), a), pod(ago(0), b)}}, 0, wva.MetricsMissing, "0 of 2 replicas"},
		{"impossible", map[string][]string{"kvUsage": {pod(42, a), pod(0.5, b)}, "waiting": {pod(1, a), pod(2, b)}, "sampled": {pod(ago(0), a), pod(ago(0), b)}}, 1, wva.MetricsMissing, a + " has a KV usage of 42: want 0 to 1"},
		{"scraped too seldom", map[string][]string{"sampled": {pod(ago(time.Minute), a), pod(ago(time.Minute), b)}}, 0, wva.MetricsMissing, "the last sample of " + a + " is 1m0s old, and its peak is looked for within 1m0s: scrape it more often"},
		{"half of what is needed", map[string][]string{"kvUsage": {pod(0.5, a), pod(0.5, b)}, "sampled": {pod(ago(0), a), pod(ago(0), b)}}, 0, wva.MetricsMissing, "0 of 2 replicas"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			server := newStandIn(t)
			server.rows = tt.rows
			variants := []wva.Variant{deployment("llama-a100", 2)}
			m := collect(t, server.source(t, prometheus.SourceOptions{}), variants...)
			if len(m.Problems) != 1 || m.Problems[0].Variant != "llama-a100" || m.Problems[0].Reason != tt.reason || !strings.Contains(m.Problems[0].Message, tt.message) {
				t.Fatalf("problems: %+v, want %s: %s", m.Problems, tt.reason, tt.message)
			}
			report, _, err := wva.Decide(wva.Snapshot{At: noon, Variants: variants, Metrics: m, Inventory: wva.Unlimited()}, wva.DefaultPolicy(), wva.History{})
			if err != nil {
				t.Fatal(err)
			}
			if r := report.Models[0]; r.Metrics != tt.reason || (r.SafetyNet != "") != (tt.reports == 0) || report.Decisions[0].Target < 2 {
				t.Errorf("metrics %s, safety net %q, target %d", r.Metrics, r.SafetyNet, report.Decisions[0].Target)
			}
		})
	}
}

// A pod that is no longer scraped counts, by its last peak, only as long as a variant has too few others.
func TestSourceServersThatWent(t *testing.T) {
	server := newStandIn(t)
	for i := range 3 {
		p := podOf("llama-a100", i)
		server.rows["kvUsage"] = append(server.rows["kvUsage"], pod(0.5, p))
		server.rows["waiting"] = append(server.rows["waiting"], pod(0, p))
		if i > 0 {
			server.rows["sampled"] = append(server.rows["sampled"], pod(ago(5*time.Second), p))
		}
	}
	for current, want := range map[int]int{2: 2, 3: 3} {
		m := collect(t, server.source(t, prometheus.SourceOptions{}), deployment("llama-a100", current))
		if len(m.Replicas) != want || len(m.Problems) > 0 {
			t.Errorf("%d replicas of %d report: %+v", len(m.Replicas), current, m)
		}
		if current == 3 && !m.Replicas[0].At.Equal(noon.Add(-time.Minute)) {
			t.Errorf("sampled at %v, want the oldest that the peak allows", m.Replicas[0].At)
		}
	}
}

// Pods that serve the model but belong to nobody are told of, and hold nothing up.
func TestSourceStrangers(t *testing.T) {
	server, variants := well(t)
	server.rows["kvUsage"] = append(server.rows["kvUsage"], pod(0.9, podOf("llama", 1)), pod(0.9, podOf("llama", 0)), row(1, "namespace", "elsewhere", "pod", "x", "model_name", "llama"))
	m := collect(t, server.source(t, prometheus.SourceOptions{}), variants...)
	if len(m.Replicas) != 2 || len(m.Problems) != 1 || m.Problems[0].Reason != wva.MetricsFound || !strings.Contains(m.Problems[0].Message, "2 pods serve ns/llama and belong to no variant, among them "+podOf("llama", 0)) {
		t.Errorf("%+v", m)
	}
}

// A warning may mean that part of the answer is missing: sums over servers are not believed then.
func TestSourceWarnings(t *testing.T) {
	server, variants := well(t)
	warned := func(rows ...string) http.HandlerFunc {
		return body("application/json", fmt.Sprintf(`{"status":"success","warnings":["store 2 is down"],"data":{"resultType":"vector","result":[%s]}}`, strings.Join(rows, ",")))
	}
	for _, name := range []string{"kvUsage", "arrivals", "requests", "queue"} {
		server.answer[name] = warned(server.rows[name]...)
	}
	m := collect(t, server.source(t, prometheus.SourceOptions{Retention: wva.ScaleToZero{Default: wva.Retention{Enabled: true}}.For}), variants...)
	if len(m.Replicas) != 2 || len(m.Problems) != 4 || !strings.Contains(m.Problems[0].Message, "store 2 is down") || m.Problems[0].ModelKey != (wva.ModelKey{}) {
		t.Errorf("%+v", m)
	}
	if f := m.Models[0]; f.ArrivalRate.Valid || f.RequestsInRetention.Valid || f.GatewayQueue.Value != 7 {
		t.Errorf("models: %+v", m.Models)
	}
}

// Where clients reach servers past the gateway, its arrival rate is too low to be the model's.
func TestSourceArrivalsPastTheGateway(t *testing.T) {
	server, variants := well(t)
	server.rows["arrivals"] = []string{of(1)} // 2 are completed
	m := collect(t, server.source(t, prometheus.SourceOptions{}), variants...)
	if m.Models[0].ArrivalRate.Valid {
		t.Errorf("models: %+v", m.Models)
	}
}

// What only one query names, without pods, counts for every replica of the model.
func TestSourceModelWideNumbers(t *testing.T) {
	server, variants := well(t)
	server.rows["input"] = []string{of(500), pod(300, podOf("llama-a100", 0))}
	m := collect(t, server.source(t, prometheus.SourceOptions{}), variants...)
	if a, b := m.Replicas[0].Input.Mean, m.Replicas[1].Input.Mean; a.Value != 300 || b.Value != 500 {
		t.Errorf("prompts of %v and %v tokens", a, b)
	}
}

func TestSourceEngines(t *testing.T) {
	server, variants := well(t)
	variants[1].Engine = "tgi"
	m := collect(t, server.source(t, prometheus.SourceOptions{}), variants...)
	if len(m.Problems) == 0 || m.Problems[0].Variant != "llama-h100" || !strings.Contains(m.Problems[0].Message, `no queries for its engine "tgi"`) || len(m.Replicas) != 1 {
		t.Errorf("%+v", m)
	}
	variants[1].Engine = "sglang"
	sglang := server.source(t, prometheus.SourceOptions{})
	collect(t, sglang, variants...)
	if q := strings.Join(server.queries["another"], "\n"); !strings.Contains(q, `sglang:token_usage{namespace=~"ns",model_name=~"llama"}`) {
		t.Errorf("asked: %s", q)
	}
}

// Without variants there is nothing to ask.
func TestSourceEmptyFleet(t *testing.T) {
	server := newStandIn(t)
	if m := collect(t, server.source(t, prometheus.SourceOptions{})); len(server.queries) > 0 || len(m.Problems) > 0 {
		t.Errorf("asked %v, got %+v", server.queries, m)
	}
}

func TestSourceOwnersFail(t *testing.T) {
	server := newStandIn(t)
	broken := errors.New("no cache yet")
	s := server.source(t, prometheus.SourceOptions{Owners: func(context.Context, []wva.Variant) (func(string, string) (wva.ID, bool), error) { return nil, broken }})
	if _, err := s.Collect(t.Context(), []wva.Variant{deployment("a", 1)}); !errors.Is(err, broken) {
		t.Errorf("error %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := server.source(t, prometheus.SourceOptions{}).Collect(ctx, []wva.Variant{deployment("a", 1)}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

// A panic of the mapping is one in Collect, where the autoscaler recovers it.
func TestSourceOwnersPanic(t *testing.T) {
	server, variants := well(t)
	s := server.source(t, prometheus.SourceOptions{Owners: func(context.Context, []wva.Variant) (func(string, string) (wva.ID, bool), error) {
		return func(string, string) (wva.ID, bool) { panic("no such pod") }, nil
	}})
	defer func() {
		if p := recover(); p != "no such pod" {
			t.Errorf("recovered %v", p)
		}
	}()
	_, _ = s.Collect(t.Context(), variants)
}

// A source may be asked by several at once.
func TestSourceConcurrentCollects(t *testing.T) {
	server, variants := well(t)
	s := server.source(t, prometheus.SourceOptions{})
	want := collect(t, s, variants...)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			got, err := s.Collect(t.Context(), variants)
			if diff := cmp.Diff(want, got); err != nil || diff != "" {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
		})
	}
	group.Wait()
}
