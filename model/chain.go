package model

import "math"

// rescaleAbove is when the unnormalized probabilities of a chain are scaled down, so that a sum of any number of states stays
// finite.
const rescaleAbove = 1e200

// tailSum is the geometric tail of a chain: states 1 to q beyond the last one of the body, each ratio times the one before.
// Sums are relative to the largest of the last state of the body and the last of the tail, so that neither overflows.
type tailSum struct {
	body  float64 // weight of the last state of the body
	mass  float64 // Σ weight
	first float64 // Σ k·weight
	last  float64 // weight of state q; 0 where q is unbounded
}

// sumTail sums a tail in closed form. A negative q is an unbounded tail, which needs a ratio below 1.
func sumTail(ratio float64, q int) tailSum {
	if q == 0 || ratio == 0 {
		return tailSum{body: 1, last: b2f(q == 0)}
	}
	if q < 0 {
		return tailSum{body: 1, mass: ratio / (1 - ratio), first: ratio / ((1 - ratio) * (1 - ratio))}
	}
	n := float64(q)
	switch {
	case math.Abs(ratio-1)*n < 1e-6: // flat: the closed forms would cancel
		return tailSum{body: 1, mass: n, first: n * (n + 1) / 2, last: 1}
	case ratio < 1:
		r := math.Pow(ratio, n)
		mass := ratio * (1 - r) / (1 - ratio)
		return tailSum{body: 1, mass: mass, first: (mass - n*ratio*r) / (1 - ratio), last: r}
	}
	// Count from the far end, where the weights are largest: k = q − j with weight (1/ratio)^j, j = 0 … q − 1.
	x := 1 / ratio
	r := math.Pow(x, n)
	mass := (1 - r) / (1 - x)
	fromEnd := x * (1 - n*math.Pow(x, n-1) + (n-1)*r) / ((1 - x) * (1 - x)) // Σ j·x^j
	return tailSum{body: r, mass: mass, first: n*mass - fromEnd, last: 1}
}

func b2f(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
