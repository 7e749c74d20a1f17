package simulator

import (
	"iter"
	"math/rand/v2"

	"github.com/wva-go/wva/model"
)

// Load describes requests that arrive at random: a Poisson process with a rate that may change over time.
type Load struct {
	Rate   func(t float64) float64 // requests per second at time t; see Constant
	Peak   float64                 // a bound on Rate; higher rates are cut to it
	Input  model.TokenLengths
	Output model.TokenLengths
	Seed   uint64
}

// Constant is the load of a steady rate.
func Constant(rate float64, input, output model.TokenLengths, seed uint64) Load {
	return Load{Rate: func(float64) float64 { return rate }, Peak: rate, Input: input, Output: output, Seed: seed}
}

// Requests yields the arrivals in order of time, without end unless the peak is 0. Times and lengths come from separate streams, so
// that a change of one leaves the other as it was.
func (l Load) Requests() iter.Seq[Request] {
	return func(yield func(Request) bool) {
		if !(l.Peak > 0) {
			return
		}
		arrivals := rand.New(stream(l.Seed, 1))
		input := Lengths(l.Input, 0, stream(l.Seed, 2))
		output := Lengths(l.Output, 1, stream(l.Seed, 3))
		for t := 0.0; ; {
			// Thinning (Lewis and Shedler 1979): a candidate at the peak rate counts with probability rate/peak.
			t += arrivals.ExpFloat64() / l.Peak
			if arrivals.Float64()*l.Peak >= l.Rate(t) {
				continue
			}
			if !yield(Request{At: t, Input: input(), Output: output()}) {
				return
			}
		}
	}
}

// stream is one of the independent random streams of a seed.
func stream(seed, n uint64) *rand.PCG { return rand.NewPCG(seed, n) }
