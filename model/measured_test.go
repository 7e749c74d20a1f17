package model_test

import (
	"encoding/csv"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"github.com/wva-go/wva/model"
)

// measured is a run of the published measurements: see docs/profiles.md for their source.
type measured struct {
	accelerator, model string
	devices            int
	point              model.Point
}

func (m measured) arrangement() string {
	return fmt.Sprintf("%s on %d×%s", m.model, m.devices, m.accelerator)
}

// shared finds a directory of that name beside the project, going up from here.
func shared(t *testing.T, name string) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		file := filepath.Join(dir, "shared", name)
		if _, err := os.Stat(file); err == nil {
			return file
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			t.Skipf("skipped: no shared/%s beside the project; docs/profiles.md says where to get it", name)
		}
		dir = parent
	}
}

func readMeasured(t *testing.T) []measured {
	t.Helper()
	f, err := os.Open(shared(t, "data/measured-dense.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	number := func(s string) float64 {
		v, err := strconv.ParseFloat(s, 64)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	var out []measured
	for _, r := range rows[1:] {
		tokens := int(number(r[3]))
		out = append(out, measured{accelerator: r[0], devices: int(number(r[1])), model: path.Base(r[2]),
			point: model.Point{Batch: model.Batch{Requests: int(number(r[4])), Input: tokens, Output: tokens}, Latency: number(r[5])}})
	}
	return out
}

// accelerator is the device that the runs were made on. The source does not say which A100; its runs of 32 × 2,048 tokens of Llama-2-7B
// take two waves, as they do in 40 GB and do not in 80.
func accelerator(name string) model.Accelerator {
	a, _ := model.LookupAccelerator(name)
	if name == "A100" {
		a, _ = model.LookupAccelerator("A100-40GB")
	}
	return a
}

func roofline(t *testing.T, m measured) model.Server {
	t.Helper()
	transformer, ok := model.LookupTransformer(m.model)
	if !ok {
		t.Skipf("no description of %s", m.model)
	}
	a := accelerator(m.accelerator)
	s, err := model.Roofline(transformer, a, m.devices, model.DefaultEfficiency(a))
	if err != nil {
		t.Fatal(err)
	}
	return model.Server{Profile: s.Profile, MaxBatch: 256, KVCapacity: s.KVCapacity}
}

func TestRooflineAgainstMeasurements(t *testing.T) {
	errors := map[string][]float64{}
	for _, m := range readMeasured(t) {
		if m.point.Requests > 64 {
			continue
		}
		got, err := m.point.Batch.Latency(roofline(t, m))
		if err != nil {
			t.Fatal(err)
		}
		errors[m.accelerator] = append(errors[m.accelerator], got/m.point.Latency-1)
	}
	for _, name := range slices.Sorted(maps.Keys(errors)) {
		t.Logf("%s: median error %.1f%%, 90%% within %.1f%% of %d runs", name, 100*quantile(errors[name], 0.5), 100*quantile(errors[name], 0.9), len(errors[name]))
		if limit := 0.12; name != "MI300X" && quantile(errors[name], 0.5) > limit {
			t.Errorf("%s: median error above %.0f%%", name, 100*limit)
		}
	}
}

// A profile that was fitted on batches up to 16 predicts the larger ones.
func TestFitAgainstMeasurements(t *testing.T) {
	byArrangement := map[string][]measured{}
	for _, m := range readMeasured(t) {
		byArrangement[m.arrangement()] = append(byArrangement[m.arrangement()], m)
	}
	all := map[bool][]float64{} // by whether it is the noisy MI300X
	for _, name := range slices.Sorted(maps.Keys(byArrangement)) {
		var small []model.Point
		var large []measured
		for _, m := range byArrangement[name] {
			if m.point.Requests <= 16 {
				small = append(small, m.point)
			} else {
				large = append(large, m)
			}
		}
		server := roofline(t, byArrangement[name][0])
		fitted, err := model.Fit(small, model.FitOptions{Server: server, Prior: server.Profile, Weight: 1})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		server.Profile = fitted.Profile
		var errors []float64
		for _, m := range large {
			got, err := m.point.Batch.Latency(server)
			if err != nil {
				t.Fatal(err)
			}
			errors = append(errors, got/m.point.Latency-1)
		}
		noisy := byArrangement[name][0].accelerator == "MI300X"
		all[noisy] = append(all[noisy], errors...)
		t.Logf("%s: %d points fitted (%.1f%% median), %d predicted: median error %.1f%%, worst %.1f%%", name, len(small), 100*quantile(fitted.Residuals, 0.5), len(large), 100*quantile(errors, 0.5), 100*quantile(errors, 1))
	}
	// The early ROCm runs are not linear in the batch: an iteration of 32 takes up to three times one of 16.
	for noisy, limit := range map[bool]float64{false: 0.10, true: 0.30} {
		if len(all[noisy]) == 0 {
			continue
		}
		got, name := quantile(all[noisy], 0.5), map[bool]string{false: "A100 and H100", true: "MI300X"}[noisy]
		t.Logf("%s: median error %.1f%%", name, 100*got)
		if !(got <= limit) {
			t.Errorf("%s: median error %.1f%%, want at most %.0f%%", name, 100*got, 100*limit)
		}
	}
}
