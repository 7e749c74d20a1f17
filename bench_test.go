package wva_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/wva-go/wva"
	"github.com/wva-go/wva/model"
)

// A fleet of 1,000 variants of 250 models with 10,000 replicas.
func largeFleet() wva.Snapshot {
	s := wva.Snapshot{At: noon, Inventory: wva.Unlimited()}
	for i := range 1000 {
		v := wva.Variant{
			ID: wva.ID{Namespace: fmt.Sprintf("team-%d", i%10), Name: fmt.Sprintf("variant-%04d", i)}, Model: fmt.Sprintf("model-%03d", i%250),
			Accelerator: []string{"A100", "H100", "MI300X"}[i%3], Cost: []float64{40, 80, 65}[i%3], Current: 10, Max: 20,
		}
		s.Variants = append(s.Variants, v)
		for r := range 10 {
			s.Metrics.Replicas = append(s.Metrics.Replicas, wva.ReplicaMetrics{
				Variant: v.ID, Replica: fmt.Sprintf("%s-%d", v.ID.Name, r), At: noon,
				KVUsage: wva.Read(float64((i*7+r*13)%90) / 100), Waiting: wva.Read(float64((i + r) % 4)),
			})
		}
	}
	return s
}

func BenchmarkDecideCapacityOnly(b *testing.B) {
	s, p := largeFleet(), wva.DefaultPolicy()
	_, h, err := wva.Decide(s, p, wva.History{})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := wva.Decide(s, p, h); err != nil {
			b.Fatal(err)
		}
	}
}

// The same fleet in HYBRID mode: every variant has a profile and every model a service class.
func BenchmarkDecideHybrid(b *testing.B) {
	s, p := largeFleet(), wva.DefaultPolicy()
	p.Mode = wva.Hybrid
	for i := range 250 {
		p.ServiceClasses = append(p.ServiceClasses, model.ServiceClass{Name: fmt.Sprintf("class-%03d", i), Priority: 1 + i%10, Models: []model.ClassTarget{
			{Model: fmt.Sprintf("model-%03d", i), SLO: model.SLO{ITL: 40 * time.Millisecond, TTFT: time.Second}},
		}})
	}
	for i := range s.Variants {
		s.Variants[i].Server = &model.Server{Profile: onA100, MaxBatch: 256, KVCapacity: 400_000}
	}
	for i := range s.Metrics.Replicas {
		r := &s.Metrics.Replicas[i]
		r.Running, r.CompletionRate = wva.Read(20), wva.Read(1+float64(i%5)/2)
		r.Input = wva.LengthReadings{Mean: wva.Read(300), SecondMoment: wva.Read(180_000)}
		r.Output = wva.LengthReadings{Mean: wva.Read(200), SecondMoment: wva.Read(80_000)}
	}
	_, h, err := wva.Decide(s, p, wva.History{})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := wva.Decide(s, p, h); err != nil {
			b.Fatal(err)
		}
	}
}
