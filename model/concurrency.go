package model

import (
	"math"

	"gonum.org/v1/gonum/mathext"
)

// expectedChunks is the mean number of iterations in which a prompt is prefilled under a token budget: E[⌈in/budget⌉] = Σ P(in > j·budget).
func expectedChunks(input TokenLengths, budget float64) float64 {
	switch {
	case input.Mean == 0:
		return 1
	case input.Mean > 8*budget: // the last chunk is half full on average
		return input.Mean/budget + 0.5
	case input.CV < 1e-3:
		return math.Ceil(input.Mean / budget)
	}
	shape := 1 / (input.CV * input.CV)
	chunks := 1.0
	for j := 1.0; j < 64; j++ {
		above := mathext.GammaIncRegComp(shape, shape*j*budget/input.Mean)
		if chunks += above; above < 1e-4 {
			break
		}
	}
	return chunks
}

// partAbove is the part of the tokens that belong to prompts longer than a limit: E[in; in > limit]/E[in].
func partAbove(input TokenLengths, limit float64) float64 {
	if input.CV < 1e-3 {
		return b2f(input.Mean > limit)
	}
	shape := 1 / (input.CV * input.CV)
	return mathext.GammaIncRegComp(shape+1, shape*limit/max(input.Mean, 1e-9))
}

// limitConcurrency finds how many requests run at once when there is always one more, and the rate at which they then leave.
func (l *law) limitConcurrency(s Server, input, output TokenLengths) {
	l.limit = min(float64(s.MaxBatch), l.budget)
	l.held = input.Mean + output.SecondMoment()/(2*output.Mean) // length-biased: who is found in the batch is in it for long
	if s.KVCapacity > 0 {
		l.limitByCache(float64(s.KVCapacity), input, output)
	}
	l.limit = max(l.limit, 1)
	l.redo *= 1 - 1/l.limit // nobody preempts the only one
	l.maxRate = l.limit / (l.base + l.limit*(l.work+l.redo))
	// Every iteration at its full budget: λ·T·tokens ≤ budget with T = α/(1 − λ·w).
	if tokens := max(input.Mean, 1) + l.decodes.Mean; !math.IsInf(l.budget, 1) {
		if rate := l.budget / (tokens*l.alpha + l.budget*l.work); rate < l.maxRate {
			l.maxRate = rate
			if s.MaxQueue != 0 { // the queue that overflows is in front of the prefill: the chain ends where the budget does
				l.limit = max(1, rate*l.base/(1-rate*l.work))
				l.maxRate = l.limit / (l.base + l.limit*(l.work+l.redo))
				l.budget = math.Inf(1)
			}
		}
	}
	l.states = int(math.Ceil(l.limit))
	l.peers = 1 - 1/l.limit
}

// limitByCache bounds the concurrency by the KV cache, and adds the work of the prompts that are computed twice.
//
// A prompt is admitted when it fits as a whole, which leaves room for half of a length-biased prompt on average. So many as fit the rest do so on average; since they hold
// different amounts, the number varies, and is normal to a good approximation: below it the batch limit binds, above it the cache.
//
// When the running requests outgrow their room before one of them finishes, the latest is preempted: with the room uniform below the prompt and the
// time to the next finish exponential, in which they grow by out tokens on average, that happens once for every departure with
// probability (1 − e^−r)/r, r = in/out.
func (l *law) limitByCache(capacity float64, input, output TokenLengths) {
	room := 0.0
	if input.Mean > 0 {
		room = input.SecondMoment() / (2 * input.Mean)
	}
	fits := max(capacity-room, capacity/2) / l.held
	d := l.decodes.moments()
	variance := input.moments().variance()
	if d.mean > 0 { // of the prompt, and of how far the answer is
		variance += d.third/(3*d.mean) - d.second*d.second/(4*d.mean*d.mean)
	}
	binds := b2f(fits < l.limit)
	if variance > 0 {
		deviation := math.Sqrt(fits*variance) / l.held
		z := (l.limit - fits) / deviation
		binds = math.Erfc(-z/math.Sqrt2) / 2
		l.limit -= deviation * (math.Exp(-z*z/2)/math.Sqrt(2*math.Pi) + z*binds) // E[min(limit, normal)]
	} else {
		l.limit = min(l.limit, fits)
	}
	l.uneven = binds * variance / (l.held * l.held)
	preempted := 1.0
	if r := input.Mean / output.Mean; r > 0 {
		preempted = -math.Expm1(-r) / r
	}
	l.redo = binds * preempted * l.prompt.mean
}
