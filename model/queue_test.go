package model_test

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/wva-go/wva/model"
)

// finite fails where any number of a Performance is not.
func finite(p model.Performance) error {
	for name, v := range map[string]float64{
		"throughput": p.Throughput, "token rate": p.TokenRate, "concurrency": p.Concurrency, "queue": p.QueueLength, "utilization": p.Utilization,
		"KV": p.KVOccupancy, "rejection": p.Rejection, "wait": p.Wait.Mean, "wait p99": p.Wait.P99, "TTFT": p.TTFT.Mean, "TTFT p99": p.TTFT.P99,
		"ITL": p.ITL.Mean, "ITL p50": p.ITL.P50, "ITL p99": p.ITL.P99,
	} {
		if math.IsNaN(v) || math.IsInf(v, 0) || v < 0 {
			return fmt.Errorf("%s is %v", name, v)
		}
	}
	return nil
}

// Inputs at the edge of what there is give finite answers or errors that say what is wrong.
func TestExtremes(t *testing.T) {
	ordinary := profile(12, 0.05, 0.0005)
	one := model.TokenLengths{Mean: 1}
	for _, tt := range []struct {
		name          string
		server        model.Server
		input, output model.TokenLengths
		refused       string
	}{
		{"an all-zero profile", model.Server{MaxBatch: 4}, one, one, "alpha and beta are both 0"},
		{"no batch", model.Server{Profile: ordinary}, one, one, "max batch 0"},
		{"batch 1 without a queue", model.Server{Profile: ordinary, MaxBatch: 1, MaxQueue: -1}, model.TokenLengths{Mean: 128}, model.TokenLengths{Mean: 128}, ""},
		{"batch 1", model.Server{Profile: ordinary, MaxBatch: 1}, model.TokenLengths{Mean: 128}, model.TokenLengths{Mean: 128}, ""},
		{"batch 8192", model.Server{Profile: ordinary, MaxBatch: 8192, MaxQueue: 81920}, model.TokenLengths{Mean: 128}, model.TokenLengths{Mean: 128, CV: 2}, ""},
		{"one output token", model.Server{Profile: ordinary, MaxBatch: 8}, model.TokenLengths{Mean: 500, CV: 1}, one, ""},
		{"no prompt", model.Server{Profile: ordinary, MaxBatch: 8}, model.TokenLengths{}, model.TokenLengths{Mean: 100}, ""},
		{"no prompt and one output token", model.Server{Profile: ordinary, MaxBatch: 8}, model.TokenLengths{}, one, ""},
		{"no output", model.Server{Profile: ordinary, MaxBatch: 8}, one, model.TokenLengths{}, "output token lengths"},
		{"a million tokens", model.Server{Profile: ordinary, MaxBatch: 8}, model.TokenLengths{Mean: 1e6, CV: 3}, model.TokenLengths{Mean: 1e6, CV: 3}, ""},
		{"no fixed cost", model.Server{Profile: model.Profile{Beta: 1e-5}, MaxBatch: 64}, model.TokenLengths{Mean: 100}, model.TokenLengths{Mean: 100}, ""},
		{"fixed cost alone", model.Server{Profile: model.Profile{Alpha: 0.01}, MaxBatch: 64}, model.TokenLengths{Mean: 100}, model.TokenLengths{Mean: 100}, ""},
		{"a request larger than the KV cache", model.Server{Profile: ordinary, MaxBatch: 8, KVCapacity: 100}, model.TokenLengths{Mean: 90}, model.TokenLengths{Mean: 20}, "does not fit a KV cache of 100"},
		{"a KV cache of one request", model.Server{Profile: ordinary, MaxBatch: 8, KVCapacity: 110}, model.TokenLengths{Mean: 90}, model.TokenLengths{Mean: 20}, ""},
		{"nothing but requests", model.Server{Profile: model.Profile{Alpha: 1e-9, Request: 0.001}, MaxBatch: 8}, model.TokenLengths{Mean: 90}, model.TokenLengths{Mean: 20}, ""},
		{"answers hardly longer than a token, some of them very long", model.Server{Profile: ordinary, MaxBatch: 8, MaxBatchedTokens: 256}, model.TokenLengths{Mean: 90}, model.TokenLengths{Mean: 1.001, CV: 100}, ""},
		{"a tiny token budget", model.Server{Profile: ordinary, MaxBatch: 8, MaxBatchedTokens: 1}, model.TokenLengths{Mean: 90}, model.TokenLengths{Mean: 20}, ""},
		{"NaN lengths", model.Server{Profile: ordinary, MaxBatch: 8}, model.TokenLengths{Mean: math.NaN()}, one, "mean NaN"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			q, err := model.NewQueue(tt.server, tt.input, tt.output)
			if tt.refused != "" {
				if err == nil || !strings.Contains(err.Error(), tt.refused) {
					t.Fatalf("error = %v, want it to say %q", err, tt.refused)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			for _, rate := range []float64{0, 1e-9, 0.5 * q.MaxStableRate(), 0.999999 * q.MaxStableRate(), 2 * q.MaxStableRate(), 1e9} {
				p, err := q.Analyze(rate)
				var unstable *model.UnstableError
				if err != nil && !(errors.As(err, &unstable) && unstable.Max == q.MaxStableRate()) {
					t.Errorf("rate %g: %v", rate, err)
				}
				if err := finite(p); err != nil {
					t.Errorf("rate %g: %v", rate, err)
				}
			}
			if c, err := q.MaxRate(model.SLO{TTFT: time.Hour, ITL: time.Hour}); err != nil || !(c.Rate > 0) || finite(c.Performance) != nil {
				t.Errorf("max rate %+v, %v", c, err)
			}
		})
	}
}

func TestAnalyzeRefuses(t *testing.T) {
	q, err := model.NewQueue(model.Server{Profile: profile(12, 0.05, 0.0005), MaxBatch: 8}, model.TokenLengths{Mean: 10}, model.TokenLengths{Mean: 10})
	if err != nil {
		t.Fatal(err)
	}
	for _, rate := range []float64{-1, math.NaN(), math.Inf(1)} {
		if _, err := q.Analyze(rate); err == nil {
			t.Errorf("rate %v is accepted", rate)
		}
	}
	if _, err := q.MaxRate(model.SLO{TTFT: -1}); err == nil {
		t.Error("a negative SLO is accepted")
	}
}

// Beyond the stable rate a finite queue rejects what it cannot serve, and the rest still has its latencies.
func TestOverload(t *testing.T) {
	q, err := model.NewQueue(model.Server{Profile: profile(12, 0.05, 0.0005), MaxBatch: 16, MaxQueue: 32}, model.TokenLengths{Mean: 128}, model.TokenLengths{Mean: 128})
	if err != nil {
		t.Fatal(err)
	}
	p, err := q.Analyze(2 * q.MaxStableRate())
	if !errors.Is(err, model.ErrUnstable) {
		t.Fatalf("error = %v", err)
	}
	if math.Abs(p.Rejection-0.5) > 0.01 || math.Abs(p.Throughput/q.MaxStableRate()-1) > 0.02 || p.QueueLength < 28 || p.QueueLength > 32 {
		t.Errorf("at twice the maximum: %+v", p)
	}
}

func TestMaxRateBindings(t *testing.T) {
	s := model.Server{Profile: profile(12, 0.05, 0.0005), MaxBatch: 48}
	q, err := model.NewQueue(s, model.TokenLengths{Mean: 128}, model.TokenLengths{Mean: 512, CV: 1})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		slo     model.SLO
		binding model.Binding
	}{
		{model.SLO{ITL: 20 * time.Millisecond}, model.BindingITL},
		{model.SLO{TTFT: 40 * time.Millisecond}, model.BindingTTFT},
		{model.SLO{TTFT: 40 * time.Millisecond, TTFTQuantile: 0.95}, model.BindingTTFT},
		{model.SLO{ITL: 20 * time.Millisecond, ITLQuantile: 0.9}, model.BindingITL},
		{model.SLO{ITL: time.Second}, model.BindingThroughput},
		{model.SLO{}, model.BindingThroughput},
	} {
		c, err := q.MaxRate(tt.slo)
		if err != nil || c.Binding != tt.binding {
			t.Errorf("%+v: %+v, %v, want binding %s", tt.slo, c, err, tt.binding)
		}
	}
	for _, tt := range []struct {
		slo  model.SLO
		want string
	}{
		{model.SLO{ITL: 10 * time.Millisecond}, "ITL 0.01s is below the"},
		{model.SLO{TTFT: 10 * time.Millisecond}, "TTFT 0.01s is below the"},
		{model.SLO{ITL: 20 * time.Millisecond, TokensPerSecond: 1e6}, "tokens per second 1e+06 is above the"},
	} {
		var infeasible *model.InfeasibleError
		if _, err := q.MaxRate(tt.slo); !errors.As(err, &infeasible) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%+v: %v, want it to say %q", tt.slo, err, tt.want)
		}
	}
}

// A latency that does not depend on the rate meets its target at every rate.
func TestMaxRateOfConstantLatency(t *testing.T) {
	q, err := model.NewQueue(model.Server{Profile: model.Profile{Alpha: 0.01}, MaxBatch: 64}, model.TokenLengths{Mean: 100}, model.TokenLengths{Mean: 100})
	if err != nil {
		t.Fatal(err)
	}
	c, err := q.MaxRate(model.SLO{ITL: 10 * time.Millisecond})
	if err != nil || c.Binding != model.BindingThroughput || c.Rate < 0.99*q.MaxStableRate() {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestMinBatch(t *testing.T) {
	s := model.Server{Profile: profile(12, 0.05, 0.0005), MaxBatch: 256}
	input, output := model.TokenLengths{Mean: 128, CV: 1}, model.TokenLengths{Mean: 256, CV: 1}
	slo := model.SLO{TTFT: 500 * time.Millisecond, ITL: 40 * time.Millisecond}
	batch, c, err := model.MinBatch(s, input, output, slo, 4)
	if err != nil || c.Rate < 4 {
		t.Fatalf("%d, %+v, %v", batch, c, err)
	}
	s.MaxBatch = batch - 1
	q, err := model.NewQueue(s, input, output)
	if err != nil {
		t.Fatal(err)
	}
	if c, err := q.MaxRate(slo); err == nil && c.Rate >= 4 {
		t.Errorf("a batch of %d carries %g already", batch-1, c.Rate)
	}
	if _, _, err := model.MinBatch(s, input, output, slo, 1e6); !errors.Is(err, model.ErrUnstable) {
		t.Errorf("error = %v", err)
	}
}

func drawServer(t *rapid.T) (model.Server, model.TokenLengths, model.TokenLengths) {
	s := model.Server{
		Profile:  profile(rapid.Float64Range(1, 50).Draw(t, "alpha"), rapid.Float64Range(0, 0.2).Draw(t, "beta"), rapid.Float64Range(0, 0.002).Draw(t, "gamma")),
		MaxBatch: rapid.IntRange(1, 256).Draw(t, "batch"),
		MaxQueue: rapid.SampledFrom([]int{0, 0, 10, 1000}).Draw(t, "queue"),
	}
	s.Profile.Request = rapid.SampledFrom([]float64{0, 0.0001}).Draw(t, "request")
	lengths := func(name string, least, most float64) model.TokenLengths {
		return model.TokenLengths{Mean: rapid.Float64Range(least, most).Draw(t, name), CV: rapid.Float64Range(0, 1.5).Draw(t, name+" CV")}
	}
	input, output := lengths("input", 0, 4000), lengths("output", 1, 2000)
	s.MaxBatchedTokens = rapid.SampledFrom([]int{0, 0, 256, 2048, 8192}).Draw(t, "budget")
	if rapid.Bool().Draw(t, "KV bound") {
		s.KVCapacity = int(input.Mean+output.Mean) + rapid.IntRange(1, 200_000).Draw(t, "KV")
	}
	return s, input, output
}

func TestPropertyLatencyNeverFallsWithTheRate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, input, output := drawServer(t)
		q, err := model.NewQueue(s, input, output)
		if err != nil {
			t.Fatal(err)
		}
		low := rapid.Float64Range(0, 0.99).Draw(t, "low")
		high := rapid.Float64Range(low, 0.995).Draw(t, "high")
		a, err1 := q.Analyze(low * q.MaxStableRate())
		b, err2 := q.Analyze(high * q.MaxStableRate())
		if err1 != nil || err2 != nil {
			t.Fatal(err1, err2)
		}
		const slack = 1 - 1e-6
		if b.TTFT.Mean < a.TTFT.Mean*slack || b.ITL.Mean < a.ITL.Mean*slack || b.QueueLength < a.QueueLength*slack {
			t.Fatalf("at %g: %+v\nat %g: %+v", low, a, high, b)
		}
	})
}

func TestPropertyMoreBatchNeverLowersTheStableRate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, input, output := drawServer(t)
		s.KVCapacity = 0 // a cache that more requests overflow makes them compute prompts twice
		q, err := model.NewQueue(s, input, output)
		if err != nil {
			t.Fatal(err)
		}
		s.MaxBatch += rapid.IntRange(1, 256).Draw(t, "more")
		larger, err := model.NewQueue(s, input, output)
		if err != nil {
			t.Fatal(err)
		}
		if larger.MaxStableRate() < q.MaxStableRate()*(1-1e-12) {
			t.Fatalf("%g, and with more batch %g", q.MaxStableRate(), larger.MaxStableRate())
		}
	})
}

func TestPropertyMaxRate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, input, output := drawServer(t)
		q, err := model.NewQueue(s, input, output)
		if err != nil {
			t.Fatal(err)
		}
		duration := func(name string) time.Duration {
			return time.Duration(rapid.IntRange(0, 3000).Draw(t, name)) * time.Millisecond
		}
		strict := model.SLO{TTFT: duration("TTFT"), ITL: duration("ITL") / 20}
		loose := strict
		if loose.TTFT > 0 {
			loose.TTFT += duration("more TTFT")
		}
		if loose.ITL > 0 {
			loose.ITL += duration("more ITL") / 20
		}
		a, err := q.MaxRate(strict)
		if errors.Is(err, model.ErrInfeasible) {
			return
		}
		b, errLoose := q.MaxRate(loose)
		if err != nil || errLoose != nil {
			t.Fatal(err, errLoose)
		}
		if b.Rate < a.Rate*(1-1e-6) {
			t.Fatalf("%g within %+v, but %g within %+v", a.Rate, strict, b.Rate, loose)
		}
		p := a.Performance
		if strict.TTFT > 0 && p.TTFT.Mean > strict.TTFT.Seconds()*(1+1e-9) || strict.ITL > 0 && p.ITL.Mean > strict.ITL.Seconds()*(1+1e-9) {
			t.Fatalf("%+v does not meet %+v", p, strict)
		}
	})
}

func BenchmarkMaxRate(b *testing.B) {
	s := model.Server{Profile: profile(6, 0.016, 0.00012), MaxBatch: 256, MaxQueue: 2560}
	input, output := model.TokenLengths{Mean: 1024, CV: 1}, model.TokenLengths{Mean: 256, CV: 1}
	slo := model.SLO{TTFT: 500 * time.Millisecond, ITL: 24 * time.Millisecond}
	b.Run("NewQueue", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := model.NewQueue(s, input, output); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("NewQueue+MaxRate", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			q, err := model.NewQueue(s, input, output)
			if err != nil {
				b.Fatal(err)
			}
			if _, err := q.MaxRate(slo); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("Analyze", func(b *testing.B) {
		q, err := model.NewQueue(s, input, output)
		if err != nil {
			b.Fatal(err)
		}
		b.ReportAllocs()
		for b.Loop() {
			if _, err := q.Analyze(10); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func ExampleQueue_MaxRate() {
	// Llama-3.1-8B on one A100, chat requests, and the guide's Premium class.
	server := model.Server{Profile: model.Profile{Alpha: 0.014, Beta: 0.00006, Gamma: 0.0000006}, MaxBatch: 64}
	q, err := model.NewQueue(server, model.TokenLengths{Mean: 300, CV: 1}, model.TokenLengths{Mean: 200, CV: 1})
	if err != nil {
		fmt.Println(err)
		return
	}
	c, err := q.MaxRate(model.SLO{TTFT: 500 * time.Millisecond, ITL: 24 * time.Millisecond})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%.1f requests/s, bound by %s: TTFT %.0f ms, ITL %.1f ms\n", c.Rate, c.Binding, 1e3*c.Performance.TTFT.Mean, 1e3*c.Performance.ITL.Mean)
	// Output: 4.3 requests/s, bound by itl: TTFT 54 ms, ITL 23.5 ms
}

// scanTTFT is the mean response of a chain of K states worked out state by state, in logarithms against overflow: what a solution costs without a closed form.
func scanTTFT(rate float64, batch, queue int, alpha, work, stay float64) float64 {
	log := make([]float64, batch+queue+1)
	largest := 0.0
	for n := 1; n < len(log); n++ {
		m := float64(min(n, batch))
		log[n] = log[n-1] + math.Log(rate*(stay*alpha+m*work)/m)
		largest = max(largest, log[n])
	}
	sum, first := 0.0, 0.0
	for n, l := range log {
		p := math.Exp(l - largest)
		sum += p
		first += float64(n) * p
	}
	return first / sum / rate
}

// The same sizing with a scan of all states in each of the steps of two binary searches, to compare with BenchmarkMaxRate.
func BenchmarkScanPerStep(b *testing.B) {
	const alpha, stay = 0.006, 256.0
	work := 0.000016*1280 + 0.00000012*256*1280
	for b.Loop() {
		for range 2 { // a target for TTFT and one for ITL
			lo, hi := 0.0, 256/(stay*alpha+256*work)
			for range 50 {
				mid := (lo + hi) / 2
				if scanTTFT(mid, 256, 2560, alpha, work, stay) > 10 {
					hi = mid
				} else {
					lo = mid
				}
			}
		}
	}
}
