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
type gammaAbove struct{ least, shape, rate, mean, deviation float64 }

func shiftedGamma(least, mean, variance float64) gammaAbove {
	g := gammaAbove{least: least, mean: mean, deviation: math.Sqrt(variance)}
	if above := mean - least; above > 0 && variance > 1e-12*above*above {
		g.shape, g.rate = above*above/variance, above/variance
	}
	return g
}

// above returns P(X > t).
func (g gammaAbove) above(t float64) float64 {
	switch {
	case g.shape == 0:
		return b2f(t < g.mean)
	case t <= g.least:
		return 1
	}
	return mathext.GammaIncRegComp(g.shape, g.rate*(t-g.least))
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
	reach := math.Sqrt(3) * g.deviation
	return above(max(g.least, g.mean-reach))/6 + above(g.mean)*2/3 + above(g.mean+reach)/6
}

// invert finds the t at which a decreasing tail probability falls to 1 − p, from a guess of its scale. It draws a line through the ends of the bracket, halves the
// weight of one that stays (the Illinois method), and halves the bracket every third time, since tails may jump.
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
	side := 0
	for step := range 60 {
		if hi-lo < 1e-4*hi {
			break
		}
		mid := lo + (hi-lo)*atLo/(atLo-atHi)
		if step%3 == 2 || !(mid > lo && mid < hi) {
			mid = (lo + hi) / 2
		}
		if x := above(mid) - (1 - p); x > 0 {
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
