package wva_test

import (
	"strings"
	"testing"
	"time"

	"github.com/wva-go/wva"
)

func TestBehavior(t *testing.T) {
	p := hybridPolicy(wva.Hybrid)
	p.Behavior = wva.Behavior{
		ScaleUp:   wva.ScalingRules{Policies: []wva.ScalingPolicy{{Type: wva.PodsPolicy, Value: 1}}},
		ScaleDown: wva.ScalingRules{StabilizationWindow: 3 * time.Minute},
	}
	report, _, err := wva.Decide(under(12, served("a", "A100", 2, onA100)), p, wva.History{})
	if err != nil || report.Decisions[0].Target != 3 {
		t.Errorf("at most one replica a cycle: %v, %v", report, err)
	}
	// A controller that has just started knows of no earlier target, and does not shrink at once either.
	report, h, err := wva.Decide(under(0.1, served("a", "A100", 4, onA100)), p, wva.History{})
	if err != nil || report.Decisions[0].Target != 4 {
		t.Errorf("the first cycle of a window: %v, %v", report, err)
	}
	if report, _, err = wva.Decide(later(under(0.1, served("a", "A100", 4, onA100)), 4*time.Minute), p, h); err != nil || report.Decisions[0].Target != 1 {
		t.Errorf("after the window: %v, %v", report, err)
	}
	// A lull of a minute does not shrink what was wanted within the window.
	h = wva.History{}
	for i, rate := range []float64{5.5, 5.5, 0.1, 0.1, 0.1, 0.1, 0.1} {
		s := later(under(rate, served("a", "A100", 3, onA100)), time.Duration(i)*time.Minute)
		if report, h, err = wva.Decide(s, p, h); err != nil {
			t.Fatal(err)
		}
		if lull := i - 1; (report.Decisions[0].Target < 3) != (lull > 3) {
			t.Errorf("minute %d: target %d\n%s", i, report.Decisions[0].Target, report)
		}
	}
}

// Where the model decides, a lull shrinks nothing for as long as a start takes; that can be switched off, and CAPACITY-ONLY has no such window.
func TestDefaultWindow(t *testing.T) {
	for _, tt := range []struct {
		name    string
		mode    wva.Mode
		startup time.Duration
		edit    func(*wva.Policy)
		shrinks int // the minute of the lull in which fewer are wanted
	}{
		{"HYBRID", wva.Hybrid, 3 * time.Minute, nil, 4},
		{"MODEL-ONLY", wva.ModelOnly, 3 * time.Minute, nil, 4},
		{"a start that nobody has seen", wva.Hybrid, 0, nil, 6},
		{"another window", wva.Hybrid, 3 * time.Minute, func(p *wva.Policy) { p.Behavior.ScaleDown.StabilizationWindow = time.Minute }, 2},
		{"none", wva.Hybrid, 3 * time.Minute, func(p *wva.Policy) { p.Behavior.ScaleDown.StabilizationWindow = wva.NoStabilization }, 1},
		{"as published", wva.Hybrid, 3 * time.Minute, func(p *wva.Policy) { p.PublishedArbitration = true }, 1},
		{"CAPACITY-ONLY", wva.CapacityOnly, 3 * time.Minute, nil, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := hybridPolicy(tt.mode)
			if tt.edit != nil {
				tt.edit(&p)
			}
			a := served("a", "A100", 3, onA100)
			a.Startup = tt.startup
			_, h, err := wva.Decide(under(6, a), p, wva.History{})
			if err != nil {
				t.Fatal(err)
			}
			for minute := 1; minute <= 7; minute++ {
				report, next, err := wva.Decide(later(under(0.1, a), time.Duration(minute)*time.Minute), p, h)
				if err != nil {
					t.Fatal(err)
				}
				if d := report.Decisions[0]; (d.Target < 3) != (minute >= tt.shrinks) {
					t.Errorf("minute %d: %s", minute, d)
				}
				h = next
			}
		})
	}
}

// A cheaper mix than what runs waits until its plan has stood for a start, and then comes before the old one goes.
func TestExchangeWaits(t *testing.T) {
	for _, tt := range []struct {
		name  string
		edit  func(*wva.Policy)
		rate  float64
		grows int // the minute in which the A100 comes
	}{
		{"a cheaper accelerator", nil, 3, 3},
		{"without a window", func(p *wva.Policy) { p.Behavior.ScaleDown.StabilizationWindow = wva.NoStabilization }, 3, 0},
		{"as published", func(p *wva.Policy) { p.PublishedArbitration = true }, 3, 0},
		{"what runs does not carry the demand", nil, 36, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := hybridPolicy(wva.Hybrid)
			if tt.edit != nil {
				tt.edit(&p)
			}
			a, b := served("a", "A100", 0, onA100), served("b", "H100", 1, onH100)
			a.Startup = 2 * time.Minute
			var h wva.History
			for minute := range 4 {
				report, next, err := wva.Decide(later(under(tt.rate, a, b), time.Duration(minute)*time.Minute), p, h)
				if err != nil {
					t.Fatal(err)
				}
				x, y := report.Decisions[0], report.Decisions[1]
				if (x.Target > 0) != (minute >= tt.grows) || y.Target < 1 {
					t.Errorf("minute %d: %s\n%s", minute, x, y)
				}
				if minute < tt.grows && !strings.Contains(x.Why(), "what runs carries the demand") {
					t.Errorf("minute %d: %s", minute, x)
				}
				h = next
			}
		})
	}
}

// later moves a snapshot and its samples in time.
func later(s wva.Snapshot, by time.Duration) wva.Snapshot {
	s.At = s.At.Add(by)
	for i := range s.Metrics.Replicas {
		s.Metrics.Replicas[i].At = s.At
	}
	return s
}
