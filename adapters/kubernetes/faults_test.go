package kubernetes_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	autoscalingv1 "k8s.io/api/autoscaling/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/retry"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/wva-go/wva"
	"github.com/wva-go/wva/adapters/kubernetes"
	"github.com/wva-go/wva/adapters/kubernetes/api/v1alpha1"
)

// quick is a controller that scales one namespace five times a second.
func quick(ns string, source wva.MetricsSource) setting {
	return setting{
		fleet:   kubernetes.FleetOptions{Namespaces: []string{ns}},
		options: kubernetes.Options{Metrics: source, Interval: 200 * time.Millisecond, Actuation: kubernetes.Scale},
	}
}

// bounded is a variant that a busy source lets grow to a number of replicas and no further.
func (e *environment) bounded(t *testing.T, ns string, most int32) {
	t.Helper()
	va := autoscaling(ns, "llama-autoscaler", "llama", "llama")
	va.Spec.MaxReplicas = &most
	e.create(t, deployment(ns, "llama", 1, ""), va)
}

func (e *environment) awaitReplicas(t *testing.T, ns string, want int32) {
	t.Helper()
	eventually(t, func() error {
		if asked, _ := e.replicas(t, ns, "llama"); asked != want {
			return fmt.Errorf("%d replicas, want %d", asked, want)
		}
		return wantDesired(e.status(t, ns, "llama-autoscaler"), want)
	})
}

// The API server goes down between the reading and the writing of a step, and comes back: the step fails, and a later one carries the decision out.
func testServerRestarts(t *testing.T, e *environment) {
	ns := e.namespace(t)
	e.bounded(t, ns, 2)
	e.awaitReady(t, ns, 1)
	source := newSteady(calm)
	down := make(chan struct{})
	stop := sync.OnceFunc(func() {
		e.plane.StopAPIServer()
		close(down)
	})
	source.before = func(context.Context) error {
		if source.percent.Load() == busy {
			stop()
		}
		return nil
	}
	s := quick(ns, source)
	s.options.StepTimeout = 20 * time.Second
	r := e.run(t, s)
	r.awaitSteps(t, 2)
	source.percent.Store(busy)
	<-down
	start := sync.OnceFunc(e.plane.StartAPIServer)
	defer start() // also for those who clean up after a failure
	var failed *wva.ScaleError
	eventually(t, func() error {
		report, _, err := r.last()
		if !errors.As(err, &failed) || len(report.Changes()) != 1 {
			return fmt.Errorf("step without the API server: decisions %v, error %v", report.Decisions, err)
		}
		return nil
	})
	start()
	e.awaitReplicas(t, ns, 2)
	eventually(t, func() error {
		_, _, err := r.last()
		return err
	})
}

// Watches that are cut in the middle are taken up again, and nothing that happened meanwhile is lost. Clients wait longer each time before they try again.
func testWatchesCut(t *testing.T, e *environment) {
	ns := e.namespace(t)
	r := e.run(t, hourly(ns))
	e.create(t, autoscaling(ns, "llama-autoscaler", "llama", "llama"))
	e.awaitNoTarget(t, r, ns)
	cut := func() {
		if r.wire.cutWatches() == 0 {
			t.Fatal("there was no watch to cut")
		}
	}
	cut()
	target := deployment(ns, "llama", 2, "")
	e.create(t, target)
	e.awaitDecided(t, r, ns, 2)
	cut()
	if err := e.client.Delete(t.Context(), target); err != nil {
		t.Fatal(err)
	}
	e.awaitNoTarget(t, r, ns)
}

// Somebody else writes the same objects all the time, a condition of their own among them. The decisions get through, and what the other wrote is still there.
func testConflicts(t *testing.T, e *environment) {
	ns := e.namespace(t)
	e.bounded(t, ns, 6)
	ctx, cancel := context.WithCancel(t.Context())
	var written int
	var other sync.WaitGroup
	other.Go(func() {
		defer cancel()
		for ; ctx.Err() == nil; written++ {
			patch := client.RawPatch(types.MergePatchType, fmt.Appendf(nil, `{"metadata": {"annotations": {"other": "%d"}}}`, written+1))
			err := errors.Join(e.client.Patch(ctx, deployment(ns, "llama", 0, ""), patch), e.client.Patch(ctx, autoscaling(ns, "llama-autoscaler", "", ""), patch))
			if err = errors.Join(err, e.audit(ctx, ns, written+1)); err != nil {
				if ctx.Err() == nil {
					t.Error(err)
				}
				return
			}
		}
	})
	r := e.run(t, quick(ns, newSteady(busy)))
	e.awaitReplicas(t, ns, 6)
	cancel()
	other.Wait()
	var va v1alpha1.VariantAutoscaling
	if err := e.client.Get(t.Context(), client.ObjectKey{Namespace: ns, Name: "llama-autoscaler"}, &va); err != nil {
		t.Fatal(err)
	}
	if got := va.Annotations["other"]; got != fmt.Sprint(written) && got != fmt.Sprint(written+1) {
		t.Errorf("the other writer's annotation is %q after %d writes", got, written)
	}
	if c := meta.FindStatusCondition(va.Status.Conditions, "Audited"); c == nil || c.Message != fmt.Sprint(written) && c.Message != fmt.Sprint(written+1) {
		t.Errorf("the other writer's condition is %v after %d writes", c, written)
	}
	_, steps, err := r.last()
	t.Logf("%d steps beside %d writes of another, calls %v", steps, 3*written, writes(r.wire.counts()))
	if err != nil {
		t.Error(err)
	}
}

// audit writes a condition that is none of the controller's. It complains when the one before is gone.
func (e *environment) audit(ctx context.Context, ns string, n int) error {
	return retry.OnError(retry.DefaultBackoff, apierrors.IsConflict, func() error {
		var va v1alpha1.VariantAutoscaling
		if err := e.client.Get(ctx, client.ObjectKey{Namespace: ns, Name: "llama-autoscaler"}, &va); err != nil {
			return err
		}
		if c := meta.FindStatusCondition(va.Status.Conditions, "Audited"); n > 1 && (c == nil || c.Message != fmt.Sprint(n-1)) {
			return fmt.Errorf("condition %v, want number %d", c, n-1)
		}
		meta.SetStatusCondition(&va.Status.Conditions, metav1.Condition{Type: "Audited", Status: metav1.ConditionTrue, Reason: "Fine", Message: fmt.Sprint(n)})
		return e.client.Status().Update(ctx, &va)
	})
}

// Another autoscaler pulls the replicas back: the controller writes once for each time, and does not storm.
func testSecondScaler(t *testing.T, e *environment) {
	ns := e.namespace(t)
	e.bounded(t, ns, 2)
	r := e.run(t, quick(ns, newSteady(busy)))
	e.awaitReplicas(t, ns, 2)
	before := r.wire.counts()
	const rounds = 5
	for range rounds {
		scale := &autoscalingv1.Scale{Spec: autoscalingv1.ScaleSpec{Replicas: 1}}
		if err := e.client.SubResource("scale").Update(t.Context(), deployment(ns, "llama", 1, ""), client.WithSubResourceBody(scale)); err != nil {
			t.Fatal(err)
		}
		e.awaitReplicas(t, ns, 2)
	}
	calls := r.wire.since(before)
	if n := written(calls, scales); n < rounds || n > 2*rounds {
		t.Errorf("%d writes of the scale for %d times that it was pulled back: %v", n, rounds, calls)
	}
}

// A dry run has the API server check every change, and changes nothing.
func testDryRun(t *testing.T, e *environment) {
	ns := e.namespace(t)
	e.bounded(t, ns, 2)
	s := quick(ns, newSteady(busy))
	s.options.Actuation = kubernetes.DryRun
	r := e.run(t, s)
	eventually(t, func() error { return wantDesired(e.status(t, ns, "llama-autoscaler"), 2) })
	r.awaitSteps(t, 2)
	if asked, _ := e.replicas(t, ns, "llama"); asked != 1 || written(r.wire.counts(), scales) == 0 {
		t.Errorf("%d replicas, calls %v", asked, writes(r.wire.counts()))
	}
	if _, _, err := r.last(); err != nil {
		t.Error(err)
	}
}

// A controller that may not write scales says so for the variant, publishes all the same, and tries again.
func testForbidden(t *testing.T, e *environment) {
	ns := e.namespace(t)
	e.bounded(t, ns, 2)
	s := quick(ns, newSteady(busy))
	s.user = readerUser
	r := e.run(t, s)
	id := wva.ID{Namespace: ns, Name: "llama-autoscaler"}
	eventually(t, func() error {
		_, _, err := r.last()
		var failed *wva.ScaleError
		if !errors.As(err, &failed) || failed.Variant != id || !strings.Contains(err.Error(), "forbidden") {
			return fmt.Errorf("error %v, want that scaling %s is forbidden", err, id)
		}
		if v, _ := r.published(t, "inferno_desired_replicas", id); v != 2 {
			return fmt.Errorf("%v replicas published, want 2", v)
		}
		return wantDesired(e.status(t, ns, id.Name), 2)
	})
	e.awaitCondition(t, ns, id.Name, v1alpha1.TypeReady, "True Active", `but: scale `+ns+`/llama-autoscaler: deployments.apps "llama" is forbidden`)
	before := r.wire.counts()
	r.awaitSteps(t, 10)
	if calls := r.wire.since(before); total(writes(calls))-written(calls, scales) > 4 {
		t.Errorf("ten steps that change nothing write %v", writes(calls))
	}
	if asked, _ := e.replicas(t, ns, "llama"); asked != 1 {
		t.Errorf("%d replicas, written by somebody without the right to", asked)
	}
}

// A controller that is started before the definition of its resource waits for it, and needs nobody when it comes.
func testNoDefinition(t *testing.T, e *environment) {
	ns := e.namespace(t)
	r := e.run(t, hourly(ns))
	eventually(t, func() error {
		if n := r.wire.counts()["get discovery"]; n < 5 {
			return fmt.Errorf("it has looked for the definition %d times", n)
		}
		return nil
	})
	if r.controller.Ready(nil) == nil {
		t.Error("the controller is ready without the definition")
	}
	e.define(t)
	e.create(t, deployment(ns, "llama", 1, ""), autoscaling(ns, "llama-autoscaler", "llama", "llama"))
	eventually(t, func() error { return wantDesired(e.status(t, ns, "llama-autoscaler"), 1) })
	e.awaitDecided(t, r, ns, 1)
}

// Of two controllers one leads. The other takes over when it goes, whether it says so or not, and they never write both.
func testLeaderHandedOver(t *testing.T, e *environment) {
	ns := e.namespace(t)
	e.bounded(t, ns, 9)
	source := newSteady(calm)
	s := quick(ns, source)
	s.lease = ns
	first := e.run(t, s)
	first.awaitSteps(t, 1)
	second := e.run(t, s)
	eventually(t, func() error { return second.controller.Ready(nil) }) // or a rollout would wait for it in vain
	source.percent.Store(busy)
	e.awaitReplicas(t, ns, 9)
	if _, steps, _ := second.last(); steps > 0 {
		t.Fatalf("two controllers lead: the second took %d steps", steps)
	}
	if calls := writes(second.wire.counts()); len(calls) > 0 {
		t.Errorf("the second controller writes: %v", calls)
	}
	first.stop()
	second.awaitSteps(t, 2)
	if asked, _ := e.replicas(t, ns, "llama"); asked != 9 {
		t.Errorf("%d replicas after the lead was handed over, want 9", asked)
	}
	third := e.run(t, s)
	second.wire.cut(true) // it cannot say that it goes
	third.awaitSteps(t, 2)
	select {
	case <-second.done:
	case <-time.After(patience):
		t.Error("the second controller goes on without the lead")
	}
	if err := wantDesired(e.status(t, ns, "llama-autoscaler"), 9); err != nil {
		t.Error(err)
	}
}
