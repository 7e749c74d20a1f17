package simulator_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"
	commonmodel "github.com/prometheus/common/model"

	"github.com/wva-go/wva"
	"github.com/wva-go/wva/adapters/simulator"
	"github.com/wva-go/wva/model"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func llama(name string, replicas int) wva.Variant {
	return wva.Variant{
		ID: wva.ID{Namespace: "ns", Name: name}, Model: "llama", Accelerator: "A100", Cost: 40, Current: replicas, Startup: 90 * time.Second,
		Server: &model.Server{Profile: model.Profile{Alpha: 0.012, Beta: 0.00005, Gamma: 0.0000005}, MaxBatch: 64, KVCapacity: 60_000},
	}
}

func cluster(t *testing.T, rate float64, variants ...wva.Variant) *simulator.Cluster {
	t.Helper()
	c, err := simulator.NewCluster(noon, variants...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	c.Send(variants[0].Key(), simulator.Constant(rate, model.TokenLengths{Mean: 300, CV: 1}, model.TokenLengths{Mean: 200, CV: 1}, 1).Requests())
	return c
}

func replicas(t *testing.T, c *simulator.Cluster, name string) (current, pending int) {
	t.Helper()
	variants, err := c.Variants(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range variants {
		if v.ID.Name == name {
			return v.Current, v.Pending
		}
	}
	t.Fatalf("no variant %s", name)
	return 0, 0
}

func scale(t *testing.T, c *simulator.Cluster, name string, target int) {
	t.Helper()
	if err := c.Scale(t.Context(), []wva.Decision{{Variant: wva.ID{Namespace: "ns", Name: name}, Target: target}}); err != nil {
		t.Fatal(err)
	}
}

func TestClusterStartsAndDrains(t *testing.T) {
	c := cluster(t, 4, llama("a", 1))
	c.Advance(time.Minute)
	scale(t, c, "a", 3)
	if current, pending := replicas(t, c, "a"); current != 3 || pending != 2 {
		t.Errorf("after scaling up: %d current, %d pending", current, pending)
	}
	c.Advance(89 * time.Second)
	if _, pending := replicas(t, c, "a"); pending != 2 {
		t.Errorf("before the start-up time: %d pending", pending)
	}
	c.Advance(2 * time.Second)
	if _, pending := replicas(t, c, "a"); pending != 0 {
		t.Errorf("after the start-up time: %d pending", pending)
	}
	scale(t, c, "a", 1)
	if current, _ := replicas(t, c, "a"); current != 1 {
		t.Errorf("after scaling down: %d current", current)
	}
	for _, r := range c.Take(llama("a", 1).Key()) {
		if r.Rejected {
			t.Fatalf("a request was lost: %+v", r)
		}
	}
}

func TestClusterMetrics(t *testing.T) {
	a := llama("a", 2)
	c := cluster(t, 4, a)
	c.Advance(10 * time.Minute)
	m, err := c.Collect(t.Context(), []wva.Variant{a})
	if err != nil {
		t.Fatal(err)
	}
	var completions float64
	for _, r := range m.Replicas {
		completions += r.CompletionRate.Value
		if !(r.KVUsage.Value > 0 && r.KVUsage.Value < 1) || !r.TTFT.Valid || !r.ITL.Valid || r.Input.Mean.Value < 100 {
			t.Errorf("metrics = %+v", r)
		}
	}
	if len(m.Replicas) != 2 || completions < 3 || completions > 5 {
		t.Errorf("%d replicas complete %v requests/s of 4", len(m.Replicas), completions)
	}
	if n := m.Models[0].RequestsInRetention.Value; n < 2000 || n > 2800 {
		t.Errorf("%v requests in ten minutes at 4/s", n)
	}
}

func TestClusterHoldsRequestsBack(t *testing.T) {
	a := llama("a", 0)
	c := cluster(t, 1, a)
	c.Advance(30 * time.Second)
	m, _ := c.Collect(t.Context(), []wva.Variant{a})
	if m.Models[0].GatewayQueue.Value < 15 {
		t.Errorf("gateway queue = %v, want about 30", m.Models[0].GatewayQueue)
	}
	scale(t, c, "a", 1)
	c.Advance(3 * time.Minute)
	if m, _ := c.Collect(t.Context(), []wva.Variant{a}); m.Models[0].GatewayQueue.Value != 0 {
		t.Errorf("gateway queue = %v with a replica up", m.Models[0].GatewayQueue)
	}
}

func TestClusterInventoryAndFreeze(t *testing.T) {
	c := cluster(t, 1, llama("a", 1))
	if err := c.SetInventory(wva.Limited(wva.Devices{Type: "A100", Count: 2})); err != nil {
		t.Fatal(err)
	}
	scale(t, c, "a", 3)
	c.Advance(5 * time.Minute)
	if _, pending := replicas(t, c, "a"); pending != 1 {
		t.Errorf("3 replicas on 2 devices: %d pending", pending)
	}
	id := wva.ID{Namespace: "ns", Name: "a"}
	if err := c.SetInventory(wva.Unlimited()); err != nil {
		t.Fatal(err)
	}
	if err := c.Freeze(id, true); err != nil {
		t.Fatal(err)
	}
	c.Advance(5 * time.Minute)
	if _, pending := replicas(t, c, "a"); pending != 1 {
		t.Errorf("frozen: %d pending", pending)
	}
	if err := c.Freeze(id, false); err != nil {
		t.Fatal(err)
	}
	c.Advance(2 * time.Second)
	if _, pending := replicas(t, c, "a"); pending != 0 {
		t.Errorf("thawed: %d pending", pending)
	}
}

func TestClusterCost(t *testing.T) {
	c := cluster(t, 1, llama("a", 2))
	c.Advance(30 * time.Minute)
	if got := c.Cost(); got < 39.99 || got > 40.01 {
		t.Errorf("2 replicas at 40 an hour cost %v in half an hour", got)
	}
}

func TestClusterIsDeterministic(t *testing.T) {
	run := func() []simulator.Record {
		c := cluster(t, 6, llama("a", 2), llama("b", 1))
		c.Advance(5 * time.Minute)
		return c.Take(llama("a", 0).Key())
	}
	a, b := run(), run()
	if len(a) == 0 || len(a) != len(b) {
		t.Fatalf("%d and %d requests", len(a), len(b))
	}
	for i := range a {
		if a[i] != b[i] {
			t.Fatalf("request %d: %+v and %+v", i, a[i], b[i])
		}
	}
}

func TestWriteMetrics(t *testing.T) {
	a := llama("a", 1)
	c := cluster(t, 4, a)
	c.Advance(2 * time.Minute)
	names := c.Replicas(a.ID)
	var page bytes.Buffer
	if err := c.WriteMetrics(&page, a.ID, names[0]); err != nil {
		t.Fatal(err)
	}
	parser := expfmt.NewTextParser(commonmodel.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(page.String()))
	if err != nil {
		t.Fatal(err)
	}
	finished := families["vllm:request_success_total"].GetMetric()[0].GetCounter().GetValue()
	if h := families["vllm:time_to_first_token_seconds"].GetMetric()[0].GetHistogram(); float64(h.GetSampleCount()) != finished || finished == 0 {
		t.Errorf("%d first tokens for %v requests", h.GetSampleCount(), finished)
	}
	if err := c.WriteMetrics(&page, a.ID, "nobody"); err == nil {
		t.Error("an unknown replica answers")
	}
}

// A fleet that is kept elsewhere names the replicas: they keep their requests and counters for as long as they are named.
func TestClusterFollows(t *testing.T) {
	c := cluster(t, 6, llama("a", 0))
	follow := func(names ...string) {
		t.Helper()
		if err := c.Follow(llama("a", 0).ID, names); err != nil {
			t.Fatal(err)
		}
	}
	follow("pod-x", "pod-y")
	c.Advance(time.Minute)
	follow("pod-z", "pod-y")
	if got := strings.Join(c.Replicas(llama("a", 0).ID), " "); got != "pod-y pod-z" {
		t.Errorf("replicas %q", got)
	}
	c.Advance(time.Minute)
	for name, want := range map[string]bool{"pod-x": false, "pod-y": true, "pod-z": true} {
		var page bytes.Buffer
		if err := c.WriteMetrics(&page, llama("a", 0).ID, name); (err == nil) != want {
			t.Errorf("%s answers: %v", name, err)
		}
	}
	follow()
	c.Advance(time.Minute)
	if current, _ := replicas(t, c, "a"); current != 0 {
		t.Errorf("%d replicas when none is named", current)
	}
	for _, r := range c.Take(llama("a", 0).Key()) {
		if r.Rejected {
			t.Fatalf("a request was lost: %+v", r)
		}
	}
	if err := c.Follow(wva.ID{Name: "nobody"}, nil); err == nil {
		t.Error("followed a variant that is not there")
	}
}
