package wva_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wva-go/wva"
)

// Problems that are about no model, and remarks about metrics that are complete, are reported and hold nothing; others hold the model or keep it from shrinking.
func TestProblemsThatHoldNothing(t *testing.T) {
	v := wva.Variant{ID: wva.ID{Namespace: "ns", Name: "a"}, Model: "llama", Accelerator: "A100", Cost: 40, Current: 3}
	var replicas []wva.ReplicaMetrics
	for _, name := range []string{"a-0", "a-1", "a-2"} {
		replicas = append(replicas, wva.ReplicaMetrics{Variant: v.ID, Replica: name, At: noon, KVUsage: wva.Read(0.01), Waiting: wva.Read(0)})
	}
	for _, tt := range []struct {
		name    string
		problem wva.MetricsProblem
		target  int
		metrics wva.MetricsReason
		want    []wva.Problem
	}{
		{"about the source", wva.MetricsProblem{Reason: wva.PrometheusError, Message: "no TTFT"}, 2, wva.MetricsFound, []wva.Problem{{Kind: wva.MetricsLost, Message: "no TTFT"}}},
		{"a remark", wva.MetricsProblem{ModelKey: v.Key(), Reason: wva.MetricsFound, Message: "strangers"}, 2, wva.MetricsFound, []wva.Problem{{Model: v.Key(), Kind: wva.MetricsIgnored, Message: "strangers"}}},
		{"about a variant", wva.MetricsProblem{ModelKey: v.Key(), Variant: "a", Reason: wva.MetricsStale, Message: "old"}, 3, wva.MetricsStale, []wva.Problem{{Model: v.Key(), Kind: wva.MetricsLost, Message: "old"}}},
		{"about the model", wva.MetricsProblem{ModelKey: v.Key(), Reason: wva.PrometheusError, Message: "down"}, 3, wva.PrometheusError, []wva.Problem{{Model: v.Key(), Kind: wva.MetricsLost, Message: "down"}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := wva.Snapshot{At: noon, Variants: []wva.Variant{v}, Metrics: wva.Metrics{Replicas: replicas, Problems: []wva.MetricsProblem{tt.problem}}, Inventory: wva.Unlimited()}
			report, _, err := wva.Decide(s, wva.DefaultPolicy(), wva.History{})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, report.Problems); diff != "" || report.Decisions[0].Target != tt.target || report.Models[0].Metrics != tt.metrics {
				t.Errorf("target %d, metrics %s, problems (-want +got):\n%s", report.Decisions[0].Target, report.Models[0].Metrics, diff)
			}
		})
	}
}

// A pod that is going may still be scraped, and idle. It does not make the others look less busy: of more replicas than a variant asks for, the busiest count.
func TestMoreReplicasThanAskedFor(t *testing.T) {
	v := wva.Variant{ID: wva.ID{Namespace: "ns", Name: "a"}, Model: "llama", Accelerator: "A100", Cost: 40, Current: 2}
	s := wva.Snapshot{At: noon, Variants: []wva.Variant{v}, Inventory: wva.Unlimited()}
	for name, kv := range map[string]float64{"a-0": 0, "a-1": 0.75, "a-2": 0.76} {
		s.Metrics.Replicas = append(s.Metrics.Replicas, wva.ReplicaMetrics{Variant: v.ID, Replica: name, At: noon, KVUsage: wva.Read(kv), Waiting: wva.Read(0)})
	}
	report, _, err := wva.Decide(s, wva.DefaultPolicy(), wva.History{})
	if err != nil {
		t.Fatal(err)
	}
	if d := report.Decisions[0]; d.Target != 3 || d.Ready != 2 {
		t.Errorf("target %d with %d ready, want 3 with 2: %s", d.Target, d.Ready, d.Why())
	}
	if len(report.Problems) != 1 || report.Problems[0].Kind != wva.MetricsIgnored {
		t.Errorf("problems %v", report.Problems)
	}
}
