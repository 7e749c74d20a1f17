package contest

import (
	"context"
	"errors"
	"io"
	"math"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/wva-go/wva"
	"github.com/wva-go/wva/adapters/simulator"
	"github.com/wva-go/wva/examples/replay/internal/trace"
	"github.com/wva-go/wva/model"
)

const llama = "meta/llama-3.1-70b"

func variant(name string, replicas int, cost float64, p model.Profile) wva.Variant {
	return wva.Variant{
		ID: wva.ID{Name: name}, Model: llama, Accelerator: strings.ToUpper(name), Cost: cost, Current: replicas, Max: 30, Startup: 2 * time.Minute,
		Server: &model.Server{Profile: p, MaxBatch: 256, KVCapacity: 450_000, MaxBatchedTokens: 8192},
	}
}

var (
	onA100 = model.Profile{Alpha: 30e-3, Beta: 180e-6, Gamma: 0.05e-6}
	onH100 = model.Profile{Alpha: 22e-3, Beta: 79e-6, Gamma: 0.03e-6}
)

// begin is a contest under a curve of rates.
func begin(t *testing.T, curve string, variants ...wva.Variant) *Contest {
	t.Helper()
	load, err := trace.Read("curve.csv", func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("time,rate\n" + curve)), nil }, trace.DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	c, err := New(t.Context(), variants, policy(), load, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func policy() wva.Policy {
	p := wva.DefaultPolicy()
	slo := model.SLO{TTFT: 2 * time.Second, ITL: 100 * time.Millisecond, TTFTQuantile: 0.95, ITLQuantile: 0.95}
	p.ServiceClasses = model.ServiceClasses{{Name: "Premium", Priority: 1, Models: []model.ClassTarget{{Model: llama, SLO: slo}}}}
	return p
}

const hill = "0,5\n10m,40\n20m,10\n30m,2\n40m,0\n"

// All policies under a hill of load: what must hold of each of them.
func TestPlayAll(t *testing.T) {
	c := begin(t, hill, variant("a100", 4, 160, onA100), variant("h100", 2, 320, onH100))
	runs, err := c.PlayAll(t.Context(), Policies(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for i, run := range runs {
		s := run.Summary
		t.Logf("%-16s within %.3f, cost %.0f, floor %.0f", run.Policy, s.Within, s.Cost, c.Floor)
		if run.Policy != Policies()[i].Name || run.About == "" || len(run.Moments) != c.Steps() {
			t.Errorf("%s: %d moments, want %d", run.Policy, len(run.Moments), c.Steps())
		}
		if s.Requests != c.Survey.Requests || s.Within < 0 || s.Within > 1 || s.Unfinished < 0 {
			t.Errorf("%s: %+v", run.Policy, s)
		}
		if s.Unfinished == 0 && s.Cost < c.Floor {
			t.Errorf("%s: cost %g is below the floor of %g", run.Policy, s.Cost, c.Floor)
		}
		last := run.Moments[len(run.Moments)-1]
		if last.Cost != s.Cost || !slices.IsSorted(run.TTFT) || len(run.TTFT) != 101 {
			t.Errorf("%s: cost %g at the end, %g in all; percentiles %v", run.Policy, last.Cost, s.Cost, run.TTFT)
		}
		for _, m := range run.Moments {
			for _, v := range m.Variants {
				if v.Why == "" || v.Target < 0 || v.Target > 30 {
					t.Fatalf("%s at %gs: %+v", run.Policy, m.Seconds, v)
				}
			}
		}
	}
	fixed, oracle := runs[0].Summary, runs[len(runs)-1].Summary
	if fixed.Changes != 0 || fixed.PeakReplicas != 6 || math.Abs(fixed.Cost-1280*float64(c.Steps())/60) > 1e-6 {
		t.Errorf("fixed: %+v", fixed)
	}
	if oracle.Within < 0.95 || oracle.Cost >= fixed.Cost {
		t.Errorf("the oracle: %+v against a fixed fleet's %+v", oracle, fixed)
	}
}

// The outcome does not depend on how many play at once, or on the time of day.
func TestDeterministic(t *testing.T) {
	c := begin(t, hill, variant("a100", 3, 160, onA100), variant("h100", 2, 320, onH100))
	first, err := c.PlayAll(t.Context(), Policies(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	second, err := c.PlayAll(t.Context(), Policies(), nil)
	if err != nil || !reflect.DeepEqual(first, second) {
		t.Errorf("one at a time the outcome is another: %v", err)
	}
}

func TestProgressEnds(t *testing.T) {
	c := begin(t, "0,5\n2m,5\n", variant("a100", 4, 160, onA100))
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1)) // so that progress comes from one goroutine
	last := map[string][2]int{}
	_, err := c.PlayAll(t.Context(), Policies(), func(policy string, step, steps int) {
		if before := last[policy]; step < before[0] || step > steps {
			t.Errorf("%s: %d of %d after %v", policy, step, steps, before)
		}
		last[policy] = [2]int{step, steps}
	})
	if err != nil || len(last) != len(Policies()) {
		t.Fatalf("%v, %v", last, err)
	}
}

func TestInterrupted(t *testing.T) {
	c := begin(t, hill, variant("a100", 3, 160, onA100))
	ctx, cancel := context.WithCancel(t.Context())
	_, err := c.PlayAll(ctx, Policies(), func(string, int, int) { cancel() })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
	if _, err := New(ctx, c.Variants, c.Policy, c.Load, time.Minute); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted before: %v", err)
	}
}

// A file that changes while it is played is an error, not a lull.
func TestLoadFails(t *testing.T) {
	opened := 0
	good := "TIMESTAMP,ContextTokens,GeneratedTokens\n2026-01-05 10:00:00,100,10\n2026-01-05 10:05:00,100,10\n"
	load, err := trace.Read("t.csv", func() (io.ReadCloser, error) {
		if opened++; opened > 2 {
			return io.NopCloser(strings.NewReader(strings.Replace(good, "10:05:00,100", "10:05:00,-1", 1))), nil
		}
		return io.NopCloser(strings.NewReader(good)), nil
	}, trace.DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	c, err := New(t.Context(), []wva.Variant{variant("a100", 1, 160, onA100)}, policy(), load, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.PlayAll(t.Context(), Policies()[:1], nil); err == nil || !strings.Contains(err.Error(), `fixed: t.csv:3: ContextTokens "-1"`) {
		t.Errorf("a load that fails: %v", err)
	}
}

func TestNewRefuses(t *testing.T) {
	load, err := trace.Day(trace.Options{Scale: 0.01, Speed: 24, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := New(t.Context(), nil, policy(), load, time.Minute); err == nil || !strings.Contains(err.Error(), "no variant") {
		t.Errorf("no variant: %v", err)
	}
	v := variant("a100", 1, 160, onA100)
	v.Model = "another"
	if _, err := New(t.Context(), []wva.Variant{v}, policy(), load, time.Minute); err == nil || !strings.Contains(err.Error(), "no service class") {
		t.Errorf("no promise: %v", err)
	}
}

// The oracle starts replicas before they are needed, and keeps those that will be needed again before they could start.
func TestForesight(t *testing.T) {
	v := variant("a100", 1, 160, onA100) // two minutes to start
	f := &foresight{contest: begin(t, hill, v), needs: map[wva.ID][]int{v.ID: {1, 1, 1, 1, 6, 1, 1, 1, 1, 1, 1}}}
	for _, tt := range []struct {
		minute, want int
		at           time.Duration
	}{
		{0, 1, 0}, {1, 1, time.Minute}, {2, 6, 4 * time.Minute}, {3, 6, 4 * time.Minute}, {4, 6, 4 * time.Minute}, {5, 1, 5 * time.Minute}, {20, 0, 20 * time.Minute},
	} {
		if got, at := f.target(v, time.Duration(tt.minute)*time.Minute); got != tt.want || at != tt.at {
			t.Errorf("after %d minutes: %d for %v, want %d for %v", tt.minute, got, at, tt.want, tt.at)
		}
	}
}

// What the oracle runs carries the true rate within the SLO by the model, and nothing cheaper does.
func TestForesee(t *testing.T) {
	a, h := variant("a100", 1, 160, onA100), variant("h100", 1, 320, onH100)
	c := begin(t, hill, a, h)
	carried, err := c.rates()
	if err != nil {
		t.Fatal(err)
	}
	f, err := c.foresee(1, carried)
	if err != nil {
		t.Fatal(err)
	}
	for i := range c.Survey.Slots {
		na, nh, rate := f.needs[a.ID][i], f.needs[h.ID][i], c.Survey.Rate(i)
		cost := 160*na + 320*nh
		if float64(na)*carried[i][0]+float64(nh)*carried[i][1] < rate*(1-1e-9) || na+nh < 1 {
			t.Errorf("minute %d: %d and %d replicas do not carry %g requests/s", i, na, nh, rate)
		}
		for x := range 31 {
			for y := range 31 {
				if x+y > 0 && 160*x+320*y < cost && float64(x)*carried[i][0]+float64(y)*carried[i][1] >= rate {
					t.Fatalf("minute %d: %d and %d replicas cost %d, %d and %d would do", i, na, nh, cost, x, y)
				}
			}
		}
	}
}

// The floor holds for a server that works through any requests as fast as it can, and comes near to what that takes where the batch is full.
func TestFloorBoundsBusyTime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		spec := *variant("a", 1, 3600, onA100).Server // a cost of 1 a second
		spec.MaxBatch = rapid.IntRange(1, 64).Draw(t, "batch")
		spec.MaxBatchedTokens = rapid.SampledFrom([]int{0, 64, 2048}).Draw(t, "budget")
		v := wva.Variant{ID: wva.ID{Name: "a"}, Model: llama, Cost: 3600, Server: &spec}
		f := newFloor([]wva.Variant{v})
		s, err := simulator.NewServer(spec, nil)
		if err != nil {
			t.Fatal(err)
		}
		for range rapid.IntRange(1, 100).Draw(t, "requests") {
			r := simulator.Request{Input: rapid.IntRange(0, 3000).Draw(t, "input"), Output: rapid.IntRange(0, 300).Draw(t, "output")}
			f.add(r)
			s.Submit(r)
		}
		s.Drain()
		if busy := s.Counts().Busy; f.cost() > busy*(1+1e-9) {
			t.Fatalf("a floor of %g s, and a server that took %g s", f.cost(), busy)
		}
	})
	spec := *variant("a", 1, 3600, onA100).Server
	f := newFloor([]wva.Variant{{ID: wva.ID{Name: "a"}, Model: llama, Cost: 3600, Server: &spec}})
	s, err := simulator.NewServer(spec, nil)
	if err != nil {
		t.Fatal(err)
	}
	for range 20 * spec.MaxBatch {
		r := simulator.Request{Input: 100, Output: 100}
		f.add(r)
		s.Submit(r)
	}
	s.Drain()
	if busy := s.Counts().Busy; f.cost() < 0.9*busy {
		t.Errorf("with a full batch the floor is %g s of %g s", f.cost(), busy)
	}
}

func TestHistogram(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.Float64Range(1e-4, 1e4), 1, 500).Draw(t, "values")
		var h histogram
		for _, v := range values {
			h.add(v)
		}
		want := exact(values)
		got := h.quantiles()
		for _, q := range [][2]float64{{got.P50, want.P50}, {got.P95, want.P95}, {got.P99, want.P99}} {
			if math.Abs(q[0]/q[1]-1) > 0.0051 {
				t.Fatalf("%g, want %g within half a percent", q[0], q[1])
			}
		}
	})
	var h histogram
	if h.quantiles() != (Quantiles{}) || h.percentiles() != nil || exact(nil) != (Quantiles{}) {
		t.Error("nothing has no quantiles")
	}
	h.add(0)
	h.add(math.MaxFloat64)
	if q := h.percentiles(); q[0] > 2e-5 || q[100] < 1e5 {
		t.Errorf("beyond the buckets: %g to %g", q[0], q[100])
	}
}
