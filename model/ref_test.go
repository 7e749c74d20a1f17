package model_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/wva-go/wva/model"
)

func TestRef(t *testing.T) {
	if *sweepCases == 0 {
		t.Skip()
	}
	for _, name := range []string{"reference", "8B on A100, chat"} {
		for _, s := range situations {
			if s.name != name {
				continue
			}
			for _, cv := range []float64{0, 0.5, 1, 1.5} {
				for _, load := range []float64{0.8, 0.9} {
					x := situ{server: s.server, input: model.TokenLengths{Mean: s.input, CV: 1}, output: model.TokenLengths{Mean: s.output, CV: cv}}
					q, _ := model.NewQueue(x.server, x.input, x.output)
					tr := simulate(x, load*q.MaxStableRate(), 8*time.Second, 5)
					p, _ := q.Analyze(load * q.MaxStableRate())
					fmt.Printf("%s cv %g load %g rate %.8g n=%d: ttft %.4g ±%.2g model %.4g (%+.0f%%), itl %.4g ±%.2g model %.4g (%+.1f%%) p95 %.4g ± %.2g model %.4g; conc %.2f model %.2f\n", name, cv, load, load*q.MaxStableRate(), tr.n, tr.ttft, tr.ttftCI, p.TTFT.Mean, 100*(p.TTFT.Mean/tr.ttft-1), tr.itl, tr.itlCI, p.ITL.Mean, 100*(p.ITL.Mean/tr.itl-1), tr.q[2], tr.qCI[2], p.TTFT.P95, tr.conc, p.Concurrency)
				}
			}
		}
	}
}
