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

// finish closes a chain of n states with a tail of q more, negative for an unbounded one.
func (c *chainSum) finish(n, mu, ratio float64, q int) {
	t := sumTail(ratio, q)
	beyond := c.term * t.mass
	total := (c.empty+c.sum)*t.body + beyond
	c.empty *= t.body / total
	c.first = (c.first*t.body + n*beyond) / total
	c.second = (c.second*t.body + n*n*beyond) / total
	c.flow = (c.flow*t.body + mu*beyond) / total
	c.full = c.term * t.body / total
	c.beyond = beyond / total
	c.last = c.term * t.last / total
	c.waiting = c.term * t.first / total
}

func b2f(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
