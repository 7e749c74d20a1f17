package kubernetes

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/wva-go/wva"
	"github.com/wva-go/wva/adapters/kubernetes/api/v1alpha1"
)

func runningPod(name, app string, ready corev1.ConditionStatus) *corev1.Pod {
	p := podOf("ns", "ReplicaSet", app+"-7d9", labels.Set{"app": app, "pod-template-hash": "7d9"})
	p.Name, p.Spec.NodeName = name, "node"
	p.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: ready}}
	return &p
}

// A variant is what its resource, its target and its pods say together.
func TestVariants(t *testing.T) {
	v := va("llama-va", "llama")
	v.Labels = map[string]string{"inference.optimization/acceleratorName": "A100", "wva.llmd.ai/service-class": "Premium"}
	v.Spec.VariantCost, v.Spec.MinReplicas, v.Spec.MaxReplicas = "15.5", new(int32(1)), new(int32(8))
	v.Spec.ModelProfile = &v1alpha1.ModelProfile{Accelerators: []v1alpha1.AcceleratorProfile{
		{Acc: "H100"}, {Acc: "A100", AccCount: 2, MaxBatchSize: 4, PerfParms: v1alpha1.PerfParms{
			DecodeParms: v1alpha1.DecodeParms{Alpha: "20.58", Beta: "0.41"}, PrefillParms: v1alpha1.PrefillParms{Gamma: "5.2", Delta: "0.1"}}},
	}}
	w := newWorld(t, FleetOptions{}, v, va("gone-va", "gone"), deploymentOf("llama", "u", 3),
		runningPod("a", "llama", "True"), runningPod("b", "llama", "False"), runningPod("c", "mistral", "True"))
	variants, err := w.fleet.Variants(t.Context())
	if err != nil || len(variants) != 2 {
		t.Fatalf("variants %v, error %v", variants, err)
	}
	if gone := variants[0]; gone.ID.Name != "gone-va" || !gone.TargetMissing {
		t.Errorf("without a target: %+v", gone)
	}
	got := variants[1]
	if got.Server == nil || got.Server.MaxBatch != 4 {
		t.Errorf("server %+v", got.Server)
	}
	if got.Accelerator != "A100" || got.Devices != 2 || got.Cost != 15.5 || got.ServiceClass != "Premium" || got.Min != 1 || got.Max != 8 || got.Current != 3 || got.Pending != 2 {
		t.Errorf("variant %+v", got)
	}
	if got.Target != (wva.TargetRef{APIVersion: "apps/v1", Kind: "Deployment", Name: "llama"}) {
		t.Errorf("target %+v", got.Target)
	}
	for pod, want := range map[string]string{"a": "llama-va", "b": "llama-va", "c": "", "d": ""} {
		if id, ok := w.fleet.Owner("ns", pod); id.Name != want || ok != (want != "") {
			t.Errorf("pod %s belongs to %v, %v, want %q", pod, id, ok, want)
		}
	}
}

// A resource that cannot be right keeps no other from being scaled, and is told why.
func TestVariantsRefused(t *testing.T) {
	older := va("older", "llama")
	older.CreationTimestamp = metav1.Time{Time: noon}
	twin := va("a-twin", "llama")
	twin.CreationTimestamp = metav1.Time{Time: noon.Add(time.Minute)}
	dear, nameless, custom := va("dear", "x"), va("nameless", "y"), va("custom", "z")
	dear.Spec.VariantCost = strings.Repeat("9", 400)
	nameless.Spec.ModelID = ""
	custom.Spec.ScaleTargetRef.Kind = "Rollout"
	w := newWorld(t, FleetOptions{}, older, twin, dear, nameless, custom, deploymentOf("llama", "u", 1))
	variants, err := w.fleet.Variants(t.Context())
	if err != nil || len(variants) != 1 || variants[0].ID.Name != "older" {
		t.Errorf("variants %v, error %v", variants, err)
	}
	w.cycle(1)
	for name, want := range map[string]string{
		"a-twin": "Deployment llama is scaled already by ns/older", "dear": "variantCost", "nameless": "modelID: missing", "custom": `kind "Rollout" without apiVersion`,
	} {
		if o, _ := w.reconciler.outcomes.of(wva.ID{Namespace: "ns", Name: name}); !strings.Contains(o.invalid, want) {
			t.Errorf("%s is refused with %q, want %q", name, o.invalid, want)
		}
	}
}

// What cannot be read is not gone: the variant stays as it was known last, or as its status has it.
func TestUnreadableTarget(t *testing.T) {
	known := va("known", "llama")
	written := va("written", "mistral")
	written.Status.CurrentAlloc = v1alpha1.Allocation{Accelerator: "H100", NumReplicas: new(int32(4))}
	w := newWorld(t, FleetOptions{}, known, written, va("new", "qwen"), deploymentOf("llama", "u", 3), runningPod("a", "llama", "True"))
	if _, err := w.fleet.Variants(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.fleet.view.variants = w.fleet.view.variants[:1] // only the first was ever read
	w.fleet.finder.ready = func(context.Context, schema.GroupVersionKind) error { return errors.New("forbidden") }
	variants, err := w.fleet.Variants(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, v := range variants {
		got = append(got, fmt.Sprintf("%s %d-%d %s %v", v.ID.Name, v.Current, v.Pending, v.Accelerator, v.TargetMissing))
	}
	if want := "known 3-2  false; written 4-0 H100 false"; strings.Join(got, "; ") != want {
		t.Errorf("%q, want %q", got, want)
	}
	status, _ := w.reconcile("known")
	if !strings.HasPrefix(status, "Unknown TargetUnreadable, Unknown TargetUnreadable") {
		t.Errorf("status %s", status)
	}
}
