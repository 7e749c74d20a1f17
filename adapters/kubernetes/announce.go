package kubernetes

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/wva-go/wva"
	"github.com/wva-go/wva/adapters/kubernetes/api/v1alpha1"
)

// announce tells as events what changed in substance.
func (r *reconciler) announce(va *v1alpha1.VariantAutoscaling, before, after v1alpha1.VariantAutoscalingStatus, d *wva.Decision) {
	tell := func(kind, reason, action, note string) {
		r.recorder.Eventf(va, nil, kind, reason, action, "%s", clip(note))
	}
	a, b := ofType(before, v1alpha1.TypeReady), ofType(after, v1alpha1.TypeReady)
	if a.Status != b.Status || a.Reason != b.Reason || a.Message != b.Message {
		tell(gravity(b.Status == metav1.ConditionTrue && b.Message == participates), b.Reason, "Resolve", b.Message)
	}
	a, b = ofType(before, v1alpha1.TypeOptimizationReady), ofType(after, v1alpha1.TypeOptimizationReady)
	if failing(b) && a.Reason != b.Reason || failing(a) && b.Status == metav1.ConditionTrue {
		tell(gravity(!failing(b)), b.Reason, "Optimize", b.Message)
	}
	was, is := before.DesiredOptimizedAlloc.NumReplicas, after.DesiredOptimizedAlloc.NumReplicas
	if is == nil || d == nil || was != nil && *was == *is {
		return
	}
	from, to := d.Current, int(*is)
	if from == to && was != nil { // what was wanted before was never acted on
		from = int(*was)
	}
	direction := "ScaleUp"
	if from > to {
		direction = "ScaleDown"
	}
	if from != to {
		tell(corev1.EventTypeNormal, direction, "Optimize", fmt.Sprintf("%d → %d: %s", from, to, d.Why()))
	}
}

// ofType returns a condition of a status, an empty one where there is none.
func ofType(s v1alpha1.VariantAutoscalingStatus, kind string) metav1.Condition {
	if c := meta.FindStatusCondition(s.Conditions, kind); c != nil {
		return *c
	}
	return metav1.Condition{}
}

// failing tells whether a condition says that the last cycle should have come to a decision of its own and did not.
func failing(c metav1.Condition) bool {
	return c.Reason == v1alpha1.ReasonMetricsUnavailable || c.Reason == v1alpha1.ReasonOptimizationFailed
}

// gravity is the type of an event.
func gravity(well bool) string {
	if well {
		return corev1.EventTypeNormal
	}
	return corev1.EventTypeWarning
}
