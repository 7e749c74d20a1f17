package prometheus_test

import (
	"bytes"
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
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

// A page in OpenMetrics says the same as in Prometheus's text format.
func TestParseOpenMetrics(t *testing.T) {
	text := `# TYPE vllm:kv_cache_usage_perc gauge
vllm:kv_cache_usage_perc{engine="0"} 0.5
vllm:kv_cache_usage_perc{engine="1"} 0.25
# TYPE vllm:num_requests_waiting gauge
vllm:num_requests_waiting{engine="0"} 2
vllm:num_requests_waiting{engine="1"} 3
# TYPE vllm:request_success_total counter
vllm:request_success_total{finished_reason="stop"} 7
vllm:request_success_total{finished_reason="length"} 1
# TYPE vllm:request_prompt_tokens histogram
vllm:request_prompt_tokens_bucket{le="100.0"} 6
vllm:request_prompt_tokens_bucket{le="+Inf"} 8
vllm:request_prompt_tokens_sum 900
vllm:request_prompt_tokens_count 8
`
	open := `# TYPE vllm:kv_cache_usage_perc gauge
vllm:kv_cache_usage_perc{engine="0"} 0.5 1772366400.5
vllm:kv_cache_usage_perc{engine="1"} 0.25
# TYPE vllm:num_requests_waiting gauge
vllm:num_requests_waiting{engine="0"} 2
vllm:num_requests_waiting{engine="1"} 3
# TYPE vllm:request_success counter
vllm:request_success_total{finished_reason="stop"} 7 # {trace_id="abc"} 1.0
vllm:request_success_created{finished_reason="stop"} 1772366400
vllm:request_success_total{finished_reason="length"} 1
# TYPE vllm:request_prompt_tokens histogram
vllm:request_prompt_tokens_bucket{le="100.0"} 6
vllm:request_prompt_tokens_bucket{le="+Inf"} 8
vllm:request_prompt_tokens_sum 900
vllm:request_prompt_tokens_count 8
# EOF
`
	want, err := prometheus.ParsePage(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	got, err := prometheus.ParseOpenMetrics(strings.NewReader(open))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" || want.Finished.Value != 8 || want.Waiting.Value != 5 || want.KVUsage.Value != 0.5 || want.Input.Sum.Value != 900 {
		t.Errorf("%+v (-text +OpenMetrics):\n%s", want, diff)
	}
	if _, err := prometheus.ParseOpenMetrics(strings.NewReader(strings.TrimSuffix(open, "# EOF\n"))); err == nil {
		t.Error("a page that breaks off is taken")
	}
}

// SGLang reports under other names, and every rank of a group the same.
func TestParsePageOfSGLang(t *testing.T) {
	p, err := prometheus.ParsePage(strings.NewReader(`# TYPE sglang:token_usage gauge
sglang:token_usage{tp_rank="0",dp_rank="0"} 0.5
sglang:token_usage{tp_rank="1",dp_rank="0"} 0.5
# TYPE sglang:num_queue_reqs gauge
sglang:num_queue_reqs{tp_rank="0",dp_rank="0"} 2
sglang:num_queue_reqs{tp_rank="1",dp_rank="0"} 2
sglang:num_queue_reqs{tp_rank="0",dp_rank="1"} 3
# TYPE sglang:max_total_num_tokens gauge
sglang:max_total_num_tokens{tp_rank="0"} 64000
# TYPE sglang:num_requests_total counter
sglang:num_requests_total 10
# TYPE sglang:prompt_tokens_total counter
sglang:prompt_tokens_total 3000
# TYPE sglang:generation_tokens_total counter
sglang:generation_tokens_total 1000
# TYPE sglang:cached_tokens_total counter
sglang:cached_tokens_total 600
`))
	want := prometheus.Page{KVUsage: wva.Read(0.5), Waiting: wva.Read(5), KVCapacity: wva.Read(64_000), Finished: wva.Read(10),
		Input: prometheus.Histogram{Sum: wva.Read(3000), Count: wva.Read(10)}, Output: prometheus.Histogram{Sum: wva.Read(1000), Count: wva.Read(10)},
		PrefixQueries: wva.Read(3000), PrefixHits: wva.Read(600)}
	if diff := cmp.Diff(want, p); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

// With attention in parallel each rank of the tensor parallel group is a data parallel one as well; with priorities, the total stands beside its parts. The front end of data
// parallel engines of vLLM says for each of them what all have.
func TestParsePageOfParallelEngines(t *testing.T) {
	p, err := prometheus.ParsePage(strings.NewReader(`# TYPE sglang:num_queue_reqs gauge
sglang:num_queue_reqs{tp_rank="0",dp_rank="0",priority=""} 3
sglang:num_queue_reqs{tp_rank="0",dp_rank="0",priority="1"} 2
sglang:num_queue_reqs{tp_rank="0",dp_rank="0",priority="2"} 1
sglang:num_queue_reqs{tp_rank="1",dp_rank="1",priority=""} 4
sglang:num_queue_reqs{tp_rank="1",dp_rank="1",priority="1"} 4
# TYPE sglang:num_requests_total counter
sglang:num_requests_total{is_streaming="true"} 30
sglang:num_requests_total{is_streaming="false"} 10
`))
	if err != nil || p.Waiting != wva.Read(7) || p.Finished != wva.Read(40) {
		t.Errorf("%+v, %v", p, err)
	}
	p, err = prometheus.ParsePage(strings.NewReader(`# TYPE vllm:num_requests_waiting gauge
vllm:num_requests_waiting{engine="0"} 1
vllm:num_requests_waiting{engine="1"} 2
# TYPE vllm:cache_config_info gauge
vllm:cache_config_info{engine="0",num_gpu_blocks="4000",block_size="16"} 1
vllm:cache_config_info{engine="1",num_gpu_blocks="4000",block_size="16"} 1
`))
	if err != nil || p.Waiting != wva.Read(3) || p.KVCapacity != wva.Read(64_000) {
		t.Errorf("%+v, %v", p, err)
	}
}

// A page without an end is an error, not half a page.
func TestParsePageOfGreatLength(t *testing.T) {
	endless := io.MultiReader(strings.NewReader("vllm:num_requests_waiting 1\n"), repeat("vllm:num_requests_running{a=\"b\"} 1\n"))
	if _, err := prometheus.ParsePage(endless); err == nil || !strings.Contains(err.Error(), "longer than the limit of 16777216 bytes") {
		t.Errorf("error %v", err)
	}
}

// repeat is a line without end.
type repeat string

func (r repeat) Read(p []byte) (int, error) { return copy(p, r), nil }

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

func FuzzParsePage(f *testing.F) {
	f.Add([]byte("# TYPE vllm:kv_cache_usage_perc gauge\nvllm:kv_cache_usage_perc{model_name=\"a\\\"} or vector(1)#\"} 0.5\n"))
	f.Add([]byte("vllm:kv_cache_usage_perc NaN\nvllm:num_requests_waiting +Inf\n"))
	f.Add([]byte("# TYPE vllm:request_prompt_tokens histogram\nvllm:request_prompt_tokens_bucket{le=\"+Inf\"} 3\nvllm:request_prompt_tokens_sum 9\nvllm:request_prompt_tokens_count 3\n"))
	f.Add([]byte("# TYPE vllm:request_success counter\nvllm:request_success_total{a=\"b\"} 7 # {trace_id=\"abc\"} 1.0\n# EOF\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, parse := range []func(io.Reader) (prometheus.Page, error){prometheus.ParsePage, prometheus.ParseOpenMetrics} {
			p, err := parse(bytes.NewReader(text))
			if err != nil && !errors.Is(err, prometheus.ErrNoServer) && !strings.Contains(err.Error(), "metrics page") {
				t.Fatalf("the error does not say what it is about: %v", err)
			}
			for _, r := range []wva.Reading{p.KVUsage, p.Waiting, p.Running, p.KVCapacity, p.Finished, p.Input.Sum, p.PrefixHits} {
				if math.IsNaN(r.Value) || math.IsInf(r.Value, 0) {
					t.Fatalf("%v got in", r)
				}
			}
		}
	})
}
