package model

import (
	"math"

	"gonum.org/v1/gonum/mathext"
)

// law holds what the birth-death chain of a Queue is made of, worked out once. Times are seconds.
type law struct {
	alpha, beta, gamma float64

	stay    float64      // L: iterations that a request is in the batch
	chunks  float64      // of these, those that prefill its prompt
	decode  float64      // of these, those that decode: output − 1
	decodes TokenLengths // their distribution
	work    float64      // w: what a request adds to the iterations of its stay, itself included
	redo    float64      // what preemption adds to w while the KV cache is full
	base    float64      // L·α
	prompt  float64      // β·input: what a prompt adds to the iteration that computes it
	lump    float64      // E[(β·prompt)²]
	token   float64      // β + γ·c̄: what a decoding request adds to an iteration, c̄ its mean context over its decodes

	limit         float64 // N: requests at once, as allowed by batch, KV cache and token budget
	states        int     // N rounded down, at least 1
	maxRate       float64 // requests per second
	full          float64 // μ(N)
	heldVar, room float64
	overflows     bool
	death         []float64 // μ(n) for n from 0 to states
	inverse       []float64 // 1/μ(n), 0 for n = 0
	held          float64   // mean tokens that a request holds in the KV cache

	overlap float64 // see dispersion
	spread  float64 // E[Σ a²] / (stay·(w/stay)²) − 1 over a's decodes, a what one adds to an iteration
	service float64 // squared coefficient of variation of s = α·L/N + w over requests
	budget  float64 // tokens that an iteration may compute; +Inf = no limit
	place   float64 // E[s]: seconds between departures with N at work
}

// newLaw derives the constants. Lengths beyond the second moment are those of a gamma distribution with the given mean and
// spread, which covers constant and exponential lengths; of an answer that is what follows its first token.
func newLaw(s Server, input, output TokenLengths) law {
	in, in2 := input.Mean, input.SecondMoment()
	decodes := afterFirst(output)
	d, d2 := decodes.Mean, decodes.SecondMoment()
	d3 := d2 * d * (1 + 2*decodes.CV*decodes.CV)
	d4 := d3 * d * (1 + 3*decodes.CV*decodes.CV)
	l := law{alpha: s.Profile.Alpha, beta: s.Profile.Beta, gamma: s.Profile.Gamma, decodes: decodes, decode: d, chunks: 1, budget: math.Inf(1)}
	if s.MaxBatchedTokens > 0 {
		l.budget = float64(s.MaxBatchedTokens)
		l.chunks = expectedChunks(input, l.budget)
	}
	l.stay = l.decode + l.chunks
	computed := max(in, 1) + l.decode // tokens computed for a request: an empty prompt still computes one
	// A request reads its own context: in + k tokens in its k-th decode, and the earlier chunks while it prefills.
	read := in*d + (d2+d)/2
	l.work = l.beta*computed + l.gamma*(read+in*(l.chunks-1)/2)
	l.base = l.stay * l.alpha
	l.prompt = l.beta*max(in, 1) + l.gamma*in*(l.chunks-1)/2
	l.lump = l.prompt * l.prompt * max(in2, 1) / max(in*in, 1)
	l.token = l.beta
	if l.decode > 0 {
		l.token += l.gamma * read / l.decode
	}
	l.held = in + output.SecondMoment()/(2*output.Mean) // length-biased: who is found in the batch is in it for long
	{
		age, age2 := 0.0, 0.0
		if d > 0 {
			age, age2 = d2/(2*d), d3/(3*d)
		}
		l.heldVar = in2 - in*in + age2 - age*age
	}
	l.limitConcurrency(s, input, output)
	l.room = (1 - 1/l.limit)

	l.tabulate()

	if l.decode > 0 {
		squares := l.beta*l.beta*d + 2*l.beta*l.gamma*read + l.gamma*l.gamma*(in2*d+in*d2+d3/3)
		if mean := l.token * l.token * d; mean > 0 {
			l.spread = max(0, squares/mean-1)
		}
	}
	l.overlap = 1 / (1 + decodes.CV*decodes.CV)
	// s = c + z·in + x·d + γ·in·d + y·d², its moments over independent prompts and answers
	perChunk := l.alpha / l.limit
	c, z, x, y := perChunk*l.chunks, l.beta, perChunk+l.beta+l.gamma/2, l.gamma/2
	if l.chunks > 1 {
		c, z = perChunk*(l.chunks-in/l.budget), l.beta+perChunk/l.budget
	}
	mean := c + z*in + x*d + l.gamma*in*d + y*d2
	second := c*(2*mean-c) + z*z*in2 + 2*z*(x*in+l.gamma*in2)*d + 2*z*in*y*d2 +
		(x*x+2*x*l.gamma*in+l.gamma*l.gamma*in2)*d2 + 2*y*(x+l.gamma*in)*d3 + y*y*d4
	l.service = max(0, second/(mean*mean)-1)
	return l
}

// afterFirst describes the tokens of an answer after its first, which the prefill gives. All of the spread is theirs.
func afterFirst(output TokenLengths) TokenLengths {
	d := output.Mean - 1
	if d <= 0 {
		return TokenLengths{}
	}
	return TokenLengths{Mean: d, CV: output.CV * output.Mean / d}
}

// tabulate works out μ(n) once, so that a solution needs no division.
func (l *law) tabulate() {
	table := make([]float64, 2*(l.states+1))
	l.death, l.inverse = table[:l.states+1], table[l.states+1:]
	for i := 1; i <= l.states; i++ {
		n := min(float64(i), l.limit)
		d := l.base + n*l.work
		if i == l.states {
			d += n * l.redo
		}
		l.death[i], l.inverse[i] = n/d, d/n
	}
}

// expectedChunks is the mean number of iterations in which a prompt is prefilled under a token budget. A prompt that is longer
// leaves the last chunk half full on average.
func expectedChunks(input TokenLengths, budget float64) float64 {
	switch {
	case input.Mean == 0:
		return 1
	case input.Mean > 8*budget:
		return input.Mean/budget + 0.5
	case input.CV < 1e-3:
		return math.Ceil(input.Mean / budget)
	}
	shape := 1 / (input.CV * input.CV)
	chunks := 1.0
	for j := 1.0; j < 32; j++ {
		above := mathext.GammaIncRegComp(shape, shape*j*budget/input.Mean)
		if chunks += above; above < 1e-4 {
			break
		}
	}
	return chunks
}

// limitConcurrency finds how many requests run at once when there is always one more, and the rate at which they then leave.
func (l *law) limitConcurrency(s Server, input, output TokenLengths) {
	l.limit = float64(s.MaxBatch)
	if s.MaxBatchedTokens > 0 {
		l.limit = min(l.limit, l.budget)
	}
	if s.KVCapacity > 0 {
		l.limitByCache(s, input, output)
	}
	l.limit = max(l.limit, 1)
	l.states = int(math.Ceil(l.limit))
	l.maxRate = l.limit / (l.base + l.limit*(l.work+l.redo))
	l.full = l.maxRate
	if tokens := max(input.Mean, 1) + l.decode; s.MaxBatchedTokens > 0 {
		// Every iteration at its full budget: λ·T·tokens ≤ budget with T = α/(1 − λ·w).
		if rate := l.budget / (tokens*l.alpha + l.budget*l.work); rate < l.maxRate {
			l.maxRate = rate
			if s.MaxQueue != 0 {
				l.full = rate
				l.limit = max(1, rate*l.base/(1-rate*l.work))
				l.states = int(math.Ceil(l.limit))
				l.overflows = true
			}
		}
	}
	l.place = 1 / l.full
}

// limitByCache bounds the concurrency by the KV cache, and adds the work of the prompts that are computed twice.
//
// A prompt is admitted when it fits as a whole, which leaves room for half of a length-biased prompt on average. When the running
// requests outgrow that room before one of them finishes, the latest is preempted: with the room uniform below the prompt and the
// time to the next finish exponential, in which they grow by out tokens on average, that happens once for every departure with
// probability (1 − e^−r)/r, r = in/out.
func (l *law) limitByCache(s Server, input, output TokenLengths) {
	room := 0.0
	if input.Mean > 0 {
		room = input.SecondMoment() / (2 * input.Mean)
	}
	capacity := float64(s.KVCapacity)
	fits := max(capacity-room, capacity/2) / l.held
	deviation := math.Sqrt(fits*l.heldVar) / l.held
	most := l.limit
	if deviation > 0 {
		z := (most - fits) / deviation
		l.limit = most - deviation*(math.Exp(-z*z/2)/math.Sqrt(2*math.Pi)+z*0.5*math.Erfc(-z/math.Sqrt2))
	} else {
		l.limit = min(most, fits)
	}
	if fits >= most {
		return
	}
	preempted := 1.0
	if r := input.Mean / output.Mean; r > 0 {
		preempted = -math.Expm1(-r) / r
	}
	l.redo = preempted * l.prompt
}

// iteration returns T(n), the mean iteration with n in the batch.
func (l *law) iteration(n float64) float64 { return l.alpha + n*l.work/l.stay }

// dispersion returns κ, the factor by which the number in an unbounded batch varies more than in the birth-death chain.
//
// Lumps: a prompt of load p = λ·β·in delays all decodes by its whole length, during which more requests arrive together. Such a
// cluster has the mean 1/(1 − p) and, with v the variance of the arrivals during one prompt, the factor F = v/(1 − p)² + 1/(1 − p)
// of batch arrivals; batches raise the variance of the number present by (F − 1) times the probability that two of them overlap, 1 for
// constant stays and 1/2 for exponential ones. The relaxation is faster by 1 − p.
//
// Contexts: a request adds a(j) to its j-th iteration. Fluctuations of Σa feed back through the arrivals that longer iterations let in.
// In the linearized system, with all time constants one stay, the variance becomes
// 1 + ρ·(2 + ρ·(1 + spread)/(1 − ρ))/(2 − ρ) instead of 1/(1 − ρ).
func (l *law) dispersion(rate, share float64) float64 {
	rho, p := rate*l.work, rate*l.prompt
	if rho >= 1 || p >= 1 {
		return 1
	}
	v := p + rate*rate*max(0, l.lump-l.prompt*l.prompt)
	cluster := v/((1-p)*(1-p)) + 1/(1-p)
	cluster = max(1, cluster*(1-2*p*(1-math.Pow(p, l.stay))/(l.stay*(1-p*p))))
	lumps := (1 + (cluster-1)*l.overlap) * (1 - p)
	lumps = 1 + (lumps-1)*share
	contexts := (1 + rho*(2+rho*(1+l.spread)/(1-rho))/(2-rho)) * (1 - rho)
	return min(max(1, lumps*contexts), l.limit+1)
}

// tail returns the ratio of successive states beyond the limit at the utilization σ = λ/μ(N).
//
// In the long run a queue in front of N places varies as that of one server with service times s: κ = (1 + CV²(s))/2. Departures are
// the arrivals of a stay ago, so that over less than a stay they vary as the batch does: κ = dispersion. The weight between the two is that of
// the stay S against the relaxation time τ = E[s]/(1 − σ)² of the queue. The ratio σ^(1/κ) gives the queue κ times the length in heavy
// traffic. In overload it is σ itself: the far end of the queue decides, and what leaves has to be μ(N).
func (l *law) tail(sigma, dispersion float64) float64 {
	long := (1 + l.service) / 2
	if sigma >= 1 {
		return long
	}
	stay := l.stay * l.iteration(l.limit)
	relax := l.place / ((1 - sigma) * (1 - sigma))
	kappa := long + (dispersion-long)*(1-1/l.limit)*stay/(stay+relax)
	return kappa
}
