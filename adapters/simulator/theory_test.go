package simulator_test

import (
	"math"
	"testing"

	"github.com/wva-go/wva/adapters/simulator"
	"github.com/wva-go/wva/model"
)

// Servers that are so simple that queueing theory knows them.

func measure(t *testing.T, spec model.Server, rate float64, input, output model.TokenLengths, requests int) simulator.Result {
	t.Helper()
	if testing.Short() {
		t.Skip("skipped: a mean takes many requests")
	}
	r, err := simulator.Run(spec, simulator.Constant(rate, input, output, 11).Requests(), simulator.Options{Warmup: requests / 10, Requests: requests})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func requireWithin(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got/want-1) <= tolerance) {
		t.Errorf("%s = %.5g, want %.5g within %g%%", what, got, want, 100*tolerance)
	}
}

// With one place a request waits as in M/G/1: ρ·S·(1 + CV²)/(2·(1 − ρ)), exponential and constant service among them (Pollaczek and Khinchine).
func TestOnePlaceIsASingleServer(t *testing.T) {
	spec := model.Server{Profile: model.Profile{Alpha: 0.01}, MaxBatch: 1}
	for _, cv := range []float64{0, 0.5, 1, 1.5} {
		const mean, load = 100, 0.6 // iterations of 10 ms: a second of service
		r := measure(t, spec, load, model.TokenLengths{}, model.TokenLengths{Mean: mean, CV: cv}, 300_000)
		requireWithin(t, "mean wait", r.Wait.Mean(), load*(1+cv*cv)/(2*(1-load)), 0.05)
		requireWithin(t, "utilization", r.Utilization, load, 0.01)
	}
}

// With iterations of constant length every place is a server of its own: M/M/c by Erlang's formula.
func TestPlacesAreServers(t *testing.T) {
	const c, load = 4, 0.8
	spec := model.Server{Profile: model.Profile{Alpha: 0.01}, MaxBatch: c}
	r := measure(t, spec, c*load, model.TokenLengths{}, model.TokenLengths{Mean: 100, CV: 1}, 500_000)
	offered := c * load
	sum, term := 0.0, 1.0
	for k := range c {
		sum += term
		term *= offered / float64(k+1)
	}
	last := term / (1 - load)
	requireWithin(t, "mean wait", r.Wait.Mean(), last/(sum+last)/(c*(1-load)), 0.05)
}

// Without a fixed time per iteration the batch shares the server: M/G/1 processor sharing, in which ρ/(1 − ρ) requests are present whatever the spread of their lengths.
func TestBatchSharesTheServer(t *testing.T) {
	spec := model.Server{Profile: model.Profile{Alpha: 1e-9, Beta: 0.01}, MaxBatch: 10_000}
	for _, cv := range []float64{0, 1, 2} {
		const load = 0.7
		r := measure(t, spec, load, model.TokenLengths{}, model.TokenLengths{Mean: 100, CV: cv}, 100_000)
		requireWithin(t, "requests present", r.Concurrency, load/(1-load), 0.08)
	}
}

// With room for all and iterations of constant length nobody disturbs anybody: M/G/∞, where the number present is λ·S and the server idles with probability e^(−λ·S).
func TestRoomForAll(t *testing.T) {
	spec := model.Server{Profile: model.Profile{Alpha: 0.01}, MaxBatch: 10_000}
	for _, cv := range []float64{0, 1.5} {
		r := measure(t, spec, 2, model.TokenLengths{}, model.TokenLengths{Mean: 100, CV: cv}, 200_000)
		requireWithin(t, "requests present", r.Concurrency, 2, 0.02)
		requireWithin(t, "utilization", r.Utilization, 1-math.Exp(-2), 0.01)
	}
}

// Whatever the limits, little is lost: what is present is rate times the time present, in the queue and in the batch, and the server is busy for the work there is.
func TestLittleAndWork(t *testing.T) {
	for _, spec := range []model.Server{
		{Profile: round, MaxBatch: 8},
		{Profile: round, MaxBatch: 8, MaxBatchedTokens: 16},
		{Profile: round, MaxBatch: 64, KVCapacity: 600, MaxBatchedTokens: 64},
	} {
		const rate = 1.5
		r := measure(t, spec, rate, model.TokenLengths{Mean: 30, CV: 1}, model.TokenLengths{Mean: 40, CV: 1}, 100_000)
		batch := r.TTFT.Mean() - r.Wait.Mean() + 39*r.TokenITL // a request is in the batch for its prefill and its decodes
		if r.Preempted == 0 {
			requireWithin(t, "requests in the batch", r.Concurrency, rate*batch, 0.03)
		}
		requireWithin(t, "requests in the system", r.Concurrency+r.QueueLength, rate*(r.TTFT.Mean()+39*r.TokenITL), 0.03)
	}
	spec := model.Server{Profile: model.Profile{Beta: 0.001, Request: 0.002}, MaxBatch: 16, MaxBatchedTokens: 32}
	r := measure(t, spec, 4, model.TokenLengths{Mean: 30}, model.TokenLengths{Mean: 40, CV: 1}, 100_000)
	// 30 + 39 tokens computed, and the request in 39 decodes and in one to two chunks of its prompt
	if work := r.Utilization / 4; !(work >= 0.069+0.080 && work <= 0.069+0.082) {
		t.Errorf("%.5f s of work a request, want 0.149 to 0.151", work)
	}
}
