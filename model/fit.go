package model

import (
	"errors"
	"fmt"
	"math"
)

// Point is one measurement: a batch and some of its times, in seconds. A time of 0 was not measured.
type Point struct {
	Batch
	Latency float64 // from the start of the batch to its last token
	TTFT    float64 // of the first token, the batch's prompts prefilled together
	ITL     float64 // mean time between tokens
}

// FitOptions say what is known beside the points.
type FitOptions struct {
	// Server holds the limits under which the points were measured: batch, KV capacity, token budget. Its profile is not used.
	Server Server
	// Prior, where it is set, is what the parameters are drawn to where the points say little; Weight is how many measurements it counts for. Its Request is taken as it is, with or
	// without a weight: batches do not tell it from Beta unless their prompts and answers differ in length.
	Prior  Profile
	Weight float64
}

// Fitted is the outcome of a Fit.
type Fitted struct {
	Profile Profile
	// Deviation is the standard error of each fitted parameter, seconds. One that is as large as the parameter says that the points hardly tell it: the predictions for batches and
	// lengths like those of the points are good all the same, those for others are not.
	Deviation Profile
	Residuals []float64 // predicted/measured − 1 of each measurement, in the order of the points
	Outliers  int       // measurements that counted less than half
}

// ErrUnderdetermined says that the points do not tell the parameters apart.
var ErrUnderdetermined = errors.New("the points do not determine the profile")

// huber is the number of robust standard deviations up to which a residual counts in full; at 1.345 the estimate is 95% efficient on normal
// errors (Huber 1981).
const huber = 1.345

// Fit finds the profile that best explains measured points: non-negative least squares of the relative errors, with weights that
// take the influence from outliers (iteratively reweighted, Huber). An error says which point cannot be, or which parameters the points do not
// tell apart: vary the batch for α and β, and the lengths for γ.
func Fit(points []Point, o FitOptions) (Fitted, error) {
	rows, err := measurements(points, o.Server, o.Prior.Request)
	if err != nil {
		return Fitted{}, fmt.Errorf("model: fit: %w", err)
	}
	weights := make([]float64, len(rows))
	for i := range weights {
		weights[i] = 1
	}
	scale := columnScale(rows)
	if err := determined(rows, scale, o); err != nil {
		return Fitted{}, fmt.Errorf("model: fit: %w", err)
	}
	var theta [3]float64
	residuals := make([]float64, len(rows))
	for range 50 {
		before := theta
		theta = nonNegative(rows, weights, scale, o)
		for i, r := range rows {
			residuals[i] = r.predict(theta) - 1
		}
		reweigh(weights, residuals)
		if settled(before, theta) {
			break
		}
	}
	f := Fitted{Profile: Profile{Alpha: theta[0], Beta: theta[1], Gamma: theta[2], Request: o.Prior.Request}, Residuals: residuals}
	for _, w := range weights {
		if w < 0.5 {
			f.Outliers++
		}
	}
	if err := f.Profile.Validate(); err != nil {
		return f, fmt.Errorf("model: fit: %w", err)
	}
	f.Deviation = deviation(rows, weights, residuals, scale, o)
	return f, nil
}

// measurement is a row of the least squares: coefficients over the measured time, so that a perfect prediction is 1, and the part of it that is known.
type measurement struct {
	of    [3]float64
	known float64
}

func (m measurement) predict(theta [3]float64) float64 {
	return m.known + m.of[0]*theta[0] + m.of[1]*theta[1] + m.of[2]*theta[2]
}

// measurements turns points into rows.
func measurements(points []Point, s Server, request float64) ([]measurement, error) {
	var rows []measurement
	for i, p := range points {
		if err := p.Validate(); err != nil {
			return nil, fmt.Errorf("point %d: %w", i, err)
		}
		budget := float64(defaultBudget)
		if s.MaxBatchedTokens > 0 {
			budget = float64(s.MaxBatchedTokens)
		}
		decode := p.decode(p.Requests)
		perToken := max(decode.iterations, 1)
		for _, m := range []struct {
			name    string
			seconds float64
			work    workload
		}{
			{"latency", p.Latency, p.whole(s)},
			{"TTFT", p.TTFT, p.prefill(p.Requests, budget)},
			{"ITL", p.ITL, workload{1, decode.computed / perToken, decode.read / perToken, decode.requests / perToken}},
		} {
			if m.seconds == 0 {
				continue
			}
			if !(m.seconds > 0) || math.IsInf(m.seconds, 0) {
				return nil, fmt.Errorf("point %d: %s %v: want a positive finite number of seconds", i, m.name, m.seconds)
			}
			rows = append(rows, measurement{
				of:    [3]float64{m.work.iterations / m.seconds, m.work.computed / m.seconds, m.work.read / m.seconds},
				known: request * m.work.requests / m.seconds,
			})
		}
	}
	if len(rows) == 0 {
		return nil, fmt.Errorf("%w: nothing was measured", ErrUnderdetermined)
	}
	return rows, nil
}
