package model_test

import (
	"errors"
	"flag"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wva-go/wva/adapters/simulator"
	"github.com/wva-go/wva/model"
)

// writeTables makes TestAccuracy run its whole grid and write docs/queueing-tables.md.
var writeTables = flag.Bool("tables", false, "run the whole grid and write ../docs/queueing-tables.md")

// situation is a server and the mean lengths of its requests.
type situation struct {
	name          string
	server        model.Server
	input, output float64
}

func profile(alpha, beta, gamma float64) model.Profile { // milliseconds
	return model.Profile{Alpha: alpha / 1e3, Beta: beta / 1e3, Gamma: gamma / 1e3}
}

var situations = []situation{
	{"reference", model.Server{Profile: profile(12, 0.05, 0.0005), MaxBatch: 48}, 128, 512},
	{"8B on H100", model.Server{Profile: profile(6, 0.016, 0.00012), MaxBatch: 256}, 1024, 256},
	{"8B on A100, chat", model.Server{Profile: profile(14, 0.06, 0.0006), MaxBatch: 64}, 300, 200},
	{"8B on MI300X, long prompts", model.Server{Profile: profile(7.5, 0.025, 0.00008), MaxBatch: 128}, 2048, 128},
	{"70B, small batch", model.Server{Profile: profile(33, 0.12, 0.001), MaxBatch: 16}, 256, 256},
	{"8B on H100, chunked", model.Server{Profile: profile(6, 0.016, 0.00012), MaxBatch: 256, MaxBatchedTokens: 2048}, 1024, 256},
	{"8B on A100, KV bound", model.Server{Profile: profile(14, 0.06, 0.0006), MaxBatch: 256, KVCapacity: 40_000}, 300, 200},
	{"code completion", model.Server{Profile: profile(20, 0.04, 0.0003), MaxBatch: 32}, 2000, 28},
}

// comparison is one case: what was predicted over what was simulated, less 1.
type comparison struct {
	situation          string
	inCV, outCV, load  float64
	itl, ttft, ttftP95 float64 // relative errors
	simITL, simTTFT    float64 // seconds
}

func compare(t *testing.T, s situation, inCV, outCV, load float64, requests int) comparison {
	t.Helper()
	input, output := model.TokenLengths{Mean: s.input, CV: inCV}, model.TokenLengths{Mean: s.output, CV: outCV}
	q, err := model.NewQueue(s.server, input, output)
	if err != nil {
		t.Fatal(err)
	}
	rate := load * q.MaxStableRate()
	p, err := q.Analyze(rate)
	if err != nil {
		t.Fatal(err)
	}
	r, err := simulator.Run(s.server, simulator.Constant(rate, input, output, 1).Requests(), simulator.Options{Warmup: requests / 5, Requests: requests})
	if err != nil {
		t.Fatal(err)
	}
	return comparison{
		situation: s.name, inCV: inCV, outCV: outCV, load: load,
		itl: p.ITL.Mean/r.TokenITL - 1, ttft: p.TTFT.Mean/r.TTFT.Mean() - 1, ttftP95: p.TTFT.P95/r.TTFT.Quantile(0.95) - 1,
		simITL: r.TokenITL, simTTFT: r.TTFT.Mean(),
	}
}

func quantile(errors []float64, p float64) float64 {
	sorted := make([]float64, len(errors))
	for i, e := range errors {
		sorted[i] = math.Abs(e)
	}
	slices.Sort(sorted)
	return sorted[min(int(p*float64(len(sorted))), len(sorted)-1)]
}

// TestAccuracy holds the predictions against the simulation. The ordinary run takes fewer requests and loads; -tables takes the
// whole grid and writes it down.
func TestAccuracy(t *testing.T) {
	loads, inCVs, outCVs, requests := []float64{0.3, 0.6, 0.8, 0.9}, []float64{0, 1}, []float64{0, 0.5, 1, 1.5}, 30_000
	if testing.Short() {
		loads, requests = []float64{0.3, 0.6}, 10_000
	}
	if *writeTables {
		loads, requests = []float64{0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9}, 100_000
	}
	var all []comparison
	var itl, ttft, p95 []float64
	for _, s := range situations {
		for _, inCV := range inCVs {
			for _, outCV := range outCVs {
				for _, load := range loads {
					c := compare(t, s, inCV, outCV, load, requests)
					all = append(all, c)
					itl = append(itl, c.itl)
					if load <= 0.8 {
						ttft, p95 = append(ttft, c.ttft), append(p95, c.ttftP95)
					}
				}
			}
		}
	}
	t.Logf("ITL: median %.1f%%, worst %.1f%%; TTFT to load 0.8: median %.1f%%, 90%% within %.1f%%; TTFT p95: median %.1f%%",
		100*quantile(itl, 0.5), 100*quantile(itl, 1), 100*quantile(ttft, 0.5), 100*quantile(ttft, 0.9), 100*quantile(p95, 0.5))
	for _, limit := range []struct {
		what    string
		errors  []float64
		p, want float64
	}{
		{"median ITL error", itl, 0.5, 0.03},
		{"worst ITL error", itl, 1, 0.08},
		{"median TTFT error", ttft, 0.5, 0.10},
		{"median p95 TTFT error", p95, 0.5, 0.20},
	} {
		if got := quantile(limit.errors, limit.p); got > limit.want {
			t.Errorf("%s: %.1f%%, want at most %.0f%%", limit.what, 100*got, 100*limit.want)
		}
	}
	if *writeTables {
		writeTable(t, all)
	}
	if testing.Verbose() {
		for _, c := range all {
			if math.Abs(c.itl) > 0.05 || math.Abs(c.ttft) > 0.25 || math.Abs(c.ttftP95) > 0.4 {
				t.Logf("%+v", c)
			}
		}
	}
}

func writeTable(t *testing.T, all []comparison) {
	var b strings.Builder
	b.WriteString("| server and requests | input CV | output CV | load | ITL simulated | ITL error | TTFT simulated | TTFT error | TTFT p95 error |\n|---|---|---|---|---|---|---|---|---|\n")
	for _, c := range all {
		fmt.Fprintf(&b, "| %s | %g | %g | %g | %.2f ms | %+.1f%% | %.0f ms | %+.1f%% | %+.1f%% |\n",
			c.situation, c.inCV, c.outCV, c.load, 1e3*c.simITL, 100*c.itl, 1e3*c.simTTFT, 100*c.ttft, 100*c.ttftP95)
	}
	if err := os.WriteFile("../docs/queueing-tables.md", []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}

// A server under more load than it can serve delivers the stable maximum.
func TestStableRate(t *testing.T) {
	for _, s := range situations {
		for _, outCV := range []float64{0, 1, 1.5} {
			input, output := model.TokenLengths{Mean: s.input, CV: 1}, model.TokenLengths{Mean: s.output, CV: outCV}
			q, err := model.NewQueue(s.server, input, output)
			if err != nil {
				t.Fatal(err)
			}
			r, err := simulator.Run(s.server, simulator.Constant(1.5*q.MaxStableRate(), input, output, 1).Requests(), simulator.Options{Warmup: 8000, Requests: 40_000})
			if err != nil {
				t.Fatal(err)
			}
			miss := q.MaxStableRate()/r.Throughput - 1
			t.Logf("%s, output CV %g: %.3f/s predicted, %.3f/s simulated (%+.1f%%)", s.name, outCV, q.MaxStableRate(), r.Throughput, 100*miss)
			if math.Abs(miss) > 0.03 {
				t.Errorf("%s, output CV %g: stable rate off by %+.1f%%", s.name, outCV, 100*miss)
			}
		}
	}
}

// The rate that MaxRate returns meets the SLO in simulation, and 1.1 times that rate misses it.
func TestMaxRateInSimulation(t *testing.T) {
	if testing.Short() {
		t.Skip("skipped: simulates 100 servers")
	}
	var cases, good int
	for _, s := range situations {
		for _, outCV := range []float64{0, 1} {
			input, output := model.TokenLengths{Mean: s.input, CV: 1}, model.TokenLengths{Mean: s.output, CV: outCV}
			q, err := model.NewQueue(s.server, input, output)
			if err != nil {
				t.Fatal(err)
			}
			low, _ := q.Analyze(0.3 * q.MaxStableRate())
			high, _ := q.Analyze(0.85 * q.MaxStableRate())
			for _, slo := range []model.SLO{
				{ITL: seconds((low.ITL.Mean + high.ITL.Mean) / 2)},
				{TTFT: seconds(2 * high.TTFT.Mean), ITL: seconds(high.ITL.Mean * 2)},
				{TTFT: seconds(low.TTFT.Mean*2 + high.TTFT.Mean)},
			} {
				c, err := q.MaxRate(slo)
				if errors.Is(err, model.ErrInfeasible) {
					continue
				} else if err != nil {
					t.Fatal(err)
				}
				cases++
				within := meets(t, s.server, c.Rate, input, output, slo)
				beyond := meets(t, s.server, c.Rate*1.1, input, output, slo)
				if within && !beyond {
					good++
				} else {
					t.Logf("%s output CV %g %+v: rate %.3f (%s) of %.3f meets %v, 1.1x %v", s.name, outCV, slo, c.Rate, c.Binding, q.MaxStableRate(), within, beyond)
				}
			}
		}
	}
	t.Logf("%d of %d", good, cases)
	if float64(good) < 0.95*float64(cases) {
		t.Errorf("the maximum rate is right in %d of %d cases, want 95%%", good, cases)
	}
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

func meets(t *testing.T, s model.Server, rate float64, input, output model.TokenLengths, slo model.SLO) bool {
	r, err := simulator.Run(s, simulator.Constant(rate, input, output, 3).Requests(), simulator.Options{Warmup: 5000, Requests: 30_000})
	if err != nil {
		t.Fatal(err)
	}
	return (slo.ITL == 0 || r.TokenITL <= slo.ITL.Seconds()) && (slo.TTFT == 0 || r.TTFT.Mean() <= slo.TTFT.Seconds())
}
