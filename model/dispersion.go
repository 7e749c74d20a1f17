package model

import "math"

// crowded is the utilization from which the dispersion is held: near the limit the batch is full whatever its noise, and more of it would only empty the queue.
const crowded = 0.9

// dispersion returns κ, the factor by which the number in an unbounded batch varies more than in the birth-death chain. Of the variance that prompts cause
// only a share may count: for the mean iteration that which changes the iterations, see solve.
//
// Lumps: a prompt of load p = λ·x delays all decodes by its whole length, during which more requests arrive together. Such a
// cluster has the mean 1/(1 − p) and, with v the variance of the arrivals during one prompt, the factor F = v/(1 − p)² + 1/(1 − p)
// of batch arrivals, less what a stay of L iterations is too short for; batches raise the variance of the number present by (F − 1) times the probability that two of them
// overlap, 1 for constant stays and 1/2 for exponential ones. The relaxation is faster by 1 − p.
//
// Contexts: a request adds a(j) to its j-th iteration. Fluctuations of Σa feed back through the arrivals that longer iterations let in.
// In the linearized system, with all time constants one stay, the variance becomes
// 1 + ρ·(2 + ρ·(1 + spread)/(1 − ρ))/(2 − ρ) instead of 1/(1 − ρ).
func (l *law) dispersion(rate, share float64) float64 {
	rate = min(rate, crowded*l.maxRate)
	rho, p := rate*l.work, rate*l.prompt.mean
	if rho >= 1 || p >= 1 {
		return 1
	}
	v := p + rate*rate*l.prompt.variance()
	cluster := v/((1-p)*(1-p)) + 1/(1-p)
	cluster *= 1 - 2*p*(1-math.Pow(p, l.stay))/(l.stay*(1-p*p))
	lumps := (1 + max(0, cluster-1)*l.overlap) * (1 - p)
	contexts := (1 + rho*(2+rho*(1+l.spread)/(1-rho))/(2-rho)) * (1 - rho)
	return min(max(1, (1+(lumps-1)*share)*contexts), l.limit+1)
}

// unevenness returns what κ grows by where a KV cache limits the batch: it fills up not only when the requests in it are many, but also when they hold more than
// others. At n requests their sum varies as n requests more or less with the variance n·uneven, beside the n/(1 − ρ) of their number.
func (l *law) unevenness(rate float64) float64 {
	return l.uneven * max(0, 1-rate*l.work) * min(rate/l.maxRate, 1)
}

// variability returns κ of the requests that wait for a place: how much their number varies beside that of a plain chain at the utilization σ of N places.
//
// In the long run a queue in front of N places varies as that of one server with service times s: κ = (1 + CV²(s))/2. Departures are
// the arrivals of a stay ago, so that over less than a stay they vary as arrivals do, κ = 1, unless there is only one place. The weight between the two is that of
// the stay S against the relaxation time τ = E[s]/(1 − σ)² of the queue.
func (l *law) variability(sigma float64) float64 {
	long := (1 + l.service) / 2
	if sigma >= 1 {
		return long
	}
	stay := l.stay * l.iteration(l.limit)
	relax := l.inverse[l.states] / ((1 - sigma) * (1 - sigma))
	return long + (1-long)*l.peers*stay/(stay+relax)
}

// power is E[y^d] over the decodes d of a request.
func (l *law) power(y float64) float64 {
	cv2 := l.decodes.CV * l.decodes.CV
	if cv2 < 1e-9 {
		return math.Pow(y, l.decodes.Mean)
	}
	return math.Pow(1-math.Log(y)*l.decodes.Mean*cv2, -1/cv2)
}
