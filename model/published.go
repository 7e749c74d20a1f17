package model

import (
	"errors"
	"fmt"
	"math"
	"time"
)

// Published reproduces the queueing analyzers that WVA published, so that a migrating user can compare. They know mean lengths
// only; [Queue] is the better model, and the default everywhere.
type Published struct {
	Form       PublishedForm
	Parameters PublishedParameters
	Input      float64 // mean prompt tokens
	Output     float64 // mean answer tokens, at least 1
	MaxBatch   int
	MaxQueue   int // requests that may wait, 0 = none
}

// PublishedForm chooses the service time of a published analyzer.
type PublishedForm uint8

// The published forms. In each, a batch of n completes requests at the rate n/S(n).
const (
	// WVA04: prefill(n) = γ + δ·in·n, decode(n) = α + β·n, S = prefill + (out − 1)·decode.
	WVA04 PublishedForm = iota
	// WVA05: iteration(n) = α + n·(β·(in + out)/(out + 1) + γ·(in + out/2)), prefill = iteration + (β + γ)·in,
	// decode = iteration + β + γ·(in + out/2), S = prefill + out·decode.
	WVA05
	// Chunked (2026): prompts in c chunks of at most 8,192 tokens, w_pre = (β + γ·(c + 1)/2)·in,
	// w_dec = β·out + γ·out·(in + (out + 1)/2), d = (w_pre + w_dec)/(c + out), S = (c + out)·(α + n·d).
	Chunked
)

// PublishedParameters are in seconds. Delta belongs to WVA04 alone, where Gamma is the base of the prefill time.
type PublishedParameters struct{ Alpha, Beta, Gamma, Delta float64 }

// PublishedPerformance is what a published analyzer reports; times are seconds.
type PublishedPerformance struct {
	Throughput  float64 // requests per second
	Concurrency float64 // mean requests in service
	Wait        float64
	Prefill     float64
	TTFT        float64
	ITL         float64
	Response    float64
	Empty       float64 // probability of no request
	Rejection   float64 // probability that a request is rejected
}

// PublishedCapacity is the outcome of a published sizing: the highest rate for each target, in requests per second, and the smallest of
// them. A target of 0 allows the largest admissible rate.
type PublishedCapacity struct {
	Rate, ForTTFT, ForITL, ForTokens float64
}

// chunkTokens is the token budget of the chunked form.
const chunkTokens = 8192

// publishedMargin keeps the admissible rates inside the stable ones, as published.
const publishedMargin = 1e-3

// Validate names the first field that cannot be.
func (p Published) Validate() error {
	for _, f := range []struct {
		name  string
		value float64
		least float64
	}{{"alpha", p.Parameters.Alpha, 0}, {"beta", p.Parameters.Beta, 0}, {"gamma", p.Parameters.Gamma, 0}, {"delta", p.Parameters.Delta, 0}, {"input", p.Input, 0}, {"output", p.Output, 1}} {
		if !(f.value >= f.least) || math.IsInf(f.value, 0) {
			return fmt.Errorf("model: published analyzer: %s %v: want a finite number, %g or more", f.name, f.value, f.least)
		}
	}
	switch {
	case p.Form > Chunked:
		return fmt.Errorf("model: published analyzer: form %d: want WVA04, WVA05 or Chunked", p.Form)
	case p.MaxBatch < 1:
		return fmt.Errorf("model: published analyzer: max batch %d: want at least 1", p.MaxBatch)
	case p.MaxQueue < 0:
		return fmt.Errorf("model: published analyzer: max queue %d: want 0 or more", p.MaxQueue)
	case !(p.service(1) > 0) || math.IsInf(p.service(float64(p.MaxBatch)), 0):
		return errors.New("model: published analyzer: the parameters give no positive finite service time")
	}
	return nil
}

// service returns S(n).
func (p Published) service(n float64) float64 {
	switch p.Form {
	case WVA05:
		return p.prefill(n) + p.Output*(p.iteration(n)+p.Parameters.Beta+p.Parameters.Gamma*(p.Input+p.Output/2))
	case Chunked:
		c, d, _ := p.chunks()
		return (c + p.Output) * (p.Parameters.Alpha + n*d)
	}
	decodes := p.Output - 1
	if p.Output == 1 && p.Input == 0 {
		decodes = 1
	}
	return p.prefill(n) + decodes*(p.Parameters.Alpha+p.Parameters.Beta*n)
}

// prefill returns the prefill time with n in service.
func (p Published) prefill(n float64) float64 {
	switch p.Form {
	case WVA05:
		if p.Input == 0 {
			return 0
		}
		return p.iteration(n) + (p.Parameters.Beta+p.Parameters.Gamma)*p.Input
	case Chunked:
		c, d, work := p.chunks()
		return c*max(0, p.Parameters.Alpha+(n-1)*d) + work
	}
	if p.Input == 0 {
		return 0
	}
	return p.Parameters.Gamma + p.Parameters.Delta*p.Input*n
}

// iteration returns the iteration time of WVA05.
func (p Published) iteration(n float64) float64 {
	return p.Parameters.Alpha + n*(p.Parameters.Beta*(p.Input+p.Output)/(p.Output+1)+p.Parameters.Gamma*(p.Input+p.Output/2))
}

// chunks returns c, d and w_pre of the chunked form.
func (p Published) chunks() (c, d, work float64) {
	c = max(1, math.Ceil(p.Input/chunkTokens))
	work = (p.Parameters.Beta + p.Parameters.Gamma*(c+1)/2) * p.Input
	decode := p.Parameters.Beta*p.Output + p.Parameters.Gamma*p.Output*(p.Input+(p.Output+1)/2)
	return c, (work + decode) / (c + p.Output), work
}

// Rates returns the smallest and the largest admissible rate, in requests per second.
func (p Published) Rates() (smallest, largest float64) {
	n := float64(p.MaxBatch)
	return publishedMargin / p.service(1), n / p.service(n) * (1 - publishedMargin)
}

// Analyze solves the chain at a rate, in requests per second.
func (p Published) Analyze(rate float64) (PublishedPerformance, error) {
	if err := p.Validate(); err != nil {
		return PublishedPerformance{}, err
	}
	if !(rate > 0) || math.IsInf(rate, 0) {
		return PublishedPerformance{}, fmt.Errorf("model: rate %v: want a finite number of requests per second, above 0", rate)
	}
	return p.solve(rate), nil
}

func (p Published) solve(rate float64) PublishedPerformance {
	w, empty := weights{term: 1}, 1.0
	var n, mu float64
	for i := 1; i <= p.MaxBatch; i++ {
		n = float64(i)
		mu = n / p.service(n)
		if w = w.then(n, rate/mu); w.term > rescaleAbove {
			w, empty = w.scaled(1/rescaleAbove), empty/rescaleAbove
		}
	}
	c := w.close(empty, n, mu, rate, 1, 1, p.MaxQueue)
	out := PublishedPerformance{Empty: c.empty, Rejection: c.last, Concurrency: c.first, Throughput: rate * (1 - c.last)}
	service := c.first / out.Throughput
	out.Wait = c.waiting / out.Throughput
	out.Response = service + out.Wait
	p.latencies(&out, service)
	return out
}

// latencies splits a mean service time into prefill and decodes the way each form does.
func (p Published) latencies(out *PublishedPerformance, service float64) {
	if p.Form != WVA04 {
		out.Prefill = p.prefill(out.Concurrency)
		out.ITL = (service - out.Prefill) / p.Output
		out.TTFT = out.Wait + out.Prefill + out.ITL
		return
	}
	// The effective concurrency is the n at which S(n) is the mean service time.
	slope := (p.service(2) - p.service(1))
	effective := 1.0
	if slope > 0 {
		effective = min(max((service-p.service(0))/slope, 0), float64(p.MaxBatch))
	}
	out.Prefill = p.prefill(effective)
	out.ITL = p.Parameters.Alpha + p.Parameters.Beta*effective
	out.TTFT = out.Wait + out.Prefill
}

// Size finds the highest rate for each target. A target that the smallest admissible rate misses is an [*InfeasibleError].
func (p Published) Size(ttft, itl time.Duration, tokensPerSecond float64) (PublishedCapacity, error) {
	if err := p.Validate(); err != nil {
		return PublishedCapacity{}, err
	}
	smallest, largest := p.Rates()
	c := PublishedCapacity{ForTTFT: largest, ForITL: largest, ForTokens: largest}
	var err error
	if ttft > 0 {
		if c.ForTTFT, err = p.bisect(smallest, largest, ttft.Seconds(), targetTTFT, func(r PublishedPerformance) float64 { return r.TTFT }); err != nil {
			return PublishedCapacity{}, err
		}
	}
	if itl > 0 {
		if c.ForITL, err = p.bisect(smallest, largest, itl.Seconds(), targetITL, func(r PublishedPerformance) float64 { return r.ITL }); err != nil {
			return PublishedCapacity{}, err
		}
	}
	if tokensPerSecond > 0 {
		c.ForTokens = largest * 0.9
	}
	c.Rate = min(c.ForTTFT, c.ForITL, c.ForTokens)
	return c, nil
}

func (p Published) bisect(lo, hi, target float64, name string, value func(PublishedPerformance) float64) (float64, error) {
	if floor := value(p.solve(lo)); floor > target {
		return 0, &InfeasibleError{Target: name, Want: target, Floor: floor}
	}
	if value(p.solve(hi)) <= target {
		return hi, nil
	}
	for range 100 {
		mid := (lo + hi) / 2
		if value(p.solve(mid)) <= target {
			lo = mid
		} else {
			hi = mid
		}
		if hi-lo <= 1e-12*hi {
			break
		}
	}
	return lo, nil
}
