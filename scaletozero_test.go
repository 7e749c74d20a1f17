package wva_test

import (
	"testing"

	"github.com/wva-go/wva"
)

func TestScaleToZero(t *testing.T) {
	key := wva.ModelKey{Namespace: "ns", Model: "m"}
	enabled := wva.ScaleToZero{Default: wva.Retention{Enabled: true}}
	measured := func(requests, gateway wva.Reading) []wva.ModelMetrics {
		return []wva.ModelMetrics{{ModelKey: key, RequestsInRetention: requests, GatewayQueue: gateway}}
	}
	quiet := reports("a", [2]float64{0, 0})
	for _, tt := range []struct {
		name    string
		current int
		samples []wva.ReplicaMetrics
		models  []wva.ModelMetrics
		zero    wva.ScaleToZero
		want    int
	}{
		{"idle, and enabled", 1, quiet, measured(wva.Read(0), wva.Read(0)), enabled, 0},
		{"idle, but not enabled", 1, quiet, measured(wva.Read(0), wva.Read(0)), wva.ScaleToZero{}, 1},
		{"a request within the retention", 1, quiet, measured(wva.Read(1), wva.Read(0)), enabled, 1},
		{"the requests could not be read", 1, quiet, nil, enabled, 1},
		{"at zero, and requests wait", 0, nil, measured(wva.Read(0), wva.Read(3)), enabled, 1},
		{"at zero, and nothing waits", 0, nil, measured(wva.Read(0), wva.Read(0)), enabled, 0},
		{"at zero, and not enabled", 0, nil, nil, wva.ScaleToZero{}, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := wva.DefaultPolicy()
			p.ScaleToZero = tt.zero
			s := snapshot([]wva.Variant{variant("a", 5, tt.current)}, tt.samples)
			s.Metrics.Models = tt.models
			report, _, err := wva.Decide(s, p, wva.History{})
			if err != nil || report.Decisions[0].Target != tt.want {
				t.Errorf("%v, %v, want %d", report, err, tt.want)
			}
		})
	}
}

// A plan for a minute without requests takes the last replica no sooner than the retention period does, and does not move it to another variant.
func TestRetentionHoldsThePlan(t *testing.T) {
	for _, tt := range []struct {
		name     string
		requests wva.Reading
		want     int
	}{
		{"requests within the retention", wva.Read(7), 1},
		{"not known", wva.Reading{}, 1},
		{"none", wva.Read(0), 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := hybridPolicy(wva.ModelOnly)
			p.Behavior.ScaleDown.StabilizationWindow = wva.NoStabilization
			p.ScaleToZero.Default.Enabled = true
			s := under(0, served("a", "A100", 0, onA100), served("b", "H100", 2, onH100))
			for i := range s.Metrics.Replicas {
				s.Metrics.Replicas[i].Running = wva.Read(0)
			}
			s.Metrics.Models = []wva.ModelMetrics{{ModelKey: wva.ModelKey{Namespace: "ns", Model: "m"}, RequestsInRetention: tt.requests}}
			report, _, err := wva.Decide(s, p, wva.History{})
			if err != nil || report.Decisions[0].Target != 0 || report.Decisions[1].Target != tt.want {
				t.Errorf("%v, %v, want %d", report, err, tt.want)
			}
		})
	}
}
