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
				Variant: v.ID, Replica: string(rune('a' + i)), At: noon, KVUsage: wva.Read(0.2), Waiting: wva.Read(0), Running: wva.Read(10), CompletionRate: wva.Read(rate),
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
	idle, _, err := wva.Decide(under(0.1, served("a", "A100", 4, onA100)), hybridPolicy(wva.Hybrid), wva.History{})
	if err != nil || idle.Decisions[0].Target != 1 {
		t.Errorf("idle: %+v, %v", idle.Decisions, err)
	}
}

// Completions stop growing when servers saturate; what piles up shows the rest of the demand.
func TestDemandIsMoreThanCompletions(t *testing.T) {
	a := served("a", "A100", 2, onA100)
	p := hybridPolicy(wva.Hybrid)
	_, h, err := wva.Decide(under(3, a), p, wva.History{})
	if err != nil {
		t.Fatal(err)
	}
	s := under(3, a)
	s.At = noon.Add(time.Minute)
	for i := range s.Metrics.Replicas {
		s.Metrics.Replicas[i].At = s.At
		s.Metrics.Replicas[i].Waiting = wva.Read(60)
	}
	report, _, err := wva.Decide(s, p, h)
	if err != nil {
		t.Fatal(err)
	}
	if d := report.Models[0].Demand; d == nil || d.Completions != 6 || d.Growth != 2 || d.Rate != 8 {
		t.Errorf("demand = %+v, want 6 completed and 2 piling up", d)
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

func TestScaleToZero(t *testing.T) {
	key := wva.ModelKey{Namespace: "ns", Model: "m"}
	enabled := wva.ScaleToZero{Default: wva.Retention{Enabled: true}}
	measured := func(requests, gateway wva.Reading) []wva.ModelMetrics {
		return []wva.ModelMetrics{{ModelKey: key, RequestsInRetention: requests, GatewayQueue: gateway}}
	}
	quiet := reports("a", [2]float64{0, 0})
	for _, tt := range []struct {
		name    string
		current int
		samples []wva.ReplicaMetrics
		models  []wva.ModelMetrics
		zero    wva.ScaleToZero
		want    int
	}{
		{"idle, and enabled", 1, quiet, measured(wva.Read(0), wva.Read(0)), enabled, 0},
		{"idle, but not enabled", 1, quiet, measured(wva.Read(0), wva.Read(0)), wva.ScaleToZero{}, 1},
		{"a request within the retention", 1, quiet, measured(wva.Read(1), wva.Read(0)), enabled, 1},
		{"the requests could not be read", 1, quiet, nil, enabled, 1},
		{"at zero, and requests wait", 0, nil, measured(wva.Read(0), wva.Read(3)), enabled, 1},
		{"at zero, and nothing waits", 0, nil, measured(wva.Read(0), wva.Read(0)), enabled, 0},
		{"at zero, and not enabled", 0, nil, nil, wva.ScaleToZero{}, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := wva.DefaultPolicy()
			p.ScaleToZero = tt.zero
			s := snapshot([]wva.Variant{variant("a", 5, tt.current)}, tt.samples)
			s.Metrics.Models = tt.models
			report, _, err := wva.Decide(s, p, wva.History{})
			if err != nil || report.Decisions[0].Target != tt.want {
				t.Errorf("%v, %v, want %d", report, err, tt.want)
			}
		})
	}
}

func TestBehavior(t *testing.T) {
	p := hybridPolicy(wva.Hybrid)
	p.Behavior = wva.Behavior{
		ScaleUp:   wva.ScalingRules{Policies: []wva.ScalingPolicy{{Type: wva.PodsPolicy, Value: 1}}},
		ScaleDown: wva.ScalingRules{StabilizationWindow: 3 * time.Minute},
	}
	report, _, err := wva.Decide(under(12, served("a", "A100", 2, onA100)), p, wva.History{})
	if err != nil || report.Decisions[0].Target != 3 {
		t.Errorf("at most one replica a cycle: %v, %v", report, err)
	}
	// A controller that has just started knows of no earlier target, and does not shrink at once either.
	report, h, err := wva.Decide(under(0.1, served("a", "A100", 4, onA100)), p, wva.History{})
	if err != nil || report.Decisions[0].Target != 4 {
		t.Errorf("the first cycle of a window: %v, %v", report, err)
	}
	if report, _, err = wva.Decide(later(under(0.1, served("a", "A100", 4, onA100)), 4*time.Minute), p, h); err != nil || report.Decisions[0].Target != 1 {
		t.Errorf("after the window: %v, %v", report, err)
	}
	// A lull of a minute does not shrink what was wanted within the window.
	h = wva.History{}
	for i, rate := range []float64{5.5, 5.5, 0.1, 0.1, 0.1, 0.1, 0.1} {
		s := later(under(rate, served("a", "A100", 3, onA100)), time.Duration(i)*time.Minute)
		if report, h, err = wva.Decide(s, p, h); err != nil {
			t.Fatal(err)
		}
		if lull := i - 1; (report.Decisions[0].Target < 3) != (lull > 3) {
			t.Errorf("minute %d: target %d\n%s", i, report.Decisions[0].Target, report)
		}
	}
}

// later moves a snapshot and its samples in time.
func later(s wva.Snapshot, by time.Duration) wva.Snapshot {
	s.At = s.At.Add(by)
	for i := range s.Metrics.Replicas {
		s.Metrics.Replicas[i].At = s.At
	}
	return s
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
