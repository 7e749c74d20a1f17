package prometheus_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/api"
	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	prom "github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	promodel "github.com/prometheus/common/model"

	"github.com/wva-go/wva"
	"github.com/wva-go/wva/adapters/prometheus"
	"github.com/wva-go/wva/adapters/simulator"
	"github.com/wva-go/wva/internal/servers"
	"github.com/wva-go/wva/model"
)

// hostile is a name of a model that means something to PromQL, to its strings and to its regular expressions.
const hostile = "meta/llama.*\\\"} or vector(1)#|$1"

// small returns a variant of servers that are full with about 30 requests at once, each of which takes a second or so: what takes a fleet minutes takes it seconds.
func small(name, accelerator string, cost float64, replicas int) wva.Variant {
	return wva.Variant{
		ID: wva.ID{Namespace: "llm", Name: name}, Model: hostile, Accelerator: accelerator, Cost: cost, Current: replicas,
		Target:  wva.TargetRef{Kind: "StatefulSet", Name: name},
		Server:  &model.Server{Profile: model.Profile{Alpha: 0.02, Beta: 0.00002, Gamma: 0.0000001}, MaxBatch: 64, KVCapacity: 4_000},
		Startup: time.Second,
	}
}

// requests of 100 tokens are answered with 50.
func requests(rate float64) simulator.Load {
	return simulator.Constant(rate, model.TokenLengths{Mean: 100, CV: 0.5}, model.TokenLengths{Mean: 50, CV: 0.5}, 1)
}

// world is a fleet, the Prometheus server that scrapes it, the gate in front of that, and how to get through it.
type world struct {
	*fleet
	server *servers.Prometheus
	gate   *gate
	config prometheus.Config
	client *http.Client // for the server behind the gate
}

// scrapes is the interval at which everything is scraped here.
const scrapes = 500 * time.Millisecond

// windows are as many scrapes long as those in production.
var windows = prometheus.Windows{Peak: 2 * time.Second, Rate: 4 * time.Second, Mean: 4 * time.Second, Shape: 10 * time.Second, Last: time.Minute}

// startWorld runs all of it until the test ends. Further targets are scrape configurations of prometheus.yml.
func startWorld(t *testing.T, further string, variants ...wva.Variant) *world {
	t.Helper()
	if testing.Short() {
		t.Skip("builds and runs a Prometheus server")
	}
	pki := newPKI(t)
	w := &world{fleet: startFleet(t, pki, variants...)}
	w.client = &http.Client{Transport: &http.Transport{TLSClientConfig: pki.tls(t), DisableKeepAlives: true}}
	w.server = servers.StartPrometheus(t, servers.PrometheusOptions{
		Config: `
global: {scrape_interval: ` + prometheusDuration(scrapes) + `, scrape_timeout: ` + prometheusDuration(scrapes) + `}
scrape_configs:
- job_name: vllm
  scheme: https
  tls_config: {ca_file: ca.crt, cert_file: client.crt, key_file: client.key}
  authorization: {credentials: ` + fleetToken + `}
  file_sd_configs: [{files: [` + w.targets + `]}]
` + further,
		Web:    "tls_server_config: {cert_file: server.crt, key_file: server.key, client_ca_file: ca.crt, client_auth_type: RequireAndVerifyClientCert}\n",
		Files:  pki.files(),
		Flags:  []string{"--web.enable-remote-write-receiver", "--scrape.discovery-reload-interval=200ms"}, // by default replicas are noticed after five seconds
		Client: w.client,
	})
	w.gate = startGate(t, pki, w.server)
	w.config = configure(t, pki, w.gate.url)
	return w
}

// configure writes certificates and token to files and returns the configuration that the guide's environment variables make of them.
func configure(t *testing.T, pki *pki, url string) prometheus.Config {
	t.Helper()
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	environment := map[string]string{
		"PROMETHEUS_BASE_URL":         url,
		"PROMETHEUS_CA_CERT_PATH":     file("ca.crt", pki.authority.PEM),
		"PROMETHEUS_CLIENT_CERT_PATH": file("client.crt", pki.client.PEM),
		"PROMETHEUS_CLIENT_KEY_PATH":  file("client.key", pki.client.Key),
		"PROMETHEUS_TOKEN_PATH":       file("token", gateToken+"\n"),
	}
	config, err := prometheus.ConfigFromEnvironment(func(name string) (string, bool) {
		value, ok := environment[name]
		return value, ok
	})
	if err != nil {
		t.Fatal(err)
	}
	return config
}

func (w *world) source(t *testing.T) *prometheus.Source {
	t.Helper()
	s, err := prometheus.NewSource(w.config, prometheus.SourceOptions{Windows: windows})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// ask asks Prometheus itself, past the gate, about this moment.
func (w *world) ask(t *testing.T, query string) promodel.Vector {
	t.Helper()
	client, err := api.NewClient(api.Config{Address: w.server.URL, Client: w.client})
	if err != nil {
		t.Fatal(err)
	}
	value, warnings, _, err := v1.NewAPI(client).Query(t.Context(), query, time.Time{})
	if err != nil || len(warnings) > 0 {
		t.Fatalf("query %s: %v %v", query, err, warnings)
	}
	vector, ok := value.(promodel.Vector)
	if !ok {
		t.Fatalf("query %s: the answer is a %v", query, value.Type())
	}
	return vector
}

// await asks until there is an answer.
func (w *world) await(t *testing.T, query string) {
	t.Helper()
	eventually(t, 20*time.Second, query, func() (bool, any) {
		v := w.ask(t, query)
		return len(v) > 0, v
	})
}

func prometheusDuration(d time.Duration) string { return fmt.Sprintf("%dms", d.Milliseconds()) }

func quiet() *log.Logger { return log.New(io.Discard, "", 0) }

// The whole loop against a real server: the fleet grows under load and shrinks after it, by what the server scraped, and what was decided is scraped in turn.
func TestServerLoop(t *testing.T) {
	registry := prom.NewRegistry()
	published := httptest.NewServer(promhttp.HandlerFor(registry, promhttp.HandlerOpts{EnableOpenMetrics: true}))
	defer published.Close()
	cheap, dear := small("llama-a100", "A100", 40, 1), small("llama-h100", "H100", 80, 1)
	w := startWorld(t, `
- job_name: wva
  honor_labels: true
  static_configs: [{targets: [`+strings.TrimPrefix(published.URL, "http://")+`]}]
`, cheap, dear)
	publisher, err := prometheus.NewPublisher(registry, prometheus.PublisherOptions{ControllerInstance: "east"})
	if err != nil {
		t.Fatal(err)
	}
	autoscaler, err := wva.NewAutoscaler(w, w.source(t), both{w, publisher}, wva.DefaultPolicy())
	if err != nil {
		t.Fatal(err)
	}
	changes := map[string]int{}
	step := func(until func(wva.Report) bool) func() (bool, any) {
		return func() (bool, any) {
			begun := time.Now()
			report, err := autoscaler.Step(t.Context())
			publisher.Observe(report, err, time.Since(begun))
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range report.Changes() {
				t.Log(d.Variant, d.Current, "→", d.Target, d.Why())
				changes[d.Variant.Name]++
			}
			return until(report), report.Decisions
		}
	}
	targets := func(r wva.Report) (n int) {
		for _, d := range r.Decisions {
			n += d.Target
		}
		return n
	}
	eventually(t, 20*time.Second, "both replicas report", step(func(r wva.Report) bool { return r.Models[0].Metrics == wva.MetricsFound }))
	w.Send(w.key(), requests(60).Requests()) // two replicas serve 40 within the thresholds
	eventually(t, 60*time.Second, "the fleet grows", step(func(r wva.Report) bool { return targets(r) >= 4 }))
	w.Send(w.key(), requests(1).Requests())
	eventually(t, 60*time.Second, "the fleet shrinks", step(func(r wva.Report) bool {
		return targets(r) == 2 && len(r.Changes()) == 0
	}))

	w.await(t, `sum(inferno_desired_replicas{controller_instance="east",namespace="llm"}) == 2 and sum(inferno_current_replicas) == 2`)
	for name, n := range changes {
		w.await(t, fmt.Sprintf(`sum(inferno_replica_scaling_total{variant_name=%q}) == %d`, name, n))
	}
	w.checkDashboard(t)

	if err := w.DeleteTarget(dear.ID); err != nil {
		t.Fatal(err)
	}
	eventually(t, 20*time.Second, "the dear variant is decided no more", step(func(r wva.Report) bool { return len(r.Decisions) == 1 }))
	w.await(t, `count(inferno_desired_replicas) == 1 unless on() inferno_desired_replicas{variant_name="llama-h100"}`)
}

// What the source says of the replicas is what they did.
func TestServerAgreesWithTheFleet(t *testing.T) {
	w := startWorld(t, "", small("llama-a100", "A100", 40, 2), small("llama-h100", "H100", 80, 1))
	w.Send(w.key(), requests(30).Requests())
	source := w.source(t)
	near := func(got wva.Reading, want, tolerance float64) bool {
		return got.Valid && got.Value >= want*(1-tolerance) && got.Value <= want*(1+tolerance)
	}
	eventually(t, 40*time.Second, "the source agrees with the fleet", func() (bool, any) {
		variants, err := w.Variants(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		got, err := source.Collect(t.Context(), variants)
		if err != nil {
			t.Fatal(err)
		}
		truth, err := w.Collect(t.Context(), variants)
		if err != nil {
			t.Fatal(err)
		}
		if len(got.Problems) > 0 || len(got.Replicas) != len(truth.Replicas) {
			return false, got
		}
		var rate float64
		for i, r := range got.Replicas {
			real := truth.Replicas[i]
			rate += r.CompletionRate.Value
			if r.Variant != real.Variant || r.Replica != real.Replica || r.KVCapacity != real.KVCapacity || time.Since(r.At).Abs() > 3*time.Second || !r.Running.Valid ||
				!near(r.KVUsage, real.KVUsage.Value, 0.5) || !r.Waiting.Valid || !near(r.Input.Mean, 100, 0.2) || !near(r.Output.Mean, 50, 0.2) ||
				!near(r.Output.SecondMoment, 50*50*(1+0.5*0.5), 0.5) || !near(r.TTFT, real.TTFT.Value, 0.5) || !near(r.ITL, real.ITL.Value, 0.25) {
				return false, got.Replicas
			}
		}
		return near(wva.Read(rate), 30, 0.2), got.Replicas
	})
}

// checkDashboard has the server compute every panel, each of which has something to show.
func (w *world) checkDashboard(t *testing.T) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "examples", "prometheus", "dashboard.json"))
	if err != nil {
		t.Fatal(err)
	}
	var dashboard struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(text, &dashboard); err != nil {
		t.Fatal(err)
	}
	variables := strings.NewReplacer("$__rate_interval", "30s", "$namespace", ".*", "$variant", ".*", "$model", ".*", "$controller_instance", ".*")
	panels := 0
	for _, panel := range dashboard.Panels {
		for _, target := range panel.Targets {
			panels++
			w.await(t, variables.Replace(target.Expr))
		}
	}
	if panels == 0 {
		t.Error("the dashboard has no panels")
	}
}

// both hands decisions to two scalers.
type both [2]wva.Scaler

func (b both) Scale(ctx context.Context, decisions []wva.Decision) error {
	if err := b[0].Scale(ctx, decisions); err != nil {
		return err
	}
	return b[1].Scale(ctx, decisions)
}
