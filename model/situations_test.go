package model_test

import (
	"flag"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/wva-go/wva/adapters/simulator"
	"github.com/wva-go/wva/model"
)

// randomSituations makes TestRandomSituations hold the model against the simulation in so many of each kind.
var randomSituations = flag.Int("situations", 0, "hold the model against the simulation in so many ordinary and so many extreme situations")

type lengthsAndLoad struct {
	server        model.Server
	input, output model.TokenLengths
	load          float64 // of the stable rate
}

func evenly(r *rand.Rand, least, most float64) float64 {
	return least * math.Pow(most/least, r.Float64()) // evenly by orders of magnitude
}

func oneOf[T any](r *rand.Rand, values ...T) T { return values[r.IntN(len(values))] }

// ordinary draws what servers and requests of today are like.
func ordinary(r *rand.Rand) lengthsAndLoad {
	return lengthsAndLoad{
		server: model.Server{
			Profile:  profile(evenly(r, 4, 40), evenly(r, 0.01, 0.15), evenly(r, 0.00005, 0.001)),
			MaxBatch: oneOf(r, 16, 32, 48, 64, 128, 256), MaxBatchedTokens: oneOf(r, 0, 0, 2048, 8192),
		},
		input:  model.TokenLengths{Mean: math.Round(evenly(r, 100, 4000)), CV: oneOf(r, 0.0, 1)},
		output: model.TokenLengths{Mean: math.Round(evenly(r, 30, 1000)), CV: oneOf(r, 0, 0.5, 1, 1.5)},
		load:   oneOf(r, 0.3, 0.5, 0.6, 0.7, 0.8, 0.9),
	}.withCache(r, 0.25, 0.3, 1.2)
}

// extreme draws what is just possible.
func extreme(r *rand.Rand) lengthsAndLoad {
	return lengthsAndLoad{
		server: model.Server{
			Profile:  profile(evenly(r, 2, 60), evenly(r, 0.003, 0.3), evenly(r, 0.00002, 0.002)),
			MaxBatch: int(evenly(r, 1, 513)), MaxBatchedTokens: oneOf(r, 0, 0, int(evenly(r, 256, 8192)), int(evenly(r, 256, 8192)), int(evenly(r, 256, 8192))),
		},
		input:  model.TokenLengths{Mean: math.Round(evenly(r, 10, 16_000)), CV: oneOf(r, 0, 2*r.Float64())},
		output: model.TokenLengths{Mean: math.Round(evenly(r, 1, 4000)), CV: oneOf(r, 0, 2*r.Float64())},
		load:   0.1 + 0.85*r.Float64(),
	}.withCache(r, 0.4, 0.05, 1.5)
}

// withCache gives some a KV cache of a part of what the batch limit would hold, large enough for one request of almost any length.
func (s lengthsAndLoad) withCache(r *rand.Rand, some, least, most float64) lengthsAndLoad {
	part := evenly(r, least, most)
	if r.Float64() < some {
		held := s.input.Mean + s.output.SecondMoment()/(2*s.output.Mean)
		longest := s.input.Mean*(1+5*s.input.CV) + s.output.Mean*(1+5*s.output.CV) + 16
		s.server.KVCapacity = int(max(part*held*float64(s.server.MaxBatch), longest))
	}
	return s
}

// compared are the statistics that the test compares.
var compared = []string{"stable rate", "ITL mean", "ITL p95", "TTFT mean", "TTFT p50", "TTFT p95", "TTFT p99"}

// estimate is the mean of some runs with different seeds, and how far it may be off.
type estimate struct{ mean, half float64 }

func estimateOf(runs []float64) estimate {
	n := float64(len(runs))
	var sum, squares float64
	for _, x := range runs {
		sum += x
		squares += x * x
	}
	mean := sum / n
	return estimate{mean, 2.4 * math.Sqrt(max(0, squares/n-mean*mean)/(n-1))} // 95% by Student's distribution with 7 degrees of freedom
}

// TestRandomSituations draws situations that nobody chose, simulates each eight times, and says how far off the model is where the simulation itself is sure.
func TestRandomSituations(t *testing.T) {
	if *randomSituations == 0 {
		t.Skip("skipped: takes seconds for each of -situations N")
	}
	for _, kind := range []struct {
		name string
		draw func(*rand.Rand) lengthsAndLoad
	}{{"ordinary", ordinary}, {"extreme", extreme}} {
		errors := map[string][]float64{}
		for seed := range *randomSituations {
			s := kind.draw(rand.New(rand.NewPCG(uint64(seed), 7)))
			q, err := model.NewQueue(s.server, s.input, s.output)
			if err != nil {
				t.Fatal(err)
			}
			p, err := q.Analyze(s.load * q.MaxStableRate())
			if err != nil {
				t.Fatal(err)
			}
			simulated := simulateSituation(t, s, q.MaxStableRate())
			predicted := map[string]float64{
				"stable rate": q.MaxStableRate(), "ITL mean": p.ITL.Mean, "ITL p95": p.ITL.P95, "TTFT mean": p.TTFT.Mean, "TTFT p50": p.TTFT.P50, "TTFT p95": p.TTFT.P95,
				"TTFT p99": p.TTFT.P99,
			}
			for _, what := range compared {
				e := simulated[what]
				if e.mean > 0 && e.half < 0.1*e.mean {
					miss := predicted[what]/e.mean - 1
					errors[what] = append(errors[what], miss)
					if math.Abs(miss) > 0.2 {
						t.Logf("%s %d: %s %.4g s, simulated %.4g ± %.1g (%+.0f%%): %+v", kind.name, seed, what, predicted[what], e.mean, e.half, 100*miss, s)
					}
				}
			}
		}
		for _, what := range compared {
			e := errors[what]
			t.Logf("| %s | %s | %d | %.1f%% | %.1f%% | %.1f%% |", kind.name, what, len(e), 100*quantile(e, 0.5), 100*quantile(e, 0.9), 100*quantile(e, 1))
		}
		for what, limit := range map[string]float64{"stable rate": 0.03, "ITL mean": 0.03, "TTFT mean": 0.10, "TTFT p95": 0.20} {
			if len(errors[what]) > 0 && quantile(errors[what], 0.5) > limit {
				t.Errorf("%s: median error of %s %.1f%%, want at most %.0f%%", kind.name, what, 100*quantile(errors[what], 0.5), 100*limit)
			}
		}
	}
}

func simulateSituation(t *testing.T, s lengthsAndLoad, stable float64) map[string]estimate {
	t.Helper()
	runs := map[string][]float64{}
	for seed := range uint64(8) {
		run := func(rate float64, requests int) simulator.Result {
			r, err := simulator.Run(s.server, simulator.Constant(rate, s.input, s.output, seed).Requests(), simulator.Options{Warmup: requests / 5, Requests: requests})
			if err != nil {
				t.Fatal(err)
			}
			return r
		}
		r, over := run(s.load*stable, 20_000), run(1.5*stable, 5_000)
		if over.Rejected == 0 { // requests that never fit the cache
			runs["stable rate"] = append(runs["stable rate"], over.Throughput)
		}
		if r.Rejected > 0 {
			continue
		}
		for what, value := range map[string]float64{
			"ITL mean": r.TokenITL, "ITL p95": r.ITL.Quantile(0.95), "TTFT mean": r.TTFT.Mean(), "TTFT p50": r.TTFT.Quantile(0.5), "TTFT p95": r.TTFT.Quantile(0.95),
			"TTFT p99": r.TTFT.Quantile(0.99),
		} {
			if !math.IsNaN(value) {
				runs[what] = append(runs[what], value)
			}
		}
	}
	estimates := map[string]estimate{}
	for what, values := range runs {
		if len(values) == 8 {
			estimates[what] = estimateOf(values)
		}
	}
	return estimates
}
