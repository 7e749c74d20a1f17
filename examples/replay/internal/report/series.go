package report

import (
	"math"

	"gonum.org/v1/plot/plotter"

	"github.com/wva-go/wva/examples/replay/internal/contest"
)

// mostPoints is what a line of a plot has room for; longer ones are thinned out.
const mostPoints = 300

// held turns the values of intervals into a line that holds each of them from the start of its interval to its end; NaN leaves a gap. Where there are too
// many, neighbours become one: the one that keep prefers.
func held(values []float64, interval float64, keep func(a, b float64) float64) plotter.XYs {
	for len(values) > mostPoints {
		half := make([]float64, 0, (len(values)+1)/2)
		for i := 0; i < len(values); i += 2 {
			v := values[i]
			if i+1 < len(values) {
				v = prefer(v, values[i+1], keep)
			}
			half = append(half, v)
		}
		values, interval = half, 2*interval
	}
	points := make(plotter.XYs, 0, 2*len(values))
	for i, v := range values {
		from, until := float64(i)*interval, float64(i+1)*interval
		points = append(points, plotter.XY{X: from, Y: v}, plotter.XY{X: until, Y: v})
	}
	return points
}

func prefer(a, b float64, keep func(a, b float64) float64) float64 {
	switch {
	case math.IsNaN(a):
		return b
	case math.IsNaN(b):
		return a
	}
	return keep(a, b)
}

func larger(a, b float64) float64  { return max(a, b) }
func smaller(a, b float64) float64 { return min(a, b) }

// over collects a number of every moment.
func over(run contest.Run, value func(contest.Moment) float64) []float64 {
	values := make([]float64, len(run.Moments))
	for i, m := range run.Moments {
		values[i] = value(m)
	}
	return values
}

// orGap leaves out what is not there.
func orGap(v float64) float64 {
	if v <= 0 {
		return math.NaN()
	}
	return v
}

// asked is how many replicas each interval ran: those of the decision before it.
func asked(start int, run contest.Run, variant int) []float64 {
	values := make([]float64, len(run.Moments))
	n := start
	for i, m := range run.Moments {
		values[i] = float64(n)
		n = m.Variants[variant].Target
	}
	return values
}
