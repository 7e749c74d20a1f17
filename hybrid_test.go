package wva_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wva-go/wva"
	"github.com/wva-go/wva/adapters/simulator"
	"github.com/wva-go/wva/cost"
	"github.com/wva-go/wva/model"
	"github.com/wva-go/wva/optimizer"
	"github.com/wva-go/wva/saturation"
)

// hybridPolicy has one service class for model m and prices for two accelerators.
func hybridPolicy(mode wva.Mode) wva.Policy {
	p := wva.DefaultPolicy()
	p.Mode = mode
	p.ServiceClasses = model.ServiceClasses{{Name: "Premium", Priority: 1, Models: []model.ClassTarget{
		{Model: "m", SLO: model.SLO{ITL: 40 * time.Millisecond, TTFT: time.Second}},
	}}}
	p.UnitCosts = cost.UnitCosts{
		{Accelerator: "A100", Type: "NVIDIA-A100-PCIE-80GB", PerHour: 40, Memory: 80 << 30},
		{Accelerator: "H100", Type: "NVIDIA-H100-80GB-HBM3", PerHour: 80, Memory: 80 << 30},
	}
	return p
}

func served(name, accelerator string, current int, p model.Profile) wva.Variant {
	v := variant(name, 40, current)
	v.Accelerator = accelerator
	v.Server = &model.Server{Profile: p, MaxBatch: 128, KVCapacity: 400_000}
	v.Startup = time.Minute
	return v
}

var (
	onA100 = model.Profile{Alpha: 14e-3, Beta: 60e-6, Gamma: 0.6e-6}
	onH100 = model.Profile{Alpha: 6e-3, Beta: 16e-6, Gamma: 0.12e-6}
)

// under returns a snapshot in which every replica finishes so many requests per second.
func under(rate float64, variants ...wva.Variant) wva.Snapshot {
	s := wva.Snapshot{At: noon, Variants: variants, Inventory: wva.Unlimited()}
	for _, v := range variants {
		for i := range v.Current {
			s.Metrics.Replicas = append(s.Metrics.Replicas, wva.ReplicaMetrics{
				Variant: v.ID, Replica: string(rune('a' + i)), At: noon, KVUsage: wva.Read(min(0.2, rate/50)), Waiting: wva.Read(0), Running: wva.Read(10), CompletionRate: wva.Read(rate),
				Input:  wva.LengthReadings{Mean: wva.Read(300), SecondMoment: wva.Read(180_000)},
				Output: wva.LengthReadings{Mean: wva.Read(200), SecondMoment: wva.Read(80_000)},
			})
		}
	}
	return s
}

func TestHybridFollowsTheModel(t *testing.T) {
	a := served("a", "A100", 2, onA100)
	report, h, err := wva.Decide(under(12, a), hybridPolicy(wva.Hybrid), wva.History{})
	if err != nil {
		t.Fatal(err)
	}
	d := report.Decisions[0]
	if d.Target <= 2 || !strings.Contains(d.Why(), "by the model") || !d.Predicted.ITL.Valid || d.Predicted.ITL.Value > 0.040 {
		t.Errorf("at 24 requests/s on two A100: %+v", d)
	}
	m := report.Models[0]
	if m.Demand == nil || m.Demand.Rate != 24 || m.Plan == nil || len(h.Models) != 1 {
		t.Errorf("demand %+v, plan %+v", m.Demand, m.Plan)
	}
	p := hybridPolicy(wva.Hybrid)
	p.Behavior.ScaleDown.StabilizationWindow = wva.NoStabilization
	idle, _, err := wva.Decide(under(0.1, served("a", "A100", 4, onA100)), p, wva.History{})
	if err != nil || idle.Decisions[0].Target != 1 {
		t.Errorf("idle: %+v, %v", idle.Decisions, err)
	}
}

func TestHybridWithoutOpinion(t *testing.T) {
	for _, tt := range []struct {
		name string
		edit func(*wva.Snapshot, *wva.Policy)
		why  string
	}{
		{"no profile", func(s *wva.Snapshot, _ *wva.Policy) { s.Variants[0].Server = nil }, "no performance profile"},
		{"no service class", func(_ *wva.Snapshot, p *wva.Policy) { p.ServiceClasses = nil }, "no service class"},
		{"no completions", func(s *wva.Snapshot, _ *wva.Policy) { s.Metrics.Replicas[0].CompletionRate = wva.Reading{} }, "the demand is not known"},
		{"an SLO out of reach", func(_ *wva.Snapshot, p *wva.Policy) {
			p.ServiceClasses[0].Models[0].SLO = model.SLO{ITL: time.Millisecond}
		}, "cannot meet the SLO"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, p := under(1, served("a", "A100", 2, onA100)), hybridPolicy(wva.Hybrid)
			tt.edit(&s, &p)
			report, _, err := wva.Decide(s, p, wva.History{})
			if err != nil {
				t.Fatal(err)
			}
			if d := report.Decisions[0]; !strings.Contains(d.Why(), tt.why) || d.Target < 1 {
				t.Errorf("%s, want it to say %q", d, tt.why)
			}
		})
	}
}

func TestCostFallback(t *testing.T) {
	p := hybridPolicy(wva.Hybrid)
	report, _, err := wva.Decide(under(1, served("a", "L4", 1, onA100)), p, wva.History{})
	if err != nil || !strings.Contains(report.Decisions[0].Why(), `no unit cost for accelerator "L4"`) {
		t.Errorf("%v, %v", report, err)
	}
}

// A budget counts what a report calls cost: unit costs where there are any, and variant costs otherwise.
func TestBudgetHoldsGrowth(t *testing.T) {
	listed := cost.UnitCosts{{Accelerator: "A100", Type: "NVIDIA-A100-PCIE-80GB", PerHour: 2}}
	for _, tt := range []struct {
		budget float64
		costs  cost.UnitCosts
		target int
		cost   float64
	}{
		{budget: 14, target: 2, cost: 10},
		{budget: 15, target: 3, cost: 15},
		{budget: 11, costs: listed, target: 2, cost: 8},
		{budget: 12, costs: listed, target: 3, cost: 12},
	} {
		p := wva.DefaultPolicy()
		p.Budgets, p.UnitCosts = []optimizer.Budget{{PerHour: tt.budget}}, tt.costs
		a := variant("a", 5, 2)
		a.Accelerator, a.Devices = "A100", 2
		report, _, err := wva.Decide(snapshot([]wva.Variant{a}, reports("a", [2]float64{0.9, 9}, [2]float64{0.9, 9})), p, wva.History{})
		if err != nil {
			t.Fatal(err)
		}
		d := report.Decisions[0]
		short := slices.ContainsFunc(report.Problems, func(p wva.Problem) bool { return p.Kind == wva.BudgetShort })
		if d.Target != tt.target || d.Cost != tt.cost || report.Cost != tt.cost || short != (tt.target == 2) {
			t.Errorf("budget %g, unit costs %v: %v, want a target of %d at %g", tt.budget, tt.costs, report, tt.target, tt.cost)
		}
	}
}

// The model gives up no more than the saturation analysis finds safe, the dearest first, and nothing of a variant on which requests wait.
func TestTheModelShrinksSafely(t *testing.T) {
	p := hybridPolicy(wva.Hybrid)
	p.Behavior.ScaleDown.StabilizationWindow = wva.NoStabilization
	p.Saturation.Default.QueueSpareTrigger = 1
	for _, tt := range []struct {
		name      string
		kv        float64 // on each of three A100 and two H100
		waits     bool    // on one of the A100
		pending   int     // A100 that start
		published bool
		a, b      int
		why       string
	}{
		{name: "idle", kv: 0.001, a: 1, b: 0, why: "0 by the model"},
		{name: "half full, one may go", kv: 0.5, a: 3, b: 1, why: "1 rather than 0 by the model: the load of more than 1 removed replicas"},
		{name: "as published, what is safe for one is safe for all", kv: 0.5, published: true, a: 1, b: 0, why: "0 by the model"},
		{name: "full", kv: 0.6, a: 3, b: 2, why: "the load of the removed replicas"},
		{name: "a queue holds its variant alone", kv: 0.001, waits: true, a: 3, b: 0, why: "0 by the model"},
		{name: "what has not started may go", kv: 0.5, pending: 3, a: 3, b: 1, why: "removed replicas"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a, b := served("a", "A100", 3, onA100), served("b", "H100", 2, onH100)
			p, s := p, under(0.1, a, b)
			p.PublishedArbitration = tt.published
			s.Variants[0].Current, s.Variants[0].Pending = 3+tt.pending, tt.pending
			for i := range s.Metrics.Replicas {
				s.Metrics.Replicas[i].KVUsage = wva.Read(tt.kv)
			}
			if tt.waits {
				s.Metrics.Replicas[0].Waiting = wva.Read(9)
			}
			report, _, err := wva.Decide(s, p, wva.History{})
			if err != nil {
				t.Fatal(err)
			}
			if x, y := report.Decisions[0], report.Decisions[1]; x.Target != tt.a || y.Target != tt.b || !strings.Contains(y.Why(), tt.why) {
				t.Errorf("%v, want %d and %d, since %s", report, tt.a, tt.b, tt.why)
			}
			if x := report.Decisions[0]; tt.waits && !strings.Contains(x.Why(), "1 replicas are saturated") {
				t.Errorf("%s", x)
			}
		})
	}
}

// The whole loop in HYBRID mode on a simulated cluster: the load triples and falls back, and the fleet follows.
func TestHybridInSimulation(t *testing.T) {
	a, b := served("a", "A100", 1, onA100), served("b", "H100", 1, onH100)
	cluster, err := simulator.NewCluster(noon, a, b)
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	rate := func(t float64) float64 {
		if t > 1200 && t < 2400 {
			return 36
		}
		return 12
	}
	cluster.Send(a.Key(), simulator.Load{Rate: rate, Peak: 36, Input: model.TokenLengths{Mean: 300, CV: 1}, Output: model.TokenLengths{Mean: 200, CV: 1}, Seed: 1}.Requests())
	autoscaler, err := wva.NewAutoscaler(cluster, cluster, cluster, hybridPolicy(wva.Hybrid))
	if err != nil {
		t.Fatal(err)
	}
	autoscaler.Clock = cluster.Now
	var costs []float64
	for range 60 {
		cluster.Advance(time.Minute)
		report, err := autoscaler.Step(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		costs = append(costs, report.Cost)
	}
	if !(costs[35] > costs[15] && costs[58] < costs[35]) {
		t.Errorf("the cost does not follow the load: %v", costs)
	}
	good, all := 0, 0
	for _, r := range cluster.Take(a.Key()) {
		if r.At > 300 {
			all++
			if r.TTFT() < 1 && r.ITL() < 0.040 {
				good++
			}
		}
	}
	t.Logf("%d of %d requests within the SLO, costs %v", good, all, costs)
	if float64(good) < 0.8*float64(all) {
		t.Errorf("%d of %d requests within the SLO", good, all)
	}
}

// The token-based analysis takes as many replicas as are missing, at once.
func TestTokens(t *testing.T) {
	s := under(1, served("a", "A100", 2, onA100))
	for i := range s.Metrics.Replicas {
		r := &s.Metrics.Replicas[i]
		r.KVCapacity, r.KVUsage, r.Waiting = wva.Read(100_000), wva.Read(0.79), wva.Read(200)
	}
	p := wva.DefaultPolicy()
	tokens := saturation.DefaultTokenConfig()
	tokens.QueueLengthThreshold = 1000
	p.Tokens = &tokens
	report, _, err := wva.Decide(s, p, wva.History{})
	if err != nil {
		t.Fatal(err)
	}
	if d := report.Decisions[0]; d.Target < 4 || !strings.Contains(d.Why(), "tokens are missing") {
		t.Errorf("%s", d)
	}
	s.Metrics.Replicas[0].KVCapacity = wva.Reading{}
	report, _, _ = wva.Decide(s, p, wva.History{})
	if d := report.Decisions[0]; d.Target != 3 || !strings.Contains(d.Why(), "no token-based analysis") {
		t.Errorf("without the size of a KV cache: %s", d)
	}
}
