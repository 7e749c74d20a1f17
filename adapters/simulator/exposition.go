package simulator

import (
	"fmt"
	"io"
	"strconv"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"

	"github.com/wva-go/wva"
)

// Buckets of vLLM's histograms.
var (
	tokenBuckets = []float64{1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000, 50000, 100000}
	ttftBuckets  = []float64{0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80, 160}
	itlBuckets   = []float64{0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80}
)

// exposition is what a replica has counted for its /metrics since it started.
type exposition struct {
	success, preempted             int
	prompt, generation             int
	promptTokens, generationTokens histogram
	ttft, itl                      histogram
}

func newExposition() *exposition {
	return &exposition{
		promptTokens: newHistogram(tokenBuckets), generationTokens: newHistogram(tokenBuckets),
		ttft: newHistogram(ttftBuckets), itl: newHistogram(itlBuckets),
	}
}

func (e *exposition) observe(r Record) {
	e.success++
	e.preempted += r.Preempted
	e.prompt += r.Input
	e.generation += r.Output
	e.promptTokens.observe(float64(r.Input), 1)
	e.generationTokens.observe(float64(r.Output), 1)
	e.ttft.observe(r.TTFT(), 1)
	if r.Output > 1 {
		e.itl.observe(r.ITL(), r.Output-1)
	}
}

// histogram counts observations by bucket.
type histogram struct {
	bounds []float64
	counts []uint64 // not cumulative; one more than bounds
	sum    float64
}

func newHistogram(bounds []float64) histogram {
	return histogram{bounds: bounds, counts: make([]uint64, len(bounds)+1)}
}

func (h *histogram) observe(v float64, n int) {
	i := 0
	for i < len(h.bounds) && v > h.bounds[i] {
		i++
	}
	h.counts[i] += uint64(n)
	h.sum += v * float64(n)
}

// Replicas returns the names of a variant's replicas that answer, in order of creation.
func (c *Cluster) Replicas(id wva.ID) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	v := c.variant(id)
	if v == nil {
		return nil
	}
	var names []string
	for _, r := range v.replicas {
		if r.ready && !r.draining {
			names = append(names, r.name)
		}
	}
	return names
}

// WriteMetrics writes what vLLM would answer on /metrics of a replica, in Prometheus's text format. It fails for a replica that
// does not answer.
func (c *Cluster) WriteMetrics(w io.Writer, id wva.ID, name string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if v := c.variant(id); v != nil {
		for _, r := range v.replicas {
			if r.name == name && r.ready {
				return r.write(w, v.Variant)
			}
		}
	}
	return fmt.Errorf("simulator: replica %s of %s does not answer", name, id)
}

func (r *replica) write(w io.Writer, v wva.Variant) error {
	m := families{model: v.Model}
	e := r.vllm
	const blockSize = 16
	m.gauge("vllm:num_requests_running", "Number of requests in model execution batches.", float64(r.server.Running()))
	m.gauge("vllm:num_requests_waiting", "Number of requests waiting to be processed.", float64(r.server.Waiting()))
	m.gauge("vllm:kv_cache_usage_perc", "KV-cache usage. 1 means 100 percent usage.", r.server.KVUsage())
	m.gauge("vllm:cache_config_info", "Information of the LLMEngine CacheConfig", 1,
		label("block_size", strconv.Itoa(blockSize)), label("num_gpu_blocks", strconv.Itoa(v.Server.KVCapacity/blockSize)))
	m.counter("vllm:num_preemptions_total", "Cumulative number of preemption from the engine.", e.preempted)
	m.counter("vllm:prompt_tokens_total", "Number of prefill tokens processed.", e.prompt)
	m.counter("vllm:generation_tokens_total", "Number of generation tokens processed.", e.generation)
	m.counter("vllm:request_success_total", "Count of successfully processed requests.", e.success, label("finished_reason", "stop"))
	m.histogram("vllm:request_prompt_tokens", "Number of prefill tokens processed.", e.promptTokens)
	m.histogram("vllm:request_generation_tokens", "Number of generation tokens processed.", e.generationTokens)
	m.histogram("vllm:time_to_first_token_seconds", "Histogram of time to first token in seconds.", e.ttft)
	m.histogram("vllm:time_per_output_token_seconds", "Histogram of time per output token in seconds.", e.itl)
	for _, family := range m.list {
		if _, err := expfmt.MetricFamilyToText(w, family); err != nil {
			return fmt.Errorf("simulator: metrics of %s: %w", r.name, err)
		}
	}
	return nil
}

// families collects the metrics of one page, each labelled with the model.
type families struct {
	model string
	list  []*dto.MetricFamily
}

func label(name, value string) *dto.LabelPair { return &dto.LabelPair{Name: &name, Value: &value} }

func (f *families) add(name, help string, kind dto.MetricType, m *dto.Metric, labels []*dto.LabelPair) {
	m.Label = append(labels, label("engine", "0"), label("model_name", f.model))
	f.list = append(f.list, &dto.MetricFamily{Name: &name, Help: &help, Type: &kind, Metric: []*dto.Metric{m}})
}

func (f *families) gauge(name, help string, value float64, labels ...*dto.LabelPair) {
	f.add(name, help, dto.MetricType_GAUGE, &dto.Metric{Gauge: &dto.Gauge{Value: &value}}, labels)
}

func (f *families) counter(name, help string, value int, labels ...*dto.LabelPair) {
	v := float64(value)
	f.add(name, help, dto.MetricType_COUNTER, &dto.Metric{Counter: &dto.Counter{Value: &v}}, labels)
}

func (f *families) histogram(name, help string, h histogram) {
	var cumulative uint64
	out := &dto.Histogram{SampleSum: &h.sum}
	for i, bound := range h.bounds {
		cumulative += h.counts[i]
		count := cumulative
		out.Bucket = append(out.Bucket, &dto.Bucket{UpperBound: &bound, CumulativeCount: &count})
	}
	cumulative += h.counts[len(h.bounds)]
	out.SampleCount = &cumulative
	f.add(name, help, dto.MetricType_HISTOGRAM, &dto.Metric{Histogram: out}, nil)
}
