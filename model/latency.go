package model

import (
	"math"

	"gonum.org/v1/gonum/mathext"
)

// itlMean is the mean time between tokens: the average iteration, with what the request itself adds to a decode in place of what
// a request adds to an iteration of its stay on average.
func (q *Queue) itlMean(s stationary) float64 {
	if q.law.decode <= 0 {
		return 0
	}
	l := &q.law
	return max(s.average-l.work/l.stay+l.token+q.behind(s), l.alpha+l.token)
}

// behind is what the prompts that came while its own was computed add to the decodes of a request.
func (q *Queue) behind(s stationary) float64 {
	l := &q.law
	p := min(s.rate, l.maxRate) * l.prompt
	if p <= 0 || p >= 1 {
		return 0
	}
	decodes := l.alpha + s.batch*l.token*l.decode/l.stay
	mean := (decodes + l.token) / (1 - p)
	first := decodes + l.prompt + p*s.span
	excess := p * (first - mean) / (1 - p) * (1 - l.power(p)) / l.decode
	if q.chunked() {
		extra := s.fullIter - l.alpha - s.decodes
		initial := s.busyFill*extra - p*mean
		perToken := l.prompt / q.input.Mean
		total := (p*(s.backlog+q.input.Mean*s.fullIter/s.left) - s.backlogTokens*perToken*p*mean/(s.busyFill*extra)) / (1 - p)
		e := 0.0
		if initial > 0 && total > initial {
			theta := 1 - initial/total
			e = total * (1 - l.power(theta)) / l.decode
		} else if initial > 0 {
			e = initial / l.decode
		}
		excess += s.mix * (e - excess)
	}
	return (excess - l.prompt/l.stay*p/(1-p)) * (1 - s.saturated) * l.room
}

// power is E[x^d] over the decodes d of a request.
func (l *law) power(x float64) float64 {
	cv2 := l.decodes.CV * l.decodes.CV
	if cv2 < 1e-9 {
		return math.Pow(x, l.decode)
	}
	return math.Pow(1-math.Log(x)*l.decode*cv2, -1/cv2)
}

// itlLatency adds the quantiles over requests, each of which averages over its own stay. The number in the batch forgets its past
// within a relaxation time of S/(1 − ρ), so that the average over a stay S varies less than the number itself, by
// 2·(x − 1 + e^−x)/x² with x = 1 − ρ.
func (q *Queue) itlLatency(s stationary) Latency {
	mean := q.itlMean(s)
	if mean == 0 {
		return Latency{}
	}
	return latency(mean, func(p float64) float64 { return q.itlQuantile(s, p) })
}

func (q *Queue) itlQuantile(s stationary, p float64) float64 {
	if q.law.decode <= 0 {
		return 0
	}
	l := &q.law
	share := l.token * l.decode / l.stay
	rate := min(s.rate, l.maxRate)
	load := rate * l.prompt
	x := max(1-rate*l.work, 1e-3)
	averaging := 2 * (x - 1 + math.Exp(-x)) / (x * x)
	in, out := q.input, q.output
	own := l.gamma * l.gamma * (in.CV*in.CV*in.Mean*in.Mean + out.CV*out.CV*out.Mean*out.Mean/4)
	mean := q.itlMean(s)
	per := min(1, (1+l.decodes.CV*l.decodes.CV)/l.decode)
	fast := rate * mean * l.lump * per * l.room
	if load < 1 {
		fast /= (1 - load) * (1 - load)
	}
	variance := share*share*s.variance*averaging + own + fast
	least := l.alpha + l.beta
	return least + gammaQuantile(mean-least, variance, p)
}

// gammaQuantile approximates a quantile of a gamma distribution by its mean and variance (Wilson and Hilferty 1931).
func gammaQuantile(mean, variance, p float64) float64 {
	if mean <= 0 {
		return 0
	}
	v := variance / (9 * mean * mean)
	x := max(0, 1-v+math.Sqrt(v)*normalQuantile(p))
	return mean * x * x * x
}

func (q *Queue) waitMean(s stationary) float64 {
	accepted := s.rate * (1 - s.rejected)
	if accepted <= 0 {
		return 0
	}
	return s.waiting / accepted
}

func (q *Queue) ttftMean(s stationary) float64 { return s.baseMean + q.waitMean(s) }

func (q *Queue) ttftLatency(s stationary) Latency {
	return latency(q.ttftMean(s), func(p float64) float64 { return q.ttftQuantile(s, p) })
}

// ttftQuantile is a quantile of the sum of the wait for a place, which is 0 or exponential, and the rest, which is gamma distributed
// above the shortest that it can be.
func (q *Queue) ttftQuantile(s stationary, p float64) float64 {
	wait := q.waitMean(s)
	given := 0.0 // mean wait of those that wait
	if s.delayed > 0 {
		given = wait / s.delayed
	}
	least := q.law.alpha + min(q.law.prompt, s.baseMean-q.law.alpha)/8
	base := shiftedGamma(min(least, s.baseMean), s.baseMean, s.baseVariance)
	return invert(p, q.ttftMean(s), func(t float64) float64 {
		return (1-s.delayed)*base.above(t) + s.delayed*base.plusExponential(t, given)
	})
}

// waitLatency describes the time from arrival to a place in the batch: the rest of the running iteration, or the wait for a
// place where the batch is full.
func (q *Queue) waitLatency(s stationary) Latency {
	mean := q.waitMean(s) + s.residual
	if mean == 0 {
		return Latency{}
	}
	given := q.waitMean(s) / max(s.delayed, 1e-300)
	iteration := q.law.iteration(s.batch)
	running := max(0, 1-s.empty-s.delayed)
	above := func(t float64) float64 {
		tail := running * max(0, 1-t/iteration)
		if given > 0 {
			tail += s.delayed * math.Exp(-t/given)
		}
		return tail
	}
	return latency(mean, func(p float64) float64 {
		if above(0) <= 1-p {
			return 0
		}
		return invert(p, mean, above)
	})
}

func latency(mean float64, quantile func(p float64) float64) Latency {
	l := Latency{Mean: mean, P50: quantile(0.50), P90: quantile(0.90), P95: quantile(0.95), P99: quantile(0.99)}
	return l
}

// normalQuantile returns the quantile of the standard normal distribution.
func normalQuantile(p float64) float64 { return mathext.NormalQuantile(p) }

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

// invert finds the t at which a decreasing tail probability falls to 1 − p, from a guess of its scale.
func invert(p, scale float64, above func(t float64) float64) float64 {
	lo, hi := 0.0, scale
	for range 200 {
		if above(hi) <= 1-p {
			break
		}
		lo, hi = hi, 2*hi
	}
	for range 60 {
		mid := (lo + hi) / 2
		if above(mid) > 1-p {
			lo = mid
		} else {
			hi = mid
		}
		if hi-lo < 1e-4*hi {
			break
		}
	}
	return hi
}
