package wva_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/wva-go/wva"
)

// history returns samples a minute apart.
func history(n int, rate func(minute float64) float64) []wva.DemandSample {
	var samples []wva.DemandSample
	for i := range n {
		samples = append(samples, wva.DemandSample{At: noon.Add(time.Duration(i) * time.Minute), Rate: rate(float64(i))})
	}
	return samples
}

func TestForecasters(t *testing.T) {
	ramp := history(60, func(m float64) float64 { return 10 + m })
	wave := func(m float64) float64 { return 50 + 40*math.Sin(2*math.Pi*m/60) }
	for _, tt := range []struct {
		name       string
		forecaster wva.Forecaster
		samples    []wva.DemandSample
		horizon    time.Duration
		quantile   float64
		low, high  float64
	}{
		{"the last value", wva.LastValue{}, ramp, 10 * time.Minute, 0.9, 69, 69},
		{"a ramp goes on, damped", wva.Holt{}, ramp, 5 * time.Minute, 0.5, 71, 76},
		{"a steady load stays", wva.Holt{}, history(60, func(float64) float64 { return 20 }), time.Hour, 0.99, 19.9, 20.1},
		{"one sample", wva.Holt{}, ramp[:1], time.Minute, 0.9, 10, 10},
		{"a season returns", wva.HoltWinters{Season: time.Hour}, history(300, wave), 15 * time.Minute, 0.5, wave(299+15) - 15, wave(299+15) + 15},
		{"less than two seasons: as Holt", wva.HoltWinters{}, ramp, 5 * time.Minute, 0.5, 71, 76},
	} {
		if got := tt.forecaster.Forecast(tt.samples, tt.horizon, tt.quantile); got < tt.low || got > tt.high {
			t.Errorf("%s: %v, want %v to %v", tt.name, got, tt.low, tt.high)
		}
	}
}

func TestPropertyForecastIsFinite(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		samples := history(rapid.IntRange(1, 200).Draw(t, "n"), func(float64) float64 { return rapid.Float64Range(0, 1e6).Draw(t, "rate") })
		horizon := time.Duration(rapid.IntRange(0, 3600).Draw(t, "horizon")) * time.Second
		for _, f := range []wva.Forecaster{wva.LastValue{}, wva.Holt{}, wva.HoltWinters{Season: 30 * time.Minute}} {
			low, high := f.Forecast(samples, horizon, 0.5), f.Forecast(samples, horizon, 0.95)
			if !(low >= 0 && high >= low && high < math.Inf(1)) {
				t.Fatalf("%T: %v to %v", f, low, high)
			}
		}
	})
}

func ExampleParseScaleToZero() {
	z, err := wva.ParseScaleToZero(map[string]string{
		"default": "enable_scale_to_zero: false\nretention_period: 10m",
		"llama":   "model_id: meta/llama-3.1-8b\nenable_scale_to_zero: true",
		"wrong":   "model_id: m\nretention_period: soon",
	})
	fmt.Println(z.For(wva.ModelKey{Namespace: "prod", Model: "meta/llama-3.1-8b"}))
	fmt.Println(err)
	// Output:
	// {true 10m0s}
	// wrong:2: m: retention_period "soon": want a duration such as 10m or 1h30m
}

func FuzzParseScaleToZero(f *testing.F) {
	f.Add("default", "enable_scale_to_zero: true\nretention_period: 10m")
	f.Add("llama", "model_id: m\nnamespace: ns\nretention_period: -1h")
	f.Fuzz(func(t *testing.T, entry, text string) {
		z, err := wva.ParseScaleToZero(map[string]string{entry: text, "good": "model_id: good"})
		if invalid := z.Validate(); invalid != nil {
			t.Fatalf("the result is not fit for use: %v", invalid)
		}
		if err != nil && !strings.Contains(err.Error(), entry) && !strings.Contains(err.Error(), "good") {
			t.Fatalf("the error does not name the entry: %v", err)
		}
	})
}
