package trace

import (
	"fmt"
	"iter"
	"math"
	"math/rand/v2"

	"github.com/wva-go/wva/adapters/simulator"
)

// The built-in day, in requests per second at scale 1.
const (
	nightRate  = 4.0  // at 4 in the morning
	noonRate   = 24.0 // at 4 in the afternoon
	burstRate  = 15.0 // on top, for as long as a burst lasts
	burstCount = 10
	dayMinutes = 24 * 60
)

// Day is a made-up day of a chat service: a load that rises from the night to the afternoon and falls again, with bursts of 5 to 20 minutes of which
// nothing warns, prompts of 512 tokens and answers of 256 on average.
func Day(o Options) (Source, error) {
	if err := o.Validate(); err != nil {
		return Source{}, fmt.Errorf("trace: %w", err)
	}
	rates := dayRates(o.Seed)
	curve := make([]segment, len(rates))
	for i, rate := range rates {
		if rate *= o.Scale * o.Speed; rate > maxRate {
			return Source{}, fmt.Errorf("trace: the day at scale %g and speed %g has %.3g requests a second: want at most %g", o.Scale, o.Speed, rate, maxRate)
		}
		curve[i] = segment{from: 60 * float64(i) / o.Speed, until: 60 * float64(i+1) / o.Speed, rate: rate, input: chatInput, output: chatOutput}
	}
	return Source{Name: "built-in day", play: func() iter.Seq2[simulator.Request, error] { return arrivals(curve, o.Seed) }}, nil
}

// dayRates are the rates of the day's minutes.
func dayRates(seed uint64) []float64 {
	rates := make([]float64, dayMinutes)
	for i := range rates {
		hour := float64(i) / 60
		rates[i] = nightRate + (noonRate-nightRate)*(1-math.Cos(2*math.Pi*(hour-4)/24))/2
	}
	chance := rand.New(rand.NewPCG(seed, 2))
	for range burstCount {
		start, length := chance.IntN(dayMinutes), 5+chance.IntN(16)
		for i := start; i < min(start+length, dayMinutes); i++ {
			rates[i] += burstRate
		}
	}
	return rates
}
