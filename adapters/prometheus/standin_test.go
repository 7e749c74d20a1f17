package prometheus_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wva-go/wva"
	"github.com/wva-go/wva/adapters/prometheus"
)

// marks tells which query a text is, by what only that query has; the first that fits counts.
var marks = []struct{ name, text string }{
	{"lastSeen", "max_over_time(timestamp("},
	{"sampled", "(timestamp("},
	{"kvUsage", "vllm:kv_cache_usage_perc"},
	{"waiting", "vllm:num_requests_waiting"},
	{"running", "vllm:num_requests_running"},
	{"kvCapacity", "vllm:cache_config_info"},
	{"firstRequests", "unless vllm:request_generation_tokens_count"},
	{"requests", "increase(vllm:request_generation_tokens_count"},
	{"inputShape", "vllm:request_prompt_tokens_bucket"},
	{"outputShape", "vllm:request_generation_tokens_bucket"},
	{"input", "vllm:request_prompt_tokens_sum"},
	{"output", "vllm:request_generation_tokens_sum"},
	{"completions", "rate(vllm:request_generation_tokens_count"},
	{"ttft", "vllm:time_to_first_token"},
	{"itl", "vllm:inter_token_latency"},
	{"prefixHits", "vllm:prefix_cache"},
	{"queue", "inference_extension_flow_control_queue_size"},
	{"arrivals", "inference_objective_request_total"},
}

func nameOf(query string) string {
	for _, m := range marks {
		if strings.Contains(query, m.text) {
			return m.name
		}
	}
	return "another"
}

// standIn stands for a Prometheus server: it answers each query with the rows that a test gave for its name.
type standIn struct {
	*httptest.Server
	mu      sync.Mutex
	rows    map[string][]string
	answer  map[string]http.HandlerFunc // instead of rows
	queries map[string][]string         // what was asked, by name
}

func newStandIn(t testing.TB) *standIn {
	s := &standIn{rows: map[string][]string{}, answer: map[string]http.HandlerFunc{}, queries: map[string][]string{}}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

func (s *standIn) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	query := r.FormValue("query")
	name := nameOf(query)
	s.mu.Lock()
	s.queries[name] = append(s.queries[name], query)
	answer, rows := s.answer[name], s.rows[name]
	if answer == nil {
		answer = s.answer["*"]
	}
	s.mu.Unlock()
	if answer != nil {
		answer(w, r)
		return
	}
	say(w, rows...)
}

// say answers with an instant vector.
func say(w http.ResponseWriter, rows ...string) {
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, `{"status":"success","data":{"resultType":"vector","result":[%s]}}`, strings.Join(rows, ","))
}

func body(contentType, text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		fmt.Fprint(w, text)
	}
}

func status(code int, text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { http.Error(w, text, code) }
}

// row is a series of an instant vector at noon.
func row(value any, labels ...string) string {
	metric := map[string]string{}
	for pair := range slices.Chunk(labels, 2) {
		metric[pair[0]] = pair[1]
	}
	m, err := json.Marshal(metric)
	if err != nil {
		panic(err)
	}
	return fmt.Sprintf(`{"metric":%s,"value":[%d,%q]}`, m, noon.Unix(), fmt.Sprint(value))
}

// pod is a series of a pod that serves llama in ns.
func pod(value any, name string, more ...string) string {
	return row(value, append([]string{"namespace", "ns", "pod", name, "model_name", "llama"}, more...)...)
}

// of is a series of llama as a whole.
func of(value any, more ...string) string {
	return row(value, append([]string{"namespace", "ns", "model_name", "llama"}, more...)...)
}

// ago is Unix time, so long before noon.
func ago(d time.Duration) string {
	return strconv.FormatFloat(float64(noon.Add(-d).UnixMilli())/1e3, 'f', 3, 64)
}

// deployment is a variant of llama with a Deployment of the same name.
func deployment(name string, current int) wva.Variant {
	return wva.Variant{ID: wva.ID{Namespace: "ns", Name: name}, Model: "llama", Accelerator: "A100", Cost: 40, Current: current,
		Target: wva.TargetRef{Kind: "Deployment", Name: name}}
}

// podOf is a pod of a Deployment.
func podOf(deployment string, n int) string {
	return deployment + "-7c9f8d7b4-x" + "bcdfg"[n:n+1] + "7hk"
}

func (s *standIn) source(t testing.TB, o prometheus.SourceOptions) *prometheus.Source {
	t.Helper()
	source, err := prometheus.NewSource(prometheus.Config{URL: s.URL, AllowHTTP: true}, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(source.Close)
	return source
}

func collect(t testing.TB, s *prometheus.Source, variants ...wva.Variant) wva.Metrics {
	t.Helper()
	m, err := s.Collect(t.Context(), variants)
	if err != nil {
		t.Fatal(err)
	}
	return m
}
