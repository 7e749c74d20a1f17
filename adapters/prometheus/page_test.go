package prometheus_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wva-go/wva"
	"github.com/wva-go/wva/adapters/prometheus"
	"github.com/wva-go/wva/model"
)

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

// Python's client writes types that Prometheus's text format does not have, and says of everything when it was made.
func TestParseOpenMetricsAsPythonWritesIt(t *testing.T) {
	p, err := prometheus.ParseOpenMetrics(strings.NewReader(`# HELP vllm:kv_cache_usage_perc "KV"\nusage
# TYPE vllm:kv_cache_usage_perc gauge
vllm:kv_cache_usage_perc{engine="0",model_name="a\"} or\nvector(1)#\\"} 0.5
# TYPE vllm:num_requests_waiting gauge
vllm:num_requests_waiting{engine="0",model_name="a\"} # {b=\"c\"} 9 \\"} 2 1795593407.5
# HELP vllm:request_success s
# TYPE vllm:request_success counter
vllm:request_success_total{finished_reason="stop"} 5.0 # {trace_id="a b"} 1.0 1795593407.97
vllm:request_success_created{finished_reason="stop"} 1.7955934079731584e+09
# TYPE vllm:request_prompt_tokens histogram
# UNIT vllm:request_prompt_tokens tokens
vllm:request_prompt_tokens_bucket{le="10.0"} 1.0 # {trace_id="abc"} 5.0 1.795e+09
vllm:request_prompt_tokens_bucket{le="+Inf"} 3.0
vllm:request_prompt_tokens_count 3.0
vllm:request_prompt_tokens_sum 555.0
vllm:request_prompt_tokens_created 1.7955934079731877e+09
# TYPE build info
build_info{v="1"} 1.0
# TYPE st stateset
st{st="a"} 1.0
st{st="b"} 0.0
# TYPE sizes gaugehistogram
sizes_bucket{le="+Inf"} 3.0
sizes_gcount 3.0
sizes_gsum 5.0
# TYPE any unknown
any 7.0
# EOF
`))
	want := prometheus.Page{KVUsage: wva.Read(0.5), Waiting: wva.Read(2), Finished: wva.Read(5), Input: prometheus.Histogram{
		Sum: wva.Read(555), Count: wva.Read(3), Buckets: []model.Bucket{{UpperBound: 10, Count: 1}, {UpperBound: math.Inf(1), Count: 3}},
	}}
	if diff := cmp.Diff(want, p); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	for text, want := range map[string]string{
		"vllm:num_requests_waiting 1\n":                   "no # EOF at the end",
		"# EOF\nvllm:num_requests_waiting 1\n":            "something follows # EOF",
		"vllm:num_requests_waiting one\n# EOF\n":          "metrics page",
		"vllm:num_requests_waiting{a=\"b} 1\n# EOF\n":     "metrics page",
		"vllm:num_requests_waiting\n# EOF\n":              "metrics page",
		"# TYPE vllm:num_requests_waiting gauge\n# EOF\n": "no metrics of vLLM or SGLang",
	} {
		if _, err := prometheus.ParseOpenMetrics(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q", text, err, want)
		}
	}
}

// A page of many lines, with names of any length, takes no longer in OpenMetrics than in text: a parser for which that is not so would keep this test busy for hours.
func TestParseOpenMetricsOfGreatLength(t *testing.T) {
	var page strings.Builder
	page.WriteString("# TYPE vllm:num_requests_waiting gauge\n")
	for i := range 20_000 {
		fmt.Fprintf(&page, "vllm:num_requests_waiting{engine=\"%d\"} 1 1795593407.5\n", i)
	}
	fmt.Fprintf(&page, "vllm:num_requests_waiting{model_name=%q} 1\n# EOF\n", strings.Repeat("x", 1<<20))
	p, err := prometheus.ParseOpenMetrics(strings.NewReader(page.String()))
	if err != nil || p.Waiting != wva.Read(20_001) {
		t.Errorf("%v, %v", p.Waiting, err)
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
