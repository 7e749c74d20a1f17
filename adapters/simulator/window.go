package simulator

import "time"

// window sums values over the last seconds, a bucket for each.
type window struct {
	buckets []float64
	at      int // second of the newest bucket
}

func newWindow(span time.Duration) window {
	return window{buckets: make([]float64, int(span.Seconds()))}
}

func (w *window) slot(at float64) *float64 {
	second := int(at)
	for w.at < second {
		w.at++
		if second-w.at < len(w.buckets) {
			w.buckets[w.at%len(w.buckets)] = 0
		}
	}
	return &w.buckets[second%len(w.buckets)]
}

// add counts a value at a time; a time before the window counts as its oldest second.
func (w *window) add(at, value float64) {
	*w.slot(max(at, float64(w.at-len(w.buckets)+1))) += value
}

// total sums the values of the window that ends at a time.
func (w *window) total(at float64) float64 {
	w.slot(at)
	sum := 0.0
	for _, b := range w.buckets {
		sum += b
	}
	return sum
}

// peak keeps the largest value of the last seconds.
type peak struct{ window }

func newPeak(span time.Duration) peak { return peak{newWindow(span)} }

func (p *peak) add(at, value float64) {
	slot := p.slot(at)
	*slot = max(*slot, value)
}

func (p *peak) max(at float64) float64 {
	p.slot(at)
	largest := 0.0
	for _, b := range p.buckets {
		largest = max(largest, b)
	}
	return largest
}
