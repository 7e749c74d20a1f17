package prometheus_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

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
		}, "no vLLM metrics"},
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
	if _, err := (&prometheus.Scraper{}).Collect(t.Context(), nil); err == nil {
		t.Error("no Endpoints and no error")
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

func FuzzParsePage(f *testing.F) {
	f.Add([]byte("# TYPE vllm:kv_cache_usage_perc gauge\nvllm:kv_cache_usage_perc{model_name=\"a\\\"} or vector(1)#\"} 0.5\n"))
	f.Add([]byte("vllm:kv_cache_usage_perc NaN\nvllm:num_requests_waiting +Inf\n"))
	f.Add([]byte("# TYPE vllm:request_prompt_tokens histogram\nvllm:request_prompt_tokens_bucket{le=\"+Inf\"} 3\nvllm:request_prompt_tokens_sum 9\nvllm:request_prompt_tokens_count 3\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := prometheus.ParsePage(bytes.NewReader(text))
		if err != nil && !errors.Is(err, prometheus.ErrNotVLLM) && !strings.Contains(err.Error(), "metrics page") {
			t.Fatalf("the error does not say what it is about: %v", err)
		}
		for _, r := range []wva.Reading{p.KVUsage, p.Waiting, p.Running, p.KVCapacity, p.Finished, p.Input.Sum} {
			if math.IsNaN(r.Value) || math.IsInf(r.Value, 0) {
				t.Fatalf("%v got in", r)
			}
		}
	})
}
