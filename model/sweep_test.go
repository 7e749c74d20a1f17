package model_test

import (
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/wva-go/wva/adapters/simulator"
	"github.com/wva-go/wva/model"
)

var (
	sweepCases  = flag.Int("sweep", 0, "random situations to hold against the simulation")
	sweepSeed   = flag.Uint64("sweepseed", 1, "first seed")
	sweepOut    = flag.String("sweepout", "/tmp/sweep.csv", "")
	sweepBudget = flag.Duration("sweepbudget", 3*time.Second, "")
)

type situ struct {
	server        model.Server
	input, output model.TokenLengths
	load          float64
	kv            float64
}

func logU(r *rand.Rand, lo, hi float64) float64 { return lo * math.Exp(r.Float64()*math.Log(hi/lo)) }

func draw(seed uint64) situ {
	r := rand.New(rand.NewPCG(seed, 99))
	var s situ
	if seed >= 100000 {
		s.server.Profile = profile(logU(r, 4, 40), logU(r, 0.01, 0.15), logU(r, 0.00005, 0.001))
		s.server.MaxBatch = []int{16, 32, 48, 64, 128, 256}[r.IntN(6)]
		s.server.MaxBatchedTokens = []int{0, 0, 2048, 8192}[r.IntN(4)]
		s.input = model.TokenLengths{Mean: math.Round(logU(r, 100, 4000)), CV: []float64{0, 1}[r.IntN(2)]}
		s.output = model.TokenLengths{Mean: math.Round(logU(r, 30, 1000)), CV: []float64{0, 0.5, 1, 1.5}[r.IntN(4)]}
		s.load = []float64{0.3, 0.5, 0.6, 0.7, 0.8, 0.9}[r.IntN(6)]
		if r.Float64() < 0.25 {
			s.kv = logU(r, 0.3, 1.2)
			held := s.input.Mean + s.output.SecondMoment()/(2*s.output.Mean)
			least := s.input.Mean*(1+5*s.input.CV) + s.output.Mean*(1+5*s.output.CV) + 16
			s.server.KVCapacity = int(max(s.kv*held*float64(s.server.MaxBatch), least))
		}
		return s
	}
	s.server.Profile = profile(logU(r, 2, 60), logU(r, 0.003, 0.3), logU(r, 0.00002, 0.002))
	s.server.MaxBatch = int(logU(r, 1, 513))
	if c := r.Float64(); c < 0.6 {
		s.server.MaxBatchedTokens = int(logU(r, 256, 8192))
	}
	s.input = model.TokenLengths{Mean: math.Round(logU(r, 10, 16000)), CV: 2 * r.Float64()}
	s.output = model.TokenLengths{Mean: math.Round(logU(r, 1, 4000)), CV: 2 * r.Float64()}
	if r.Float64() < 0.2 {
		s.input.CV = 0
	}
	if r.Float64() < 0.2 {
		s.output.CV = 0
	}
	s.load = 0.1 + 0.85*r.Float64()
	if r.Float64() < 0.4 {
		s.kv = logU(r, 0.05, 1.5)
		held := s.input.Mean + s.output.SecondMoment()/(2*s.output.Mean)
		// room for the longest: mean + 6 standard deviations
		least := s.input.Mean*(1+5*s.input.CV) + s.output.Mean*(1+5*s.output.CV) + 16
		s.server.KVCapacity = int(max(s.kv*held*float64(s.server.MaxBatch), least))
	}
	return s
}

type measure struct {
	sum, n float64
	batch  []float64
}

// ci returns mean and half width over 20 batch means
func ci(values []float64, stat func([]float64) float64) (float64, float64) {
	const k = 20
	m := len(values) / k
	if m == 0 {
		return math.NaN(), math.NaN()
	}
	var s, s2 float64
	for i := range k {
		x := stat(slices.Clone(values[i*m : (i+1)*m]))
		s += x
		s2 += x * x
	}
	mean := s / k
	v := max(0, s2/k-mean*mean) / (k - 1)
	return stat(slices.Clone(values)), 2.1 * math.Sqrt(v)
}

func avg(v []float64) float64 {
	s := 0.0
	for _, x := range v {
		s += x
	}
	return s / float64(len(v))
}

func pct(p float64) func([]float64) float64 {
	return func(v []float64) float64 { slices.Sort(v); return v[min(int(p*float64(len(v))), len(v)-1)] }
}

type truth struct {
	n                    int
	itl, itlCI           float64
	ttft, ttftCI         float64
	q                    [4]float64
	qCI                  [4]float64
	wait                 float64
	conc, queue, thr, rj float64
	pre                  float64
	util                 float64
	iq                   [4]float64
}

func simulate(s situ, rate float64, budget time.Duration, seed uint64) truth {
	var ttft, itl []float64
	var wait, dec, tok float64
	n := 0
	warm := math.Inf(1)
	type pair struct{ d, t float64 }
	var pairs []pair
	srv, _ := simulator.NewServer(s.server, func(r simulator.Record) {
		if r.Rejected || r.At < warm {
			return
		}
		ttft = append(ttft, r.TTFT())
		wait += r.Wait()
		if r.Output > 1 {
			dec += r.Finished - r.FirstToken
			tok += float64(r.Output - 1)
			itl = append(itl, r.ITL())
			pairs = append(pairs, pair{r.Finished - r.FirstToken, float64(r.Output - 1)})
		}
	})
	start := time.Now()
	var t truth
	var before simulator.Counts
	var from, until float64
	for r := range simulator.Constant(rate, s.input, s.output, seed).Requests() {
		srv.AdvanceTo(r.At)
		n++
		if math.IsInf(warm, 1) && (n > 3000 && time.Since(start) > budget/5) {
			warm, before, from = r.At, srv.Counts(), r.At
		}
		if n%256 == 0 && (time.Since(start) > budget*6/5 || len(ttft) > 3000000) {
			until = r.At
			break
		}
		srv.Submit(r)
	}
	after := srv.Counts()
	span := until - from
	t.conc = (after.RunningSeconds - before.RunningSeconds) / span
	t.thr = float64(after.Finished-before.Finished) / span
	t.rj = float64(after.Rejected-before.Rejected) / float64(after.Arrived-before.Arrived)
	t.queue = (after.WaitingSeconds - before.WaitingSeconds) / span
	t.pre = float64(after.Preempted-before.Preempted) / float64(after.Finished-before.Finished)
	t.util = (after.Busy - before.Busy) / span
	srv.Drain()
	t.n = len(ttft)
	t.ttft, t.ttftCI = ci(ttft, avg)
	for i, p := range []float64{.5, .9, .95, .99} {
		t.q[i], t.qCI[i] = ci(ttft, pct(p))
		if len(itl) > 0 {
			t.iq[i] = pct(p)(slices.Clone(itl))
		}
	}
	t.itl = dec / tok
	// batch CI for the ratio
	const k = 20
	if m := len(pairs) / k; m > 0 {
		var s1, s2 float64
		for i := range k {
			var d, tt float64
			for _, p := range pairs[i*m : (i+1)*m] {
				d += p.d
				tt += p.t
			}
			s1 += d / tt
			s2 += d / tt * d / tt
		}
		mean := s1 / k
		t.itlCI = 2.1 * math.Sqrt(max(0, s2/k-mean*mean)/(k-1))
	}
	t.wait = wait / float64(len(ttft))
	return t
}

func TestSweep(t *testing.T) {
	if *sweepCases == 0 {
		t.Skip()
	}
	f, err := os.OpenFile(*sweepOut, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for seed := *sweepSeed; seed < *sweepSeed+uint64(*sweepCases); seed++ {
		s := draw(seed)
		q, err := model.NewQueue(s.server, s.input, s.output)
		if err != nil {
			continue
		}
		rate := s.load * q.MaxStableRate()
		tr := simulate(s, rate, *sweepBudget, seed)
		over := simulate(s, 1.5*q.MaxStableRate(), *sweepBudget/4, seed)
		fmt.Fprintf(f, "%d,%d,%.6g,%.4g,%.4g,%.4g,%.4g,%.4g,%.4g,%.4g,%.4g,%.4g,%.4g,%.4g,%.4g,%.4g,%.4g,%.4g,%.4g,%.4g,%.4g,%.4g,%.4g,%.5g,%.4g,%.4g,%.4g,%.4g\n", seed, tr.n, rate, tr.itl, tr.itlCI, tr.ttft, tr.ttftCI,
			tr.q[0], tr.qCI[0], tr.q[1], tr.qCI[1], tr.q[2], tr.qCI[2], tr.q[3], tr.qCI[3], tr.wait, tr.conc, tr.queue, tr.thr, tr.rj, tr.pre, tr.util, over.rj, over.thr, tr.iq[0], tr.iq[1], tr.iq[2], tr.iq[3])
	}
}
