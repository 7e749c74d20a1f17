package prometheus_test

import (
	"cmp"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wva-go/wva"
	"github.com/wva-go/wva/adapters/prometheus"
	"github.com/wva-go/wva/internal/servers"
)

// exposed is what a server exposed over the last ten minutes: a series as /metrics writes it, with a value for each scrape.
type exposed struct {
	series string // name{label="value",…}
	value  func(age time.Duration) float64
}

// still is a gauge that does not move, or a counter of which nothing more is counted.
func still(series string, value float64) exposed {
	return exposed{series, func(time.Duration) float64 { return value }}
}

// growing is a counter that was 0 ten minutes ago.
func growing(series string, perSecond float64) exposed {
	return exposed{series, func(age time.Duration) float64 { return perSecond * (past - age).Seconds() }}
}

const past = 10 * time.Minute

// situation is what one replica of a variant exposes in a namespace of its own, and what is to be read of it.
type situation struct {
	name    string
	engine  string
	series  []exposed
	since   time.Duration // for how long it has been scraped; 0 = all the time
	every   time.Duration // 0 = 15 s
	replica wva.ReplicaMetrics
	model   wva.ModelMetrics
}

// vllmReplica is a server of vLLM that finishes two requests per second, of 300 tokens and 100 more.
func vllmReplica(labels string) []exposed {
	with := func(name string) string { return name + "{" + labels + "}" }
	return []exposed{
		still(with("vllm:kv_cache_usage_perc"), 0.5), still(with("vllm:num_requests_waiting"), 3), still(with("vllm:num_requests_running"), 8),
		growing(with("vllm:request_prompt_tokens_sum"), 600), growing(with("vllm:request_prompt_tokens_count"), 2),
		growing(with("vllm:request_generation_tokens_sum"), 200), growing(with("vllm:request_generation_tokens_count"), 2),
		growing(with("vllm:time_to_first_token_seconds_sum"), 0.4), growing(with("vllm:time_to_first_token_seconds_count"), 2),
		growing(with("vllm:inter_token_latency_seconds_sum"), 6), growing(with("vllm:inter_token_latency_seconds_count"), 200),
		growing(with("vllm:prefix_cache_queries_total"), 600), growing(with("vllm:prefix_cache_hits_total"), 150),
	}
}

// vllmReads is what is read of it.
func vllmReads() wva.ReplicaMetrics {
	return wva.ReplicaMetrics{
		KVUsage: wva.Read(0.5), Waiting: wva.Read(3), Running: wva.Read(8), CompletionRate: wva.Read(2), TTFT: wva.Read(0.2), ITL: wva.Read(0.03), PrefixHitRate: wva.Read(0.25),
		Input: wva.LengthReadings{Mean: wva.Read(300)}, Output: wva.LengthReadings{Mean: wva.Read(100)},
	}
}

func situations() []situation {
	block := func(labels string) exposed {
		return still(`vllm:cache_config_info{block_size="16",num_gpu_blocks="4000",`+labels+`}`, 1)
	}
	with := func(r wva.ReplicaMetrics, change func(*wva.ReplicaMetrics)) wva.ReplicaMetrics { change(&r); return r }
	twice := with(vllmReads(), func(r *wva.ReplicaMetrics) {
		r.Waiting, r.Running, r.CompletionRate = wva.Read(6), wva.Read(16), wva.Read(4)
	})
	return []situation{
		{name: "vLLM", series: append(vllmReplica(`engine="0",instance="a:8000"`), block(`engine="0",instance="a:8000"`)),
			replica: with(vllmReads(), func(r *wva.ReplicaMetrics) { r.KVCapacity = wva.Read(64_000) })},
		{name: "vLLM before its first version", series: []exposed{
			still(`vllm:gpu_cache_usage_perc`, 0.5), still(`vllm:num_requests_waiting`, 3), still(`vllm:num_requests_running`, 8),
			growing(`vllm:time_per_output_token_seconds_sum`, 6), growing(`vllm:time_per_output_token_seconds_count`, 200), growing(`vllm:request_generation_tokens_count`, 2),
		}, replica: wva.ReplicaMetrics{KVUsage: wva.Read(0.5), Waiting: wva.Read(3), Running: wva.Read(8), CompletionRate: wva.Read(2), ITL: wva.Read(0.03)}},
		{name: "scraped by two jobs", series: slices.Concat(vllmReplica(`engine="0",instance="a:8000",job="a"`), vllmReplica(`engine="0",instance="a:8000",job="b"`),
			[]exposed{block(`engine="0",instance="a:8000",job="a"`), block(`engine="0",instance="a:8000",job="b"`)}),
			replica: with(vllmReads(), func(r *wva.ReplicaMetrics) { r.KVCapacity = wva.Read(64_000) })},
		// The front end of data parallel engines says of each of them how many blocks all of them have.
		{name: "two engines behind one front end", series: slices.Concat(vllmReplica(`engine="0",instance="a:8000"`), vllmReplica(`engine="1",instance="a:8000"`),
			[]exposed{block(`engine="0",instance="a:8000"`), block(`engine="1",instance="a:8000"`)}),
			replica: with(twice, func(r *wva.ReplicaMetrics) { r.KVCapacity = wva.Read(64_000) })},
		{name: "two engines with a port each", series: slices.Concat(vllmReplica(`engine="0",instance="a:8000"`), vllmReplica(`engine="1",instance="a:8001"`),
			[]exposed{block(`engine="0",instance="a:8000"`), block(`engine="1",instance="a:8001"`)}),
			replica: with(twice, func(r *wva.ReplicaMetrics) { r.KVCapacity = wva.Read(128_000) })},
		// What it counted between the last scrape and the restart is lost.
		{name: "a container that restarted", series: []exposed{
			still(`vllm:kv_cache_usage_perc`, 0.5), still(`vllm:num_requests_waiting`, 3),
			{`vllm:request_generation_tokens_count`, func(age time.Duration) float64 {
				if age > time.Minute {
					return 10_000 - 2*age.Seconds()
				}
				return 120 - 2*age.Seconds()
			}},
		}, replica: wva.ReplicaMetrics{KVUsage: wva.Read(0.5), Waiting: wva.Read(3), CompletionRate: wva.Read(12. / 7)}},
		{name: "idle", series: []exposed{still(`vllm:kv_cache_usage_perc`, 0), still(`vllm:num_requests_waiting`, 0), still(`vllm:num_requests_running`, 0), still(`vllm:request_generation_tokens_count`, 7),
			still(`vllm:request_generation_tokens_sum`, 700)},
			replica: wva.ReplicaMetrics{KVUsage: wva.Read(0), Waiting: wva.Read(0), Running: wva.Read(0), CompletionRate: wva.Read(0)},
			model:   wva.ModelMetrics{RequestsInRetention: wva.Read(0)}},
		// The request that woke it was over when it was first scraped.
		{name: "woken by one request", since: 2 * time.Minute, series: []exposed{still(`vllm:kv_cache_usage_perc`, 0), still(`vllm:num_requests_waiting`, 0), still(`vllm:request_generation_tokens_count`, 1)},
			replica: wva.ReplicaMetrics{KVUsage: wva.Read(0), Waiting: wva.Read(0), CompletionRate: wva.Read(0)},
			model:   wva.ModelMetrics{RequestsInRetention: wva.Read(1)}},
		{name: "SGLang without any request", engine: "sglang", series: []exposed{still(`sglang:token_usage`, 0), still(`sglang:num_queue_reqs`, 0), still(`sglang:num_running_reqs`, 0)},
			replica: wva.ReplicaMetrics{KVUsage: wva.Read(0), Waiting: wva.Read(0), Running: wva.Read(0)},
			model:   wva.ModelMetrics{RequestsInRetention: wva.Read(0)}},
		{name: "SGLang after its first request", engine: "sglang", series: []exposed{still(`sglang:token_usage`, 0), still(`sglang:num_queue_reqs`, 0),
			{`sglang:num_requests_total{is_streaming="true"}`, func(age time.Duration) float64 {
				if age > time.Minute {
					return math.NaN() // there is no such series
				}
				return 1
			}}},
			replica: wva.ReplicaMetrics{KVUsage: wva.Read(0), Waiting: wva.Read(0), CompletionRate: wva.Read(0)},
			model:   wva.ModelMetrics{RequestsInRetention: wva.Read(1)}},
		{name: "SGLang", engine: "sglang", series: []exposed{
			still(`sglang:token_usage{tp_rank="0"}`, 0.4), still(`sglang:token_usage{tp_rank="1"}`, 0.4), still(`sglang:max_total_num_tokens{tp_rank="0"}`, 64_000), still(`sglang:max_total_num_tokens{tp_rank="1"}`, 64_000),
			still(`sglang:num_queue_reqs{tp_rank="0"}`, 3), still(`sglang:num_queue_reqs{tp_rank="1"}`, 3), still(`sglang:num_running_reqs{tp_rank="0"}`, 8), still(`sglang:num_running_reqs{tp_rank="1"}`, 8),
			growing(`sglang:num_requests_total{is_streaming="true"}`, 3), growing(`sglang:num_requests_total{is_streaming="false"}`, 1),
			growing(`sglang:prompt_tokens_total{is_streaming="true"}`, 300), growing(`sglang:prompt_tokens_total{is_streaming="false"}`, 500),
			growing(`sglang:generation_tokens_total{is_streaming="true"}`, 600), growing(`sglang:generation_tokens_total{is_streaming="false"}`, 40),
			growing(`sglang:time_to_first_token_seconds_sum{is_streaming="true"}`, 0.6), growing(`sglang:time_to_first_token_seconds_count{is_streaming="true"}`, 3),
			growing(`sglang:time_to_first_token_seconds_sum{is_streaming="false"}`, 1), growing(`sglang:time_to_first_token_seconds_count{is_streaming="false"}`, 1),
			growing(`sglang:inter_token_latency_seconds_sum`, 6), growing(`sglang:inter_token_latency_seconds_count`, 200), still(`sglang:cache_hit_rate{tp_rank="0"}`, 0.25),
		}, replica: wva.ReplicaMetrics{
			KVUsage: wva.Read(0.4), Waiting: wva.Read(3), Running: wva.Read(8), KVCapacity: wva.Read(64_000), CompletionRate: wva.Read(4), TTFT: wva.Read(0.4), ITL: wva.Read(0.03), PrefixHitRate: wva.Read(0.25),
			Input: wva.LengthReadings{Mean: wva.Read(200)}, Output: wva.LengthReadings{Mean: wva.Read(160)},
		}},
		// With attention in parallel, each rank of the tensor parallel group is a data parallel one, too; with priorities, the total stands under none.
		{name: "SGLang with data parallel attention and priorities", engine: "sglang", series: []exposed{
			still(`sglang:token_usage{tp_rank="0",dp_rank="0",priority=""}`, 0.4), still(`sglang:token_usage{tp_rank="1",dp_rank="1",priority=""}`, 0.6),
			still(`sglang:num_queue_reqs{tp_rank="0",dp_rank="0",priority=""}`, 3), still(`sglang:num_queue_reqs{tp_rank="1",dp_rank="1",priority=""}`, 4),
			still(`sglang:num_queue_reqs{tp_rank="0",dp_rank="0",priority="1"}`, 2), still(`sglang:num_queue_reqs{tp_rank="0",dp_rank="0",priority="2"}`, 1), still(`sglang:num_queue_reqs{tp_rank="1",dp_rank="1",priority="1"}`, 4),
		}, replica: wva.ReplicaMetrics{KVUsage: wva.Read(0.6), Waiting: wva.Read(7)}},
		{name: "gateway that says all under its old names and its new ones", series: append(vllmReplica(`engine="0"`),
			still(`inference_extension_flow_control_queue_size{target_model_name="MODEL",fairness_id="a"}`, 2), still(`inference_extension_flow_control_queue_size{target_model_name="MODEL",fairness_id="b"}`, 3),
			still(`llm_d_epp_flow_control_queue_size{target_model_name="MODEL",fairness_id="a"}`, 2), still(`llm_d_epp_flow_control_queue_size{target_model_name="MODEL",fairness_id="b"}`, 3),
			growing(`inference_objective_request_total{target_model_name="MODEL",priority="0"}`, 4), growing(`llm_d_epp_request_total{target_model_name="MODEL",priority="0"}`, 4),
			growing(`inference_model_request_total{target_model_name="MODEL"}`, 4)),
			replica: vllmReads(), model: wva.ModelMetrics{GatewayQueue: wva.Read(5), ArrivalRate: wva.Read(4)}},
		{name: "gateway of two replicas, each scraped by two jobs", series: append(vllmReplica(`engine="0"`),
			still(`llm_d_epp_flow_control_queue_size{target_model_name="MODEL",fairness_id="x",instance="a:9090",job="a"}`, 2), still(`llm_d_epp_flow_control_queue_size{target_model_name="MODEL",fairness_id="x",instance="a:9090",job="b"}`, 2),
			still(`llm_d_epp_flow_control_queue_size{target_model_name="MODEL",fairness_id="x",instance="b:9090",job="a"}`, 3), still(`llm_d_epp_flow_control_queue_size{target_model_name="MODEL",fairness_id="x",instance="b:9090",job="b"}`, 3),
			growing(`llm_d_epp_request_total{target_model_name="MODEL",priority="0",instance="a:9090",job="a"}`, 3), growing(`llm_d_epp_request_total{target_model_name="MODEL",priority="0",instance="a:9090",job="b"}`, 3),
			growing(`llm_d_epp_request_total{target_model_name="MODEL",priority="1",instance="a:9090",job="a"}`, 1), growing(`llm_d_epp_request_total{target_model_name="MODEL",priority="1",instance="a:9090",job="b"}`, 1)),
			replica: vllmReads(), model: wva.ModelMetrics{GatewayQueue: wva.Read(5), ArrivalRate: wva.Read(4)}},
		{name: "gateway with new names alone", series: append(vllmReplica(`engine="0"`),
			still(`llm_d_epp_flow_control_queue_size{target_model_name="MODEL"}`, 5), growing(`llm_d_epp_request_total{target_model_name="MODEL",priority="0"}`, 4)),
			replica: vllmReads(), model: wva.ModelMetrics{GatewayQueue: wva.Read(5), ArrivalRate: wva.Read(4)}},
		{name: "gateway before its first version", series: append(vllmReplica(`engine="0"`),
			still(`inference_extension_flow_control_queue_size{model_name="MODEL",target_model_name=""}`, 5), growing(`inference_model_request_total{model_name="MODEL",target_model_name=""}`, 4)),
			replica: vllmReads(), model: wva.ModelMetrics{GatewayQueue: wva.Read(5), ArrivalRate: wva.Read(4)}},
	}
}

// What the ready queries read of servers as they are, found out by a real server.
func TestServerQueries(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and runs a Prometheus server")
	}
	server := servers.StartPrometheus(t, servers.PrometheusOptions{Config: "global: {scrape_interval: 1m}\n", Flags: []string{"--web.enable-remote-write-receiver"}})
	now := time.Now().Truncate(time.Second)
	var variants []wva.Variant
	var batch []series
	for i, s := range situations() {
		v := wva.Variant{ID: wva.ID{Namespace: fmt.Sprintf("ns-%d", i), Name: "llama"}, Model: fmt.Sprintf("meta/llama-%d", i), Engine: s.engine, Current: 1, Target: wva.TargetRef{Kind: "StatefulSet"}}
		variants = append(variants, v)
		for _, e := range s.series {
			batch = append(batch, s.scraped(e, v, now))
		}
	}
	backfill(t, http.DefaultClient, server.URL, batch)
	source, err := prometheus.NewSource(prometheus.Config{URL: server.URL, AllowHTTP: true}, prometheus.SourceOptions{
		Clock:     func() time.Time { return now },
		Retention: func(wva.ModelKey) wva.Retention { return wva.Retention{Enabled: true, Period: 5 * time.Minute} },
	})
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	m := collect(t, source, variants...)
	for i, s := range situations() {
		t.Run(s.name, func(t *testing.T) {
			key := variants[i].Key()
			for _, p := range m.Problems {
				if p.ModelKey == key || p.ModelKey == (wva.ModelKey{}) {
					t.Errorf("a problem: %+v", p)
				}
			}
			var replica wva.ReplicaMetrics
			var model wva.ModelMetrics
			for _, r := range m.Replicas {
				if r.Variant == variants[i].ID {
					replica = r
				}
			}
			for _, r := range m.Models {
				if r.ModelKey == key {
					model = r
				}
			}
			sameReadings(t, readings(replica), readings(s.replica))
			sameReadings(t, modelReadings(model), modelReadings(s.model))
		})
	}
}

// scraped is a series as Prometheus would have it of the one replica of a variant.
func (s situation) scraped(e exposed, v wva.Variant, now time.Time) (out series) {
	name, labels, _ := strings.Cut(strings.TrimSuffix(strings.ReplaceAll(e.series, "MODEL", v.Model), "}"), "{")
	set := map[string]string{"__name__": name, "namespace": v.ID.Namespace, "pod": "llama-0"}
	if !strings.HasPrefix(name, "inference_") && !strings.HasPrefix(name, "llm_d_") && name != "vllm:cache_config_info" {
		set["model_name"] = v.Model
	}
	for pair := range strings.SplitSeq(labels, ",") {
		if label, value, ok := strings.Cut(pair, "="); ok {
			set[label] = strings.Trim(value, `"`)
		}
	}
	for label, value := range set {
		if value != "" { // a label without a value is none
			out.labels = append(out.labels, [2]string{label, value})
		}
	}
	slices.SortFunc(out.labels, func(a, b [2]string) int { return cmp.Compare(a[0], b[0]) })
	every := cmp.Or(s.every, 15*time.Second)
	for age := cmp.Or(s.since, past).Truncate(every); age >= 0; age -= every {
		if v := e.value(age); !math.IsNaN(v) {
			out.samples = append(out.samples, sample{now.Add(-age), v})
		}
	}
	return out
}

// readings are those of a replica by name.
func readings(r wva.ReplicaMetrics) map[string]wva.Reading {
	return map[string]wva.Reading{
		"KV usage": r.KVUsage, "waiting": r.Waiting, "running": r.Running, "KV capacity": r.KVCapacity, "completions": r.CompletionRate, "input": r.Input.Mean, "output": r.Output.Mean,
		"TTFT": r.TTFT, "ITL": r.ITL, "prefix hits": r.PrefixHitRate,
	}
}

// modelReadings are those of a model by name; the requests where they are none or the first.
func modelReadings(m wva.ModelMetrics) map[string]wva.Reading {
	all := map[string]wva.Reading{"gateway queue": m.GatewayQueue, "arrivals": m.ArrivalRate}
	if n := m.RequestsInRetention; n.Valid && n.Value < 2 {
		all["requests"] = n
	}
	return all
}

// sameReadings allows for what rates are extrapolated by.
func sameReadings(t *testing.T, got, want map[string]wva.Reading) {
	t.Helper()
	for name, w := range want {
		g := got[name]
		if g.Valid != w.Valid || g.Value < 0.98*w.Value || g.Value > 1.02*w.Value {
			t.Errorf("%s: %+v, want %+v", name, g, w)
		}
	}
}
