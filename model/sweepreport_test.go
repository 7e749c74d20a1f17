package model_test

import (
	"encoding/csv"
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"testing"

	"github.com/wva-go/wva/model"
)

type swept struct {
	s    situ
	seed uint64
	tr   truth
	over truth
	rate float64
}

func readSweep(t *testing.T) []swept {
	f, err := os.Open(*sweepOut)
	if err != nil {
		t.Skip()
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.FieldsPerRecord = -1
	rows, _ := r.ReadAll()
	var out []swept
	for _, row := range rows {
		if len(row) < 28 {
			continue
		}
		var v [28]float64
		for i := range v {
			v[i], _ = strconv.ParseFloat(row[i], 64)
		}
		w := swept{seed: uint64(v[0]), s: draw(uint64(v[0])), rate: v[2]}
		w.tr = truth{n: int(v[1]), itl: v[3], itlCI: v[4], ttft: v[5], ttftCI: v[6], q: [4]float64{v[7], v[9], v[11], v[13]}, qCI: [4]float64{v[8], v[10], v[12], v[14]},
			wait: v[15], conc: v[16], queue: v[17], thr: v[18], rj: v[19], pre: v[20], util: v[21], iq: [4]float64{v[24], v[25], v[26], v[27]}}
		w.over = truth{rj: v[22], thr: v[23]}
		out = append(out, w)
	}
	return out
}

func stat(name string, e []float64) {
	fmt.Printf("%-26s n=%d med|e|=%.1f%% p75=%.1f%% p90=%.1f%% p95=%.1f%% max=%.1f%%  mean=%+.1f%%\n", name, len(e), 100*quantile(e, .5), 100*quantile(e, .75), 100*quantile(e, .9), 100*quantile(e, .95), 100*quantile(e, 1), 100*avg(e))
}

func TestSweepReport(t *testing.T) {
	all := readSweep(t)
	var itl, ttft, ttft8, thr []float64
	var qs, iqs [4][]float64
	type bad struct {
		e float64
		s string
	}
	var bi, bt, bs []bad
	for _, w := range all {
		q, err := model.NewQueue(w.s.server, w.s.input, w.s.output)
		if err != nil {
			continue
		}
		max := q.MaxStableRate()
		desc := fmt.Sprintf("#%d load %.2f(%.2f) a=%.1f b=%.4f g=%.5f B=%d C=%d KV=%d(%.2f) in=%g/%.2f out=%g/%.2f | n=%d pre=%.3f rj=%.4f conc=%.1f util=%.2f", w.seed, w.rate/max, w.s.load, 1e3*w.s.server.Profile.Alpha, 1e3*w.s.server.Profile.Beta, 1e3*w.s.server.Profile.Gamma,
			w.s.server.MaxBatch, w.s.server.MaxBatchedTokens, w.s.server.KVCapacity, w.s.kv, w.s.input.Mean, w.s.input.CV, w.s.output.Mean, w.s.output.CV, w.tr.n, w.tr.pre, w.tr.rj, w.tr.conc, w.tr.util)
		e := max*(1-0)/(w.over.thr) - 1
		if w.over.rj < 0.002 {
			thr = append(thr, e)
			bs = append(bs, bad{e, fmt.Sprintf("%s | model %.4g sim %.4g", desc, max, w.over.thr)})
		}
		if w.tr.rj > 0.002 {
			continue
		}
		p, err := q.Analyze(w.rate)
		if err != nil {
			fmt.Println("unstable", desc)
			continue
		}
		if p.ITL.Mean > 0 && w.tr.itlCI < 0.03*w.tr.itl {
			e := p.ITL.Mean/w.tr.itl - 1
			itl = append(itl, e)
			bi = append(bi, bad{e, fmt.Sprintf("%s | itl model %.4g sim %.4g ±%.2g", desc, p.ITL.Mean, w.tr.itl, w.tr.itlCI)})
			for i, x := range []float64{p.ITL.P50, p.ITL.P90, p.ITL.P95, p.ITL.P99} {
				iqs[i] = append(iqs[i], x/w.tr.iq[i]-1)
			}
		}
		if w.tr.ttftCI < 0.1*w.tr.ttft {
			e := p.TTFT.Mean/w.tr.ttft - 1
			ttft = append(ttft, e)
			if w.rate/max <= .8 {
				ttft8 = append(ttft8, e)
			}
			bt = append(bt, bad{e, fmt.Sprintf("%s | ttft model %.4g sim %.4g ±%.2g; wait sim %.4g model %.4g; p95 %.3g sim %.3g", desc, p.TTFT.Mean, w.tr.ttft, w.tr.ttftCI, w.tr.wait, p.Wait.Mean, p.TTFT.P95, w.tr.q[2])})
			for i, x := range []float64{p.TTFT.P50, p.TTFT.P90, p.TTFT.P95, p.TTFT.P99} {
				qs[i] = append(qs[i], x/w.tr.q[i]-1)
			}
		}
	}
	if len(itl) == 0 {
		t.Skip()
	}
	stat("ITL mean", itl)
	stat("stable rate", thr)
	stat("TTFT mean", ttft)
	stat("TTFT mean load<=.8", ttft8)
	for i, n := range []string{"p50", "p90", "p95", "p99"} {
		stat("TTFT "+n, qs[i])
	}
	for i, n := range []string{"p50", "p90", "p95", "p99"} {
		stat("ITL "+n, iqs[i])
	}
	for _, l := range []struct {
		n string
		b []bad
	}{{"ITL", bi}, {"TTFT", bt}, {"STABLE", bs}} {
		slices.SortFunc(l.b, func(a, b bad) int { return int(math.Copysign(1, math.Abs(b.e)-math.Abs(a.e))) })
		fmt.Println("worst", l.n)
		for i := range min(25, len(l.b)) {
			fmt.Printf("  %+.1f%% %s\n", 100*l.b[i].e, l.b[i].s)
		}
	}
}
