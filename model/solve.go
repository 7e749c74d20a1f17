package model

// stationary is the long-run state of a Queue at one rate.
type stationary struct {
	rate     float64 // requests per second offered
	served   float64 // of these, what the server can serve at most
	empty    float64 // probability of no request
	full     float64 // probability of a full batch
	batch    float64 // mean requests in the batch
	variance float64 // of the requests in the batch
	waiting  float64 // mean requests beyond the limit
	rejected float64 // probability that an arrival is rejected
	delayed  float64 // probability that an accepted arrival waits for a place
	average  float64 // mean iteration over the iterations of a request
	open     float64 // fraction of those iterations in which others can join

	decodes float64 // what decodes take of a mean iteration, α included
	prefill prefill
	first   firstToken
}

// solve sums over the states of the chain. It allocates nothing.
func (q *Queue) solve(rate float64) stationary {
	l := &q.law
	c := q.chain(rate, l.dispersion(rate, 1)+l.unevenness(rate))
	s := stationary{
		rate: rate, served: min(rate, l.maxRate), empty: c.empty, full: c.full + c.beyond, batch: c.first, variance: max(0, c.second-c.first*c.first),
		rejected: c.last, delayed: (c.full + c.beyond - c.last) / (1 - c.last),
	}
	s.waiting = c.waiting + (float64(l.states)-l.limit)*s.full
	s.decodes = l.alpha + s.batch*l.token*l.decodes.Mean/l.stay
	s.average = l.iteration(1)
	if c.flow > 0 {
		// Lumps of prompts make the number in the batch vary, but only as far as its decodes take time do iterations follow.
		share := min(1, l.token*l.decodes.Mean/(l.work*max(1-s.served*l.prompt.mean, 0.01)))
		steady := c
		if share < 1 || l.uneven > 0 {
			steady = q.chain(rate, l.dispersion(rate, share))
		}
		s.average = max(s.average, steady.first/(l.stay*steady.flow))
		s.open = max(0, 1-(steady.full+steady.beyond)*l.death[l.states]/steady.flow)
	}
	s.prefill = q.prefillAt(s)
	s.first = q.firstTokenAt(s, c)
	return s
}

// chain solves the birth-death chain with κ times its noise at the same drift: births λ + (κ − 1)·μ(n − 1), deaths κ·μ(n).
func (q *Queue) chain(rate, kappa float64) chain {
	l := &q.law
	birth, noise := rate/kappa, (kappa-1)/kappa
	w, empty := weights{term: 1}, 1.0
	last, n, before := l.states, 0.0, 0.0
	inverse := l.inverse[1:last]
	for i, mu := range l.death[1:last] {
		n++
		if w = w.then(n, (birth+noise*before)*inverse[i]); w.term > rescaleAbove {
			w, empty = w.scaled(1/rescaleAbove), empty/rescaleAbove
		}
		before = mu
	}
	w = w.then(l.limit, (birth+noise*l.death[last-1])*l.inverse[last])
	room := -1
	if q.server.MaxQueue != 0 {
		room = max(q.server.MaxQueue, 0)
	}
	return w.close(empty, l.limit, l.death[last], rate, kappa, l.variability(rate*l.inverse[last]), room)
}
