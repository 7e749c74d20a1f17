package kubernetes

import (
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/wva-go/wva"
	"github.com/wva-go/wva/adapters/kubernetes/api/v1alpha1"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func decided(current, want int) outcome {
	return outcome{
		note: note{target: "u"}, at: noon, metrics: wva.MetricsFound, message: "2 replicas report",
		decision: &wva.Decision{Current: current, Target: want, Accelerator: "A100"},
	}
}

func summary(s v1alpha1.VariantAutoscalingStatus) string {
	var parts []string
	for _, kind := range []string{v1alpha1.TypeReady, v1alpha1.TypeTargetResolved, v1alpha1.TypeMetricsAvailable, v1alpha1.TypeOptimizationReady} {
		if c := meta.FindStatusCondition(s.Conditions, kind); c == nil {
			parts = append(parts, "-")
		} else {
			parts = append(parts, string(c.Status)+" "+c.Reason)
		}
	}
	desired := "none"
	if n := s.DesiredOptimizedAlloc.NumReplicas; n != nil {
		desired = string(rune('0' + *n))
	}
	return strings.Join(append(parts, desired), ", ")
}

// The conditions tell how things stand: Ready, TargetResolved, MetricsAvailable, OptimizationReady, and the desired replicas.
func TestNextStatus(t *testing.T) {
	there := standing{target: "u", ref: "Deployment llama"}
	held := func(reason wva.MetricsReason) outcome {
		o := decided(2, 2)
		o.metrics, o.message, o.held = reason, "metrics missing", "metrics missing"
		return o
	}
	for name, test := range map[string]struct {
		stand   standing
		outcome outcome
		unknown bool
		want    string
	}{
		"decided":                      {stand: there, outcome: decided(2, 3), want: "True Active, True TargetFound, True MetricsFound, True OptimizationSucceeded, 3"},
		"to zero":                      {stand: there, outcome: decided(1, 0), want: "True Active, True TargetFound, True MetricsFound, True OptimizationSucceeded, 0"},
		"no cycle yet":                 {stand: there, unknown: true, want: "True Active, True TargetFound, -, -, none"},
		"target made again":            {stand: standing{target: "v", ref: "Deployment llama"}, outcome: decided(2, 3), want: "True Active, True TargetFound, -, -, none"},
		"no target":                    {stand: standing{missing: true, ref: "Deployment llama"}, outcome: decided(2, 3), want: "False DeploymentNotFound, False TargetNotFound, False MetricsMissing, False SkippedProcessing, none"},
		"target cannot be read":        {stand: standing{unreadable: "forbidden"}, outcome: decided(2, 3), want: "Unknown TargetUnreadable, Unknown TargetUnreadable, True MetricsFound, True OptimizationSucceeded, 3"},
		"no metrics":                   {stand: there, outcome: held(wva.MetricsMissing), want: "True Active, True TargetFound, False MetricsMissing, False MetricsUnavailable, 2"},
		"old metrics":                  {stand: there, outcome: held(wva.MetricsStale), want: "True Active, True TargetFound, False MetricsStale, False MetricsUnavailable, 2"},
		"Prometheus fails":             {stand: there, outcome: held(wva.PrometheusError), want: "True Active, True TargetFound, False PrometheusError, False MetricsUnavailable, 2"},
		"analysis fails":               {stand: there, outcome: held(wva.MetricsFound), want: "True Active, True TargetFound, True MetricsFound, False OptimizationFailed, 2"},
		"cycle fails":                  {stand: there, outcome: outcome{note: note{target: "u"}, failed: "boom"}, want: "True Active, True TargetFound, -, False OptimizationFailed, none"},
		"configuration cannot be used": {stand: there, outcome: outcome{note: note{invalid: "variantCost"}}, want: "False InvalidConfiguration, True TargetFound, -, False InvalidConfiguration, none"},
		"excluded":                     {stand: standing{excluded: true}, outcome: decided(2, 3), want: "False SkippedProcessing, -, -, False SkippedProcessing, none"},
	} {
		t.Run(name, func(t *testing.T) {
			va := &v1alpha1.VariantAutoscaling{ObjectMeta: metav1.ObjectMeta{Generation: 4}}
			got := nextStatus(va, test.stand, test.outcome, !test.unknown, noon)
			if s := summary(got); s != test.want {
				t.Errorf("%s\nwant %s", s, test.want)
			}
			va.Status = got
			if again := nextStatus(va, test.stand, test.outcome, !test.unknown, noon.Add(time.Hour)); compare(got, again) != same {
				t.Errorf("an hour later, with nothing new, it is %+v, was %+v", again, got)
			}
			for _, c := range got.Conditions {
				if c.ObservedGeneration != 4 || c.Message == "" {
					t.Errorf("condition %+v", c)
				}
			}
		})
	}
}

// The time of the last run is that of the run that first came to this allocation.
func TestLastRunTime(t *testing.T) {
	va := &v1alpha1.VariantAutoscaling{}
	there := standing{target: "u", ref: "Deployment llama"}
	at := func(o outcome, t time.Time) outcome { o.at = t; return o }
	for i, step := range []struct {
		outcome outcome
		want    time.Time
	}{
		{at(decided(2, 3), noon), noon},
		{at(decided(2, 3), noon.Add(time.Minute)), noon},
		{at(decided(3, 3), noon.Add(2*time.Minute)), noon}, // carried out; what is wanted is the same
		{at(decided(3, 2), noon.Add(3*time.Minute)), noon.Add(3 * time.Minute)},
	} {
		va.Status = nextStatus(va, there, step.outcome, true, noon.Add(time.Hour))
		if got := va.Status.DesiredOptimizedAlloc.LastRunTime; !got.Equal(&metav1.Time{Time: step.want}) {
			t.Errorf("step %d: %v, want %v", i, got, step.want)
		}
	}
	va.Status = nextStatus(va, standing{missing: true}, decided(3, 2), true, noon)
	if va.Status.DesiredOptimizedAlloc != (v1alpha1.OptimizedAlloc{}) {
		t.Errorf("%+v without a target", va.Status.DesiredOptimizedAlloc)
	}
}

func TestCompare(t *testing.T) {
	there := standing{target: "u", ref: "Deployment llama"}
	a := nextStatus(&v1alpha1.VariantAutoscaling{}, there, decided(2, 3), true, noon)
	reworded := decided(2, 3)
	reworded.message = "3 replicas report"
	b := nextStatus(&v1alpha1.VariantAutoscaling{Status: a}, there, reworded, true, noon)
	c := nextStatus(&v1alpha1.VariantAutoscaling{Status: a}, there, decided(2, 4), true, noon)
	if compare(a, a) != same || compare(a, b) != wording || compare(a, c) != substance {
		t.Errorf("%v, %v, %v", compare(a, a), compare(a, b), compare(a, c))
	}
}
