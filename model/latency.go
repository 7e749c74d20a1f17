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
	p, first := q.behindFirst(s)
	if p == 0 {
		return 0
	}
	mean := (s.decodes + l.token) / (1 - p)
	sum := func(excess, y float64) float64 { return excess * (1 - l.power(y)) / (1 - y) / l.decodes.Mean }
	excess := sum(first, p)
	if f := s.prefill; f.weight > 0 {
		full := f.busy * (f.iteration - s.decodes) // of the budget, over time
		first := max(0, full-p*mean)
		perToken := l.prompt.mean / q.input.Mean
		backlog := p*(f.wait+q.input.Mean/f.speed) - f.tokens*perToken*p*mean/max(full, p*mean)
		budgeted := 0.0
		if all := backlog / (1 - p); first > 0 && all > first {
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

// behindFirst returns p and the excess T₁ − a/(1 − p) of the first decode.
func (q *Queue) behindFirst(s stationary) (p, excess float64) {
	l := &q.law
	p = s.served * l.prompt.mean * l.peers
	if p <= 0 || p >= 1 {
		return 0, 0
	}
	return p, p * (s.decodes + l.prompt.mean + p*s.first.running - (s.decodes+l.token)/(1-p))
}

// itlLatency adds the quantiles over requests, each of which averages over its own stay.
func (q *Queue) itlLatency(s stationary) Latency {
	mean := q.itlMean(s)
	if mean == 0 {
		return Latency{}
	}
	mixed := q.itlOverRequests(s)
	return latency(mean, mixed.quantile)
}

// itlQuantile is a quantile over requests.
func (q *Queue) itlQuantile(s stationary, p float64) float64 {
	if q.law.decodes.Mean <= 0 {
		return 0
	}
	mixed := q.itlOverRequests(s)
	return mixed.quantile(p)
}

// itlOverRequests mixes short and long answers, each of which averages over its own d decodes, gamma distributed above the shortest iteration. The number in the batch forgets its past
// within a relaxation time of S/(1 − ρ), so that its average over a stay S varies less than the number itself, by
// 2·(y − 1 + e^−y)/y² with y = 1 − ρ. Contexts differ between requests. Few prompts hit a short answer, but most of those that came while its own was computed do.
func (q *Queue) itlOverRequests(s stationary) (mixed mixture) {
	l := &q.law
	mean, least := q.itlMean(s), l.alpha+l.one
	share := l.token * l.decodes.Mean / l.stay
	in, out := q.input, q.output
	own := l.gamma * l.gamma * (in.CV*in.CV*in.Mean*in.Mean + out.CV*out.CV*out.Mean*out.Mean/4)
	load, excess := q.behindFirst(s)
	if f := s.prefill; f.weight > 0 {
		full := max(0, f.busy*(f.iteration-s.decodes)-load*(s.decodes+l.token)/(1-load))
		excess += f.weight * (min(excess, full) - excess)
	}
	free := max(1-s.served*l.prompt.mean, 0.01)
	prompts := s.served * mean * l.prompt.second * l.peers / (free * free)
	usual := excess * (1 - l.power(load)) / (1 - load) / l.decodes.Mean

	for i, d := range l.answers {
		y := max(1-s.served*l.work, 1e-3) * d / l.decodes.Mean
		slow := share * share * s.variance * 2 * (y - 1 + math.Exp(-y)) / (y * y)
		first := excess * (1 - math.Pow(load, d)) / (1 - load) / d
		hit := prompts / d
		if f := s.prefill; f.weight > 0 { // no iteration is longer than a full one
			full := f.iteration - s.decodes
			hit += f.weight * (min(hit, f.busy*full*full) - hit)
		}
		mixed[i] = roughly(gammaAbove{least: least, mean: max(mean+(first-usual)*s.open, least), variance: slow + own + hit})
	}
	return mixed
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
	rest := gammaAbove{min(s.first.least, s.first.mean), s.first.mean, s.first.variance}
	above := rest.above
	if over := rest.mean - rest.least; rest.variance < 4*over*over {
		above = roughly(rest).above
	}
	return invert(p, q.ttftMean(s), func(t float64) float64 {
		return (1-s.delayed)*above(t) + s.delayed*rest.plusExponential(t, given)
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
	return Latency{Mean: mean, P50: quantile(0.50), P90: quantile(0.90), P95: quantile(0.95), P99: quantile(0.99)}
}
