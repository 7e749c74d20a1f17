package prometheus_test

import (
	"context"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/wva-go/wva"
	"github.com/wva-go/wva/adapters/prometheus"
	"github.com/wva-go/wva/internal/servers"
)

// serverFault is one way in which metrics can be bad, and what is expected of it. While it lasts, no target falls, although the fleet has a replica too many; when it is over, one step
// is enough to see that.
type serverFault struct {
	name  string
	begin func(t *testing.T, w *world)
	end   func(t *testing.T, w *world)

	reason wva.MetricsReason // of the model while it lasts
	says   string            // part of what the report says of the model
	// seen tells that it shows only when Prometheus has scraped, rather than with the next request, and is over in the same way.
	scraped bool
	// harmless tells that the decision stays what it was; says is then a problem that the report mentions, or nothing.
	harmless bool
	options  func(*prometheus.Config, *prometheus.SourceOptions)
}

// serverFaults are those that the proxy in front of Prometheus can cause, then those that the servers cause.
func serverFaults() []serverFault {
	answer := func(with http.HandlerFunc) func(*testing.T, *world) {
		return func(_ *testing.T, w *world) { w.gate.Fail(with) }
	}
	pass := func(_ *testing.T, w *world) { w.gate.Fail(nil) }
	status := func(code int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "<html>"+http.StatusText(code)+"</html>", code)
		}
	}
	spoil := func(with func(w http.ResponseWriter, pod string, page []byte)) func(*testing.T, *world) {
		return func(_ *testing.T, w *world) { w.Spoil(with) }
	}
	heal := func(_ *testing.T, w *world) { w.Spoil(nil) }
	return []serverFault{
		{name: "down", reason: wva.PrometheusError, says: "connection refused: check that Prometheus is up",
			begin: func(_ *testing.T, w *world) { w.gate.Shut() }, end: func(_ *testing.T, w *world) { w.gate.Open() }},
		{name: "down behind the proxy", reason: wva.PrometheusError, says: "502: check Prometheus and what is in front of it",
			begin: func(_ *testing.T, w *world) { w.server.Stop() }, end: func(t *testing.T, w *world) { w.server.Start() }, scraped: true},
		{name: "slow past the deadline", reason: wva.PrometheusError, says: "no answer in time: check the load of Prometheus, or raise the timeout",
			begin: answer(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }), end: pass,
			options: func(_ *prometheus.Config, o *prometheus.SourceOptions) { o.Timeout = 2 * time.Second }},
		{name: "500", reason: wva.PrometheusError, says: "500: check Prometheus and what is in front of it", begin: answer(status(500)), end: pass},
		{name: "401", reason: wva.PrometheusError, says: "401: check the token",
			begin: func(_ *testing.T, w *world) { w.gate.Want("another") },
			end:   func(t *testing.T, w *world) { rewrite(t, w.config.HTTP.Authorization.CredentialsFile, "another\n") }},
		{name: "503 and then well", reason: wva.PrometheusError, says: "503: check Prometheus and what is in front of it",
			begin: func(_ *testing.T, w *world) { w.gate.Fail(status(503)) }, end: pass},
		{name: "truncated JSON", reason: wva.PrometheusError, says: "unexpected end of JSON input: check that the address is that of Prometheus",
			begin: func(_ *testing.T, w *world) { w.gate.Fail(half(w.gate.forward, false)) }, end: pass},
		{name: "a connection that breaks", reason: wva.PrometheusError, says: "EOF: the answer ends too early: check Prometheus and what is in front of it",
			begin: func(_ *testing.T, w *world) { w.gate.Fail(half(w.gate.forward, true)) }, end: pass},
		{name: "wrong content type", reason: wva.PrometheusError, says: "check that the address is that of Prometheus, not of a proxy's login page",
			begin: answer(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "text/html")
				fmt.Fprint(w, "<html>please log in</html>")
			}), end: pass},
		{name: "a certificate of another authority", reason: wva.PrometheusError, says: "certificate signed by unknown authority: check " + prometheus.EnvCA,
			begin: func(t *testing.T, w *world) {
				w.gate.Show(servers.NewAuthority(t, "another").Issue(t, "server", time.Now().Add(time.Hour)).TLS(t))
			},
			end: func(t *testing.T, w *world) { w.gate.Show(w.gate.pki.server.TLS(t)) }},
		{name: "an expired certificate", reason: wva.PrometheusError, says: "certificate has expired or is not yet valid",
			begin: func(t *testing.T, w *world) {
				w.gate.Show(w.gate.pki.authority.Issue(t, "server", time.Now().Add(-time.Hour)).TLS(t))
			},
			end: func(t *testing.T, w *world) { w.gate.Show(w.gate.pki.server.TLS(t)) }},
		{name: "a client certificate that expired and is renewed", reason: wva.PrometheusError, says: "expired certificate",
			begin: func(t *testing.T, w *world) {
				w.present(t, w.gate.pki.authority.Issue(t, "client", time.Now().Add(-time.Hour)))
			},
			end: func(t *testing.T, w *world) { w.present(t, w.gate.pki.client) }},
		{name: "a required query fails", reason: wva.PrometheusError, says: "query waiting",
			begin: func(_ *testing.T, w *world) {
				w.gate.Fail(unless("max_over_time(vllm:num_requests_waiting", w.gate.forward))
			}, end: pass},
		{name: "a detail query fails", harmless: true, says: "query ttft",
			begin: func(_ *testing.T, w *world) {
				w.gate.Fail(unless("vllm:time_to_first_token_seconds_sum", w.gate.forward))
			}, end: pass},
		{name: "an answer beyond the limit", reason: wva.PrometheusError, says: "longer than the limit",
			options: func(c *prometheus.Config, _ *prometheus.SourceOptions) { c.MaxResponse = 4 << 10 },
			begin:   answer(func(w http.ResponseWriter, _ *http.Request) { endless(w) }), end: pass},

		{name: "NaN samples", reason: wva.MetricsMissing, says: "0 of 3 replicas of llm/llama-a100 report; llama-a100-0 is scraped, but its KV usage or queue length is missing or no number", scraped: true,
			begin: spoil(func(w http.ResponseWriter, _ string, page []byte) { _, _ = w.Write(not(page)) }), end: heal},
		{name: "NaN samples of one replica", reason: wva.MetricsMissing, says: "2 of 3 replicas of llm/llama-a100 report; llama-a100-1 is scraped, but", scraped: true,
			begin: spoil(func(w http.ResponseWriter, pod string, page []byte) {
				if pod == "llama-a100-1" {
					page = not(page)
				}
				_, _ = w.Write(page)
			}), end: heal},
		{name: "all series stop", reason: wva.MetricsStale, says: "old: check that the server is up and that Prometheus still scrapes it", scraped: true,
			options: func(_ *prometheus.Config, o *prometheus.SourceOptions) { o.StaleAfter = 3 * time.Second },
			begin:   spoil(func(w http.ResponseWriter, _ string, _ []byte) { http.Error(w, "", http.StatusServiceUnavailable) }), end: heal},
		{name: "the series of one replica stop", reason: wva.MetricsStale, says: "2 of 3 replicas of llm/llama-a100 report; the last sample of llama-a100-2 is", scraped: true,
			options: func(_ *prometheus.Config, o *prometheus.SourceOptions) { o.StaleAfter = 3 * time.Second },
			begin: spoil(func(w http.ResponseWriter, pod string, page []byte) {
				if pod == "llama-a100-2" {
					w.WriteHeader(http.StatusServiceUnavailable)
					return
				}
				_, _ = w.Write(page)
			}), end: heal},
		{name: "pods scraped twice", harmless: true,
			begin: func(t *testing.T, w *world) {
				w.twice.Store(true)
				w.await(t, `count(vllm:kv_cache_usage_perc) == 6`)
			}, end: func(t *testing.T, w *world) { w.twice.Store(false) }},
		{name: "100,000 series of others", harmless: true, says: "100000 pods serve",
			options: func(_ *prometheus.Config, o *prometheus.SourceOptions) { o.Windows.Peak = 30 * time.Second },
			begin:   func(t *testing.T, w *world) { w.flood(t, "stranger-%d", 100_000) }, end: func(*testing.T, *world) {}},
	}
}

// writeTables makes TestServerFaults write docs/prometheus-faults.md.
var writeTables = flag.Bool("tables", false, "write ../../docs/prometheus-faults.md")

// TestServerFaults puts each fault between a fleet with a replica too many and the autoscaler that would take it away.
func TestServerFaults(t *testing.T) {
	w := startWorld(t, "", small("llama-a100", "A100", 40, 3))
	w.Send(w.key(), requests(2).Requests())
	var table strings.Builder
	table.WriteString(faultsHead)
	for _, f := range serverFaults() {
		t.Run(f.name, func(t *testing.T) { table.WriteString(f.row(f.test(t, w))) })
	}
	if *writeTables && !t.Failed() {
		if err := os.WriteFile(filepath.Join("..", "..", "docs", "prometheus-faults.md"), []byte(table.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

const faultsHead = `# What a fault between Prometheus and wva looks like

Each fault stands between a real Prometheus server and an autoscaler whose fleet has a replica too many. While it lasts the target stays, unless it is harmless; when it is over,
one step is enough. ` + "`go test ./adapters/prometheus -run TestServerFaults -tables`" + ` writes this page.

| fault | MetricsAvailable | message | target |
|---|---|---|---|
`

// What differs from run to run: addresses and instants.
var (
	loopback = regexp.MustCompile(`127\.0\.0\.1:\d+`)
	instants = regexp.MustCompile(`: current time \S+ is after [^:]+:\d\d:\d\dZ`)
)

// row is the line of the table about a fault.
func (f serverFault) row(seen outcome) string {
	message, target := seen.model.Message, "held"
	if f.harmless {
		target = "follows the load"
		for _, p := range seen.problems {
			if strings.Contains(p.Message, f.says) {
				message = p.Message
			}
		}
	}
	message = strings.ReplaceAll(strings.ReplaceAll(message, hostile, "meta/llama-3.1-8b"), "|", "\\|")
	return fmt.Sprintf("| %s | %s | %s | %s |\n", f.name, seen.model.Metrics, loopback.ReplaceAllString(instants.ReplaceAllString(message, ""), "prometheus:9090"), target)
}

// test returns what was seen while the fault lasted.
func (f serverFault) test(t *testing.T, w *world) outcome {
	config, options := w.config, prometheus.SourceOptions{Windows: windows}
	if f.options != nil {
		f.options(&config, &options)
	}
	source, err := prometheus.NewSource(config, options)
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	autoscaler, err := wva.NewAutoscaler(w, source, bystander{}, wva.DefaultPolicy())
	if err != nil {
		t.Fatal(err)
	}
	step := func() outcome {
		report, err := autoscaler.Step(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return outcome{report.Decisions[0].Target, report.Models[0], report.Problems}
	}
	well := func() (bool, any) { o := step(); return o.model.Metrics == wva.MetricsFound && o.target == 2, o }
	eventually(t, 20*time.Second, "before the fault, the replica too many goes", well)

	f.begin(t, w)
	seen := f.observe(t, step)
	f.end(t, w)

	if f.scraped {
		eventually(t, 20*time.Second, "after the fault, the replica too many goes", well)
	} else if ok, last := well(); !ok {
		t.Errorf("the step after the fault: %+v", last)
	}
	return seen
}

// observe checks steps while the fault lasts, and returns the outcome of the last one.
func (f serverFault) observe(t *testing.T, step func() outcome) outcome {
	begun := time.Now()
	o := step()
	if f.harmless {
		for ; !o.mentions(f.says); o = step() {
			if time.Since(begun) > 20*time.Second {
				t.Fatalf("the report does not mention %q: %+v", f.says, o)
			}
		}
		if o.target != 2 || o.model.Metrics != wva.MetricsFound || o.model.SafetyNet != "" {
			t.Errorf("it is not harmless: %+v", o)
		}
		return o
	}
	if f.scraped {
		// Until the last good samples have left the windows, they count.
		for ; o.model.Metrics != f.reason || !strings.Contains(o.model.Message, f.says); o = step() {
			if time.Since(begun) > 20*time.Second {
				t.Fatalf("it does not show: %+v", o)
			}
			if o.model.Metrics != wva.MetricsFound && o.target < 3 {
				t.Fatalf("a target fell on bad data: %+v", o)
			}
		}
	}
	if o.target < 3 {
		t.Errorf("a target fell on bad data: %+v", o)
	}
	if o.model.Metrics != f.reason || !strings.Contains(o.model.Message, f.says) {
		t.Errorf("%s: %s; want %s: %s", o.model.Metrics, o.model.Message, f.reason, f.says)
	}
	if !o.mentions(f.says) && o.model.SafetyNet == "" {
		t.Errorf("neither a problem nor the safety net tells of it: %+v", o)
	}
	return o
}

// outcome is what a step says of the one variant and its model.
type outcome struct {
	target   int
	model    wva.ModelReport
	problems []wva.Problem
}

func (o outcome) mentions(text string) bool {
	if text == "" {
		return true
	}
	for _, p := range o.problems {
		if strings.Contains(p.Message, text) {
			return true
		}
	}
	return false
}

func (o outcome) String() string {
	return fmt.Sprintf("target %d, %s: %s; safety net: %q; problems: %v", o.target, o.model.Metrics, o.model.Message, o.model.SafetyNet, o.problems)
}

// bystander is a scaler that lets the fleet be.
type bystander struct{}

func (bystander) Scale(context.Context, []wva.Decision) error { return nil }
