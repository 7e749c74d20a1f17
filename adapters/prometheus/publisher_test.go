package prometheus_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	client "github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/wva-go/wva"
	"github.com/wva-go/wva/adapters/prometheus"
)

func decision(name string, current, target int) wva.Decision {
	d := wva.Decision{Variant: wva.ID{Namespace: "ns", Name: name}, Accelerator: "A100", Current: current, Target: target, Action: wva.NoChange,
		Reasons: []wva.Reason{{Rule: "saturation.scale-up", Message: "short"}}}
	if target > current {
		d.Action = wva.ScaleUp
	}
	return d
}

func TestPublisher(t *testing.T) {
	registry := client.NewPedanticRegistry()
	p, err := prometheus.NewPublisher(registry, prometheus.PublisherOptions{ControllerInstance: "east", NewNames: true})
	if err != nil {
		t.Fatal(err)
	}
	hostile := `b"} or vector(1)#`
	if err := p.Scale(t.Context(), []wva.Decision{decision("a", 0, 2), decision(hostile, 3, 3)}); err != nil {
		t.Fatal(err)
	}
	want := `
# HELP inferno_desired_replicas Replicas that the variant should run.
# TYPE inferno_desired_replicas gauge
inferno_desired_replicas{accelerator_type="A100",controller_instance="east",namespace="ns",variant_name="a"} 2
inferno_desired_replicas{accelerator_type="A100",controller_instance="east",namespace="ns",variant_name="b\"} or vector(1)#"} 3
# HELP inferno_desired_ratio Desired over current replicas; the desired ones where there are none.
# TYPE inferno_desired_ratio gauge
inferno_desired_ratio{accelerator_type="A100",controller_instance="east",namespace="ns",variant_name="a"} 2
inferno_desired_ratio{accelerator_type="A100",controller_instance="east",namespace="ns",variant_name="b\"} or vector(1)#"} 1
# HELP wva_replica_scaling_total Decisions that changed the replicas.
# TYPE wva_replica_scaling_total counter
wva_replica_scaling_total{accelerator_type="A100",controller_instance="east",direction="up",namespace="ns",reason="saturation.scale-up",variant_name="a"} 1
`
	if err := testutil.GatherAndCompare(registry, strings.NewReader(want), "inferno_desired_replicas", "inferno_desired_ratio", "wva_replica_scaling_total"); err != nil {
		t.Error(err)
	}
	if problems, err := testutil.GatherAndLint(registry); err != nil || len(problems) > 0 {
		t.Errorf("the linter says %v, %v", problems, err)
	}
	// A variant that goes takes its metrics with it.
	if err := p.Scale(t.Context(), []wva.Decision{decision("a", 2, 2)}); err != nil {
		t.Fatal(err)
	}
	if n, err := testutil.GatherAndCount(registry, "inferno_desired_replicas", "inferno_current_replicas", "wva_desired_ratio"); err != nil || n != 3 {
		t.Errorf("%d series of one variant, %v", n, err)
	}
	p.Observe(wva.Report{Models: []wva.ModelReport{{SafetyNet: "no metrics"}}}, errors.New("down"), time.Second)
	if n, err := testutil.GatherAndCount(registry, "wva_safety_net_activations_total", "wva_step_failures_total", "wva_step_duration_seconds"); err != nil || n != 3 {
		t.Errorf("%d series of the steps, %v", n, err)
	}
	if _, err := prometheus.NewPublisher(registry, prometheus.PublisherOptions{ControllerInstance: "east"}); err == nil {
		t.Error("registered twice")
	}
}
