package main

import (
	"fmt"
	"math"
	"testing"

	"github.com/wva-go/wva"
	"github.com/wva-go/wva/model"
)

// What a server says after its load was multiplied: with a performance model as that moves, and else as if requests took no longer than before.
func TestScaleReplica(t *testing.T) {
	server := &model.Server{Profile: model.Profile{Alpha: 14e-3, Beta: 60e-6, Gamma: 0.6e-6}, MaxBatch: 64, KVCapacity: 100_000, MaxBatchedTokens: 8192}
	measured := wva.ReplicaMetrics{
		KVUsage: wva.Read(0.6), Waiting: wva.Read(3), Running: wva.Read(12), CompletionRate: wva.Read(3), TTFT: wva.Read(0.1), ITL: wva.Read(0.02),
		Input: wva.LengthReadings{Mean: wva.Read(300)}, Output: wva.LengthReadings{Mean: wva.Read(200)},
	}
	silent := measured
	silent.CompletionRate, silent.Running = wva.Reading{}, wva.Reading{}
	for _, tt := range []struct {
		name    string
		server  *model.Server
		metrics wva.ReplicaMetrics
		factor  float64
		want    string // KV usage, waiting, running, completions; and what is too much
	}{
		{"no profile, as much", nil, measured, 1, "0.60 3.0 12.0 3.0; 0.0"},
		{"no profile, half", nil, measured, 0.5, "0.30 1.5 6.0 1.5; 0.0"},
		{"no profile, nothing", nil, measured, 0, "0.00 0.0 0.0 0.0; 0.0"},
		{"no profile, until the cache is full", nil, measured, 2, "1.00 6.0 20.0 5.0; 1.0"},
		{"no profile and no rates", nil, silent, 2, "1.00 6.0 - -; 0.0"},
		{"a profile, as much", server, measured, 1, "0.60 3.0 12.0 3.0; 0.0"},
		{"a profile, half: the batch shrinks by more than half", server, measured, 0.5, "0.25 1.3 5.1 1.5; 0.0"},
		{"a profile, nothing", server, measured, 0, "0.00 0.0 0.0 0.0; 0.0"},
		{"a profile, more than it can serve", server, measured, 10, ""},
		{"a profile, and no rates", server, silent, 0.5, "0.30 1.5 - -; 0.0"},
	} {
		r := tt.metrics
		excess := scaleReplica(&r, tt.server, tt.factor)
		got := fmt.Sprintf("%.2f %s %s %s; %.1f", r.KVUsage.Value, show(r.Waiting), show(r.Running), show(r.CompletionRate), excess)
		if tt.want != "" && got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
		if c := tt.metrics.CompletionRate; c.Valid && math.Abs(r.CompletionRate.Value+excess-tt.factor*c.Value) > 1e-9 {
			t.Errorf("%s: %g served and %g too much are not %g times %g", tt.name, r.CompletionRate.Value, excess, tt.factor, c.Value)
		}
		if kv := r.KVUsage.Value; !(kv >= 0 && kv <= 1) {
			t.Errorf("%s: KV usage %g", tt.name, kv)
		}
	}
}

func show(r wva.Reading) string {
	if !r.Valid {
		return "-"
	}
	return fmt.Sprintf("%.1f", r.Value)
}
