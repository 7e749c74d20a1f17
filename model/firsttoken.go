package model

import "math"

// prefill is how prompts share a token budget. In an iteration whose budget is full they get what the decodes leave of it, so that the prompts that do not fit wait for each other
// like customers of a single server (Pollaczek and Khinchine). The zero prefill is that of a server without a budget, or with one that prompts do not notice.
type prefill struct {
	weight    float64 // how far the budget, rather than the iteration, sets the pace
	iteration float64 // T: seconds of an iteration with a full budget
	speed     float64 // prompt tokens per second in such iterations
	busy      float64 // u: fraction of the time in which the budget is full
	tokens    float64 // mean prompt tokens that wait to be computed
	wait      float64 // mean seconds until they are
	variance  float64 // of that time
}

func (q *Queue) prefillAt(s stationary) prefill {
	l := &q.law
	if math.IsInf(l.budget, 1) || q.input.Mean == 0 {
		return prefill{}
	}
	decoding := s.served * l.decodes.Mean * l.alpha / max(1-s.served*l.work, 1e-9) // by Little, at the mean iteration
	left := max(l.budget-decoding, l.budget/16)
	reads := l.gamma * q.input.Mean * (l.chunks - 1) / (2 * l.chunks)
	p := prefill{}
	p.iteration = l.alpha + l.beta*l.budget + decoding*(l.token-l.beta) + reads + l.one - l.beta
	p.speed = left / p.iteration
	p.busy = min(s.served*q.input.Mean/p.speed, 0.999)
	p.weight = (1 - (1-math.Pow(p.busy, left/q.input.Mean))*(1-l.long)) * l.peers * (1 - s.full)
	in := q.input.moments()
	p.tokens = p.busy / (1 - p.busy) * in.second / (2 * in.mean)
	p.wait = p.tokens / p.speed
	p.variance = p.wait*p.wait + s.served*in.third/(p.speed*p.speed*p.speed)/(3*(1-p.busy))
	return p
}

// firstToken is the time from the end of the wait for a place in the batch to the first token.
type firstToken struct {
	mean, variance float64
	least          float64 // about the shortest that it is
	running        float64 // mean time of the running iteration that an arrival finds where the batch has a place, 0 where it finds none
	residual       float64 // mean wait for the end of it, and for the budget
}

// firstTokenAt works it out. An arrival falls into an iteration of length T*, waits for its end, and shares the next one with the decodes and with the prompts that
// arrived in T* as well:
//
//	α·chunks + x + n·token + R,  E[R] = E[T*]·(½ + p), p = λ·x
//
// T* is what an arrival finds: nothing in an empty server, else by its length. With a what an iteration takes without prompts and
// b the fraction of the time in which the server is busy, iterations that carry the prompts of the one before have
//
//	E[T*] = (a·(b + p) + λ·E[x²]) / (1 − p²)
//
// An arrival that finds the batch full starts in the iteration in which it gets its place, beside the prompts of others that get one.
func (q *Queue) firstTokenAt(s stationary, c chain) firstToken {
	l := &q.law
	p := s.served * l.prompt.mean * l.peers
	token := l.token * l.decodes.Mean / l.stay
	room := 1 - s.full
	number := max(0, c.first-l.limit*s.full) // in the batch, where it is not full
	spread := max(0, c.second-l.limit*l.limit*s.full) - number*number/max(room, 1e-9)
	idle := max(0, room-s.empty)
	own := l.chunks*l.alpha + l.prompt.mean

	growth := 1 / (1 - p*p)
	if busy := max(1-s.empty, p); busy > 0 {
		growth *= 1 + p/busy
	}
	lumps := s.served * l.prompt.second * l.peers * room / (1 - p*p)
	f := firstToken{running: growth*(l.alpha*idle+token*number) + lumps}
	// The second moment of T*, by the same recursion; and of R, over where in T* the arrival falls and who else does.
	lumps2 := (s.served*l.prompt.third*room*l.peers + 3*p*s.served*l.prompt.second*lumps) / (1 - p*p*p)
	bare := s.decodes / (1 - p)
	running2 := bare*bare*idle + 3*bare*lumps + lumps2
	shared := 0.5 + p
	rest := f.running * shared
	restVariance := max(0, running2*(1./3+p+p*p)+f.running*s.served*l.prompt.second-rest*rest)
	f.residual = f.running / 2
	if w := s.prefill.weight; w > 0 {
		// Under a full budget it waits for the prompts before it, and its last chunk is filled up with those behind it.
		u := s.prefill.busy
		wait := (1-u)*(l.alpha*idle+token*number)/2 + max(s.prefill.wait, room*u*s.prefill.iteration/2)
		f.residual += w * (wait - f.residual)
		rest += w * (wait + u*l.beta*l.budget/2 - rest)
		restVariance += w * (s.prefill.variance - restVariance)
	}
	slope := l.chunks * token
	atLimit := own + (l.limit-1)*(slope+l.prompt.mean/l.stay)
	if s.full > 1e-12 { // its place comes at the end of an iteration, not before
		atLimit += max(0, l.iteration(l.limit)/2-s.waiting/(s.served*s.full))
	}
	inside := own
	if room > 1e-9 {
		inside += (slope*number + rest) / room
		f.running /= room
	}
	f.mean = room*inside + s.full*atLimit
	slope += growth * token * shared
	f.variance = l.prompt.variance() + restVariance + slope*slope*max(0, spread) + room*s.full*(inside-atLimit)*(inside-atLimit)
	// A prompt is hardly shorter than its 5% quantile: that of a normal distribution.
	f.least = l.alpha + l.prompt.mean*max(0, 1-1.645*q.input.CV)
	return f
}
