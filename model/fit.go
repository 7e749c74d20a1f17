package model

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"
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
	Profile   Profile
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

// columnScale brings the columns to unit length, without which the seconds per token would drown.
func columnScale(rows []measurement) [3]float64 {
	var scale [3]float64
	for _, r := range rows {
		for j, v := range r.of {
			scale[j] += v * v
		}
	}
	for j := range scale {
		scale[j] = math.Sqrt(scale[j])
		if scale[j] == 0 {
			scale[j] = 1
		}
	}
	return scale
}

// determined fails where the rows leave a parameter open that the prior does not close.
func determined(rows []measurement, scale [3]float64, o FitOptions) error {
	if o.Weight > 0 {
		return o.Prior.Validate()
	}
	if o.Weight < 0 || math.IsNaN(o.Weight) {
		return fmt.Errorf("prior weight %v: want 0 or more", o.Weight)
	}
	a := mat.NewDense(max(len(rows), 3), 3, nil)
	for i, r := range rows {
		for j, v := range r.of {
			a.Set(i, j, v/scale[j])
		}
	}
	var svd mat.SVD
	if !svd.Factorize(a, mat.SVDThin) {
		return ErrUnderdetermined
	}
	if values := svd.Values(nil); values[2] < 1e-6*values[0] {
		return fmt.Errorf("%w: want points that differ in batch (α, β) and in length (β, γ), have %d measurements", ErrUnderdetermined, len(rows))
	}
	return nil
}

// nonNegative solves the weighted least squares over non-negative parameters. With three of them the active set is found by trying
// all: the best solution in the subset of parameters that may differ from 0.
func nonNegative(rows []measurement, weights []float64, scale [3]float64, o FitOptions) [3]float64 {
	var best [3]float64
	least := math.Inf(1)
	for subset := 1; subset < 8; subset++ {
		theta, ok := solveSubset(rows, weights, scale, o, subset)
		if !ok {
			continue
		}
		if loss := squaredLoss(rows, weights, theta, o); loss < least*(1-1e-12) {
			best, least = theta, loss
		}
	}
	return best
}

// solveSubset solves the normal equations for the parameters whose bit is set; it fails where one would be negative.
func solveSubset(rows []measurement, weights []float64, scale [3]float64, o FitOptions, subset int) ([3]float64, bool) {
	var columns []int
	for j := range 3 {
		if subset&(1<<j) != 0 {
			columns = append(columns, j)
		}
	}
	n := len(columns)
	normal, right := mat.NewSymDense(n, nil), mat.NewVecDense(n, nil)
	prior := [3]float64{o.Prior.Alpha, o.Prior.Beta, o.Prior.Gamma}
	for x, i := range columns {
		for y, j := range columns[:x+1] {
			sum := 0.0
			for k, r := range rows {
				sum += weights[k] * r.of[i] * r.of[j] / (scale[i] * scale[j])
			}
			if x == y && o.Weight > 0 && prior[i] > 0 {
				sum += o.Weight / (prior[i] * prior[i] * scale[i] * scale[i])
			}
			normal.SetSym(x, y, sum)
		}
		sum := 0.0
		for k, r := range rows {
			sum += weights[k] * r.of[i] * (1 - r.known) / scale[i]
		}
		if o.Weight > 0 && prior[i] > 0 {
			sum += o.Weight / (prior[i] * scale[i])
		}
		right.SetVec(x, sum)
	}
	var solution mat.VecDense
	if err := solution.SolveVec(normal, right); err != nil {
		return [3]float64{}, false
	}
	var theta [3]float64
	for x, j := range columns {
		theta[j] = solution.AtVec(x) / scale[j]
		if !(theta[j] >= 0) || math.IsInf(theta[j], 0) {
			return [3]float64{}, false
		}
	}
	return theta, true
}

func squaredLoss(rows []measurement, weights []float64, theta [3]float64, o FitOptions) float64 {
	loss := 0.0
	for k, r := range rows {
		e := r.predict(theta) - 1
		loss += weights[k] * e * e
	}
	if o.Weight > 0 {
		for j, prior := range []float64{o.Prior.Alpha, o.Prior.Beta, o.Prior.Gamma} {
			if prior > 0 {
				e := theta[j]/prior - 1
				loss += o.Weight * e * e
			}
		}
	}
	return loss
}

// reweigh sets Huber's weights against the median absolute residual.
func reweigh(weights, residuals []float64) {
	sizes := make([]float64, len(residuals))
	for i, r := range residuals {
		sizes[i] = math.Abs(r)
	}
	slices.Sort(sizes)
	deviation := sizes[len(sizes)/2] / 0.6745 // of a normal distribution with that median
	for i, r := range residuals {
		weights[i] = 1
		if limit := huber * max(deviation, 1e-9); math.Abs(r) > limit {
			weights[i] = limit / math.Abs(r)
		}
	}
}

func settled(before, after [3]float64) bool {
	for j := range after {
		if math.Abs(after[j]-before[j]) > 1e-10*after[j] {
			return false
		}
	}
	return true
}
