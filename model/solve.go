package model

import "math"

// stationary is the long-run state of a Queue at one rate.
type stationary struct {
	rate     float64
	empty    float64 // probability of no request
	batch    float64 // mean requests in the batch
	variance float64 // of the requests in the batch
	waiting  float64 // mean requests beyond the limit
	rejected float64 // probability that an arrival is rejected
	delayed  float64 // probability that an accepted arrival waits for a place
	average  float64 // mean iteration over the iterations of a request

	baseMean, baseVariance float64 // of the time to first token, but for the wait for a place
	residual               float64 // mean wait for the end of the running iteration, over all arrivals
}

// crowded is the utilization from which the dispersion is held: near the limit the batch is full whatever its noise, and more of it would only empty the queue.
const crowded = 0.9

// solve sums over the states of the chain. It allocates nothing.
func (q *Queue) solve(rate float64) stationary {
	l := &q.law
	kappa := l.dispersion(min(rate, crowded*l.maxRate))
	// Births λ + (κ − 1)·μ(n − 1) and deaths κ·μ(n): the drift λ − μ(n) with κ times the noise, and E[μ] = λ as it must be.
	birth, noise := rate/kappa, (kappa-1)/kappa
	c := newChain()
	for i := 1; i < len(l.death); i++ {
		c.add(float64(i), (birth+noise*l.death[i-1])*l.inverse[i], l.death[i])
	}
	room := -1
	if q.server.MaxQueue != 0 {
		room = max(q.server.MaxQueue, 0)
	}
	limit := float64(l.states)
	c.finish(limit, l.death[l.states], l.tail(rate/l.maxRate, kappa), room)

	s := stationary{
		rate: rate, empty: c.empty, batch: c.first, variance: max(0, c.second-c.first*c.first), waiting: c.waiting, rejected: c.last,
		delayed: (c.full + c.beyond - c.last) / (1 - c.last), average: l.iteration(1),
	}
	if c.flow > 0 {
		s.average = max(s.average, c.first/(l.stay*c.flow))
	}
	saturated := c.full + c.beyond
	inside := [3]float64{1 - c.empty - saturated, c.first - limit*saturated, c.second - limit*limit*saturated}
	for i := range inside {
		inside[i] = max(0, inside[i]) // differences of near numbers
	}
	q.firstToken(&s, inside, saturated)
	return s
}

// firstToken works out the time from the end of the wait for a place to the first token. An arrival that finds n < N requests
// waits for the rest of an iteration and then shares one with their decodes and with the prompts that came together with it:
//
//	z(n) = α + β·in + n·token + (T + λ·E[(β·in)²])·(½ + λ·β·in),  T = (α + n·token)/(1 − λ·β·in)
//
// with the first two moments of n over those states in inside. One that finds the server full does so beside N − 1 others once it has a
// place, and one that finds it empty starts at once.
func (q *Queue) firstToken(s *stationary, inside [3]float64, full float64) {
	l := &q.law
	load := min(s.rate, l.maxRate) * l.prompt
	token := l.token * l.decode / l.stay
	arrivals := min(s.rate, l.maxRate) * l.lump
	start := l.chunks*l.alpha + l.prompt + l.gamma*q.input.Mean*(l.chunks-1)/2
	shared := 0.5 + load
	share := func(n float64) float64 { return ((l.alpha+n*token)/(1-load) + arrivals) * shared }
	fixed := start + share(0)
	slope := l.chunks*token + share(1) - share(0)

	atLimit := fixed + slope*max(0, float64(l.states)-1)
	mean := s.empty*start + fixed*inside[0] + slope*inside[1] + full*atLimit
	square := s.empty*start*start + fixed*fixed*inside[0] + 2*fixed*slope*inside[1] + slope*slope*inside[2] + full*atLimit*atLimit
	s.residual = 0.5 * ((l.alpha/(1-load)+arrivals)*inside[0] + token/(1-load)*inside[1])

	// Within a state: where in the iteration the arrival falls and who shares the next one, then its own prompt. T* is the iteration that
	// it falls into, which is length-biased: E[T*ᵏ] = E[Tᵏ⁺¹]/E[T], T the decodes and a compound Poisson number of prompts.
	typical := (l.alpha + s.batch*token) / (1 - load)
	spread := min(s.rate, l.maxRate) * typical * l.lump
	third := min(s.rate, l.maxRate) * typical * l.lump * l.prompt * (1 + 2*q.input.CV*q.input.CV)
	spanning := typical + spread/max(typical, 1e-300)
	spanning2 := typical*typical + 3*spread + third/max(typical, 1e-300)
	shift := spanning2*(1./3+load+load*load) + min(s.rate, l.maxRate)*spanning*l.lump - spanning*spanning*shared*shared
	within := inside[0]*max(0, shift) + max(0, l.lump-l.prompt*l.prompt)
	backlog := q.backlog(s.batch, typical, s.rate)
	s.baseMean = mean + backlog
	s.baseVariance = max(0, square-mean*mean) + within + backlog*backlog
}

// backlog is the mean time that a prompt waits for the token budget of earlier ones: the prompts are a single-server queue
// (Pollaczek and Khinchine) of what the decodes leave of the budget.
func (q *Queue) backlog(batch, iteration, rate float64) float64 {
	l := &q.law
	if math.IsInf(l.budget, 1) || q.input.Mean == 0 {
		return 0
	}
	left := max(l.budget-batch, l.budget/16)
	speed := left / max(iteration, l.alpha+l.beta*left) // prompt tokens per second
	load := min(rate*q.input.Mean/speed, 0.99)
	return load / (1 - load) * q.input.SecondMoment() / (2 * q.input.Mean) / speed * min(1, q.input.Mean/left)
}
