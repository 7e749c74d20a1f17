package kubernetes_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/wva-go/wva"
)

// The ConfigMaps are followed by watch. What cannot be read is told by an event, and what was in force stays.
func testConfiguration(t *testing.T, e *environment) {
	ns := e.namespace(t)
	e.bounded(t, ns, 2)
	s := quick(ns, newSteady(50))
	s.options.Namespace = ns
	r := e.run(t, s)
	r.awaitSteps(t, 2)
	if asked, _ := e.replicas(t, ns, "llama"); asked != 1 {
		t.Fatalf("%d replicas before there is a ConfigMap, want 1", asked)
	}
	thresholds := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: "capacity-scaling-config"}, Data: map[string]string{"default": "kvCacheThreshold: 1.5\n"}}
	e.create(t, thresholds)
	eventually(t, func() error {
		if events := e.events(t, ns, thresholds.Name); len(events) == 0 {
			return fmt.Errorf("events about a ConfigMap that cannot be read: %v", events)
		}
		return nil
	})
	r.awaitSteps(t, 2)
	if asked, _ := e.replicas(t, ns, "llama"); asked != 1 {
		t.Fatalf("%d replicas by a ConfigMap that cannot be read, want 1", asked)
	}
	thresholds.Data["default"] = "kvCacheThreshold: 0.55\nqueueLengthThreshold: 5\nkvSpareTrigger: 0.1\nqueueSpareTrigger: 3\n"
	if err := e.client.Update(t.Context(), thresholds); err != nil {
		t.Fatal(err)
	}
	e.awaitReplicas(t, ns, 2) // 0.05 of the KV cache is to spare, less than 0.1
}

// EXPERIMENTAL_PROACTIVE_MODEL in the ConfigMap of CONFIG_MAP_NAME turns the mode, and the environment wins.
func testMode(t *testing.T, e *environment) {
	ns := e.namespace(t)
	e.bounded(t, ns, 2)
	settings := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: settingsName}, Data: map[string]string{"EXPERIMENTAL_PROACTIVE_MODEL": "true"}}
	e.create(t, settings)
	s := quick(ns, newSteady(calm))
	s.options.Namespace, s.options.ConfigMap = ns, settings.Name
	r := e.run(t, s)
	awaitMode(t, r, wva.Hybrid)
	settings.Data["EXPERIMENTAL_PROACTIVE_MODEL"] = "maybe"
	if err := e.client.Update(t.Context(), settings); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() error {
		if events := e.events(t, ns, settings.Name); len(events) == 0 {
			return fmt.Errorf("no event about a setting that cannot be read")
		}
		return nil
	})
	awaitMode(t, r, wva.Hybrid)
	if err := e.client.Delete(t.Context(), settings); err != nil {
		t.Fatal(err)
	}
	awaitMode(t, r, wva.CapacityOnly)
}

func awaitMode(t *testing.T, r *running, want wva.Mode) {
	t.Helper()
	r.awaitSteps(t, 1)
	eventually(t, func() error {
		if report, _, _ := r.last(); report.Mode != want {
			return fmt.Errorf("mode %s, want %s", report.Mode, want)
		}
		return nil
	})
}

// Hostile values in labels and names reach neither the decisions of others nor a metric that cannot be scraped.
func testHostileLabels(t *testing.T, e *environment) {
	ns := e.namespace(t)
	e.bounded(t, ns, 2)
	bad := autoscaling(ns, "strange", "strange", `a"} or vector(1)#`+"\n")
	bad.Labels = map[string]string{"inference.optimization/acceleratorName": strings.Repeat("a", 63)}
	huge := autoscaling(ns, "huge", "huge", "llama-huge")
	huge.Spec.VariantCost = strings.Repeat("9", 60)
	e.create(t, bad, huge, deployment(ns, "strange", 1, ""), deployment(ns, "huge", 1, ""))
	e.run(t, quick(ns, newSteady(busy)))
	e.awaitReplicas(t, ns, 2)
}

// Names as long as the API server takes them. The ReplicaSet of such a Deployment has a name that is cut.
func testLongestNames(t *testing.T, e *environment) {
	ns := e.namespace(t)
	long := strings.Repeat("l", validation.DNS1123SubdomainMaxLength)
	target := deployment(ns, "short", 1, "")
	target.Name = long
	va := autoscaling(ns, long, long, strings.Repeat("m", 253))
	va.Spec.MaxReplicas = new(int32(2))
	e.create(t, target, va)
	e.run(t, quick(ns, newSteady(busy)))
	eventually(t, func() error {
		asked, _ := e.replicas(t, ns, long)
		if events := e.events(t, ns, long); asked != 2 || !slices.Contains(events, "ScaleUp") {
			return fmt.Errorf("%d replicas, events %v, want 2 replicas and an event of %q", asked, events, "ScaleUp")
		}
		return wantDesired(e.status(t, ns, long), 2)
	})
}

// A namespace may have thresholds of its own, and may be left alone, by a label and an annotation that count from the moment they are set.
func testNamespaces(t *testing.T, e *environment) {
	own, ns := e.namespace(t), e.namespace(t)
	e.bounded(t, ns, 3)
	s := quick(ns, newSteady(50))
	s.fleet.Namespaces = []string{ns, own}
	s.options.Namespace = own
	r := e.run(t, s)
	e.create(t, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: "capacity-scaling-config"},
		Data: map[string]string{"default": "kvCacheThreshold: 0.55\nqueueLengthThreshold: 5\nkvSpareTrigger: 0.1\nqueueSpareTrigger: 3\n"}})
	r.awaitSteps(t, 3)
	if asked, _ := e.replicas(t, ns, "llama"); asked != 1 {
		t.Fatalf("%d replicas by a ConfigMap of a namespace that is not enabled, want 1", asked)
	}
	e.annotate(t, ns, `{"metadata": {"labels": {"wva.llmd.ai/config-enabled": "true"}}}`)
	e.awaitReplicas(t, ns, 3)
	e.annotate(t, ns, `{"metadata": {"annotations": {"wva.llmd.ai/exclude": "true"}}}`)
	eventually(t, func() error {
		if report, _, _ := r.last(); len(report.Decisions) > 0 {
			return fmt.Errorf("decisions %v for a namespace that is excluded", report.Decisions)
		}
		if v, ok := r.published(t, "inferno_desired_replicas", wva.ID{Namespace: ns, Name: "llama-autoscaler"}); ok {
			return fmt.Errorf("%v replicas are published for a namespace that is excluded", v)
		}
		return nil
	})
	e.annotate(t, ns, `{"metadata": {"annotations": {"wva.llmd.ai/exclude": null}}}`)
	eventually(t, func() error {
		if report, _, _ := r.last(); len(report.Decisions) != 1 {
			return fmt.Errorf("decisions %v, want one", report.Decisions)
		}
		return nil
	})
}

func (e *environment) annotate(t *testing.T, namespace, patch string) {
	t.Helper()
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}
	if err := e.client.Patch(t.Context(), ns, client.RawPatch(types.MergePatchType, []byte(patch))); err != nil {
		t.Fatal(err)
	}
}
