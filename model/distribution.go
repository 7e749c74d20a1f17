package model

import (
	"math"

	"gonum.org/v1/gonum/mathext"
)

// gammaQuantile approximates a quantile of a gamma distribution by its mean and variance (Wilson and Hilferty 1931).
func gammaQuantile(mean, variance, p float64) float64 {
	if mean <= 0 {
		return 0
	}
	v := min(variance/(9*mean*mean), 1) // beyond, the approximation is none
	x := max(0, 1-v+math.Sqrt(v)*mathext.NormalQuantile(p))
	return mean * x * x * x
}

// gammaAbove is a gamma distribution above a least value.
type gammaAbove struct{ least, mean, variance float64 }

// above returns P(X > t).
func (g gammaAbove) above(t float64) float64 {
	over := g.mean - g.least
	switch {
	case !(over > 0 && g.variance > 1e-12*over*over):
		return b2f(t < g.mean)
	case t <= g.least:
		return 1
	}
	return mathext.GammaIncRegComp(over*over/g.variance, over/g.variance*(t-g.least))
}

// rough is a gamma distribution by the approximation of gammaQuantile: the cube root of what is above the least value is nearly normal.
type rough struct{ least, over, center, width float64 }

func roughly(g gammaAbove) rough {
	over := max(g.mean-g.least, 1e-12*g.mean)
	v := min(g.variance/(9*over*over), 1)
	return rough{least: g.least, over: over, center: 1 - v, width: math.Sqrt(2 * max(v, 1e-12))}
}

// above returns P(X > t).
func (r rough) above(t float64) float64 {
	if t <= r.least {
		return 1
	}
	return math.Erfc((math.Cbrt((t-r.least)/r.over)-r.center)/r.width) / 2
}

// mixture draws from each of its parts equally often.
type mixture [5]rough

func (m *mixture) above(t float64) float64 {
	above := 0.0
	for i := range m {
		above += m[i].above(t)
	}
	return above / float64(len(m))
}

// quantile lies between those of the parts.
func (m *mixture) quantile(p float64) float64 {
	z := mathext.NormalQuantile(p)
	lo, hi := math.Inf(1), 0.0
	for _, r := range m {
		root := max(0, r.center+z*r.width/math.Sqrt2)
		t := r.least + r.over*root*root*root
		lo, hi = min(lo, t), max(hi, t)
	}
	return between(lo, m.above(lo)-(1-p), hi, m.above(hi)-(1-p), 1e-3, func(t float64) float64 { return m.above(t) - (1 - p) })
}

// plusExponential returns P(X + E > t) for an exponential E of the given mean, by three-point Gauss-Hermite quadrature over X.
func (g gammaAbove) plusExponential(t, mean float64) float64 {
	if mean <= 0 {
		return g.above(t)
	}
	above := func(x float64) float64 {
		if x >= t {
			return 1
		}
		return math.Exp((x - t) / mean)
	}
	reach := math.Sqrt(3 * g.variance)
	return above(max(g.least, g.mean-reach))/6 + above(g.mean)*2/3 + above(g.mean+reach)/6
}

// invert finds the t at which a decreasing tail probability falls to 1 − p, from a guess of its scale.
func invert(p, scale float64, above func(t float64) float64) float64 {
	lo, hi := 0.0, scale
	atLo, atHi := p, above(hi)-(1-p)
	for range 200 {
		if atHi <= 0 {
			break
		}
		lo, atLo = hi, atHi
		hi *= 2
		atHi = above(hi) - (1 - p)
	}
	return between(lo, atLo, hi, atHi, 1e-4, func(t float64) float64 { return above(t) - (1 - p) })
}

// between finds where a decreasing function, above 0 at lo and not above it at hi, reaches 0. It draws a line through the ends of the bracket, halves the
// weight of one that stays (the Illinois method), and halves a bracket that does not shrink that fast, since tails may jump.
func between(lo, atLo, hi, atHi, tolerance float64, f func(t float64) float64) float64 {
	side, width := 0, math.Inf(1)
	for step := range 60 {
		if hi-lo < tolerance*hi || atHi > 0 {
			break
		}
		mid := lo + (hi-lo)*atLo/(atLo-atHi)
		if step%4 == 3 {
			if hi-lo > width/8 {
				mid = (lo + hi) / 2
			}
			width = hi - lo
		}
		if !(mid > lo && mid < hi) {
			mid = (lo + hi) / 2
		}
		if x := f(mid); x > 0 {
			lo, atLo = mid, x
			if side > 0 {
				atHi /= 2
			}
			side = 1
		} else {
			hi, atHi = mid, x
			if x > -1e-7 {
				break
			}
			if side < 0 {
				atLo /= 2
			}
			side = -1
		}
	}
	return hi
}
