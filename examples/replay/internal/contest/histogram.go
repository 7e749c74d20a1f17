package contest

import (
	"math"
	"slices"
)

// Quantiles summarize latencies, in seconds; all are 0 without any.
type Quantiles struct {
	P50 float64 `json:"p50"`
	P95 float64 `json:"p95"`
	P99 float64 `json:"p99"`
}

// exact returns the quantiles of values, which it sorts.
func exact(values []float64) Quantiles {
	if len(values) == 0 {
		return Quantiles{}
	}
	slices.Sort(values)
	at := func(p float64) float64 { return values[max(int(math.Ceil(p*float64(len(values))))-1, 0)] }
	return Quantiles{P50: at(0.50), P95: at(0.95), P99: at(0.99)}
}

// histogram counts latencies in buckets 1% wide, so that a run of any length takes the same memory.
type histogram struct {
	counts []int
	total  int
}

const (
	histogramLeast  = 1e-5 // seconds; what is shorter counts as this
	histogramGrowth = 1.01 // from one bucket to the next
	histogramSize   = 2400 // buckets, up to 2·10⁵ s; what is longer counts as that
)

func (h *histogram) add(seconds float64) {
	if h.counts == nil {
		h.counts = make([]int, histogramSize)
	}
	i := 0
	if seconds > histogramLeast {
		i = int(min(math.Log(seconds/histogramLeast)/math.Log(histogramGrowth), histogramSize-1))
	}
	h.counts[i]++
	h.total++
}

// quantile returns the middle of the bucket that holds it: within half a percent.
func (h *histogram) quantile(p float64) float64 {
	rank, seen := max(int(math.Ceil(p*float64(h.total))), 1), 0
	for i, n := range h.counts {
		if seen += n; seen >= rank {
			return histogramLeast * math.Pow(histogramGrowth, float64(i)+0.5)
		}
	}
	return 0
}

func (h *histogram) quantiles() Quantiles {
	return Quantiles{P50: h.quantile(0.50), P95: h.quantile(0.95), P99: h.quantile(0.99)}
}

// percentiles returns the 0th to the 100th.
func (h *histogram) percentiles() []float64 {
	if h.total == 0 {
		return nil
	}
	all := make([]float64, 101)
	for i := range all {
		all[i] = h.quantile(float64(i) / 100)
	}
	return all
}
