package model

import (
	"fmt"
	"math"
)

// Queue predicts the performance of one server under one mix of requests. It is immutable and safe for concurrent use.
//
// # The model
//
// Time goes in iterations. With n requests in the batch an iteration takes on average T(n) = α + n·w/L, where L is the number of
// iterations that a request stays and w the seconds that it adds to them in all (see newLaw). A batch of n therefore
// completes requests at the rate
//
//	μ(n) = n / (L·T(n)) = n / (L·α + n·w)
//
// up to the concurrency N that the batch limit and the KV cache allow. This is processor sharing with a
// speed that depends on n, whose stationary distribution does not depend on the distribution of lengths but through w (Kelly,
// Reversibility and Stochastic Networks, 1979, section 3.3): it is that of a birth-death chain with births λ and deaths μ(n).
//
// What the chain does not see is corrected for, each effect derived and none fitted:
//
//   - Prompts are prefilled in one lump rather than evenly over the stay, and contexts differ. Both make the number in the batch
//     vary more by a factor κ (see law.dispersion); the chain then moves with κ times the noise at the same drift.
//   - Requests beyond N wait as often as the balance of flows asks for, and as long as Kingman's formula says (see weights.close): exactly so where N is 1.
//   - A request that arrives during an iteration waits for its end, and shares its first iteration with the prompts that arrived in the same one (see
//     Queue.firstTokenAt). They lengthen its first decodes too (see Queue.behind).
//   - Prompts that do not fit the token budget wait for each other (see prefill).
//   - The number of requests that fit a KV cache varies with what they hold (see law.limitByCache).
//
// docs/queueing.md compares the predictions with a simulation, case by case.
type Queue struct {
	server        Server
	input, output TokenLengths
	law           law
}

// minOutput is the fewest tokens of an answer: the prefill gives one.
const minOutput = 1

// maxLength keeps sums of powers of lengths finite.
const maxLength = 1e9

// NewQueue returns the queue of a server whose prompts and answers have these lengths. Answers have at least one token on
// average; prompts may be empty. An error names the field and the value that cannot be.
func NewQueue(s Server, input, output TokenLengths) (*Queue, error) {
	if err := s.Validate(); err != nil {
		return nil, fmt.Errorf("model: %w", err)
	}
	for _, l := range []struct {
		name    string
		lengths TokenLengths
		least   float64
	}{{"input", input, 0}, {"output", output, minOutput}} {
		if err := l.lengths.Validate(); err != nil {
			return nil, fmt.Errorf("model: %s %w", l.name, err)
		}
		if l.lengths.Mean < l.least || l.lengths.Mean > maxLength || l.lengths.CV > 100 {
			return nil, fmt.Errorf("model: %s token lengths %+v: want a mean from %g to %g and a coefficient of variation up to 100", l.name, l.lengths, l.least, maxLength)
		}
	}
	if s.KVCapacity > 0 && input.Mean+output.Mean > float64(s.KVCapacity) {
		return nil, fmt.Errorf("model: a request of %g + %g tokens does not fit a KV cache of %d", input.Mean, output.Mean, s.KVCapacity)
	}
	q := &Queue{server: s, input: input, output: output, law: newLaw(s, input, output)}
	if q.law.maxRate > 0 && !math.IsInf(q.law.maxRate, 0) {
		return q, nil
	}
	return nil, fmt.Errorf("model: profile %+v with these lengths has no finite service time", s.Profile)
}

// MaxStableRate is the rate, in requests per second, below which the queue does not grow without bound.
func (q *Queue) MaxStableRate() float64 { return q.law.maxRate }

// Analyze predicts the performance at a rate of arrivals, in requests per second; arrivals are a Poisson process.
//
// At or above MaxStableRate the error is an [*UnstableError]. Where the server has a finite queue the Performance is valid all the
// same: what those requests experience that are not rejected.
func (q *Queue) Analyze(rate float64) (Performance, error) {
	if !(rate >= 0) || math.IsInf(rate, 0) {
		return Performance{}, fmt.Errorf("model: rate %v: want a finite number of requests per second, 0 or more", rate)
	}
	if rate >= q.law.maxRate {
		err := &UnstableError{Rate: rate, Max: q.law.maxRate}
		if q.server.MaxQueue == 0 {
			return Performance{}, err
		}
		return q.performance(rate), err
	}
	return q.performance(rate), nil
}

// performance evaluates the model.
func (q *Queue) performance(rate float64) Performance {
	s := q.solve(rate)
	p := Performance{
		Rate: rate, Throughput: rate * (1 - s.rejected), Rejection: s.rejected,
		Concurrency: s.batch, QueueLength: s.waiting, Utilization: 1 - s.empty,
	}
	p.TokenRate = p.Throughput * q.output.Mean
	p.ITL = q.itlLatency(s)
	p.TTFT = q.ttftLatency(s)
	p.QueueLength += p.Throughput * s.prefill.weight * s.prefill.wait
	p.Wait = q.waitLatency(s)
	if q.server.KVCapacity > 0 {
		p.KVOccupancy = min(1, s.batch*q.law.held/float64(q.server.KVCapacity))
	}
	return p
}
