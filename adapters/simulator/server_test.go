package simulator_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/wva-go/wva/adapters/simulator"
	"github.com/wva-go/wva/model"
)

// A profile in round numbers: 10 ms an iteration, 1 ms a token computed, 0.1 ms a token read.
var round = model.Profile{Alpha: 0.010, Beta: 0.001, Gamma: 0.0001}

func serve(t *testing.T, spec model.Server, requests ...simulator.Request) []simulator.Record {
	t.Helper()
	var records []simulator.Record
	s, err := simulator.NewServer(spec, func(r simulator.Record) { records = append(records, r) })
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range requests {
		s.AdvanceTo(r.At)
		s.Submit(r)
	}
	s.Drain()
	slices.SortStableFunc(records, func(a, b simulator.Record) int { return int(math.Copysign(1, a.At-b.At)) })
	if s.KVTokens() != 0 || s.Running() != 0 {
		t.Errorf("after the last request %d tokens and %d requests are left", s.KVTokens(), s.Running())
	}
	return records
}

func requireNear(t *testing.T, what string, got, want float64) {
	t.Helper()
	if math.Abs(got-want) > 1e-9 {
		t.Errorf("%s = %v, want %v", what, got, want)
	}
}

// Every iteration of a short history, by hand.
func TestServerByHand(t *testing.T) {
	t.Run("one request alone", func(t *testing.T) {
		r := serve(t, model.Server{Profile: round, MaxBatch: 4}, simulator.Request{At: 1, Input: 10, Output: 3})[0]
		requireNear(t, "TTFT", r.TTFT(), 0.010+10*0.001)
		// two decodes: each computes one token, and they read 11 and 12
		requireNear(t, "finished", r.Finished-r.FirstToken, 2*(0.010+0.001)+(11+12)*0.0001)
	})
	t.Run("a prompt in chunks", func(t *testing.T) {
		r := serve(t, model.Server{Profile: round, MaxBatch: 4, MaxBatchedTokens: 4}, simulator.Request{Input: 10, Output: 1})[0]
		// chunks of 4, 4 and 2 tokens that read 0, 4 and 8
		requireNear(t, "TTFT", r.TTFT(), 3*0.010+10*0.001+(4+8)*0.0001)
		requireNear(t, "finished", r.Finished, r.FirstToken)
	})
	t.Run("a prompt lengthens the decode beside it", func(t *testing.T) {
		records := serve(t, model.Server{Profile: round, MaxBatch: 4},
			simulator.Request{At: 0, Input: 10, Output: 2}, simulator.Request{At: 0.001, Input: 5, Output: 1})
		requireNear(t, "first TTFT", records[0].TTFT(), 0.020)
		requireNear(t, "first finished", records[0].Finished, 0.020+0.010+(1+5)*0.001+11*0.0001)
		requireNear(t, "second TTFT", records[1].TTFT(), records[0].Finished-0.001)
	})
	t.Run("a full batch waits for a place", func(t *testing.T) {
		records := serve(t, model.Server{Profile: round, MaxBatch: 1},
			simulator.Request{At: 0, Input: 10, Output: 1}, simulator.Request{At: 0, Input: 10, Output: 1})
		requireNear(t, "second wait", records[1].Wait(), 0.020)
	})
	t.Run("the budget goes to decodes, then to prompts in order, and who gets none waits", func(t *testing.T) {
		records := serve(t, model.Server{Profile: round, MaxBatch: 4, MaxBatchedTokens: 4},
			simulator.Request{At: 0, Input: 1, Output: 4}, simulator.Request{At: 0.001, Input: 5, Output: 1}, simulator.Request{At: 0.001, Input: 2, Output: 1})
		// Iterations: 1 token of the first; its decode and 3 of the second; its decode, 2 of the second and 1 of the third; its decode and the last of the third.
		ends := []float64{0.011, 0, 0, 0}
		for i, took := range []float64{0.010 + 4*0.001 + 2*0.0001, 0.010 + 4*0.001 + (3+3)*0.0001, 0.010 + 2*0.001 + (4+1)*0.0001} {
			ends[i+1] = ends[i] + took
		}
		for i, want := range []struct{ admitted, first float64 }{{0, ends[0]}, {ends[0], ends[2]}, {ends[1], ends[3]}} {
			requireNear(t, fmt.Sprintf("request %d admitted", i), records[i].Admitted, want.admitted)
			requireNear(t, fmt.Sprintf("request %d first token", i), records[i].FirstToken, want.first)
		}
		requireNear(t, "first finished", records[0].Finished, ends[3])
	})
	t.Run("requests count apart from tokens", func(t *testing.T) {
		p := round
		p.Request = 0.005
		r := serve(t, model.Server{Profile: p, MaxBatch: 4}, simulator.Request{Input: 10, Output: 2})[0]
		requireNear(t, "TTFT", r.TTFT(), 0.010+10*0.001+0.005)
		requireNear(t, "finished", r.Finished-r.FirstToken, 0.010+0.001+11*0.0001+0.005)
	})
	t.Run("an empty prompt still takes an iteration", func(t *testing.T) {
		requireNear(t, "TTFT", serve(t, model.Server{Profile: round, MaxBatch: 1}, simulator.Request{Output: 1})[0].TTFT(), 0.011)
	})
}

func TestServerRefuses(t *testing.T) {
	full := model.Server{Profile: round, MaxBatch: 1, MaxQueue: -1}
	records := serve(t, full, simulator.Request{At: 0, Input: 1, Output: 9}, simulator.Request{At: 0.001, Input: 1, Output: 1})
	if records[0].Rejected || !records[1].Rejected {
		t.Errorf("without a queue: %+v", records)
	}
	small := model.Server{Profile: round, MaxBatch: 1, KVCapacity: 10}
	if r := serve(t, small, simulator.Request{Input: 8, Output: 3})[0]; !r.Rejected {
		t.Errorf("larger than the KV cache: %+v", r)
	}
}

func TestServerPreempts(t *testing.T) {
	spec := model.Server{Profile: round, MaxBatch: 2, KVCapacity: 30}
	records := serve(t, spec, simulator.Request{At: 0, Input: 10, Output: 15}, simulator.Request{At: 0, Input: 10, Output: 15})
	if records[0].Preempted+records[1].Preempted == 0 {
		t.Errorf("50 tokens in a cache of 30 and nobody is preempted: %+v", records)
	}
}

// A request that fits beside the tokens in the cache, but not beside those that the decodes are about to add, waits; nobody is thrown out for it.
func TestServerAdmitsBesideDecodes(t *testing.T) {
	spec := model.Server{Profile: round, MaxBatch: 4, KVCapacity: 30}
	records := serve(t, spec, simulator.Request{At: 0, Input: 17, Output: 5}, simulator.Request{At: 0.03, Input: 11, Output: 2})
	for _, r := range records {
		if r.Preempted > 0 {
			t.Errorf("preempted: %+v", r)
		}
	}
	requireNear(t, "second admitted", records[1].Admitted, records[0].Finished)
}

// What arrives is finished, rejected, running or waiting, and no limit is ever exceeded.
func TestPropertyConservation(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		spec := model.Server{
			Profile:          round,
			MaxBatch:         rapid.IntRange(1, 8).Draw(t, "batch"),
			MaxQueue:         rapid.IntRange(-1, 5).Draw(t, "queue"),
			KVCapacity:       rapid.SampledFrom([]int{0, 20, 60, 200}).Draw(t, "kv"),
			MaxBatchedTokens: rapid.SampledFrom([]int{0, 8, 32}).Draw(t, "budget"),
		}
		finished := 0
		s, err := simulator.NewServer(spec, func(r simulator.Record) {
			finished++
			if !r.Rejected && !(r.At <= r.Admitted && r.Admitted < r.FirstToken && r.FirstToken <= r.Finished) {
				t.Fatalf("out of order: %+v", r)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		at := 0.0
		n := rapid.IntRange(0, 60).Draw(t, "requests")
		for range n {
			at += rapid.Float64Range(0, 0.1).Draw(t, "gap")
			s.AdvanceTo(at)
			s.Submit(simulator.Request{At: at, Input: rapid.IntRange(0, 40).Draw(t, "in"), Output: rapid.IntRange(1, 20).Draw(t, "out")})
			if finished+s.Running()+s.Waiting() != s.Counts().Arrived {
				t.Fatalf("%d finished, %d running, %d waiting of %d", finished, s.Running(), s.Waiting(), s.Counts().Arrived)
			}
			if s.Running() > spec.MaxBatch || spec.KVCapacity > 0 && s.KVTokens() > spec.KVCapacity {
				t.Fatalf("%d running, %d tokens on %+v", s.Running(), s.KVTokens(), spec)
			}
		}
		s.Drain()
		if finished != n || s.KVTokens() != 0 {
			t.Fatalf("%d of %d finished, %d tokens left", finished, n, s.KVTokens())
		}
	})
}

func TestLengths(t *testing.T) {
	for _, l := range []model.TokenLengths{{Mean: 512}, {Mean: 512, CV: 0.5}, {Mean: 100.5, CV: 1}, {Mean: 40, CV: 1.5}} {
		t.Run(fmt.Sprint(l), func(t *testing.T) {
			requests := simulator.Constant(1, l, l, 7).Requests()
			var n, sum, squares float64
			for r := range requests {
				n++
				sum += float64(r.Output)
				squares += float64(r.Output) * float64(r.Output)
				if n == 200_000 {
					break
				}
			}
			mean := sum / n
			cv := math.Sqrt(squares/n-mean*mean) / mean
			if math.Abs(mean/l.Mean-1) > 0.02 || math.Abs(cv-l.CV) > 0.03 {
				t.Errorf("mean %v, CV %v, want %v", mean, cv, l)
			}
		})
	}
}

func TestRunIsDeterministic(t *testing.T) {
	spec := model.Server{Profile: round, MaxBatch: 16}
	run := func(seed uint64) simulator.Result {
		r, err := simulator.Run(spec, simulator.Constant(5, model.TokenLengths{Mean: 50, CV: 1}, model.TokenLengths{Mean: 20, CV: 1}, seed).Requests(),
			simulator.Options{Warmup: 100, Requests: 1000})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	a, b, c := run(1), run(1), run(2)
	if a.TTFT.Mean() != b.TTFT.Mean() || a.TTFT.Mean() == c.TTFT.Mean() {
		t.Errorf("TTFT %v, %v with the same seed, %v with another", a.TTFT.Mean(), b.TTFT.Mean(), c.TTFT.Mean())
	}
	if a.TTFT.Len() != 1000 {
		t.Errorf("%d requests measured, want 1000", a.TTFT.Len())
	}
}

// Little's law ties three independent measurements together: requests in the system = rate · time in the system.
func TestRunObeysLittle(t *testing.T) {
	spec := model.Server{Profile: round, MaxBatch: 8}
	rate := 2.0
	r, err := simulator.Run(spec, simulator.Constant(rate, model.TokenLengths{Mean: 30, CV: 1}, model.TokenLengths{Mean: 40, CV: 1}, 3).Requests(),
		simulator.Options{Warmup: 1000, Requests: 50_000})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := r.QueueLength, rate*r.Wait.Mean(); math.Abs(got/want-1) > 0.05 {
		t.Errorf("queue length %v, rate · wait = %v", got, want)
	}
}

func BenchmarkRun(b *testing.B) {
	spec := model.Server{Profile: model.Profile{Alpha: 0.012, Beta: 0.00005, Gamma: 0.0000005}, MaxBatch: 48}
	load := simulator.Constant(1.5, model.TokenLengths{Mean: 128, CV: 1}, model.TokenLengths{Mean: 512, CV: 1}, 1)
	b.ReportAllocs()
	for b.Loop() {
		r, err := simulator.Run(spec, load.Requests(), simulator.Options{Warmup: 100, Requests: 10_000})
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(r.TTFT.Mean(), "TTFT-s")
	}
}

func ExampleRun() {
	// One A100-like server: 12 ms an iteration, 0.05 ms a computed token, 0.5 µs a context token.
	spec := model.Server{Profile: model.Profile{Alpha: 0.012, Beta: 0.00005, Gamma: 0.0000005}, MaxBatch: 48}
	load := simulator.Constant(1, model.TokenLengths{Mean: 128}, model.TokenLengths{Mean: 512}, 1)
	r, err := simulator.Run(spec, load.Requests(), simulator.Options{Warmup: 500, Requests: 5000})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("TTFT %.0f ms, ITL %.1f ms, %.1f requests in the batch\n", 1e3*r.TTFT.Mean(), 1e3*r.ITL.Mean(), r.Concurrency)
	// Output:
	// TTFT 27 ms, ITL 14.1 ms, 7.3 requests in the batch
}
