package wva_test

import (
	"math"
	"testing"
	"time"

	"github.com/wva-go/wva"
)

// Completions stop growing when servers saturate; what piles up shows the rest of the demand.
func TestDemandIsMoreThanCompletions(t *testing.T) {
	a := served("a", "A100", 2, onA100)
	p := hybridPolicy(wva.Hybrid)
	_, h, err := wva.Decide(under(3, a), p, wva.History{})
	if err != nil {
		t.Fatal(err)
	}
	s := under(3, a)
	s.At = noon.Add(time.Minute)
	for i := range s.Metrics.Replicas {
		s.Metrics.Replicas[i].At = s.At
		s.Metrics.Replicas[i].Waiting = wva.Read(60)
	}
	report, _, err := wva.Decide(s, p, h)
	if err != nil {
		t.Fatal(err)
	}
	if d := report.Models[0].Demand; d == nil || d.Completions != 6 || d.Growth != 2 || d.Rate != 8 {
		t.Errorf("demand = %+v, want 6 completed and 2 piling up", d)
	}
}

// A count that fails in one cycle is not an empty server, and not a burst when it is back.
func TestDemandDoesNotGrowByWhatWasNotCounted(t *testing.T) {
	for name, lose := range map[string]func(*wva.Metrics){
		"running on one replica": func(m *wva.Metrics) { m.Replicas[1].Running = wva.Reading{} },
		"in front of them":       func(m *wva.Metrics) { m.Models[0].GatewayQueue = wva.Reading{} },
	} {
		t.Run(name, func(t *testing.T) {
			a := served("a", "A100", 2, onA100)
			var h wva.History
			for i := range 4 {
				s := later(under(3, a), time.Duration(i)*time.Minute)
				s.Metrics.Models = []wva.ModelMetrics{{ModelKey: a.Key(), GatewayQueue: wva.Read(30)}}
				if i == 1 {
					lose(&s.Metrics)
				}
				var report wva.Report
				var err error
				if report, h, err = wva.Decide(s, hybridPolicy(wva.Hybrid), h); err != nil {
					t.Fatal(err)
				}
				if d := report.Models[0].Demand; d == nil || d.Growth != 0 || d.Rate != 6 {
					t.Errorf("cycle %d: %+v, want 6 a second and no growth", i, d)
				}
			}
		})
	}
}

// What waits is to be worked off within a start, on top of what arrives: by each server its own, no faster than it finishes requests.
func TestDemandWorksOffBacklogs(t *testing.T) {
	for _, tt := range []struct {
		name    string
		waiting [2]float64 // on each of two servers, the second time
		before  [2]float64 // and a minute earlier
		gateway float64
		arrival wva.Reading
		want    float64
	}{
		{"nothing waits", [2]float64{}, [2]float64{}, 0, wva.Reading{}, 0},
		{"two backlogs that stay, over a start of two minutes", [2]float64{60, 120}, [2]float64{60, 120}, 0, wva.Reading{}, 0.5 + 1},
		{"no faster than the server is", [2]float64{6000, 0}, [2]float64{6000, 0}, 0, wva.Reading{}, 3},
		{"what shrinks already is among the completions", [2]float64{60, 120}, [2]float64{120, 120}, 0, wva.Reading{}, 0.5},
		{"and nothing more", [2]float64{60, 120}, [2]float64{300, 300}, 0, wva.Reading{}, 0},
		{"but not among arrivals that are measured", [2]float64{60, 120}, [2]float64{300, 300}, 0, wva.Read(1), 1.5},
		{"in front of the servers, as fast as all of them", [2]float64{}, [2]float64{}, 6000, wva.Reading{}, 6},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := served("a", "A100", 2, onA100)
			a.Startup = 2 * time.Minute
			var h wva.History
			var report wva.Report
			for i, waiting := range [][2]float64{tt.before, tt.waiting} {
				s := later(under(3, a), time.Duration(i)*time.Minute)
				for j := range s.Metrics.Replicas {
					s.Metrics.Replicas[j].Waiting = wva.Read(waiting[j])
				}
				s.Metrics.Models = []wva.ModelMetrics{{ModelKey: a.Key(), GatewayQueue: wva.Read(tt.gateway), ArrivalRate: tt.arrival}}
				var err error
				if report, h, err = wva.Decide(s, hybridPolicy(wva.Hybrid), h); err != nil {
					t.Fatal(err)
				}
			}
			if d := report.Models[0].Demand; d == nil || math.Abs(d.Drain-tt.want) > 1e-9 || math.Abs(d.Forecast-d.Rate-d.Drain) > 1e-9 {
				t.Errorf("%+v, want %g to work off", d, tt.want)
			}
		})
	}
}
