package wva_test

import (
	"context"
	"encoding/csv"
	"flag"
	"fmt"
	"iter"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/wva-go/wva"
	"github.com/wva-go/wva/adapters/simulator"
	"github.com/wva-go/wva/model"
)

var writePolicies = flag.Bool("policies", false, "write docs/policies.md")

// hpa is a horizontal pod autoscaler on the mean KV usage: ceil(current · usage / target), a tolerance of 10%, and down only to the highest of five minutes.
type hpa struct {
	target float64
	recent []int
}

func (h *hpa) decide(s wva.Snapshot) []wva.Decision {
	var decisions []wva.Decision
	for _, v := range s.Variants {
		sum, n := 0.0, 0
		for _, r := range s.Metrics.Replicas {
			if r.Variant == v.ID {
				sum, n = sum+r.KVUsage.Value, n+1
			}
		}
		want := v.Current
		if n > 0 {
			if ratio := sum / float64(n) / h.target; math.Abs(ratio-1) > 0.1 {
				want = min(max(int(math.Ceil(float64(v.Current)*ratio)), 1), v.Max)
			}
		}
		h.recent = append(h.recent, want)
		h.recent = h.recent[max(0, len(h.recent)-5):]
		if want < v.Current {
			want = min(slices.Max(h.recent), v.Current)
		}
		decisions = append(decisions, wva.Decision{Variant: v.ID, Target: want})
	}
	return decisions
}

// outcome is what a policy made of a load.
type outcome struct {
	attainment float64 // requests within the SLO
	cost       float64
	peak       int
}

// limits are an SLO for each request, in seconds.
type limits struct{ ttft, itl float64 }

// play runs a policy under a load for a while, one decision a minute.
func play(t *testing.T, policy string, load func() iter.Seq[simulator.Request], slo limits, minutes, start int) outcome {
	t.Helper()
	v := served("a", "A100", start, onA100)
	v.Server.MaxBatchedTokens = 8192
	v.Startup, v.Min, v.Max = 2*time.Minute, 1, 60
	c, err := simulator.NewCluster(noon, v)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.Send(v.Key(), load())
	p := hybridPolicy(wva.Hybrid)
	p.ServiceClasses[0].Models[0].SLO = model.SLO{TTFT: seconds(slo.ttft), ITL: seconds(slo.itl)}
	switch policy {
	case "CAPACITY-ONLY":
		p.Mode = wva.CapacityOnly
	case "HYBRID, down only after 5 minutes":
		p.Behavior.ScaleDown.StabilizationWindow = 5 * time.Minute
	case "HYBRID with forecast":
		p.Forecasting = wva.Forecasting{Forecaster: wva.Holt{}, Quantile: 0.9}
	}
	a, err := wva.NewAutoscaler(c, c, c, p)
	if err != nil {
		t.Fatal(err)
	}
	a.Clock = c.Now
	other := hpa{target: 0.6}
	var o outcome
	for range minutes {
		c.Advance(time.Minute)
		variants, _ := c.Variants(context.Background())
		o.peak = max(o.peak, variants[0].Current)
		switch policy {
		case "fixed fleet":
		case "HPA on KV usage":
			m, _ := c.Collect(context.Background(), variants)
			err = c.Scale(context.Background(), other.decide(wva.Snapshot{Variants: variants, Metrics: m}))
		default:
			_, err = a.Step(context.Background())
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	good, all := 0, 0
	for _, r := range c.Take(v.Key()) {
		all++
		if !r.Rejected && r.TTFT() <= slo.ttft && r.ITL() <= slo.itl {
			good++
		}
	}
	o.attainment, o.cost = float64(good)/float64(max(all, 1)), c.Cost()
	return o
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

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

// trace is an hour of requests, so many copies of each within ten seconds of it.
func trace(requests []simulator.Request, copies int) iter.Seq[simulator.Request] {
	draw := rand.New(rand.NewPCG(1, 1))
	var all []simulator.Request
	for _, r := range requests {
		for range copies {
			c := r
			c.At += 10 * draw.Float64()
			all = append(all, c)
		}
	}
	slices.SortFunc(all, func(a, b simulator.Request) int { return int(math.Copysign(1, a.At-b.At)) })
	return slices.Values(all)
}

// readTrace reads the Azure trace where it stands beside the project.
func readTrace(t *testing.T) []simulator.Request {
	dir, _ := os.Getwd()
	for ; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "shared/data/azure-code-2023.csv")); err == nil {
			break
		}
		if dir == filepath.Dir(dir) {
			return nil
		}
	}
	f, err := os.Open(filepath.Join(dir, "shared/data/azure-code-2023.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var requests []simulator.Request
	var first time.Time
	for _, row := range rows[1:] {
		at, err := time.Parse("2006-01-02 15:04:05.0000000", row[0])
		if err != nil {
			t.Fatal(err)
		}
		if first.IsZero() {
			first = at
		}
		in, _ := strconv.Atoi(row[1])
		out, _ := strconv.Atoi(row[2])
		requests = append(requests, simulator.Request{At: at.Sub(first).Seconds(), Input: in, Output: out})
	}
	return requests
}

// What each policy makes of two loads; docs/policies.md has the table.
func TestPolicies(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some seconds")
	}
	var b strings.Builder
	table := func(title string, load func() iter.Seq[simulator.Request], slo limits, fixed, start int) map[string]outcome {
		fmt.Fprintf(&b, "\n%s\n\n| policy | requests within the SLO | cost | most replicas |\n|---|---|---|---|\n", title)
		outcomes := map[string]outcome{}
		for _, policy := range []string{"fixed fleet", "HPA on KV usage", "CAPACITY-ONLY", "HYBRID", "HYBRID, down only after 5 minutes", "HYBRID with forecast"} {
			from := start
			if policy == "fixed fleet" {
				from = fixed
			}
			o := play(t, policy, load, slo, 60, from)
			outcomes[policy] = o
			fmt.Fprintf(&b, "| %s | %.1f%% | %.0f | %d |\n", policy, 100*o.attainment, o.cost, o.peak)
		}
		return outcomes
	}
	step := table("A load of 30 requests/s that triples for twenty minutes (300 tokens in, 200 out, both exponential), within 1 s to the first token and 40 ms between tokens:", stepUp, limits{1, 0.040}, 14, 5)
	if step["HYBRID"].attainment < step["CAPACITY-ONLY"].attainment {
		t.Errorf("HYBRID serves less than CAPACITY-ONLY: %+v", step)
	}
	if requests := readTrace(t); requests != nil {
		table("One hour of the Azure code trace of 2023, 20 copies of each request, within 2 s and 200 ms:", func() iter.Seq[simulator.Request] { return trace(requests, 20) }, limits{2, 0.2}, 20, 10)
	}
	b.WriteString("\nHYBRID serves more than CAPACITY-ONLY and costs more: it takes several replicas at once, where the other takes one in two minutes. It does not reach the same attainment at\nlower cost here. The trace comes in bursts of a minute, shorter than a start: what is queued on a server stays there, new replicas come when the burst is over, and what keeps\nthem pays.\n")
	t.Log(b.String())
	if *writePolicies {
		text := "# What the policies make of a load\n\nSimulated servers (an 8B model on A100, two minutes to start), one decision a minute, an SLO for every request,\ncost at 40 an hour for each replica, starting and draining ones included. `go test . -run TestPolicies -policies` writes this page; the trace is from\ngithub.com/Azure/AzurePublicDataset (AzureLLMInferenceTrace_code.csv), read from `shared/data` beside the clone and left out where it is absent.\n" + b.String()
		if err := os.WriteFile("docs/policies.md", []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
