package simulator

import (
	"math"
	"slices"
)

// Sample is a set of measured values.
type Sample struct {
	values []float64
	sorted bool
	sum    float64
}

func (s *Sample) add(v float64) {
	s.values = append(s.values, v)
	s.sum += v
	s.sorted = false
}

// Len counts the values.
func (s *Sample) Len() int { return len(s.values) }

// Mean returns the average, NaN without values.
func (s *Sample) Mean() float64 { return s.sum / float64(len(s.values)) }

// Quantile returns the value that a fraction p of the sample does not exceed, NaN without values.
func (s *Sample) Quantile(p float64) float64 {
	if len(s.values) == 0 {
		return math.NaN()
	}
	if !s.sorted {
		slices.Sort(s.values)
		s.sorted = true
	}
	i := int(math.Ceil(p*float64(len(s.values)))) - 1
	return s.values[min(max(i, 0), len(s.values)-1)]
}

// Within returns the fraction of the values that do not exceed a limit, NaN without values.
func (s *Sample) Within(limit float64) float64 {
	n := 0
	for _, v := range s.values {
		if v <= limit {
			n++
		}
	}
	return float64(n) / float64(len(s.values))
}
