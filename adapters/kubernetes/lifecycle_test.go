package kubernetes_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/wva-go/wva"
	"github.com/wva-go/wva/adapters/kubernetes"
	"github.com/wva-go/wva/adapters/kubernetes/api/v1alpha1"
)

// A controller whose cycle is an hour: what happens sooner happens because of a watch.
func hourly(ns string) setting {
	return setting{
		fleet:   kubernetes.FleetOptions{Namespaces: []string{ns}},
		options: kubernetes.Options{Metrics: newSteady(calm), Interval: time.Hour},
	}
}

// A resource may come before its target, and outlive it.
func testLifecycle(t *testing.T, e *environment) {
	ns := e.namespace(t)
	r := e.run(t, hourly(ns))
	e.create(t, autoscaling(ns, "llama-autoscaler", "llama", "llama"))
	e.awaitNoTarget(t, r, ns)
	eventually(t, func() error {
		if events := e.events(t, ns, "llama-autoscaler"); !slices.Contains(events, v1alpha1.ReasonDeploymentNotFound) {
			return fmt.Errorf("events %v, want one of %s", events, v1alpha1.ReasonDeploymentNotFound)
		}
		return nil
	})
	target := deployment(ns, "llama", 2, "")
	e.create(t, target)
	e.awaitDecided(t, r, ns, 2)
	if err := e.client.Delete(t.Context(), target); err != nil {
		t.Fatal(err)
	}
	e.awaitNoTarget(t, r, ns)
	e.create(t, deployment(ns, "llama", 3, ""))
	e.awaitDecided(t, r, ns, 3)
}

// A target that is deleted and made again, over and over, is followed each time: none of the changes is lost.
func testRecreated(t *testing.T, e *environment) {
	ns := e.namespace(t)
	r := e.run(t, hourly(ns))
	e.create(t, autoscaling(ns, "llama-autoscaler", "llama", "llama"))
	begun, before := time.Now(), r.wire.counts()
	const rounds = 50
	for i := range int32(rounds) {
		target := deployment(ns, "llama", i%3+1, "")
		e.create(t, target)
		e.awaitDecided(t, r, ns, i%3+1)
		if err := e.client.Delete(t.Context(), target, client.PropagationPolicy(metav1.DeletePropagationBackground)); err != nil {
			t.Fatal(err)
		}
		e.awaitNoTarget(t, r, ns)
	}
	calls := r.wire.since(before)
	t.Logf("%d times deleted and made again in %v: %v", rounds, time.Since(begun).Round(time.Millisecond), writes(calls))
	if n := written(calls, statuses); n > 8*rounds {
		t.Errorf("%d writes of status for %d rounds", n, rounds)
	}
}

// awaitNoTarget waits until everything says that the target is missing.
func (e *environment) awaitNoTarget(t *testing.T, r *running, ns string) {
	t.Helper()
	eventually(t, func() error {
		s := e.status(t, ns, "llama-autoscaler")
		errs := []error{
			wantCondition(s, v1alpha1.TypeReady, "False DeploymentNotFound"),
			wantCondition(s, v1alpha1.TypeTargetResolved, "False TargetNotFound"),
		}
		if s.DesiredOptimizedAlloc != (v1alpha1.OptimizedAlloc{}) {
			errs = append(errs, fmt.Errorf("desiredOptimizedAlloc %+v, want it empty", s.DesiredOptimizedAlloc))
		}
		if v, ok := r.published(t, "inferno_desired_replicas", wva.ID{Namespace: ns, Name: "llama-autoscaler"}); ok {
			errs = append(errs, fmt.Errorf("inferno_desired_replicas %v is still published", v))
		}
		return errors.Join(errs...)
	})
}

// awaitDecided waits until the target counts as there, with so many replicas wanted.
func (e *environment) awaitDecided(t *testing.T, r *running, ns string, want int32) {
	t.Helper()
	eventually(t, func() error {
		s := e.status(t, ns, "llama-autoscaler")
		errs := []error{
			wantCondition(s, v1alpha1.TypeReady, "True Active"),
			wantCondition(s, v1alpha1.TypeTargetResolved, "True TargetFound"),
			wantDesired(s, want),
		}
		if v, _ := r.published(t, "inferno_desired_replicas", wva.ID{Namespace: ns, Name: "llama-autoscaler"}); v != float64(want) {
			errs = append(errs, fmt.Errorf("inferno_desired_replicas %v, want %d", v, want))
		}
		return errors.Join(errs...)
	})
}

func wantDesired(s v1alpha1.VariantAutoscalingStatus, want int32) error {
	switch n := s.DesiredOptimizedAlloc.NumReplicas; {
	case n == nil:
		return fmt.Errorf("no desired replicas, want %d", want)
	case *n != want:
		return fmt.Errorf("desired replicas %d, want %d", *n, want)
	case s.DesiredOptimizedAlloc.LastRunTime.IsZero():
		return errors.New("desired replicas without the time of the run")
	}
	return nil
}

// Two controllers share a cluster: each manages what bears its label, and says so in its metrics.
func testInstances(t *testing.T, e *environment) {
	ns := e.namespace(t)
	var all []*running
	for _, instance := range []string{"instance-a", "instance-b"} {
		va := autoscaling(ns, "va-"+instance, "llama-"+instance, instance)
		va.Spec.MaxReplicas = new(int32(3))
		va.Labels = map[string]string{"wva.llmd.ai/controller-instance": instance}
		e.create(t, deployment(ns, "llama-"+instance, 1, ""), va)
		source := newSteady(calm)
		if instance == "instance-b" {
			source.percent.Store(busy)
		}
		all = append(all, e.run(t, setting{
			fleet:   kubernetes.FleetOptions{Namespaces: []string{ns}, ControllerInstance: instance},
			options: kubernetes.Options{Metrics: source, Interval: 200 * time.Millisecond, Actuation: kubernetes.Scale},
		}))
	}
	e.create(t, autoscaling(ns, "va-nobody", "llama-instance-a", "nobody's"))
	eventually(t, func() error {
		if asked, _ := e.replicas(t, ns, "llama-instance-b"); asked < 3 {
			return fmt.Errorf("instance-b runs %d replicas, want 3 or more", asked)
		}
		return wantDesired(e.status(t, ns, "va-instance-a"), 1)
	})
	for i, r := range all {
		r.awaitSteps(t, 2)
		report, _, _ := r.last()
		if len(report.Decisions) != 1 {
			t.Errorf("controller %d decides on %v, want its own variant alone", i, report.Decisions)
		}
		families, err := r.registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range families {
			for _, m := range f.GetMetric() {
				if !slices.ContainsFunc(m.GetLabel(), func(l *dto.LabelPair) bool {
					return l.GetName() == "controller_instance" && l.GetValue() == []string{"instance-a", "instance-b"}[i]
				}) {
					t.Errorf("%s without the instance: %v", f.GetName(), m)
				}
			}
		}
	}
	if s := e.status(t, ns, "va-nobody"); len(s.Conditions) > 0 {
		t.Errorf("a resource without an instance has a status: %+v", s)
	}
	if asked, _ := e.replicas(t, ns, "llama-instance-a"); asked != 1 {
		t.Errorf("instance-a runs %d replicas, want 1", asked)
	}
}

// A model without requests gives its last replica back, and has one again when requests wait in front of it.
func testToZeroAndBack(t *testing.T, e *environment) {
	ns := e.namespace(t)
	e.bounded(t, ns, 2)
	source := newSteady(calm)
	source.front.Store(&front{inRetention: 1})
	s := quick(ns, source)
	s.options.Policy = wva.DefaultPolicy()
	s.options.Policy.ScaleToZero.Default = wva.Retention{Enabled: true, Period: time.Second}
	r := e.run(t, s)
	e.awaitReplicas(t, ns, 1)
	for range 2 {
		source.percent.Store(0)
		source.front.Store(&front{})
		e.awaitReplicas(t, ns, 0)
		e.awaitReady(t, ns, 0)
		r.awaitSteps(t, 2)
		if v, ok := r.published(t, "inferno_desired_replicas", wva.ID{Namespace: ns, Name: "llama-autoscaler"}); !ok || v != 0 {
			t.Errorf("%v replicas are published, %v, want 0", v, ok)
		}
		if err := wantCondition(e.status(t, ns, "llama-autoscaler"), v1alpha1.TypeReady, "True Active"); err != nil {
			t.Error(err)
		}
		source.front.Store(&front{waiting: 3})
		e.awaitReplicas(t, ns, 1)
		e.awaitReady(t, ns, 1)
	}
}

// A StatefulSet is scaled as a Deployment is.
func testStatefulSet(t *testing.T, e *environment) {
	ns := e.namespace(t)
	va := autoscaling(ns, "va", "llama", "llama")
	va.Spec.ScaleTargetRef.Kind, va.Spec.MaxReplicas = "StatefulSet", new(int32(3))
	e.create(t, statefulSet(ns, "llama", 1, ""), va)
	source := newSteady(busy)
	e.run(t, setting{
		fleet:   kubernetes.FleetOptions{Namespaces: []string{ns}},
		options: kubernetes.Options{Metrics: source, Interval: 200 * time.Millisecond, Actuation: kubernetes.Scale},
	})
	eventually(t, func() error {
		var set appsv1.StatefulSet
		if err := e.client.Get(t.Context(), client.ObjectKey{Namespace: ns, Name: "llama"}, &set); err != nil {
			return err
		}
		if *set.Spec.Replicas < 3 {
			return fmt.Errorf("%d replicas, want 3 or more", *set.Spec.Replicas)
		}
		return nil
	})
}
