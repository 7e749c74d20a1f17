package prometheus_test

import (
	"context"
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

func (w *world) source(t *testing.T, o prometheus.SourceOptions) *prometheus.Source {
	t.Helper()
	o.Windows = windows
	s, err := prometheus.NewSource(w.config, o)
	if err != nil {
		t.Fatal(err)
	}
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
  static_configs: [{targets: [`+strings.TrimPrefix(published.URL, "http://")+`]}]
`, cheap, dear)
	publisher, err := prometheus.NewPublisher(registry, prometheus.PublisherOptions{ControllerInstance: "east"})
	if err != nil {
		t.Fatal(err)
	}
	autoscaler, err := wva.NewAutoscaler(w, w.source(t, prometheus.SourceOptions{}), both{w, publisher}, wva.DefaultPolicy())
	if err != nil {
		t.Fatal(err)
	}
	replicas := func(r wva.Report) (n int) {
		for _, d := range r.Decisions {
			n += d.Target
		}
		return n
	}
	step := func(until func(wva.Report) bool) func() (bool, any) {
		return func() (bool, any) {
			begun := time.Now()
			report, err := autoscaler.Step(t.Context())
			publisher.Observe(report, err, time.Since(begun))
			if err != nil {
				t.Fatal(err)
			}
			return until(report), report.Decisions
		}
	}
	eventually(t, 20*time.Second, "both replicas report", step(func(r wva.Report) bool { return r.Models[0].Metrics == wva.MetricsFound }))
	w.Send(cheap.Key(), requests(60).Requests()) // two replicas serve 40 within the thresholds
	eventually(t, 40*time.Second, "the fleet grows", step(func(r wva.Report) bool { return replicas(r) >= 4 }))
	w.Send(cheap.Key(), requests(1).Requests())
	eventually(t, 60*time.Second, "the fleet shrinks", step(func(r wva.Report) bool {
		d, _ := r.Decision(dear.ID)
		return replicas(r) == 2 && d.Target == 1
	}))
}

// both hands decisions to two scalers.
type both [2]wva.Scaler

func (b both) Scale(ctx context.Context, decisions []wva.Decision) error {
	if err := b[0].Scale(ctx, decisions); err != nil {
		return err
	}
	return b[1].Scale(ctx, decisions)
}
