package wva_test

import (
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/wva-go/wva"
	"github.com/wva-go/wva/adapters/simulator"
	"github.com/wva-go/wva/model"
)

var writeLoads = flag.Bool("loads", false, "write docs/policies-loads.md")

// shape is a load by its rate in requests per second, minute by minute.
type shape struct {
	title string
	rates func(seed uint64) []float64
	// fewer says that HYBRID serves fewer than CAPACITY-ONLY: its window of a start is shorter than the lulls are.
	fewer bool
	two   bool // two models, the second with the opposite of the rates, and devices for a dozen replicas between them
}

// minutes draws a rate for each of n minutes.
func minutes(n int, rate func(m float64) float64) []float64 {
	rates := make([]float64, n)
	for i := range rates {
		rates[i] = rate(float64(i))
	}
	return rates
}

func same(rates []float64) func(uint64) []float64 { return func(uint64) []float64 { return rates } }

func swing(m float64) float64 { return 6 * (2 - math.Cos(2*math.Pi*m/40)) }

var shapes = []shape{
	{title: "steady: 12", rates: same(minutes(120, func(float64) float64 { return 12 }))},
	{title: "step: 8, and 24 for 25 minutes", rates: same(minutes(70, func(m float64) float64 {
		if m >= 20 && m < 45 {
			return 24
		}
		return 8
	}))},
	{title: "sawtooth: from 4 to 24 in 20 minutes, and again", rates: same(minutes(100, func(m float64) float64 { return 4 + math.Mod(m, 20) }))},
	{title: "wave: 6 to 18 in 40 minutes", rates: same(minutes(120, swing))},
	{title: "flash crowds: 8, and 40 for 3 minutes each half hour", rates: same(minutes(90, func(m float64) float64 {
		if math.Mod(m, 30) >= 27 {
			return 40
		}
		return 8
	}))},
	{title: "modulated: 6 or 20, for 6 minutes on average", rates: modulated, fewer: true},
	{title: "weekend: two working days of 2 to 16 and a quiet one between", rates: same(minutes(3*240, func(m float64) float64 {
		busy := 14.0
		if m >= 240 && m < 480 {
			busy = 4
		}
		return 2 + busy*(1-math.Cos(2*math.Pi*m/240))/2
	}))},
	{title: "two waves, opposite, of two models that share a dozen devices of each kind", rates: same(minutes(120, swing)), two: true},
}

// modulated switches between two rates after times of which nothing warns.
func modulated(seed uint64) []float64 {
	chance := rand.New(rand.NewPCG(seed, 4))
	high, left := false, 0
	return minutes(180, func(float64) float64 {
		if left == 0 {
			high, left = !high, 1+int(6*chance.ExpFloat64())
		}
		left--
		if high {
			return 20
		}
		return 6
	})
}

// A 70B model on four devices a replica.
var (
	largeOnA100 = model.Profile{Alpha: 30e-3, Beta: 180e-6, Gamma: 0.05e-6}
	largeOnH100 = model.Profile{Alpha: 22e-3, Beta: 79e-6, Gamma: 0.03e-6}
)

// play runs a policy under so many times the load, from as many times two A100 and one H100 for each model, which take two minutes to start.
func (s shape) play(t *testing.T, seed uint64, times int, c contestant) tuned {
	t.Helper()
	p := hybridPolicy(c.mode)
	promise := model.SLO{TTFT: 2 * time.Second, ITL: 100 * time.Millisecond, TTFTQuantile: 0.95, ITLQuantile: 0.95}
	p.ServiceClasses[0].Models[0].SLO = promise
	p.Behavior.ScaleDown.StabilizationWindow, p.PublishedArbitration = c.window, c.published
	cluster, err := simulator.NewCluster(noon)
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	rates := s.rates(seed)
	namespaces := []string{"one"}
	if s.two {
		namespaces = append(namespaces, "two")
		if err := cluster.SetInventory(wva.Limited(wva.Devices{Type: "A100", Count: 12 * times}, wva.Devices{Type: "H100", Count: 12 * times})); err != nil {
			t.Fatal(err)
		}
	}
	var models []wva.ModelKey
	for i, namespace := range namespaces {
		for _, v := range []wva.Variant{served("a", "A100", 2*times, largeOnA100), served("b", "H100", times, largeOnH100)} {
			v.ID.Namespace, v.Startup, v.Cost = namespace, 2*time.Minute, map[string]float64{"A100": 40, "H100": 80}[v.Accelerator]
			v.Server.MaxBatchedTokens = 8192
			if err := cluster.Put(v); err != nil {
				t.Fatal(err)
			}
		}
		key := wva.ModelKey{Namespace: namespace, Model: "m"}
		rate := func(at float64) float64 {
			r := rates[min(int(at/60), len(rates)-1)]
			if i == 1 {
				r = 24 - r
			}
			return r * float64(times)
		}
		cluster.Send(key, simulator.Load{Rate: rate, Peak: 60 * float64(times), Input: model.TokenLengths{Mean: 300, CV: 1}, Output: model.TokenLengths{Mean: 200, CV: 1}, Seed: seed + uint64(i)<<32}.Requests())
		models = append(models, key)
	}
	return play(t, cluster, p, len(rates), promise, models...)
}

// mean plays several seeds.
func (s shape) mean(t *testing.T, seeds, times int, c contestant) tuned {
	var sum tuned
	for seed := range seeds {
		o := s.play(t, uint64(seed+1), times, c)
		sum.attainment += o.attainment / float64(seeds)
		sum.cost += o.cost / float64(seeds)
		sum.peak = max(sum.peak, o.peak)
		sum.changes += o.changes
	}
	sum.changes /= seeds
	return sum
}

// contestant is a policy of the comparison.
type contestant struct {
	name      string
	mode      wva.Mode
	window    time.Duration // of scale-down
	published bool
}

var contestants = []contestant{
	{"CAPACITY-ONLY", wva.CapacityOnly, 0, false},
	{"HYBRID arbitrated as published", wva.Hybrid, 0, true},
	{"HYBRID without a window", wva.Hybrid, wva.NoStabilization, false},
	{"HYBRID", wva.Hybrid, 0, false},
	{"HYBRID, window of 5 minutes", wva.Hybrid, 5 * time.Minute, false},
}

// What the modes make of loads of all shapes; docs/policies-loads.md has the tables. Without -loads only what docs/policies.md says of them is looked at.
func TestLoads(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some seconds")
	}
	if *writeLoads {
		writeLoadTables(t)
		return
	}
	var spent, limit float64
	for _, s := range shapes {
		capacity, published, hybrid := s.play(t, 1, 1, contestants[0]), s.play(t, 1, 1, contestants[1]), s.play(t, 1, 1, contestants[3])
		spent += hybrid.cost
		limit += capacity.cost
		if hybrid.attainment < published.attainment-0.01 || hybrid.attainment < capacity.attainment-0.01 && !s.fewer {
			t.Errorf("%s: HYBRID is to serve as many in time: %+v rather than %+v or as published %+v", s.title, hybrid, capacity, published)
		}
		if hybrid.changes >= published.changes {
			t.Errorf("%s: HYBRID is to change less: %+v rather than %+v", s.title, hybrid, published)
		}
	}
	if spent > 0.95*limit {
		t.Errorf("HYBRID is to cost less than CAPACITY-ONLY on the whole: %g rather than %g", spent, limit)
	}
}

func writeLoadTables(t *testing.T) {
	const seeds = 3
	var b strings.Builder
	fmt.Fprintf(&b, `# Loads of other shapes

Simulated servers (a 70B model on A100 at 40 and H100 at 80 an hour, two minutes to start), one decision a minute, means of %d seeds. The promise is 2 s to the first token and 100 ms between tokens, for 95%% of the
requests. Rates are in requests per second, for two A100 and one H100 at the beginning; the second half of each row is four times the load on four times the fleet. `+"`go test . -run TestLoads -loads`"+`
writes this page; [policies](policies.md) says what to make of it.
`, seeds)
	for _, s := range shapes {
		fmt.Fprintf(&b, "\n## %s%s\n\n| policy | in time | cost | most replicas | changes | ×4: in time | cost | most replicas | changes |\n|---|--:|--:|--:|--:|--:|--:|--:|--:|\n", strings.ToUpper(s.title[:1]), s.title[1:])
		for _, c := range contestants {
			one, four := s.mean(t, seeds, 1, c), s.mean(t, seeds, 4, c)
			fmt.Fprintf(&b, "| %s | %.1f%% | %.0f | %d | %d | %.1f%% | %.0f | %d | %d |\n",
				c.name, 100*one.attainment, one.cost, one.peak, one.changes, 100*four.attainment, four.cost, four.peak, four.changes)
		}
	}
	t.Log(b.String())
	if err := os.WriteFile("docs/policies-loads.md", []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}
