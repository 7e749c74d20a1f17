package prometheus

import (
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	promodel "github.com/prometheus/common/model"

	"github.com/wva-go/wva"
	"github.com/wva-go/wva/model"
)

// Page is what a vLLM server says on /metrics. What it does not say is absent.
type Page struct {
	KVUsage    wva.Reading // fraction of the KV cache, 0 to 1
	Waiting    wva.Reading // requests
	Running    wva.Reading // requests
	KVCapacity wva.Reading // tokens

	Finished wva.Reading // requests since the server started
	Input    Histogram   // prompt tokens
	Output   Histogram   // answer tokens
	TTFT     Histogram   // seconds
	ITL      Histogram   // seconds
}

// Histogram is a cumulative histogram; Count is absent where the page does not have it.
type Histogram struct {
	Sum, Count wva.Reading
	Buckets    []model.Bucket
}

// maxPage bounds how much of a page is read: a server that says more is not one.
const maxPage = 16 << 20

// ErrNotVLLM says that a page is well formed but has none of vLLM's metrics.
var ErrNotVLLM = errors.New("no vLLM metrics on the page")

// ParsePage reads a page in Prometheus's text format. Several engines or models on one page are summed, and of gauges that are shares the largest counts. NaN and infinite
// samples are absent.
func ParsePage(r io.Reader) (Page, error) {
	parser := expfmt.NewTextParser(promodel.UTF8Validation)
	families, err := parser.TextToMetricFamilies(io.LimitReader(r, maxPage))
	if err != nil {
		return Page{}, fmt.Errorf("prometheus: metrics page: %w", err)
	}
	first := func(names ...string) *dto.MetricFamily {
		for _, name := range names {
			if f := families[name]; len(f.GetMetric()) > 0 {
				return f
			}
		}
		return nil
	}
	p := Page{
		KVUsage:    largest(first("vllm:kv_cache_usage_perc", "vllm:gpu_cache_usage_perc")),
		Waiting:    total(first("vllm:num_requests_waiting")),
		Running:    total(first("vllm:num_requests_running")),
		KVCapacity: cacheSize(first("vllm:cache_config_info")),
		Finished:   total(first("vllm:request_success_total")),
		Input:      histogram(first("vllm:request_prompt_tokens")),
		Output:     histogram(first("vllm:request_generation_tokens")),
		TTFT:       histogram(first("vllm:time_to_first_token_seconds")),
		ITL:        histogram(first("vllm:inter_token_latency_seconds", "vllm:time_per_output_token_seconds")),
	}
	if !p.KVUsage.Valid && !p.Waiting.Valid && !p.Running.Valid {
		return p, fmt.Errorf("prometheus: metrics page with %d families: %w", len(families), ErrNotVLLM)
	}
	return p, nil
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

func total(f *dto.MetricFamily) wva.Reading {
	var sum wva.Reading
	for _, m := range f.GetMetric() {
		if v := sample(m); v.Valid {
			sum = wva.Read(sum.Or(0) + v.Value)
		}
	}
	return sum
}

func largest(f *dto.MetricFamily) wva.Reading {
	var most wva.Reading
	for _, m := range f.GetMetric() {
		if v := sample(m); v.Valid && (!most.Valid || v.Value > most.Value) {
			most = v
		}
	}
	return most
}

// cacheSize multiplies the blocks of the KV cache with their size; both are labels.
func cacheSize(f *dto.MetricFamily) wva.Reading {
	var tokens wva.Reading
	for _, m := range f.GetMetric() {
		product, labels := 1.0, 0
		for _, l := range m.GetLabel() {
			if l.GetName() != "num_gpu_blocks" && l.GetName() != "block_size" {
				continue
			}
			if n, err := strconv.ParseFloat(l.GetValue(), 64); err == nil && n > 0 {
				product *= n
				labels++
			}
		}
		if labels == 2 {
			tokens = wva.Read(tokens.Or(0) + product)
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
	if !h.Count.Valid || !before.Count.Valid || h.Count.Value < before.Count.Value || h.Sum.Value < before.Sum.Value || len(h.Buckets) != len(before.Buckets) {
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
