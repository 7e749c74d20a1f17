package wva_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/wva-go/wva"
	"github.com/wva-go/wva/adapters/memory"
	"github.com/wva-go/wva/adapters/simulator"
	"github.com/wva-go/wva/model"
)

// cluster is what the machine drives: a fleet whose targets come and go.
type cluster interface {
	wva.Fleet
	wva.MetricsSource
	wva.Scaler
	DeleteTarget(wva.ID) error
	CreateTarget(wva.ID, int) error
}

// faulty stands between the autoscaler and a cluster and fails as it is told.
type faulty struct {
	cluster
	fleet, inventory, metrics, scaler bool
	panics                            bool          // rather than returning errors
	lost                              int           // replicas, by order of the metrics, that do not report
	age                               time.Duration // of the metrics
}

var errFault = errors.New("fault")

func (f *faulty) fail(broken bool) error {
	if broken && f.panics {
		panic("fault")
	}
	if broken {
		return errFault
	}
	return nil
}

func (f *faulty) Variants(ctx context.Context) ([]wva.Variant, error) {
	if err := f.fail(f.fleet); err != nil {
		return nil, err
	}
	return f.cluster.Variants(ctx)
}

func (f *faulty) Inventory(ctx context.Context) (wva.Inventory, error) {
	if err := f.fail(f.inventory); err != nil {
		return wva.Inventory{}, err
	}
	return f.cluster.Inventory(ctx)
}

func (f *faulty) Collect(ctx context.Context, variants []wva.Variant) (wva.Metrics, error) {
	if err := f.fail(f.metrics); err != nil {
		return wva.Metrics{}, err
	}
	m, err := f.cluster.Collect(ctx, variants)
	m.Replicas = m.Replicas[:max(0, len(m.Replicas)-f.lost)]
	for i := range m.Replicas {
		m.Replicas[i].At = m.Replicas[i].At.Add(-f.age)
	}
	return m, err
}

func (f *faulty) Scale(ctx context.Context, decisions []wva.Decision) error {
	if err := f.fail(f.scaler); err != nil {
		return err
	}
	return f.cluster.Scale(ctx, decisions)
}

// machine drives an autoscaler over a faulty cluster, and checks every report.
type machine struct {
	faulty     *faulty
	autoscaler *wva.Autoscaler
	policy     wva.Policy
	clock      time.Time     // of the cluster in memory
	offset     time.Duration // of the autoscaler's clock from the simulated one
	advance    func(time.Duration)
	ids        []wva.ID
	gone       map[wva.ID]bool
}

// healthy tells whether what the autoscaler sees can be trusted, by its own clock.
func (m *machine) healthy() bool {
	age := m.faulty.age
	if _, ok := m.faulty.cluster.(*simulator.Cluster); ok {
		age += m.offset // the cluster in memory shares the clock that jumps
	}
	return !m.faulty.metrics && m.faulty.lost == 0 && age.Abs() <= 5*time.Minute
}

func (m *machine) step(t *rapid.T) (wva.Report, error) {
	m.advance(time.Minute)
	m.clock = m.clock.Add(time.Minute)
	report, err := m.autoscaler.Step(context.Background())
	variants, _ := m.faulty.cluster.Variants(context.Background())
	for _, d := range report.Decisions {
		i := slices.IndexFunc(variants, func(v wva.Variant) bool { return v.ID == d.Variant })
		v := variants[i]
		if d.Target < v.Min || d.Target > v.Max {
			t.Fatalf("%s: %d is outside [%d, %d]", d.Variant, d.Target, v.Min, v.Max)
		}
		if d.Target < d.Current && !m.healthy() && d.Target != v.Max {
			t.Fatalf("%s shrinks on bad metrics: %s", d.Variant, d)
		}
		if m.gone[d.Variant] {
			t.Fatalf("%s is decided without a target", d.Variant)
		}
	}
	return report, err
}

func (m *machine) actions() map[string]func(*rapid.T) {
	toggle := func(b *bool) func(*rapid.T) {
		return func(t *rapid.T) { *b = !*b; _, _ = m.step(t) }
	}
	return map[string]func(*rapid.T){
		"":             func(t *rapid.T) {},
		"step":         func(t *rapid.T) { _, _ = m.step(t) },
		"fleet":        toggle(&m.faulty.fleet),
		"inventory":    toggle(&m.faulty.inventory),
		"metrics":      toggle(&m.faulty.metrics),
		"scaler":       toggle(&m.faulty.scaler),
		"panics":       toggle(&m.faulty.panics),
		"lost metrics": func(t *rapid.T) { m.faulty.lost = rapid.IntRange(0, 3).Draw(t, "lost"); _, _ = m.step(t) },
		"stale metrics": func(t *rapid.T) {
			m.faulty.age = time.Duration(rapid.IntRange(0, 10).Draw(t, "minutes")) * time.Minute
			_, _ = m.step(t)
		},
		"clock jumps": func(t *rapid.T) {
			m.jump(time.Duration(rapid.IntRange(-60, 60).Draw(t, "jump")) * time.Minute)
		},
		"deleted target": func(t *rapid.T) { m.replaceTarget(t) },
		"new policy":     func(t *rapid.T) { m.replacePolicy(t) },
		"recovery":       m.recover,
	}
}

func (m *machine) jump(by time.Duration) {
	m.clock = m.clock.Add(by)
	m.offset += by
}

func (m *machine) replaceTarget(t *rapid.T) {
	id := rapid.SampledFrom(m.ids).Draw(t, "variant")
	if m.gone[id] {
		if err := m.faulty.CreateTarget(id, 1); err != nil {
			t.Fatal(err)
		}
	} else if err := m.faulty.DeleteTarget(id); err != nil {
		t.Fatal(err)
	}
	m.gone[id] = !m.gone[id]
	_, _ = m.step(t)
}

func (m *machine) replacePolicy(t *rapid.T) {
	m.policy.Saturation.Default.KVCacheThreshold = rapid.SampledFrom([]float64{0.7, 0.8, 0.9}).Draw(t, "threshold")
	if err := m.autoscaler.SetPolicy(m.policy); err != nil {
		t.Fatal(err)
	}
	if err := m.autoscaler.SetPolicy(wva.Policy{}); err == nil {
		t.Fatal("an invalid policy is accepted")
	}
}

// recover ends all faults. Two steps later nothing of them is left in what the autoscaler decides.
func (m *machine) recover(t *rapid.T) {
	*m.faulty = faulty{cluster: m.faulty.cluster}
	m.offset = 0
	for range 2 {
		if _, err := m.step(t); err != nil {
			t.Fatal(err)
		}
	}
	report, err := m.step(t)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range report.Decisions {
		if d.Override == nil {
			continue
		}
		switch d.Override.Rule {
		case wva.RuleSafetyNetPrevious, wva.RuleSafetyNetCurrent, wva.RuleGuardMetrics:
			t.Fatalf("%s is still held: %s", d.Variant, d)
		}
	}
	for _, model := range report.Models {
		if model.Metrics != wva.MetricsFound {
			t.Fatalf("%s: %s: %s", model.ModelKey, model.Metrics, model.Message)
		}
	}
}

func bounded(name string, price float64, current int) wva.Variant {
	v := served(name, "A100", current, onA100)
	v.Cost, v.Min, v.Max = price, 1, 5
	return v
}

func TestMachineMemory(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := &machine{clock: noon, policy: wva.DefaultPolicy(), gone: map[wva.ID]bool{}, ids: []wva.ID{{Namespace: "ns", Name: "a"}, {Namespace: "ns", Name: "b"}}}
		a, b := bounded("a", 5, 1), bounded("b", 20, 2)
		a.Startup, b.Startup = 0, 0
		c, err := memory.NewCluster(a, b)
		if err != nil {
			t.Fatal(err)
		}
		c.Clock = func() time.Time { return m.clock }
		m.advance = func(time.Duration) {
			_ = c.SetLoad(a.Key(), memory.Load{KV: rapid.Float64Range(0, 6).Draw(t, "load")})
		}
		m.start(t, c)
	})
}

func TestMachineSimulator(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := &machine{clock: noon, policy: hybridPolicy(wva.Hybrid), gone: map[wva.ID]bool{}, ids: []wva.ID{{Namespace: "ns", Name: "a"}, {Namespace: "ns", Name: "b"}}}
		a := bounded("a", 40, 1)
		c, err := simulator.NewCluster(noon, a, bounded("b", 80, 1))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		c.Send(a.Key(), simulator.Constant(rapid.Float64Range(1, 20).Draw(t, "rate"), model.TokenLengths{Mean: 300, CV: 1}, model.TokenLengths{Mean: 100, CV: 1}, 1).Requests())
		m.advance = c.Advance
		m.start(t, c)
	})
}

func (m *machine) start(t *rapid.T, c cluster) {
	m.faulty = &faulty{cluster: c}
	a, err := wva.NewAutoscaler(m.faulty, m.faulty, m.faulty, m.policy)
	if err != nil {
		t.Fatal(err)
	}
	a.Clock = func() time.Time {
		if s, ok := c.(*simulator.Cluster); ok {
			return s.Now().Add(m.offset)
		}
		return m.clock
	}
	m.autoscaler = a
	t.Repeat(m.actions())
}
