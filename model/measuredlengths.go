package model

import (
	"errors"
	"fmt"
	"math"
)

// LengthsOfSample returns the mean and spread of measured token counts.
func LengthsOfSample(tokens []float64) (TokenLengths, error) {
	if len(tokens) == 0 {
		return TokenLengths{}, errors.New("model: token lengths: the sample is empty")
	}
	var mean, m2 float64 // Welford 1962
	for i, x := range tokens {
		if !(x >= 0) || x > maxLength {
			return TokenLengths{}, fmt.Errorf("model: token lengths: sample %d: %v: want a number of tokens from 0 to %g", i, x, float64(maxLength))
		}
		d := x - mean
		mean += d / float64(i+1)
		m2 += d * (x - mean)
	}
	return LengthsOfMoments(mean, m2/float64(len(tokens))+mean*mean)
}

// LengthsOfMoments returns lengths by their mean and second moment E[L²]. A second moment just below mean², as rounding gives it, is no spread.
func LengthsOfMoments(mean, second float64) (TokenLengths, error) {
	if !(mean >= 0) || !(second >= 0) || mean > maxLength || math.IsInf(second, 0) {
		return TokenLengths{}, fmt.Errorf("model: token lengths: mean %v, second moment %v: want finite numbers, 0 or more", mean, second)
	}
	if second < mean*mean*(1-1e-9) {
		return TokenLengths{}, fmt.Errorf("model: token lengths: second moment %v is below mean² = %v", second, mean*mean)
	}
	if mean == 0 {
		return TokenLengths{}, nil
	}
	return TokenLengths{Mean: mean, CV: math.Sqrt(max(0, second/(mean*mean)-1))}, nil
}

// Bucket is one bucket of a Prometheus histogram: how many observations were at most UpperBound.
type Bucket struct {
	UpperBound float64 // the last one is +Inf
	Count      float64 // cumulative
}

// LengthsOfHistogram returns the mean, which is sum/count exactly, and the spread that the buckets tell, lengths being evenly spread
// within a bucket and none beyond twice the last finite bound. Buckets are in order of their bounds.
func LengthsOfHistogram(buckets []Bucket, sum, count float64) (TokenLengths, error) {
	if !(count > 0) || !(sum >= 0) || math.IsInf(sum+count, 0) {
		return TokenLengths{}, fmt.Errorf("model: token lengths: histogram with sum %v and count %v: want finite numbers and at least one observation", sum, count)
	}
	mean := sum / count
	var first, second, seen, from float64
	for i, b := range buckets {
		if !(b.Count >= seen) || math.IsInf(b.Count, 0) || !(b.UpperBound >= from) {
			return TokenLengths{}, fmt.Errorf("model: token lengths: bucket %d: bound %v, count %v: want both rising", i, b.UpperBound, b.Count)
		}
		to := b.UpperBound
		if math.IsInf(to, 1) {
			to = 2 * from
		}
		n := b.Count - seen
		first += n * (from + to) / 2
		second += n * (from*from + from*to + to*to) / 3
		seen, from = b.Count, to
	}
	if first == 0 {
		return TokenLengths{Mean: mean, CV: 1}, nil // no bucket tells the spread: take the exponential one
	}
	// The spread is that of the buckets around their own mean, which differs a little from the exact one.
	bucketMean := first / seen
	return TokenLengths{Mean: mean, CV: math.Sqrt(max(0, second/seen/(bucketMean*bucketMean)-1))}, nil
}
