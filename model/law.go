package model

import "math"

// law holds the constants of a Queue, worked out once. Times are seconds.
type law struct {
	alpha, gamma float64
	beta         float64 // of a prompt token
	one          float64 // of a decode, but for its context: β and what a request takes

	stay    float64      // L: iterations that a request is in the batch
	chunks  float64      // of these, those that prefill its prompt
	decodes TokenLengths // of these, those that decode: the answer without its first token
	answers [5]float64   // decodes of an answer that is longer than 10%, 30% … of all, at least one
	work    float64      // w: what a request adds to the iterations of its stay, itself included
	base    float64      // L·α
	prompt  moments      // x: what a prompt adds to the iterations that compute it
	token   float64      // one + γ·c̄: what a decoding request adds to an iteration, c̄ its mean context over its decodes
	budget  float64      // tokens that an iteration may compute; +Inf = no limit
	long    float64      // part of the prompt tokens that belong to prompts above the budget

	limit   float64   // N: requests at once, as allowed by batch and KV cache
	peers   float64   // 1 − 1/N: the part of the server that other requests can have
	maxRate float64   // requests per second that the server can serve
	redo    float64   // what preemption adds to w while the KV cache is full
	uneven  float64   // squared coefficient of variation of what requests hold of a KV cache that limits them
	states  int       // N rounded up
	death   []float64 // μ(n) for n from 0 to states, N in the place of the last
	inverse []float64 // 1/μ(n), 0 for n = 0
	held    float64   // mean tokens that a request holds in the KV cache

	overlap float64 // see dispersion
	spread  float64 // E[Σ a²] / (stay·(w/stay)²) − 1 over a's decodes, a what one adds to an iteration
	service float64 // squared coefficient of variation of s = α·L/N + w over requests
}

// moments are those of a random number, gamma distributed where they go beyond the spread.
type moments struct{ mean, second, third, fourth float64 }

func (l TokenLengths) moments() moments {
	cv2 := l.CV * l.CV
	second := l.SecondMoment()
	third := second * l.Mean * (1 + 2*cv2)
	return moments{l.Mean, second, third, third * l.Mean * (1 + 3*cv2)}
}

func (m moments) scaled(by float64) moments {
	return moments{m.mean * by, m.second * by * by, m.third * by * by * by, m.fourth * by * by * by * by}
}

func (m moments) plus(c float64) moments {
	return moments{
		m.mean + c, m.second + 2*c*m.mean + c*c, m.third + 3*c*m.second + 3*c*c*m.mean + c*c*c,
		m.fourth + 4*c*m.third + 6*c*c*m.second + 4*c*c*c*m.mean + c*c*c*c,
	}
}

func (m moments) variance() float64 { return max(0, m.second-m.mean*m.mean) }

// newLaw derives the constants. Lengths beyond the second moment are those of a gamma distribution with the given mean and
// spread, which covers constant and exponential lengths; of an answer that is what follows its first token.
func newLaw(s Server, input, output TokenLengths) law {
	l := law{alpha: s.Profile.Alpha, beta: s.Profile.Beta, gamma: s.Profile.Gamma, one: s.Profile.Beta + s.Profile.Request, decodes: afterFirst(output), chunks: 1, budget: math.Inf(1)}
	if s.MaxBatchedTokens > 0 {
		l.budget = float64(s.MaxBatchedTokens)
		l.chunks = expectedChunks(input, l.budget)
		l.long = partAbove(input, l.budget)
	}
	for i := range l.answers {
		l.answers[i] = max(1, l.decodes.quantile((float64(i)+0.5)/float64(len(l.answers))))
	}
	in, d := input.moments(), l.decodes.moments()
	l.stay = d.mean + l.chunks
	// A request computes its prompt, at least a token, and one token in each decode. It reads its own context: in + k tokens in its k-th
	// decode, and the earlier chunks while it prefills.
	computed := TokenLengths{Mean: max(input.Mean, 1), CV: input.CV}
	l.prompt = computed.moments().scaled(l.beta + l.gamma*(l.chunks-1)/2).plus(s.Profile.Request * l.chunks)
	read := in.mean*d.mean + (d.second+d.mean)/2
	l.work = l.prompt.mean + l.one*d.mean + l.gamma*read
	l.base = l.stay * l.alpha
	l.token = l.one
	if d.mean > 0 {
		l.token += l.gamma * read / d.mean
		squares := l.one*l.one*d.mean + 2*l.one*l.gamma*read + l.gamma*l.gamma*(in.second*d.mean+in.mean*d.second+d.third/3)
		if mean := l.token * l.token * d.mean; mean > 0 {
			l.spread = max(0, squares/mean-1)
		}
	}
	l.overlap = 1 / (1 + l.decodes.CV*l.decodes.CV)
	l.limitConcurrency(s, input, output)
	l.tabulate()
	l.service = l.serviceVariation(in, d)
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

// quantile approximates that of the gamma distribution: by that of its cube root, or near 0, where it is steep, by its first term.
func (l TokenLengths) quantile(p float64) float64 {
	most := gammaQuantile(l.Mean, l.CV*l.CV*l.Mean*l.Mean, p)
	if l.CV < 0.7 {
		return most
	}
	shape := 1 / (l.CV * l.CV)
	return max(most, l.Mean/shape*math.Pow(p*math.Gamma(shape+1), 1/shape))
}

// serviceVariation is the squared coefficient of variation of s, the time between departures while N requests are at work:
//
//	s = c + z·in + x·d + γ·in·d + γ/2·d²
//
// over independent prompts and decodes, c + z·in the iterations of the prompt, each α/N, and its work.
func (l *law) serviceVariation(in, d moments) float64 {
	iteration := l.alpha / l.limit
	c, z := iteration, l.beta
	if l.chunks > 1 {
		c, z = iteration*(l.chunks-in.mean/l.budget), l.beta+iteration/l.budget
	}
	x, y, g := iteration+l.one+l.gamma/2, l.gamma/2, l.gamma
	mean := c + z*in.mean + x*d.mean + g*in.mean*d.mean + y*d.second
	square := c*(2*mean-c) + z*z*in.second + 2*z*(x*in.mean+g*in.second)*d.mean + 2*z*y*in.mean*d.second +
		(x*x+2*x*g*in.mean+g*g*in.second)*d.second + 2*y*(x+g*in.mean)*d.third + y*y*d.fourth
	return max(0, square/(mean*mean)-1)
}

// tabulate works out μ(n) once, so that a solution needs no division.
func (l *law) tabulate() {
	table := make([]float64, 2*(l.states+1))
	l.death, l.inverse = table[:l.states+1], table[l.states+1:]
	for i := 1; i < l.states; i++ {
		n := float64(i)
		d := l.base + n*l.work
		l.death[i], l.inverse[i] = n/d, d/n
	}
	d := l.base + l.limit*(l.work+l.redo)
	l.death[l.states], l.inverse[l.states] = l.limit/d, d/l.limit
}

// iteration returns T(n), the mean iteration with n in the batch.
func (l *law) iteration(n float64) float64 { return l.alpha + n*l.work/l.stay }
