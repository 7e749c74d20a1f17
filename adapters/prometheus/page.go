package prometheus

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	promodel "github.com/prometheus/common/model"

	"github.com/wva-go/wva"
	"github.com/wva-go/wva/model"
)

// Page is what a model server says on /metrics: vLLM, or SGLang started with --enable-metrics. What it does not say is absent.
type Page struct {
	KVUsage    wva.Reading // fraction of the KV cache, 0 to 1
	Waiting    wva.Reading // requests
	Running    wva.Reading // requests
	KVCapacity wva.Reading // tokens

	Finished      wva.Reading // requests since the server started
	Input         Histogram   // prompt tokens
	Output        Histogram   // answer tokens
	TTFT          Histogram   // seconds
	ITL           Histogram   // seconds
	PrefixQueries wva.Reading // prompt tokens looked up in the prefix cache since the server started
	PrefixHits    wva.Reading // of these, found
}

// Histogram is a cumulative histogram; Count is absent where the page does not have it.
type Histogram struct {
	Sum, Count wva.Reading
	Buckets    []model.Bucket
}

// maxPage bounds a page: a server that says more is not one.
const maxPage = 16 << 20

// ErrNoServer says that a page is well formed but has none of the metrics of a model server.
var ErrNoServer = errors.New("no metrics of vLLM or SGLang on the page")

// ParsePage reads a page in Prometheus's text format. Several engines or models on one page are summed, and of gauges that are shares the largest counts. NaN and infinite
// samples are absent. A page of more than 16 MiB is an error, as is one that breaks off.
func ParsePage(r io.Reader) (Page, error) {
	return parse(&limited{ReadCloser: io.NopCloser(r), left: maxPage, limit: maxPage})
}

// ParseOpenMetrics reads a page in the OpenMetrics format as [ParsePage] does one in Prometheus's.
func ParseOpenMetrics(r io.Reader) (Page, error) {
	page, err := io.ReadAll(&limited{ReadCloser: io.NopCloser(r), left: maxPage, limit: maxPage})
	if err == nil {
		page, err = fromOpenMetrics(page)
	}
	if err != nil {
		return Page{}, fmt.Errorf("prometheus: metrics page: %w", err)
	}
	return parse(bytes.NewReader(page))
}

func parse(page io.Reader) (Page, error) {
	decoder := expfmt.NewDecoder(page, expfmt.NewFormat(expfmt.TypeTextPlain).WithEscapingScheme(promodel.NoEscaping))
	families := map[string]*dto.MetricFamily{}
	for {
		var f dto.MetricFamily
		err := decoder.Decode(&f)
		if err == io.EOF {
			break
		}
		if err != nil {
			return Page{}, fmt.Errorf("prometheus: metrics page: %w", err)
		}
		families[f.GetName()] = &f
	}
	return pageOf(families)
}

func pageOf(families map[string]*dto.MetricFamily) (Page, error) {
	first := func(names ...string) *dto.MetricFamily {
		for _, name := range names {
			if f := families[name]; len(f.GetMetric()) > 0 {
				return f
			}
		}
		return nil
	}
	p := Page{
		KVUsage:       largest(first("vllm:kv_cache_usage_perc", "vllm:gpu_cache_usage_perc", "sglang:token_usage")),
		Waiting:       total(first("vllm:num_requests_waiting", "sglang:num_queue_reqs")),
		Running:       total(first("vllm:num_requests_running", "sglang:num_running_reqs")),
		KVCapacity:    cacheSize(first("vllm:cache_config_info")),
		Finished:      total(first("vllm:request_success_total", "sglang:num_requests_total")),
		Input:         histogram(first("vllm:request_prompt_tokens", "sglang:prompt_tokens_histogram")),
		Output:        histogram(first("vllm:request_generation_tokens", "sglang:generation_tokens_histogram")),
		TTFT:          histogram(first("vllm:time_to_first_token_seconds", "sglang:time_to_first_token_seconds")),
		ITL:           histogram(first("vllm:inter_token_latency_seconds", "vllm:time_per_output_token_seconds", "sglang:inter_token_latency_seconds", "sglang:time_per_output_token_seconds")),
		PrefixQueries: total(first("vllm:prefix_cache_queries_total", "vllm:prefix_cache_queries", "vllm:gpu_prefix_cache_queries_total", "sglang:prompt_tokens_total")),
		PrefixHits:    total(first("vllm:prefix_cache_hits_total", "vllm:prefix_cache_hits", "vllm:gpu_prefix_cache_hits_total", "sglang:cached_tokens_total")),
	}
	if !p.KVCapacity.Valid {
		p.KVCapacity = total(first("sglang:max_total_num_tokens"))
	}
	// SGLang counts tokens, and has their histograms only by option.
	if !p.Input.Count.Valid {
		p.Input = Histogram{Sum: total(first("sglang:prompt_tokens_total")), Count: total(first("sglang:num_requests_total"))}
	}
	if !p.Output.Count.Valid {
		p.Output = Histogram{Sum: total(first("sglang:generation_tokens_total")), Count: total(first("sglang:num_requests_total"))}
	}
	if !p.KVUsage.Valid && !p.Waiting.Valid && !p.Running.Valid {
		return p, fmt.Errorf("prometheus: metrics page with %d families: %w", len(families), ErrNoServer)
	}
	return p, nil
}

// identity is what tells the series of a family apart, but for labels under which the same is said again: by another rank of a tensor or pipeline parallel group, or, beside the
// total, for each priority.
func identity(m *dto.Metric) string {
	var own []string
	for _, l := range m.GetLabel() {
		switch l.GetName() {
		case "tp_rank", "pp_rank", "moe_ep_rank", "priority":
		default:
			own = append(own, strconv.Quote(l.GetName())+strconv.Quote(l.GetValue()))
		}
	}
	slices.Sort(own)
	return strings.Join(own, "")
}

// sample is the value of a gauge, a counter or an untyped metric.
func sample(m *dto.Metric) wva.Reading {
	switch {
	case m.Gauge != nil:
		return wva.Read(m.Gauge.GetValue())
	case m.Counter != nil:
		return wva.Read(m.Counter.GetValue())
	case m.Untyped != nil:
		return wva.Read(m.Untyped.GetValue())
	}
	return wva.Reading{}
}

// total adds up the series of a family; what is said twice counts once, at its largest.
func total(f *dto.MetricFamily) wva.Reading {
	most := map[string]wva.Reading{}
	var order []string
	for _, m := range f.GetMetric() {
		v, key := sample(m), identity(m)
		if !v.Valid {
			continue
		}
		if _, seen := most[key]; !seen {
			order = append(order, key)
		}
		most[key] = busier(most[key], v)
	}
	var sum wva.Reading
	for _, key := range order {
		sum = wva.Read(sum.Or(0) + most[key].Value)
	}
	return sum
}

func largest(f *dto.MetricFamily) wva.Reading {
	var most wva.Reading
	for _, m := range f.GetMetric() {
		most = busier(most, sample(m))
	}
	return most
}

// cacheSize multiplies the blocks of the KV cache with their size; both are labels. The blocks are those of all engines of the server, and said again for each of them.
func cacheSize(f *dto.MetricFamily) (tokens wva.Reading) {
	for _, m := range f.GetMetric() {
		var blocks, size wva.Reading
		for _, l := range m.GetLabel() {
			switch l.GetName() {
			case "num_gpu_blocks":
				blocks = positive(l.GetValue())
			case "block_size":
				size = positive(l.GetValue())
			}
		}
		if blocks.Valid && size.Valid {
			tokens = busier(tokens, wva.Read(blocks.Value*size.Value))
		}
	}
	return tokens
}

// histogram sums the histograms of a family, bucket by bucket.
func histogram(f *dto.MetricFamily) Histogram {
	var h Histogram
	counts := map[float64]float64{}
	var bounds []float64
	for _, m := range f.GetMetric() {
		x := m.GetHistogram()
		if x == nil || math.IsNaN(x.GetSampleSum()) || math.IsInf(x.GetSampleSum(), 0) {
			continue
		}
		h.Sum = wva.Read(h.Sum.Or(0) + x.GetSampleSum())
		h.Count = wva.Read(h.Count.Or(0) + float64(x.GetSampleCount()))
		for _, b := range x.GetBucket() {
			if math.IsNaN(b.GetUpperBound()) {
				continue
			}
			if _, seen := counts[b.GetUpperBound()]; !seen {
				bounds = append(bounds, b.GetUpperBound())
			}
			counts[b.GetUpperBound()] += float64(b.GetCumulativeCount())
		}
	}
	for _, bound := range bounds {
		h.Buckets = append(h.Buckets, model.Bucket{UpperBound: bound, Count: counts[bound]})
	}
	return h
}

// since is what a histogram gathered after an earlier one; absent where the server restarted in between.
func (h Histogram) since(before Histogram) Histogram {
	if !h.Count.Valid || !before.Count.Valid || !h.Sum.Valid || !before.Sum.Valid || h.Count.Value < before.Count.Value || h.Sum.Value < before.Sum.Value || len(h.Buckets) != len(before.Buckets) {
		return Histogram{}
	}
	d := Histogram{Sum: wva.Read(h.Sum.Value - before.Sum.Value), Count: wva.Read(h.Count.Value - before.Count.Value)}
	for i, b := range h.Buckets {
		d.Buckets = append(d.Buckets, model.Bucket{UpperBound: b.UpperBound, Count: b.Count - before.Buckets[i].Count})
	}
	return d
}

// mean is absent without observations.
func (h Histogram) mean() wva.Reading {
	if !(h.Count.Value > 0) {
		return wva.Reading{}
	}
	return wva.Read(h.Sum.Value / h.Count.Value)
}

// lengths are the moments of token counts.
func (h Histogram) lengths() wva.LengthReadings {
	l := wva.LengthReadings{Mean: h.mean()}
	if !l.Mean.Valid {
		return l
	}
	if t, err := model.LengthsOfHistogram(h.Buckets, h.Sum.Value, h.Count.Value); err == nil {
		l.SecondMoment = wva.Read(t.SecondMoment())
	}
	return l
}
