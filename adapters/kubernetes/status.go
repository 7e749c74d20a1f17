package kubernetes

import (
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/wva-go/wva"
	"github.com/wva-go/wva/adapters/kubernetes/api/v1alpha1"
)

// nextStatus is the status of a resource as it stands, after the outcome of the last cycle that saw it; known is false where none did yet.
func nextStatus(va *v1alpha1.VariantAutoscaling, s standing, o outcome, known bool, now time.Time) v1alpha1.VariantAutoscalingStatus {
	next := *va.Status.DeepCopy()
	c := conditions{status: &next, generation: va.Generation, now: metav1.NewTime(now)}
	switch {
	case s.excluded:
		next.DesiredOptimizedAlloc = v1alpha1.OptimizedAlloc{}
		c.set(v1alpha1.TypeOptimizationReady, metav1.ConditionFalse, v1alpha1.ReasonSkippedProcessing, "The namespace is excluded by its annotation")
		c.set(v1alpha1.TypeReady, metav1.ConditionFalse, v1alpha1.ReasonSkippedProcessing, "The namespace is excluded by its annotation")
		return next
	case s.missing:
		next.CurrentAlloc, next.DesiredOptimizedAlloc = v1alpha1.Allocation{}, v1alpha1.OptimizedAlloc{}
		c.set(v1alpha1.TypeTargetResolved, metav1.ConditionFalse, v1alpha1.ReasonTargetNotFound, s.gone())
		c.set(v1alpha1.TypeMetricsAvailable, metav1.ConditionFalse, v1alpha1.ReasonMetricsMissing, "There is no target that could have metrics")
		c.set(v1alpha1.TypeOptimizationReady, metav1.ConditionFalse, v1alpha1.ReasonSkippedProcessing, "There is no target to scale")
		c.set(v1alpha1.TypeReady, metav1.ConditionFalse, v1alpha1.ReasonDeploymentNotFound, s.gone())
		return next
	case s.unreadable != "":
		c.set(v1alpha1.TypeTargetResolved, metav1.ConditionUnknown, v1alpha1.ReasonTargetUnreadable, s.unreadable)
		c.set(v1alpha1.TypeReady, metav1.ConditionUnknown, v1alpha1.ReasonTargetUnreadable, s.unreadable)
	default:
		c.set(v1alpha1.TypeTargetResolved, metav1.ConditionTrue, v1alpha1.ReasonTargetFound, s.ref+" exists")
	}
	if !known || s.target != "" && o.target != s.target && o.invalid == "" {
		// The cycle that is to see this target is on its way.
		if s.unreadable == "" && o.invalid == "" {
			c.set(v1alpha1.TypeReady, metav1.ConditionTrue, v1alpha1.ReasonActive, participates)
		}
		return next
	}
	c.optimization(o)
	if s.unreadable == "" {
		c.ready(o)
	}
	c.metrics(o)
	allocate(&next, o, now)
	return next
}

// conditions sets the conditions of a status.
type conditions struct {
	status     *v1alpha1.VariantAutoscalingStatus
	generation int64
	now        metav1.Time
}

func (c conditions) set(kind string, status metav1.ConditionStatus, reason, message string) {
	meta.SetStatusCondition(&c.status.Conditions, metav1.Condition{
		Type: kind, Status: status, Reason: reason, Message: clip(message), ObservedGeneration: c.generation, LastTransitionTime: c.now,
	})
}

func (c conditions) ready(o outcome) {
	switch {
	case o.invalid != "":
		c.set(v1alpha1.TypeReady, metav1.ConditionFalse, v1alpha1.ReasonInvalidConfiguration, o.invalid)
	case o.remark != "":
		c.set(v1alpha1.TypeReady, metav1.ConditionTrue, v1alpha1.ReasonActive, participates+", but: "+o.remark)
	default:
		c.set(v1alpha1.TypeReady, metav1.ConditionTrue, v1alpha1.ReasonActive, participates)
	}
}

// metrics takes over what is known about the metrics of the model.
func (c conditions) metrics(o outcome) {
	switch o.metrics {
	case "": // the cycle did not come to it
	case wva.MetricsFound:
		c.set(v1alpha1.TypeMetricsAvailable, metav1.ConditionTrue, v1alpha1.ReasonMetricsFound, o.message)
	default:
		c.set(v1alpha1.TypeMetricsAvailable, metav1.ConditionFalse, string(o.metrics), o.message)
	}
}

func (c conditions) optimization(o outcome) {
	no := func(reason, message string) {
		c.set(v1alpha1.TypeOptimizationReady, metav1.ConditionFalse, reason, message)
	}
	switch {
	case o.invalid != "":
		no(v1alpha1.ReasonInvalidConfiguration, o.invalid)
	case o.failed != "":
		no(v1alpha1.ReasonOptimizationFailed, o.failed)
	case o.held != "" && o.metrics != wva.MetricsFound:
		no(v1alpha1.ReasonMetricsUnavailable, safetyNet+o.held)
	case o.held != "":
		no(v1alpha1.ReasonOptimizationFailed, safetyNet+o.held)
	case o.decision == nil:
		no(v1alpha1.ReasonSkippedProcessing, "The last cycle took no decision")
	default:
		c.set(v1alpha1.TypeOptimizationReady, metav1.ConditionTrue, v1alpha1.ReasonOptimizationSucceeded, "The last cycle took a decision of its own")
	}
}

// What is said of a variant with which all is well, and of one whose target is held.
const (
	participates = "The variant takes part in autoscaling"
	safetyNet    = "Safety net activated, the target is kept: "
)

// allocate takes over what was decided. The time of a run that comes to what was decided before does not count.
func allocate(next *v1alpha1.VariantAutoscalingStatus, o outcome, now time.Time) {
	if o.invalid != "" && o.decision == nil {
		next.DesiredOptimizedAlloc = v1alpha1.OptimizedAlloc{}
		return
	}
	d := o.decision
	if d == nil {
		return // what was decided before stays in force
	}
	next.CurrentAlloc = v1alpha1.Allocation{Accelerator: d.Accelerator, NumReplicas: new(int32(d.Current))}
	desired := v1alpha1.OptimizedAlloc{Accelerator: d.Accelerator, NumReplicas: new(int32(d.Target)), LastRunTime: next.DesiredOptimizedAlloc.LastRunTime}
	if desired.LastRunTime == nil || !equality.Semantic.DeepEqual(desired, next.DesiredOptimizedAlloc) {
		at := o.at
		if at.IsZero() {
			at = now
		}
		desired.LastRunTime = &metav1.Time{Time: at.Truncate(time.Second)}
	}
	next.DesiredOptimizedAlloc = desired
}

// difference is how far two statuses are apart.
type difference int

const (
	same    difference = iota
	wording            // messages alone that count replicas, and so change with every pod
	substance
)

func compare(a, b v1alpha1.VariantAutoscalingStatus) difference {
	if equality.Semantic.DeepEqual(a, b) {
		return same
	}
	if equality.Semantic.DeepEqual(silent(a), silent(b)) {
		return wording
	}
	return substance
}

// silent is a status without the messages that count replicas.
func silent(s v1alpha1.VariantAutoscalingStatus) v1alpha1.VariantAutoscalingStatus {
	s = *s.DeepCopy()
	for i := range s.Conditions {
		if c := &s.Conditions[i]; c.Type == v1alpha1.TypeMetricsAvailable || c.Type == v1alpha1.TypeOptimizationReady {
			c.Message = ""
		}
	}
	return s
}
