package model

import "math"

// rescaleAbove is when the unnormalized probabilities of a chain are scaled down, so that a sum of any number of states stays
// finite.
const rescaleAbove = 1e200

// tailSum is the geometric tail of a chain: states 1 to q beyond the last one of the body, of weight ratio^(k−1).
// Sums are relative to the larger of the first and the last state, so that neither overflows.
type tailSum struct {
	scale float64 // by which all weights are multiplied
	mass  float64 // Σ weight
	first float64 // Σ k·weight
	last  float64 // weight of state q; 0 where q is unbounded
}

// sumTail sums a tail in closed form. A negative q is an unbounded tail, which needs a ratio below 1.
func sumTail(ratio float64, q int) tailSum {
	n := float64(q)
	switch {
	case q == 0:
		return tailSum{scale: 1}
	case q < 0:
		return tailSum{scale: 1, mass: 1 / (1 - ratio), first: 1 / ((1 - ratio) * (1 - ratio))}
	case math.Abs(ratio-1)*n < 1e-6: // flat: the closed forms would cancel
		return tailSum{scale: 1, mass: n, first: n * (n + 1) / 2, last: 1}
	case ratio < 1:
		last := math.Pow(ratio, n-1)
		mass := (1 - ratio*last) / (1 - ratio)
		return tailSum{scale: 1, mass: mass, first: (mass - n*ratio*last) / (1 - ratio), last: last}
	}
	// Count from the far end, where the weights are largest: k = q − j with weight (1/ratio)^j, j = 0 … q − 1.
	x := 1 / ratio
	far := math.Pow(x, n-1)
	mass := (1 - x*far) / (1 - x)
	fromEnd := x * (1 - n*far + (n-1)*x*far) / ((1 - x) * (1 - x)) // Σ j·x^j
	return tailSum{scale: far, mass: mass, first: n*mass - fromEnd, last: 1}
}

// chainSum accumulates the moments of a birth-death chain state by state, each given by its ratio to the one before. States up to N are
// added one by one; those beyond, in which N are served and the others wait, come as a geometric tail. finish turns the sums into
// probabilities and means.
type chainSum struct {
	term   float64 // weight of the newest state
	empty  float64 // weight, then probability, of state 0
	sum    float64 // over the states 1 to N
	first  float64 // Σ n·weight, then E[min(n, N)]
	second float64 // Σ n²·weight, then E[min(n, N)²]
	flow   float64 // Σ μ(n)·weight, then E[μ]

	full    float64 // probability of state N
	beyond  float64 // probability of all states after N
	last    float64 // probability of the very last state
	waiting float64 // E[max(0, n − N)]
}

func newChain() chainSum { return chainSum{term: 1, empty: 1} }

// add appends state n, whose probability is ratio times that of state n − 1 and which completes mu requests per second.
func (c *chainSum) add(n, ratio, mu float64) {
	c.term *= ratio
	if c.term > rescaleAbove {
		c.rescale(1 / rescaleAbove)
	}
	c.sum += c.term
	c.first += n * c.term
	c.second += n * n * c.term
	c.flow += mu * c.term
}

func (c *chainSum) rescale(by float64) {
	c.term *= by
	c.empty *= by
	c.sum *= by
	c.first *= by
	c.second *= by
	c.flow *= by
}

// finish closes a chain of n states, the last of which completes mu requests per second, at a rate of births. Beyond them up to q requests wait, without bound
// where q is negative.
//
// How often the server is full follows from E[μ] = rate, how many then wait on average is κ·σ/(1 − σ), σ = rate/mu and κ = waiting: with one
// server both are exact (Pollaczek and Khinchine), with many it is Kingman's formula. The waiting requests are spread geometrically. With σ ≥ 1 the queue is at its far end, where the ratio is σ.
func (c *chainSum) finish(n, mu, rate, noise, waiting float64, q int) {
	sigma := rate / mu
	next, ratio := c.term*noise/waiting, sigma
	if sigma < 1 {
		mass := c.term * (sigma + noise - 1) / (1 - sigma)
		mean := c.term * noise * waiting * sigma / ((1 - sigma) * (1 - sigma))
		ratio = 0
		if mean > mass {
			ratio = 1 - mass/mean
		}
		next = mass * (1 - ratio)
	}
	t := sumTail(ratio, q)
	beyond := next * t.mass
	total := (c.empty+c.sum)*t.scale + beyond
	c.empty *= t.scale / total
	c.first = (c.first*t.scale + n*beyond) / total
	c.second = (c.second*t.scale + n*n*beyond) / total
	c.flow = (c.flow*t.scale + mu*beyond) / total
	c.full = c.term * t.scale / total
	c.beyond = beyond / total
	c.last = next * t.last / total
	if q == 0 {
		c.last = c.full
	}
	c.waiting = next * t.first / total
}

func b2f(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
