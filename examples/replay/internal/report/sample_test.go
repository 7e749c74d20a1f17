package report

import (
	"io"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/wva-go/wva"
	"github.com/wva-go/wva/examples/replay/internal/contest"
	"github.com/wva-go/wva/examples/replay/internal/trace"
	"github.com/wva-go/wva/model"
)

var once = struct {
	sync.Once
	report Report
	err    error
}{}

// sample is a report of all policies under the built-in day in an hour and a half, on two variants.
func sample(t *testing.T) Report {
	t.Helper()
	once.Do(func() { once.report, once.err = play(t) })
	if once.err != nil {
		t.Fatal(once.err)
	}
	return once.report
}

func play(t *testing.T) (Report, error) {
	day, err := trace.Day(trace.Options{Scale: 0.1, Speed: 16, Seed: 1})
	if err != nil {
		return Report{}, err
	}
	slo := model.SLO{TTFT: 2 * time.Second, ITL: 100 * time.Millisecond, TTFTQuantile: 0.95, ITLQuantile: 0.95}
	policy := wva.DefaultPolicy()
	policy.ServiceClasses = model.ServiceClasses{{Name: "Premium", Priority: 1, Models: []model.ClassTarget{{Model: "meta/llama-3.1-70b", SLO: slo}}}}
	variant := func(name, accelerator string, cost float64, p model.Profile) wva.Variant {
		return wva.Variant{
			ID: wva.ID{Namespace: "llm", Name: name}, Model: "meta/llama-3.1-70b", Accelerator: accelerator, Devices: 4, Cost: cost, Current: 4, Max: 30, Startup: 2 * time.Minute,
			Server: &model.Server{Profile: p, MaxBatch: 256, KVCapacity: 450_000, MaxBatchedTokens: 2048},
		}
	}
	c, err := contest.New(t.Context(), []wva.Variant{
		variant("llama-a100", "A100", 160, model.Profile{Alpha: 30e-3, Beta: 180e-6, Gamma: 0.05e-6}),
		variant("llama-h100", "H100", 320, model.Profile{Alpha: 22e-3, Beta: 79e-6, Gamma: 0.03e-6}),
	}, policy, day, time.Minute)
	if err != nil {
		return Report{}, err
	}
	runs, err := c.PlayAll(t.Context(), contest.Policies(), nil)
	return New(c, runs, "go run ./examples/replay -speed 16"), err
}

// write writes a file by one of the report's methods.
func write(t *testing.T, path string, to func(io.Writer) error) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := to(f); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}
