package wva_test

import (
	"flag"
	"fmt"
	"iter"
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/wva-go/wva"
	"github.com/wva-go/wva/adapters/simulator"
	"github.com/wva-go/wva/model"
	"github.com/wva-go/wva/saturation"
)

var writeTuning = flag.Bool("tuning", false, "write docs/tuning-tables.md")

// tuned is what a setting makes of a load.
type tuned struct {
	attainment float64 // requests for which the promise was kept
	cost       float64
	peak       int // replicas
	changes    int // cycles in which the target changed
}

// tune runs a policy under a load for an hour, one decision a minute, from five replicas that take two minutes to start.
func tune(t *testing.T, load iter.Seq[simulator.Request], mode wva.Mode, edit func(*wva.Policy)) tuned {
	t.Helper()
	v := served("a", "A100", 5, onA100)
	v.Server.MaxBatchedTokens = 8192
	v.Startup, v.Min, v.Max = 2*time.Minute, 1, 60
	c, err := simulator.NewCluster(noon, v)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.Send(v.Key(), load)
	p := hybridPolicy(mode)
	promise := model.SLO{TTFT: time.Second, ITL: 40 * time.Millisecond}
	p.ServiceClasses[0].Models[0].SLO = promise
	if edit != nil {
		edit(&p)
	}
	return play(t, c, p, 60, promise, v.Key())
}

// play runs a policy on a cluster for some minutes, with one decision in each, and counts the requests of its models for which a promise is kept.
func play(t *testing.T, c *simulator.Cluster, p wva.Policy, minutes int, promise model.SLO, models ...wva.ModelKey) tuned {
	t.Helper()
	a, err := wva.NewAutoscaler(c, c, c, p)
	if err != nil {
		t.Fatal(err)
	}
	a.Clock = c.Now
	var o tuned
	for range minutes {
		c.Advance(time.Minute)
		report, err := a.Step(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		replicas := 0
		for _, d := range report.Decisions {
			replicas += d.Target
		}
		o.peak = max(o.peak, replicas)
		o.changes += len(report.Changes())
	}
	good, all := 0, 0
	for _, key := range models {
		for _, r := range c.Take(key) {
			all++
			if !r.Rejected && r.TTFT() <= promise.TTFT.Seconds() && r.ITL() <= promise.ITL.Seconds() {
				good++
			}
		}
	}
	o.attainment, o.cost = float64(good)/float64(max(all, 1)), c.Cost()
	return o
}

// stepUp is a load that triples after twenty minutes and falls back after another twenty.
func stepUp() iter.Seq[simulator.Request] {
	rate := func(t float64) float64 {
		if t >= 1200 && t < 2400 {
			return 90
		}
		return 30
	}
	return simulator.Load{Rate: rate, Peak: 90, Input: model.TokenLengths{Mean: 300, CV: 1}, Output: model.TokenLengths{Mean: 200, CV: 1}, Seed: 1}.Requests()
}

// wave is a load that swings between a rate and three times as much, once in half an hour.
func wave(least, input, output float64) iter.Seq[simulator.Request] {
	rate := func(t float64) float64 { return least * (2 - math.Cos(2*math.Pi*t/1800)) }
	return simulator.Load{Rate: rate, Peak: 3 * least, Input: model.TokenLengths{Mean: input, CV: 1}, Output: model.TokenLengths{Mean: output, CV: 1}, Seed: 1}.Requests()
}

func shortWave() iter.Seq[simulator.Request] { return wave(30, 300, 200) }

// longWave keeps whole documents in the KV cache, which fills before the servers queue.
func longWave() iter.Seq[simulator.Request] { return wave(2.5, 3000, 800) }

// settings are the rows of docs/tuning-tables.md.
var settings = []struct {
	name string
	mode wva.Mode
	edit func(*wva.Policy)
}{
	{"CAPACITY-ONLY, defaults", wva.CapacityOnly, nil},
	{"kvSpareTrigger 0.3", wva.CapacityOnly, func(p *wva.Policy) { p.Saturation.Default.KVSpareTrigger = 0.3 }},
	{"kvCacheThreshold 0.5", wva.CapacityOnly, func(p *wva.Policy) { p.Saturation.Default.KVCacheThreshold = 0.5 }},
	{"queueSpareTrigger 4", wva.CapacityOnly, func(p *wva.Policy) { p.Saturation.Default.QueueSpareTrigger = 4 }},
	{"queueLengthThreshold 20, queueSpareTrigger 12", wva.CapacityOnly, func(p *wva.Policy) {
		p.Saturation.Default.QueueLengthThreshold, p.Saturation.Default.QueueSpareTrigger = 20, 12
	}},
	{"transition perVariant", wva.CapacityOnly, func(p *wva.Policy) { p.Saturation.Default.Transition = saturation.PerVariant }},
	{"token-based analysis", wva.CapacityOnly, func(p *wva.Policy) { p.Tokens = tokens(0.85, 0.70) }},
	{"scaleUpThreshold 0.6, scaleDownBoundary 0.4", wva.CapacityOnly, func(p *wva.Policy) { p.Tokens = tokens(0.6, 0.4) }},
	{"HYBRID", wva.Hybrid, nil},
	{"MODEL-ONLY", wva.ModelOnly, nil},
	{"HYBRID, ITL 30 ms asked for", wva.Hybrid, func(p *wva.Policy) { p.ServiceClasses[0].Models[0].SLO.ITL = 30 * time.Millisecond }},
	{"HYBRID, down to the highest of 5 minutes", wva.Hybrid, func(p *wva.Policy) { p.Behavior.ScaleDown.StabilizationWindow = 5 * time.Minute }},
	{"HYBRID, down without a window", wva.Hybrid, func(p *wva.Policy) { p.Behavior.ScaleDown.StabilizationWindow = wva.NoStabilization }},
	{"HYBRID, arbitrated as published", wva.Hybrid, func(p *wva.Policy) { p.PublishedArbitration = true }},
	{"HYBRID, down to the highest of 15 minutes", wva.Hybrid, func(p *wva.Policy) { p.Behavior.ScaleDown.StabilizationWindow = 15 * time.Minute }},
	{"HYBRID, up to the lowest of 2 minutes", wva.Hybrid, func(p *wva.Policy) { p.Behavior.ScaleUp.StabilizationWindow = 2 * time.Minute }},
	{"HYBRID, at most one replica up or down a cycle", wva.Hybrid, func(p *wva.Policy) {
		one := []wva.ScalingPolicy{{Type: wva.PodsPolicy, Value: 1}}
		p.Behavior.ScaleUp.Policies, p.Behavior.ScaleDown.Policies = one, one
	}},
	{"HYBRID, tolerance of 10% both ways", wva.Hybrid, func(p *wva.Policy) { p.Behavior.ScaleUp.Tolerance, p.Behavior.ScaleDown.Tolerance = 0.1, 0.1 }},
	{"HYBRID, Holt at 0.5", wva.Hybrid, func(p *wva.Policy) { p.Forecasting = wva.Forecasting{Forecaster: wva.Holt{}, Quantile: 0.5} }},
	{"HYBRID, Holt at 0.9", wva.Hybrid, func(p *wva.Policy) { p.Forecasting = wva.Forecasting{Forecaster: wva.Holt{}, Quantile: 0.9} }},
	{"HYBRID, Holt at 0.9, down to the highest of 5 minutes", wva.Hybrid, func(p *wva.Policy) {
		p.Forecasting = wva.Forecasting{Forecaster: wva.Holt{}, Quantile: 0.9}
		p.Behavior.ScaleDown.StabilizationWindow = 5 * time.Minute
	}},
}

func tokens(up, down float64) *saturation.TokenConfig {
	c := saturation.DefaultTokenConfig()
	c.ScaleUpThreshold, c.ScaleDownBoundary = up, down
	return &c
}

// What settings make of two loads; docs/tuning-tables.md has the tables. Without -tuning only what docs/tuning.md promises is looked at.
func TestTuning(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some seconds")
	}
	if *writeTuning {
		writeTuningTables(t)
		return
	}
	late := tune(t, stepUp(), wva.CapacityOnly, nil)
	early := tune(t, stepUp(), wva.CapacityOnly, func(p *wva.Policy) { p.Saturation.Default.QueueSpareTrigger = 4 })
	if early.attainment < 1.5*late.attainment {
		t.Errorf("a larger queueSpareTrigger is to serve more: %+v rather than %+v", early, late)
	}
	if proactive := tune(t, stepUp(), wva.Hybrid, nil); proactive.attainment < 2*late.attainment {
		t.Errorf("HYBRID is to serve far more than CAPACITY-ONLY: %+v rather than %+v", proactive, late)
	}
	hasty := tune(t, shortWave(), wva.Hybrid, nil)
	patient := tune(t, shortWave(), wva.Hybrid, func(p *wva.Policy) { p.Behavior.ScaleDown.StabilizationWindow = 15 * time.Minute })
	if patient.changes >= hasty.changes || patient.cost <= hasty.cost {
		t.Errorf("a stabilization window is to change less and cost more: %+v rather than %+v", patient, hasty)
	}
}

func writeTuningTables(t *testing.T) {
	var b strings.Builder
	b.WriteString("# What settings make of a load\n\nSimulated servers (an 8B model on A100, two minutes to start, five at the beginning), an hour, one decision a minute; a request is in time within 1 s to the first token\nand 40 ms between tokens; cost at 40 an hour for each replica. `go test . -run TestTuning -tuning` writes this page; [tuning](tuning.md) says what to make of it.\n")
	for _, load := range []struct {
		title    string
		requests func() iter.Seq[simulator.Request]
	}{
		{"30 requests/s that triple from one second to the next, for twenty minutes", stepUp},
		{"A wave between 30 and 90 requests/s, once in half an hour", shortWave},
		{"The same of 2.5 to 7.5 requests/s ten times as long (3,000 tokens in, 800 out)", longWave},
	} {
		fmt.Fprintf(&b, "\n## %s\n\n| setting | in time | cost | most replicas | cycles with a change |\n|---|---|---|---|---|\n", load.title)
		for _, s := range settings {
			o := tune(t, load.requests(), s.mode, s.edit)
			fmt.Fprintf(&b, "| %s | %.1f%% | %.0f | %d | %d |\n", s.name, 100*o.attainment, o.cost, o.peak, o.changes)
		}
	}
	t.Log(b.String())
	if err := os.WriteFile("docs/tuning-tables.md", []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}
