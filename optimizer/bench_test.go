package optimizer_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/wva-go/wva/model"
	"github.com/wva-go/wva/optimizer"
)

// large draws a fleet of n workloads with 8 accelerators each, and devices for so much of it, were all types used alike.
func large(n int, portion float64) optimizer.Problem {
	r := rand.New(rand.NewPCG(uint64(n), 3))
	var p optimizer.Problem
	need := map[string]float64{}
	for i := range n {
		w := optimizer.Workload{Name: fmt.Sprintf("w%05d", i), Priority: []int{1, 5, 10}[r.IntN(3)], Rate: 1 + 50*r.Float64(), Min: 1}
		for k := range 8 {
			speed := 1 + float64(k)/2 + r.Float64()
			c := optimizer.Candidate{Name: fmt.Sprintf("acc%d", k), Type: fmt.Sprintf("type%d", k), Devices: 1 + r.IntN(2), Cost: 10 * speed * (0.8 + 0.4*r.Float64()), Rate: 2 * speed}
			w.Candidates = append(w.Candidates, c)
			need[c.Type] += w.Rate / c.Rate * float64(c.Devices) / 8
		}
		if r.IntN(2) == 0 {
			w.Current = []optimizer.Allocation{{Candidate: fmt.Sprintf("acc%d", r.IntN(8)), Replicas: 1 + r.IntN(5)}}
		}
		p.Workloads = append(p.Workloads, w)
	}
	for k := range 8 {
		kind := fmt.Sprintf("type%d", k)
		p.Capacity.Devices = append(p.Capacity.Devices, optimizer.Devices{Type: kind, Count: int(portion * need[kind])})
	}
	return p
}

func BenchmarkOptimize(b *testing.B) {
	for _, n := range []int{10, 100, 1000, 10_000} {
		limited := large(n, 0.45)
		unlimited := limited
		unlimited.Capacity = optimizer.Capacity{Unlimited: true}
		for name, p := range map[string]optimizer.Problem{"limited": limited, "unlimited": unlimited} {
			b.Run(fmt.Sprintf("%s/%d", name, n), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					plan, err := optimizer.Optimize(p, optimizer.DefaultOptions())
					if err != nil {
						b.Fatal(err)
					}
					served := 0
					for _, a := range plan.Workloads {
						if a.Served >= 1 {
							served++
						}
					}
					b.ReportMetric(100*plan.Gap, "gap-%")
					b.ReportMetric(100*float64(served)/float64(n), "served-%")
				}
			})
		}
	}
}

// Sizing every candidate and choosing among them: 1,000 workloads with 8 accelerators each.
func BenchmarkSizeAndOptimize(b *testing.B) {
	p := large(1000, 1)
	p.Capacity = optimizer.Capacity{Unlimited: true}
	input, output := model.TokenLengths{Mean: 512, CV: 1}, model.TokenLengths{Mean: 256, CV: 1}
	slo := model.SLO{TTFT: time.Second, ITL: 40 * time.Millisecond}
	b.ReportAllocs()
	for b.Loop() {
		for i := range p.Workloads {
			for k := range p.Workloads[i].Candidates {
				speed := 1 + float64(k)/2
				q, err := model.NewQueue(model.Server{Profile: model.Profile{Alpha: 0.014 / speed, Beta: 6e-5 / speed, Gamma: 6e-7 / speed}, MaxBatch: 256}, input, output)
				if err != nil {
					b.Fatal(err)
				}
				c, err := q.MaxRate(slo)
				if err != nil {
					b.Fatal(err)
				}
				p.Workloads[i].Candidates[k].Rate = c.Rate
			}
		}
		if _, err := optimizer.Optimize(p, optimizer.DefaultOptions()); err != nil {
			b.Fatal(err)
		}
	}
}
