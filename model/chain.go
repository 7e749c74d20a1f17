package model

import "math"

// rescaleAbove is when the unnormalized probabilities of a chain are scaled down, so that a sum of any number of states stays
// finite.
const rescaleAbove = 1e200

// weights are sums over the states 1 to n of a birth-death chain, not yet divided by their total. They are of four fields, which the compiler keeps in registers.
type weights struct {
	term   float64 // weight of state n
	sum    float64 // Σ weight
	first  float64 // Σ n·weight
	second float64 // Σ n²·weight
}

// then adds a state of n requests whose weight is ratio times that of the one before.
func (w weights) then(n, ratio float64) weights {
	term := w.term * ratio
	return weights{term, w.sum + term, w.first + n*term, w.second + n*n*term}
}

// more adds to the weight of the newest state, of n requests.
func (w weights) more(n, weight float64) weights {
	return weights{w.term + weight, w.sum + weight, w.first + n*weight, w.second + n*n*weight}
}

func (w weights) scaled(by float64) weights {
	return weights{w.term * by, w.sum * by, w.first * by, w.second * by}
}

// chain is a birth-death chain with N places and a queue beyond them, as probabilities and means.
type chain struct {
	empty   float64 // probability of state 0
	first   float64 // E[min(n, N)]
	second  float64 // E[min(n, N)²]
	flow    float64 // E[μ(n)], requests per second
	full    float64 // probability of state N
	beyond  float64 // probability of all states after N
	last    float64 // probability of the very last state
	waiting float64 // E[max(0, n − N)]
}

// close makes probabilities of the weights of the states 1 to N and that of state 0. In state N the server completes mu requests per second; beyond it up to room
// requests wait, without bound where room is negative. Below N the chain has noise times the variance of a plain one, and the queue waiting times.
//
// How often requests wait follows from E[μ] = rate, and how many of them on average from Kingman's κ·σ/(1 − σ) with σ = rate/mu and κ = waiting, exact for one server (Pollaczek and
// Khinchine); they are spread geometrically. From σ = 1 on a queue is at its far end, where the ratio is σ.
func (w weights) close(empty, n, mu, rate, noise, waiting float64, room int) chain {
	sigma := rate / mu
	flow := rate*(empty+w.sum-w.term) - (noise-1)*w.term*mu // Σ μ·weight, by the balance between each state and the next
	next, ratio := w.term*noise/waiting, sigma
	switch {
	case sigma == 0:
		next = 0
	case sigma < 1:
		mass := w.term * (noise - 1 + sigma) / (1 - sigma)
		mean := w.term * noise * waiting * sigma / ((1 - sigma) * (1 - sigma))
		if mean < mass { // so few wait that some of them are in service in truth
			w = w.more(n, mass-mean)
			flow += (mass - mean) * mu
			mass = mean
		}
		if ratio = 0; mean > 0 {
			ratio = 1 - mass/mean
		}
		next = mass * (1 - ratio)
	}
	t := sumTail(ratio, room)
	beyond := next * t.mass
	total := (empty+w.sum)*t.scale + beyond
	c := chain{
		empty: empty * t.scale / total, first: (w.first*t.scale + n*beyond) / total, second: (w.second*t.scale + n*n*beyond) / total,
		flow: (flow*t.scale + mu*beyond) / total, full: w.term * t.scale / total, beyond: beyond / total, last: next * t.last / total, waiting: next * t.first / total,
	}
	if room == 0 {
		c.last = c.full
	}
	return c
}

// tailSum is the geometric tail of a chain: states 1 to q beyond the last one of the body, of weight ratio^(k−1).
// Sums are relative to the larger of the first and the last state, so that neither overflows.
type tailSum struct {
	scale float64 // what the weights were multiplied by
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

func b2f(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
