package prometheus_test

import (
	"bytes"
	"context"
	"encoding/pem"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	promconfig "github.com/prometheus/common/config"

	"github.com/wva-go/wva"
	"github.com/wva-go/wva/adapters/prometheus"
	"github.com/wva-go/wva/adapters/simulator"
	"github.com/wva-go/wva/model"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func llama() wva.Variant {
	return wva.Variant{
		ID: wva.ID{Namespace: "ns", Name: "a"}, Model: "llama", Accelerator: "A100", Cost: 40, Current: 2,
		Server: &model.Server{Profile: model.Profile{Alpha: 0.012, Beta: 0.00005, Gamma: 0.0000005}, MaxBatch: 64, KVCapacity: 64_000},
	}
}

// serve runs a simulated cluster whose replicas answer on /metrics of one server, each under its own name.
func serve(t *testing.T, v wva.Variant, rate float64) (*simulator.Cluster, func(context.Context, []wva.Variant) ([]prometheus.Endpoint, error)) {
	t.Helper()
	c, err := simulator.NewCluster(noon, v)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	c.Send(v.Key(), simulator.Constant(rate, model.TokenLengths{Mean: 300, CV: 1}, model.TokenLengths{Mean: 100, CV: 1}, 1).Requests())
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
		var page bytes.Buffer
		if err := c.WriteMetrics(&page, v.ID, strings.TrimPrefix(r.URL.Path, "/")); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		_, _ = w.Write(page.Bytes())
	}))
	t.Cleanup(server.Close)
	return c, func(context.Context, []wva.Variant) ([]prometheus.Endpoint, error) {
		var endpoints []prometheus.Endpoint
		for _, name := range c.Replicas(v.ID) {
			endpoints = append(endpoints, prometheus.Endpoint{Variant: v.ID, Replica: name, URL: server.URL + "/" + name})
		}
		return endpoints, nil
	}
}

// What is scraped twice is what the servers did in between.
func TestScraper(t *testing.T) {
	v := llama()
	c, endpoints := serve(t, v, 6)
	s := &prometheus.Scraper{Endpoints: endpoints, Clock: c.Now}
	c.Advance(5 * time.Minute)
	first, err := s.Collect(t.Context(), []wva.Variant{v})
	if err != nil || len(first.Replicas) != 2 || first.Replicas[0].CompletionRate.Valid {
		t.Fatalf("%+v, %v", first, err)
	}
	c.Advance(10 * time.Minute)
	m, err := s.Collect(t.Context(), []wva.Variant{v})
	if err != nil {
		t.Fatal(err)
	}
	var rate float64
	for _, r := range m.Replicas {
		rate += r.CompletionRate.Value
		in, out := r.Input, r.Output
		cv := math.Sqrt(out.SecondMoment.Value/(out.Mean.Value*out.Mean.Value) - 1)
		if math.Abs(in.Mean.Value/300-1) > 0.1 || math.Abs(out.Mean.Value/100-1) > 0.1 || math.Abs(cv-1) > 0.25 || !r.TTFT.Valid || !r.ITL.Valid || r.KVCapacity.Value != 64_000 {
			t.Errorf("metrics = %+v", r)
		}
	}
	if math.Abs(rate/6-1) > 0.1 {
		t.Errorf("%v requests/s, want about 6", rate)
	}
}

// The whole loop over scraped pages, with decisions carried out and published.
func TestLoop(t *testing.T) {
	v := llama()
	c, endpoints := serve(t, v, 40)
	a, err := wva.NewAutoscaler(c, &prometheus.Scraper{Endpoints: endpoints, Clock: c.Now}, c, wva.DefaultPolicy())
	if err != nil {
		t.Fatal(err)
	}
	a.Clock = c.Now
	most := 0
	for range 10 {
		c.Advance(time.Minute)
		report, err := a.Step(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		most = max(most, report.Decisions[0].Target)
		if len(report.Problems) > 0 {
			t.Errorf("problems: %v", report.Problems)
		}
	}
	if most <= 2 {
		t.Errorf("at most %d replicas under a load for more than two", most)
	}
}

// Each way of not answering is a problem of the variant that says what to check, and never a number.
func TestScraperFaults(t *testing.T) {
	v := llama()
	page := "# TYPE vllm:kv_cache_usage_perc gauge\nvllm:kv_cache_usage_perc 0.5\nvllm:num_requests_waiting 1\n"
	for _, tt := range []struct {
		name   string
		answer http.HandlerFunc
		want   string
	}{
		{"500", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusInternalServerError) }, "500 Internal Server Error"},
		{"401", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusUnauthorized) }, "401 Unauthorized"},
		{"the wrong content type", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			fmt.Fprint(w, page)
		}, `content type "text/html"`},
		{"truncated", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/plain")
			fmt.Fprint(w, page[:70])
		}, "metrics page"},
		{"someone else's metrics", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/plain")
			fmt.Fprint(w, "go_goroutines 7\n")
		}, "no metrics of vLLM or SGLang"},
		{"slow past the deadline", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, "deadline exceeded"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			server := httptest.NewServer(tt.answer)
			defer server.Close()
			s := &prometheus.Scraper{Timeout: 50 * time.Millisecond, Endpoints: func(context.Context, []wva.Variant) ([]prometheus.Endpoint, error) {
				return []prometheus.Endpoint{{Variant: v.ID, Replica: "a-0", URL: server.URL}}, nil
			}}
			m, err := s.Collect(t.Context(), []wva.Variant{v})
			if err != nil || len(m.Replicas) != 0 || len(m.Problems) != 1 || !strings.Contains(m.Problems[0].Message, tt.want) || !strings.Contains(m.Problems[0].Message, "check that it is up") {
				t.Errorf("%+v, %v, want %q", m, err, tt.want)
			}
		})
	}
}

// What cannot work is an error that says what to mend.
func TestScraperSettings(t *testing.T) {
	none := func(context.Context, []wva.Variant) ([]prometheus.Endpoint, error) { return nil, nil }
	for want, s := range map[string]*prometheus.Scraper{
		"no Endpoints": {},
		"concurrency -1: want a positive number, or 0 for the default": {Endpoints: none, Concurrency: -1},
		"timeout -1s: want a positive duration, or 0 for the default":  {Endpoints: none, Timeout: -time.Second},
	} {
		if _, err := s.Collect(t.Context(), nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

// What is wrong with a page or its address is said in a few words, none of which is a secret.
func TestScraperMessages(t *testing.T) {
	v := llama()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		fmt.Fprint(w, "vllm:num_requests_waiting ", strings.Repeat("x", 1<<20), "\n")
	}))
	defer server.Close()
	for url, want := range map[string]string{
		server.URL:                              "metrics page",
		"http://me:s3cret@host:port/metrics":    "invalid port",
		"http://127.0.0.1:1/metrics?key=s3cret": "connection refused",
		"gopher://me:s3cret@host/metrics":       "unsupported protocol",
	} {
		s := &prometheus.Scraper{Endpoints: func(context.Context, []wva.Variant) ([]prometheus.Endpoint, error) {
			return []prometheus.Endpoint{{Variant: v.ID, Replica: "a-0", URL: url}}, nil
		}}
		m, err := s.Collect(t.Context(), []wva.Variant{v})
		if err != nil || len(m.Problems) != 1 {
			t.Fatalf("%+v, %v", m, err)
		}
		if said := m.Problems[0].Message; !strings.Contains(said, want) || strings.Contains(said, "s3cret") || len(said) > 500 {
			t.Errorf("%s: says %.600s, want %q", url, said, want)
		}
	}
}

// A server that restarted has smaller counters, and no rates until the next scrape.
func TestScraperRestart(t *testing.T) {
	v := llama()
	finished := []int{100, 160, 5, 65}
	n := -1
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		fmt.Fprintf(w, "vllm:num_requests_waiting 0\n# TYPE vllm:request_success_total counter\nvllm:request_success_total %d\n", finished[n])
	}))
	defer server.Close()
	s := &prometheus.Scraper{
		Clock: func() time.Time { return noon.Add(time.Duration(n) * time.Minute) },
		Endpoints: func(context.Context, []wva.Variant) ([]prometheus.Endpoint, error) {
			return []prometheus.Endpoint{{Variant: v.ID, Replica: "a-0", URL: server.URL}}, nil
		},
	}
	for _, want := range []wva.Reading{{}, wva.Read(1), {}, wva.Read(1)} {
		n++
		m, err := s.Collect(t.Context(), []wva.Variant{v})
		if err != nil || m.Replicas[0].CompletionRate != want {
			t.Errorf("scrape %d: %+v, %v, want %+v", n, m.Replicas, err, want)
		}
	}
}

// The pages of servers that want a token from a client that they know.
func TestScraperAuthenticates(t *testing.T) {
	v := llama()
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer s3cret" {
			http.Error(w, "no", http.StatusUnauthorized)
			return
		}
		w.Header().Set("Content-Type", "application/openmetrics-text; version=1.0.0; charset=utf-8")
		fmt.Fprint(w, "# TYPE vllm:kv_cache_usage_perc gauge\nvllm:kv_cache_usage_perc 0.5\n# TYPE vllm:num_requests_waiting gauge\nvllm:num_requests_waiting 1\n# EOF\n")
	}))
	defer server.Close()
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	client, err := prometheus.NewClient(promconfig.HTTPClientConfig{TLSConfig: promconfig.TLSConfig{CA: string(ca)}, Authorization: &promconfig.Authorization{Type: "Bearer", Credentials: "s3cret"}})
	if err != nil {
		t.Fatal(err)
	}
	defer client.CloseIdleConnections()
	s := &prometheus.Scraper{Client: client, Endpoints: func(context.Context, []wva.Variant) ([]prometheus.Endpoint, error) {
		return []prometheus.Endpoint{{Variant: v.ID, Replica: "a-0", URL: server.URL}}, nil
	}}
	m, err := s.Collect(t.Context(), []wva.Variant{v})
	if err != nil || len(m.Replicas) != 1 || m.Replicas[0].KVUsage.Value != 0.5 {
		t.Errorf("%+v, %v", m, err)
	}
}
