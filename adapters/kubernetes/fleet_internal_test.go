package kubernetes

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

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
	version := va("b-twin", "llama") // of the same object in another version
	version.CreationTimestamp, version.Spec.ScaleTargetRef.APIVersion = twin.CreationTimestamp, "apps/v1beta1"
	dear, nameless, custom := va("dear", "x"), va("nameless", "y"), va("custom", "z")
	dear.Spec.VariantCost = strings.Repeat("9", 400)
	nameless.Spec.ModelID = ""
	custom.Spec.ScaleTargetRef.Kind = "Rollout"
	w := newWorld(t, FleetOptions{}, older, twin, version, dear, nameless, custom, deploymentOf("llama", "u", 1))
	variants, err := w.fleet.Variants(t.Context())
	if err != nil || len(variants) != 1 || variants[0].ID.Name != "older" {
		t.Errorf("variants %v, error %v", variants, err)
	}
	w.cycle(1)
	for name, want := range map[string]string{
		"a-twin": "Deployment llama is scaled already by ns/older", "b-twin": "Deployment llama is scaled already by ns/older", "dear": "variantCost", "nameless": "modelID: missing", "custom": `kind "Rollout" without apiVersion`,
	} {
		if o, _ := w.reconciler.outcomes.of(wva.ID{Namespace: "ns", Name: name}); !strings.Contains(o.invalid, want) {
			t.Errorf("%s is refused with %q, want %q", name, o.invalid, want)
		}
	}
	if err := w.client.Delete(t.Context(), older); err != nil {
		t.Fatal(err)
	}
	w.wantVariants("a-twin 1-1  false") // it has the target now
}

// The groups of a LeaderWorkerSet count once each, by their leaders, and all of their pods hold devices of the fleet.
func TestGroups(t *testing.T) {
	v := va("llama-va", "llama")
	v.Spec.ScaleTargetRef.Kind = "LeaderWorkerSet"
	pods := []client.Object{v, object(t, leaderWorkerSetYAML), new(gpuNode("node", "nvidia.com/gpu.product", "H100", "nvidia.com/gpu", 80, "True"))}
	for group := range 2 {
		for index := range 4 {
			p := gpuPod("node", 8)
			p.Namespace, p.Name = "ns", fmt.Sprintf("llama-%d-%d", group, index)
			p.Labels = map[string]string{"leaderworkerset.sigs.k8s.io/name": "llama", "leaderworkerset.sigs.k8s.io/worker-index": fmt.Sprint(index)}
			p.OwnerReferences = []metav1.OwnerReference{{Kind: "StatefulSet", Name: "llama", UID: "s", Controller: new(true)}}
			p.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: "True"}}
			pods = append(pods, &p)
		}
	}
	w := newWorld(t, FleetOptions{NodeInventory: true}, pods...)
	variants, err := w.fleet.Variants(t.Context())
	if err != nil || len(variants) != 1 || variants[0].Current != 2 || variants[0].Pending != 0 || variants[0].Devices != 32 {
		t.Fatalf("variants %+v, error %v", variants, err)
	}
	inventory, err := w.fleet.Inventory(t.Context())
	if want := wva.Limited(wva.Devices{Type: "H100", Count: 80}); err != nil || cmp.Diff(want, inventory) != "" {
		t.Errorf("inventory %+v, error %v, want %+v", inventory, err, want)
	}
	for pod, want := range map[string]bool{"llama-0-0": true, "llama-0-1": false, "llama-1-0": true} {
		if _, ok := w.fleet.Owner("ns", pod); ok != want {
			t.Errorf("pod %s is a replica: %v, want %v", pod, ok, want)
		}
	}
}

// What cannot be read is not gone: the variant stays as it was known last, or as its status has it.
func TestUnreadableTarget(t *testing.T) {
	forbidden := func(context.Context, schema.GroupVersionKind) error { return errors.New("forbidden") }
	known := va("known", "llama")
	w := newWorld(t, FleetOptions{}, known, deploymentOf("llama", "u", 3), runningPod("a", "llama", "True"))
	w.wantVariants("known 3-2  false")
	w.fleet.finder.ready = forbidden
	w.wantVariants("known 3-2  false")
	w.wantVariants("known 3-2  false")
	if status, _ := w.reconcile("known"); !strings.HasPrefix(status, "Unknown TargetUnreadable, Unknown TargetUnreadable") {
		t.Errorf("status %s", status)
	}
	// What was known of one target is nothing of another.
	for _, patch := range []error{
		w.client.Status().Patch(t.Context(), known, client.RawPatch(types.MergePatchType, []byte(`{"status": {"currentAlloc": {"numReplicas": 3}}}`))),
		w.client.Patch(t.Context(), known, client.RawPatch(types.MergePatchType, []byte(`{"spec": {"scaleTargetRef": {"name": "another"}}}`))),
	} {
		if patch != nil {
			t.Fatal(patch)
		}
	}
	w.wantVariants("")
	w.wantVariants("")

	written := va("written", "mistral")
	written.Status.CurrentAlloc = v1alpha1.Allocation{Accelerator: "H100", NumReplicas: new(int32(4))}
	w = newWorld(t, FleetOptions{}, written, va("new", "qwen"))
	w.fleet.finder.ready = forbidden
	w.wantVariants("written 4-0 H100 false")
	w.wantVariants("written 4-0 H100 false")
}

// wantVariants reads the fleet and complains where it is not as wanted.
func (w *world) wantVariants(want string) {
	w.t.Helper()
	variants, err := w.fleet.Variants(w.t.Context())
	var got []string
	for _, v := range variants {
		got = append(got, fmt.Sprintf("%s %d-%d %s %v", v.ID.Name, v.Current, v.Pending, v.Accelerator, v.TargetMissing))
	}
	if err != nil || strings.Join(got, "; ") != want {
		w.t.Errorf("%q, error %v, want %q", got, err, want)
	}
}
