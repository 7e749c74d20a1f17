package model

import (
	"fmt"
	"math"
)

// admissible is the fraction of the stable maximum up to which MaxRate goes.
const admissible = 1 - 1e-3

// headroom is the part of the rate at which a prediction just meets its target that MaxRate returns. Predicted latencies are off by
// a percent or two either way; without headroom half of the answers would just miss in reality.
const headroom = 0.97

// MaxRate returns the highest rate that meets every target of the SLO, and which one binds, less a headroom of 3% for the
// error of the prediction. Where every rate meets them it is just below MaxStableRate and the binding is stability. An [*InfeasibleError] says which target a request alone misses already.
func (q *Queue) MaxRate(slo SLO) (Capacity, error) {
	if err := slo.Validate(); err != nil {
		return Capacity{}, fmt.Errorf("model: %w", err)
	}
	top := q.law.maxRate * admissible
	rate, binding := top, BindingThroughput
	if strain, worst := q.strain(slo, q.solve(top)); strain > 0 {
		var err error
		if rate, binding, err = q.search(slo, top, strain, worst); err != nil {
			return Capacity{}, err
		}
		rate *= headroom
	}
	if tokens := rate * q.output.Mean; slo.TokensPerSecond > tokens {
		return Capacity{}, &InfeasibleError{Target: targetTokens, Want: slo.TokensPerSecond, Floor: tokens}
	}
	return Capacity{Rate: rate, Binding: binding, Performance: q.performance(rate)}, nil
}

// strain is how far the worst target is missed: 1 − target/value, so above 0 where it is, and bounded where latencies are not.
func (q *Queue) strain(slo SLO, s stationary) (float64, Binding) {
	worst, binding := math.Inf(-1), BindingThroughput
	if slo.TTFT > 0 {
		value := 0.0
		if slo.TTFTQuantile == 0 {
			value = q.ttftMean(s)
		} else {
			value = q.ttftQuantile(s, slo.TTFTQuantile)
		}
		worst, binding = 1-slo.TTFT.Seconds()/value, BindingTTFT
	}
	if slo.ITL > 0 {
		value := q.itlMean(s)
		if slo.ITLQuantile != 0 {
			value = q.itlQuantile(s, slo.ITLQuantile)
		}
		if value > 0 {
			if x := 1 - slo.ITL.Seconds()/value; x > worst {
				worst, binding = x, BindingITL
			}
		}
	}
	return worst, binding
}

// search finds the rate at which the strain crosses 0, below a rate that it exceeds 0 at. It keeps a bracket and halves the weight
// of an end that stays (the Illinois method), from a first guess by the fluid limit.
func (q *Queue) search(slo SLO, top, atTop float64, binding Binding) (float64, Binding, error) {
	idle := q.solve(0)
	lo, hi := 0.0, top
	atLo, floor := q.strain(slo, idle)
	if atLo > 0 {
		return 0, "", q.infeasible(slo, idle, floor)
	}
	atHi := atTop
	guess := q.fluid(slo)
	side := 0
	for range 100 {
		if hi-lo <= 1e-8*hi {
			break
		}
		mid := guess
		if !(mid > lo && mid < hi) {
			mid = lo + (hi-lo)*atLo/(atLo-atHi)
		}
		if !(mid > lo && mid < hi) {
			mid = (lo + hi) / 2
		}
		guess = 0
		x, b := q.strain(slo, q.solve(mid))
		if x > 0 {
			hi, atHi, binding = mid, x, b
			if side > 0 {
				atLo /= 2
			}
			side = 1
		} else {
			lo, atLo = mid, x
			if x > -1e-8 {
				binding = b
				break
			}
			if side < 0 {
				atHi /= 2
			}
			side = -1
		}
	}
	return lo, binding, nil
}

// fluid is the rate at which a mean iteration under a steady stream of work, α/(1 − λ·w), would just meet the ITL; 0 = no guess.
func (q *Queue) fluid(slo SLO) float64 {
	if slo.ITL <= 0 || q.law.work <= 0 {
		return 0
	}
	return (1 - q.law.alpha/slo.ITL.Seconds()) / q.law.work * 0.9
}

// infeasible says by how much a request alone misses a target.
func (q *Queue) infeasible(slo SLO, idle stationary, binding Binding) error {
	if binding == BindingITL {
		floor := q.itlMean(idle)
		if slo.ITLQuantile != 0 {
			floor = q.itlQuantile(idle, slo.ITLQuantile)
		}
		return &InfeasibleError{Target: targetITL, Want: slo.ITL.Seconds(), Floor: floor}
	}
	floor := q.ttftMean(idle)
	if slo.TTFTQuantile != 0 {
		floor = q.ttftQuantile(idle, slo.TTFTQuantile)
	}
	return &InfeasibleError{Target: targetTTFT, Want: slo.TTFT.Seconds(), Floor: floor}
}

// MinBatch returns the smallest batch limit with which a server carries a rate within an SLO, up to the server's own, and the
// capacity that it then has. Its error is that of MaxRate where no limit does.
func MinBatch(s Server, input, output TokenLengths, slo SLO, rate float64) (int, Capacity, error) {
	if !(rate > 0) || math.IsInf(rate, 0) {
		return 0, Capacity{}, fmt.Errorf("model: rate %v: want a finite number of requests per second, above 0", rate)
	}
	capacity := func(batch int) (Capacity, error) {
		sized := s
		sized.MaxBatch = batch
		q, err := NewQueue(sized, input, output)
		if err != nil {
			return Capacity{}, err
		}
		return q.MaxRate(slo)
	}
	found, err := capacity(s.MaxBatch)
	if err != nil {
		return 0, Capacity{}, err
	}
	if found.Rate < rate {
		return 0, found, &UnstableError{Rate: rate, Max: found.Rate}
	}
	lo, hi := 0, s.MaxBatch // lo is too small, hi is enough
	for hi-lo > 1 {
		mid := (lo + hi) / 2
		if c, err := capacity(mid); err == nil && c.Rate >= rate {
			hi, found = mid, c
		} else {
			lo = mid
		}
	}
	return hi, found, nil
}
