package model

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"
)

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
	normal, right := normalEquations(rows, weights, scale, o, columns)
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

// normalEquations are those of the weighted least squares in some columns, scaled, the prior included.
func normalEquations(rows []measurement, weights []float64, scale [3]float64, o FitOptions, columns []int) (*mat.SymDense, *mat.VecDense) {
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
	return normal, right
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

// repeatable is how near to each other two measurements of the same thing are at best, relative: a fit that is nearer to them is so by chance.
const repeatable = 0.01

// deviation is the square root of the diagonal of s²·(XᵀWX)⁻¹, s² the mean squared residual for each degree of freedom.
func deviation(rows []measurement, weights, residuals []float64, scale [3]float64, o FitOptions) Profile {
	squares := 0.0
	for k, r := range residuals {
		squares += weights[k] * r * r
	}
	variance := max(squares/float64(max(len(rows)-3, 1)), repeatable*repeatable)
	normal, _ := normalEquations(rows, weights, scale, o, []int{0, 1, 2})
	for j := range 3 {
		normal.SetSym(j, j, normal.At(j, j)*(1+1e-12)) // nothing is told of a parameter in exact terms
	}
	var inverse mat.Dense
	if err := inverse.Inverse(normal); err != nil && inverse.IsEmpty() {
		return Profile{}
	}
	of := func(j int) float64 { return math.Sqrt(max(0, variance*inverse.At(j, j))) / scale[j] }
	return Profile{Alpha: of(0), Beta: of(1), Gamma: of(2)}
}
