package model_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/wva-go/wva/model"
)

func ExampleRoofline() {
	llama, _ := model.LookupTransformer("Llama-3.1-8B")
	h100, _ := model.LookupAccelerator("H100")
	s, err := model.Roofline(llama, h100, 1, model.DefaultEfficiency(h100))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%.1f GB of weights, KV cache of %d tokens\n", s.Weights/1e9, s.KVCapacity)
	p := s.Profile
	fmt.Printf("an iteration takes %.1f ms, %.0f µs a computed token, %.3f µs a context token, %.0f µs a request\n", 1e3*p.Alpha, 1e6*p.Beta, 1e6*p.Gamma, 1e6*p.Request)
	// Output:
	// 16.1 GB of weights, KV cache of 467295 tokens
	// an iteration takes 7.8 ms, 20 µs a computed token, 0.047 µs a context token, 64 µs a request
}

func ExampleFit() {
	// Whole-batch latencies of one server: batch size, prompt and answer tokens, seconds.
	points := []model.Point{
		{Batch: model.Batch{Requests: 1, Input: 128, Output: 128}, Latency: 1.80},
		{Batch: model.Batch{Requests: 16, Input: 128, Output: 128}, Latency: 2.20},
		{Batch: model.Batch{Requests: 1, Input: 2048, Output: 2048}, Latency: 29.9},
		{Batch: model.Batch{Requests: 16, Input: 2048, Output: 2048}, Latency: 51.0},
	}
	f, err := model.Fit(points, model.FitOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("α %.1f ms, β %.3f ms, γ %.5f ms\n", 1e3*f.Profile.Alpha, 1e3*f.Profile.Beta, 1e3*f.Profile.Gamma)
	// Output: α 13.9 ms, β 0.088 ms, γ 0.00017 ms
}

// The time of a prompt alone, which the measurements that the efficiencies were found on do not tell: there prompts are as long as answers. The times are those that
// NVIDIA publishes for a batch of one on its own engine (TensorRT-LLM 0.5, docs/source/performance.md, "Low Latency"), so that only the hardware is common to both.
func TestRooflineFirstToken(t *testing.T) {
	var errors []float64
	for _, tt := range []struct {
		model       string
		accelerator string
		devices     int
		weightBytes float64 // FP8 on H100
		input       int
		want        float64 // milliseconds
	}{
		{"Llama-2-7b-hf", "A100", 1, 2, 128, 16},
		{"Llama-2-7b-hf", "A100", 1, 2, 2048, 133},
		{"Llama-2-70b-hf", "A100", 4, 2, 128, 47},
		{"Llama-2-70b-hf", "A100", 4, 2, 2048, 377},
		{"Llama-2-7b-hf", "H100", 1, 1, 128, 7},
		{"Llama-2-7b-hf", "H100", 1, 1, 2048, 36},
		{"Llama-2-70b-hf", "H100", 4, 1, 128, 26},
		{"Llama-2-70b-hf", "H100", 4, 1, 2048, 109},
	} {
		transformer, _ := model.LookupTransformer(tt.model)
		transformer.WeightBytes, transformer.KVBytes = tt.weightBytes, tt.weightBytes
		accelerator, _ := model.LookupAccelerator(tt.accelerator)
		s, err := model.Roofline(transformer, accelerator, tt.devices, model.CUDAEfficiency())
		if err != nil {
			t.Fatal(err)
		}
		got, err := model.Batch{Requests: 1, Input: tt.input, Output: 1}.Latency(model.Server{Profile: s.Profile, MaxBatch: 1})
		if err != nil {
			t.Fatal(err)
		}
		miss := 1e3*got/tt.want - 1
		errors = append(errors, miss)
		t.Logf("%s on %d×%s, %d tokens: %.0f ms, measured %.0f (%+.0f%%)", tt.model, tt.devices, tt.accelerator, tt.input, 1e3*got, tt.want, 100*miss)
	}
	if median, worst := quantile(errors, 0.5), quantile(errors, 1); median > 0.12 || worst > 0.25 {
		t.Errorf("median error %.0f%%, worst %.0f%%, want 12%% and 25%%", 100*median, 100*worst)
	}
}

func TestRooflineRefuses(t *testing.T) {
	llama, _ := model.LookupTransformer("Llama-2-70b-hf")
	a100, _ := model.LookupAccelerator("A100")
	if _, err := model.Roofline(llama, a100, 1, model.CUDAEfficiency()); !errors.Is(err, model.ErrDoesNotFit) {
		t.Errorf("70B in 80 GB: %v", err)
	}
	broken := llama
	broken.Layers = 0
	for want, err := range map[string]error{
		"layers 0":        second(model.Roofline(broken, a100, 4, model.CUDAEfficiency())),
		"devices 0":       second(model.Roofline(llama, a100, 0, model.CUDAEfficiency())),
		"compute 0":       second(model.Roofline(llama, a100, 4, model.Efficiency{Weights: 1, KV: 1, MemoryPortion: 1})),
		`accelerator "X"`: second(model.Roofline(llama, model.Accelerator{Name: "X"}, 4, model.CUDAEfficiency())),
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error = %v, want it to say %q", err, want)
		}
	}
}

func second[A, B any](_ A, b B) B { return b }

func drawPoints(p model.Profile) []model.Point {
	var points []model.Point
	for _, batch := range []int{1, 4, 16, 64} {
		for _, tokens := range []int{64, 512, 2048} {
			point := model.Point{Batch: model.Batch{Requests: batch, Input: tokens, Output: tokens}}
			point.Latency, _ = point.Batch.Latency(model.Server{Profile: p, MaxBatch: 256})
			points = append(points, point)
		}
	}
	return points
}

func drawProfile(t *rapid.T) model.Profile {
	return profile(rapid.Float64Range(1, 50).Draw(t, "alpha"), rapid.Float64Range(0.01, 0.3).Draw(t, "beta"), rapid.Float64Range(0.00005, 0.002).Draw(t, "gamma"))
}

func closeTo(got, want model.Profile, tolerance float64) bool {
	return math.Abs(got.Alpha/want.Alpha-1) < tolerance && math.Abs(got.Beta/want.Beta-1) < tolerance && math.Abs(got.Gamma/want.Gamma-1) < tolerance
}

// Without noise a fit recovers the profile, and one wild point in twelve does not move it.
func TestPropertyFitRecovers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := drawProfile(t)
		points := drawPoints(want)
		f, err := model.Fit(points, model.FitOptions{})
		if err != nil || !closeTo(f.Profile, want, 1e-6) {
			t.Fatalf("got %+v, %v, want %+v", f.Profile, err, want)
		}
		points[rapid.IntRange(0, len(points)-1).Draw(t, "wild")].Latency *= 3
		f, err = model.Fit(points, model.FitOptions{})
		if err != nil || !closeTo(f.Profile, want, 0.02) || f.Outliers == 0 {
			t.Fatalf("with an outlier %+v, %v, want %+v", f, err, want)
		}
	})
}

// A fit says which parameters its points tell: all of them where batches and lengths differ, not what an iteration and what a token costs where all batches are alike.
func TestFitSaysWhatItDoesNotKnow(t *testing.T) {
	truth := profile(12, 0.05, 0.0005)
	points := func(batches []int) []model.Point {
		chance := rand.New(rand.NewPCG(1, 2))
		var points []model.Point
		for _, batch := range batches {
			for _, tokens := range []int{64, 256, 512, 1024, 2048} {
				p := model.Point{Batch: model.Batch{Requests: batch, Input: tokens, Output: tokens}}
				p.Latency, _ = p.Batch.Latency(model.Server{Profile: truth, MaxBatch: 256})
				p.Latency *= 1 + 0.02*chance.NormFloat64()
				points = append(points, p)
			}
		}
		return points
	}
	good, err := model.Fit(points([]int{1, 4, 16, 64}), model.FitOptions{})
	if err != nil {
		t.Fatal(err)
	}
	d := good.Deviation
	if !(d.Alpha < 0.1*truth.Alpha && d.Beta < 0.1*truth.Beta && d.Gamma < 0.1*truth.Gamma) || math.Abs(good.Profile.Beta-truth.Beta) > 3*d.Beta {
		t.Errorf("batches of 1 to 64: %+v ± %+v, want %+v well determined", good.Profile, d, truth)
	}
	alike, err := model.Fit(points([]int{16, 16, 16, 16}), model.FitOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if d := alike.Deviation; d.Alpha < 0.3*truth.Alpha && d.Beta < 0.3*truth.Beta {
		t.Errorf("batches of 16 alone: %+v ± %+v, want it to say that it does not know", alike.Profile, d)
	}
	// A prior fills the gap.
	helped, err := model.Fit(points([]int{16, 16, 16, 16}), model.FitOptions{Prior: truth, Weight: 1})
	if err != nil || !closeTo(helped.Profile, truth, 0.1) {
		t.Errorf("with a prior: %+v, %v", helped.Profile, err)
	}
}

func TestFitRefuses(t *testing.T) {
	one := model.Point{Batch: model.Batch{Requests: 1, Input: 128, Output: 128}, Latency: 2}
	for _, tt := range []struct {
		name   string
		points []model.Point
		want   string
	}{
		{"nothing", nil, "nothing was measured"},
		{"one point", []model.Point{one, one, one}, "want points that differ"},
		{"NaN", []model.Point{{Batch: one.Batch, Latency: math.NaN()}}, "point 0: latency NaN"},
		{"negative", []model.Point{{Batch: one.Batch, ITL: -1}}, "point 0: ITL -1"},
		{"no requests", []model.Point{{Latency: 1}}, "point 0: batch of 0 requests"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := model.Fit(tt.points, model.FitOptions{}); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error = %v, want it to say %q", err, tt.want)
			}
		})
	}
	if _, err := model.Fit([]model.Point{one}, model.FitOptions{Prior: profile(10, 0.05, 0.0005), Weight: 1}); err != nil {
		t.Errorf("one point and a prior: %v", err)
	}
}

// A tracker that starts from half the truth finds the latencies that it is shown, survives JSON, and refuses nonsense.
func TestTrack(t *testing.T) {
	truth := profile(12, 0.05, 0.0005)
	tracker, err := model.NewTracker(profile(6, 0.025, 0.00025))
	if err != nil {
		t.Fatal(err)
	}
	chance := rand.New(rand.NewPCG(1, 2))
	observe := func(p model.Profile) model.Observation {
		o := model.Observation{Running: 1 + 60*chance.Float64(), Input: 50 + 1000*chance.Float64(), Output: 50 + 500*chance.Float64()}
		o.ITL = p.Iteration(o.Running*(o.Input+o.Output)/o.Output, o.Running*(o.Input+o.Output/2), o.Running) * (1 + 0.02*chance.NormFloat64())
		return o
	}
	for range 300 {
		next, err := tracker.Update(observe(truth))
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(next)
		if err != nil {
			t.Fatal(err)
		}
		tracker = model.Tracker{}
		if err := json.Unmarshal(text, &tracker); err != nil {
			t.Fatal(err)
		}
	}
	if !closeTo(tracker.Profile, truth, 0.15) {
		t.Errorf("tracked %+v, want %+v", tracker.Profile, truth)
	}
	wild := observe(truth)
	wild.ITL *= 10
	after, err := tracker.Update(wild)
	if !errors.Is(err, model.ErrImplausible) || after.Profile != tracker.Profile {
		t.Errorf("an implausible jump: %v, %+v", err, after.Profile)
	}
	if _, err := tracker.Update(model.Observation{ITL: math.NaN()}); err == nil {
		t.Error("NaN is taken in")
	}
	// The servers become twice as slow: after a few refusals the tracker follows.
	slower := profile(24, 0.1, 0.001)
	for range 400 {
		tracker, _ = tracker.Update(observe(slower))
	}
	if !closeTo(tracker.Profile, slower, 0.2) {
		t.Errorf("after a change %+v, want %+v", tracker.Profile, slower)
	}
}

func TestMeasuredLengths(t *testing.T) {
	l, err := model.LengthsOfSample([]float64{100, 300})
	if err != nil || l.Mean != 200 || math.Abs(l.CV-0.5) > 1e-12 {
		t.Errorf("sample: %+v, %v", l, err)
	}
	if l, err := model.LengthsOfMoments(10, 100*(1-1e-12)); err != nil || l.CV != 0 {
		t.Errorf("moments: %+v, %v", l, err)
	}
	// 1,000 exponential lengths of mean 200 in vLLM's buckets.
	var buckets []model.Bucket
	for _, bound := range []float64{1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, math.Inf(1)} {
		buckets = append(buckets, model.Bucket{UpperBound: bound, Count: 1000 * -math.Expm1(-bound/200)})
	}
	if l, err := model.LengthsOfHistogram(buckets, 200_000, 1000); err != nil || l.Mean != 200 || math.Abs(l.CV-1) > 0.1 {
		t.Errorf("histogram: %+v, %v", l, err)
	}
	for _, err := range []error{
		second(model.LengthsOfSample(nil)), second(model.LengthsOfSample([]float64{math.NaN()})), second(model.LengthsOfMoments(10, 50)),
		second(model.LengthsOfHistogram(nil, 0, 0)), second(model.LengthsOfHistogram([]model.Bucket{{1, 5}, {2, 4}}, 1, 5)),
	} {
		if err == nil {
			t.Error("no error")
		}
	}
}
