package model

import "math"

// itlMean is the mean time between tokens: the average iteration, with what the request itself adds to a decode in place of what
// a request adds to an iteration of its stay on average, and with the prompts that came while its own was computed.
func (q *Queue) itlMean(s stationary) float64 {
	l := &q.law
	if l.decodes.Mean <= 0 {
		return 0
	}
	return max(s.average-l.work/l.stay+l.token+q.behind(s), l.alpha+l.token)
}

// behind is what prompts add to the decodes of a request beyond their part in the average iteration.
//
// Its own iteration T₀ = a + x + p·E[T*] lets in p·T₀ seconds of prompts, which fill the next one, and so on: T₁ = a + p·T₀, T₂ = a + p·T₁ … towards the mean a/(1 − p). Over d decodes the excess
// e = T₁ − a/(1 − p) sums to e·(1 − yᵈ)/(1 − y), y = p. Under a full budget the prompts left behind take longer to go: e is that of a budget filled in a fraction u of the time, and y is
// such that the sum over all decodes is the backlog beyond the mean, over 1 − p.
func (q *Queue) behind(s stationary) float64 {
	l := &q.law
	p := s.served * l.prompt.mean * l.peers
	if p <= 0 || p >= 1 {
		return 0
	}
	mean := (s.decodes + l.token) / (1 - p)
	sum := func(excess, y float64) float64 { return excess * (1 - l.power(y)) / (1 - y) / l.decodes.Mean }
	excess := sum(p*(s.decodes+l.prompt.mean+p*s.first.running-mean), p)
	if f := s.prefill; f.weight > 0 {
		full := f.busy * (f.iteration - s.decodes) // of the budget, over time
		first := max(0, full-p*mean)
		perToken := l.prompt.mean / q.input.Mean
		backlog := p*(f.wait+q.input.Mean/f.speed) - f.tokens*perToken*p*mean/max(full, p*mean)
		budgeted := 0.0
		if all := backlog / (1 - p); all > first {
			budgeted = sum(first, 1-first/all)
		} else {
			budgeted = first / l.decodes.Mean
		}
		excess += f.weight * (budgeted - excess)
	}
	// Of this the average iteration holds p/(1 − p) of an even part of the prompt, but no more than what it is beyond that of a request alone.
	excess *= s.open
	even := p / (1 - p) * l.prompt.mean / l.stay * s.open
	alone := s.average - s.open*l.iteration(1) - (1-s.open)*l.iteration(l.limit)
	excess -= min(even, max(0, alone)*l.prompt.mean/l.work)
	return min(excess, max(0, l.iteration(l.limit)-s.average))
}

// itlLatency adds the quantiles over requests, each of which averages over its own stay.
func (q *Queue) itlLatency(s stationary) Latency {
	mean := q.itlMean(s)
	if mean == 0 {
		return Latency{}
	}
	return latency(mean, func(p float64) float64 { return q.itlQuantile(s, p) })
}

// itlQuantile takes the mean over a request's decodes for gamma distributed above the shortest iteration. The number in the batch forgets its past
// within a relaxation time of S/(1 − ρ), so that the average over a stay S varies less than the number itself, by
// 2·(y − 1 + e^−y)/y² with y = 1 − ρ. Contexts differ between requests, and few prompts hit a short answer.
func (q *Queue) itlQuantile(s stationary, p float64) float64 {
	l := &q.law
	if l.decodes.Mean <= 0 {
		return 0
	}
	y := max(1-s.served*l.work, 1e-3)
	share := l.token * l.decodes.Mean / l.stay
	slow := share * share * s.variance * 2 * (y - 1 + math.Exp(-y)) / (y * y)
	in, out := q.input, q.output
	own := l.gamma * l.gamma * (in.CV*in.CV*in.Mean*in.Mean + out.CV*out.CV*out.Mean*out.Mean/4)
	mean := q.itlMean(s)
	free := max(1-s.served*l.prompt.mean, 0.01)
	few := min(1, (1+l.decodes.CV*l.decodes.CV)/l.decodes.Mean) // about E[1/d]
	prompts := s.served * mean * l.prompt.second * few * l.peers / (free * free)
	least := l.alpha + l.one
	return least + gammaQuantile(mean-least, slow+own+prompts, p)
}

func (q *Queue) waitMean(s stationary) float64 {
	accepted := s.rate * (1 - s.rejected)
	if accepted <= 0 {
		return 0
	}
	return s.waiting / accepted
}

func (q *Queue) ttftMean(s stationary) float64 { return s.first.mean + q.waitMean(s) }

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
	rest := shiftedGamma(min(s.first.least, s.first.mean), s.first.mean, s.first.variance)
	return invert(p, q.ttftMean(s), func(t float64) float64 {
		return (1-s.delayed)*rest.above(t) + s.delayed*rest.plusExponential(t, given)
	})
}

// waitLatency describes the time from arrival to a place in the batch: the rest of the running iteration, or the wait for a
// place where the batch is full.
func (q *Queue) waitLatency(s stationary) Latency {
	mean := q.waitMean(s) + s.first.residual
	if mean == 0 {
		return Latency{}
	}
	given := q.waitMean(s) / max(s.delayed, 1e-300)
	running := max(0, 1-s.empty-s.delayed)
	iteration := 2 * s.first.residual / max(running, 1e-300)
	above := func(t float64) float64 {
		tail := running * max(0, 1-t/max(iteration, 1e-300))
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
