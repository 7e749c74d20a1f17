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

	baseMean, baseVariance                                                          float64 // of the time to first token, but for the wait for a place
	decodes, saturated, span, fullIter, busyFill, backlog, backlogTokens, mix, left float64
	residual                                                                        float64 // mean wait for the end of the running iteration, over all arrivals
}

// crowded is the utilization from which the dispersion is held: near the limit the batch is full whatever its noise, and more of it would only empty the queue.
const crowded = 0.9

// solve sums over the states of the chain. It allocates nothing.
func (q *Queue) solve(rate float64) stationary {
	l := &q.law
	kappa := l.dispersion(min(rate, crowded*l.maxRate), 1)
	c := q.chain(rate, kappa)
	s := stationary{
		rate: rate, empty: c.empty, batch: c.first, variance: max(0, c.second-c.first*c.first), waiting: c.waiting, rejected: c.last,
		delayed: (c.full + c.beyond - c.last) / (1 - c.last), average: l.iteration(1),
	}
	if c.flow > 0 {
		s.average = max(s.average, c.first/(l.stay*c.flow))
	}
	share := 1.0
	if l.work > 0 {
		share = min(1, l.token*l.decode/(l.work*(1-min(rate*l.prompt, 0.99))))
	}
	e := q.chain(rate, l.dispersion(min(rate, crowded*l.maxRate), share))
	if e.flow > 0 {
		s.average = max(l.iteration(1), e.first/(l.stay*e.flow))
	}
	saturated := c.full + c.beyond
	s.saturated = saturated
	limit := l.limit
	s.waiting += (float64(l.states) - limit) * saturated
	inside := [3]float64{1 - c.empty - saturated, c.first - limit*saturated, c.second - limit*limit*saturated}
	for i := range inside {
		inside[i] = max(0, inside[i]) // differences of near numbers
	}
	q.firstToken(&s, inside, saturated)
	return s
}

func (q *Queue) chain(rate, kappa float64) chainSum {
	l := &q.law
	// Births λ + (κ − 1)·μ(n − 1) and deaths κ·μ(n): the drift λ − μ(n) with κ times the noise, and E[μ] = λ as it must be.
	birth, noise := rate/kappa, (kappa-1)/kappa
	c := newChain()
	for i := 1; i < len(l.death); i++ {
		c.add(min(float64(i), l.limit), (birth+noise*l.death[i-1])*l.inverse[i], l.death[i])
	}
	room := -1
	if q.server.MaxQueue != 0 {
		room = max(q.server.MaxQueue, 0)
	}
	limit := l.limit
	c.finish(limit, l.death[l.states], rate, kappa, l.tail(rate/l.death[l.states], kappa), room)
	return c
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
	rate := min(s.rate, l.maxRate)
	load := rate * l.prompt * l.room
	token := l.token * l.decode / l.stay
	start := l.chunks*l.alpha + l.prompt
	shared := 0.5 + load
	busy := max(1-s.empty, load)
	pb := 0.0
	if busy > 0 {
		pb = load / busy
	}
	arrivals := l.room * rate * l.lump / (1 - load*load) * (1 - full)
	scale := (1 + pb) / (1 - load*load)
	base := l.alpha*inside[0] + token*inside[1]
	w := base*scale + arrivals
	fixed := start + l.alpha*scale*shared
	slope := l.chunks*token + token*scale*shared

	others := l.limit - 1
	atLimit := start + others*(l.chunks*token+l.prompt/l.stay)
	mean := (1-full)*start + l.chunks*token*inside[1] + w*shared + full*atLimit
	square := s.empty*start*start + fixed*fixed*inside[0] + 2*fixed*slope*inside[1] + slope*slope*inside[2] + full*atLimit*atLimit
	{
		m := s.empty*start + fixed*inside[0] + slope*inside[1] + full*atLimit
		square += mean*mean - m*m
	}
	s.residual = 0.5 * w
	s.span = w
	if q.chunked() {
		q.prefillQueue(s)
		extra := s.busyFill*(l.budget*l.beta/2) + s.backlog + 0.5*base*(1-s.busyFill)
		mean += s.mix * (extra - w*shared)
		s.residual += s.mix * (s.backlog + 0.5*base*(1-s.busyFill) - 0.5*w)
	}
	// Within a state: where in the iteration the arrival falls and who shares the next one, then its own prompt. T* is the iteration that
	// it falls into, which is length-biased: E[T*ᵏ] = E[Tᵏ⁺¹]/E[T], T the decodes and a compound Poisson number of prompts.
	typical := (l.alpha + s.batch*token) / (1 - load)
	spread := min(s.rate, l.maxRate) * typical * l.lump
	third := min(s.rate, l.maxRate) * typical * l.lump * l.prompt * (1 + 2*q.input.CV*q.input.CV)
	spanning := typical + spread/max(typical, 1e-300)
	spanning2 := typical*typical + 3*spread + third/max(typical, 1e-300)
	shift := spanning2*(1./3+load+load*load) + min(s.rate, l.maxRate)*spanning*l.lump - spanning*spanning*shared*shared
	within := (1-s.empty-full)*max(0, shift) + max(0, l.lump-l.prompt*l.prompt)
	backlog := s.backlog
	s.baseMean = mean
	s.baseVariance = max(0, square-mean*mean) + within + backlog*backlog
}

func (q *Queue) chunked() bool {
	return !math.IsInf(q.law.budget, 1) && q.input.Mean > 0 && q.law.prompt > 0 && !q.law.overflows
}

func (q *Queue) prefillQueue(s *stationary) {
	l := &q.law
	rate := min(s.rate, l.maxRate)
	mean := l.alpha / (1 - min(rate*l.work, 1-1e-9))
	decodes := rate * l.decode * mean
	left := max(l.budget-decodes, l.budget/16)
	s.fullIter = l.alpha + l.beta*l.budget + decodes*(l.token-l.beta) + l.gamma*q.input.Mean*(l.chunks-1)/(2*l.chunks)
	s.busyFill = min(rate*q.input.Mean*s.fullIter/left, 0.999)
	s.left = left
	s.decodes = decodes * l.token
	s.backlogTokens = s.busyFill / (1 - s.busyFill) * q.input.SecondMoment() / (2 * q.input.Mean)
	s.backlog = s.backlogTokens * s.fullIter / left
	s.mix = min(1, q.input.Mean/left) * l.room * (1 - s.saturated)
}
