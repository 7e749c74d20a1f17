package contest

import (
	"strings"
	"testing"
	"time"

	"github.com/wva-go/wva"
)

// The algorithm as the documentation of Kubernetes has it, by its own examples and their likes.
func TestDesired(t *testing.T) {
	for _, tt := range []struct {
		name     string
		replicas int
		values   []float64
		target   float64
		want     int
	}{
		{"double the target doubles", 2, []float64{200, 200}, 100, 4},
		{"half the target halves", 2, []float64{50, 50}, 100, 1},
		{"the mean counts, rounded up", 3, []float64{100, 150, 170}, 100, 5},
		{"within the tolerance nothing changes", 4, []float64{109, 109, 109, 109}, 100, 4},
		{"beyond it something does", 4, []float64{112, 112, 112, 112}, 100, 5},
		{"starting replicas dampen growth", 4, []float64{200, 200}, 100, 4},
		{"and do not prevent it", 4, []float64{400, 400}, 100, 8},
		{"starting replicas do not count when it shrinks", 4, []float64{50, 50}, 100, 1},
		{"no metrics, no change", 3, nil, 100, 3},
		{"idle", 3, []float64{0, 0, 0}, 100, 0},
	} {
		if got := desired(tt.replicas, tt.values, tt.target); got != tt.want {
			t.Errorf("%s: %d, want %d", tt.name, got, tt.want)
		}
	}
}

func TestHPA(t *testing.T) {
	at := time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)
	v := wva.Variant{ID: wva.ID{Name: "a"}, Max: 20, Current: 4}
	h := newHPA(v, at)
	measured := func(kv, waiting float64) wva.Metrics {
		var m wva.Metrics
		for range v.Current {
			m.Replicas = append(m.Replicas, wva.ReplicaMetrics{Variant: v.ID, KVUsage: wva.Read(kv), Waiting: wva.Read(waiting)})
		}
		return m
	}
	for _, tt := range []struct {
		name        string
		minute      int
		kv, waiting float64
		want        int
		why         string
	}{
		{"idle, but only just begun", 1, 0.05, 0, 4, "4 is the most that was wanted within 5m"},
		{"the larger of the two metrics counts", 2, 0.3, 4, 8, "4.0 waiting requests"},
		{"no further than the maximum", 3, 0.3, 100, 20, "100.0 waiting"},
		{"idle again", 4, 0.05, 0, 20, "20 is the most"},
		{"still", 8, 0.05, 0, 20, "20 is the most"},
		{"long enough", 9, 0.06, 0, 2, "mean KV usage of 6%"},
		{"never below one", 30, 0, 0, 1, "1 for a mean KV usage"},
	} {
		d := h.decide(v, measured(tt.kv, tt.waiting), at.Add(time.Duration(tt.minute)*time.Minute), time.Minute)
		if d.Target != tt.want || !strings.Contains(d.Why(), tt.why) && tt.want != 1 {
			t.Errorf("%s: %d (%s), want %d", tt.name, d.Target, d.Why(), tt.want)
		}
		v.Current = d.Target
	}
}

// By default an HPA at most doubles or adds four every 15 seconds.
func TestFastest(t *testing.T) {
	for _, tt := range []struct {
		current  int
		interval time.Duration
		want     int
	}{{1, 15 * time.Second, 5}, {10, 15 * time.Second, 20}, {1, time.Minute, 40}, {4, 5 * time.Second, 8}, {1, time.Hour, 1 << 20}} {
		if got := fastest(tt.current, tt.interval); got != tt.want {
			t.Errorf("from %d in %v: %d, want %d", tt.current, tt.interval, got, tt.want)
		}
	}
}

func TestParsePolicies(t *testing.T) {
	all, err := ParsePolicies("all")
	if err != nil || len(all) != len(Policies()) {
		t.Errorf("all: %d, %v", len(all), err)
	}
	two, err := ParsePolicies(" hybrid , Fixed")
	if err != nil || len(two) != 2 || two[0].Name != "HYBRID" || two[1].Name != "fixed" {
		t.Errorf("two: %+v, %v", two, err)
	}
	for _, tt := range []struct{ names, want string }{
		{"", `policy "": want some of fixed, HPA`}, {"best", `policy "best"`}, {"HPA,hpa", `policy "HPA" is listed twice`},
	} {
		if _, err := ParsePolicies(tt.names); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q: %v", tt.names, err)
		}
	}
}
