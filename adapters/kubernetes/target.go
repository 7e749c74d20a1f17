package kubernetes

import (
	"cmp"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/wva-go/wva/adapters/kubernetes/api/v1alpha1"
	"github.com/wva-go/wva/internal/resource"
)

// target is what a scale target says of the variant that it runs.
type target struct {
	kind        schema.GroupVersionKind
	namespace   string
	name        string
	uid         types.UID
	version     string // resource version
	replicas    int
	selector    labels.Selector // of its pods
	leaders     labels.Selector // of those that serve, where a replica is several pods; nil = each pod is a replica
	devices     int             // accelerators per replica; 0 = none requested, or not known
	accelerator string          // by label or node selector; may be empty
}

// The API groups in which kinds are looked for that come without one.
const (
	groupApps            = "apps"
	groupLeaderWorkerSet = "leaderworkerset.x-k8s.io"
)

// templates are the places where kinds that run pods have their templates.
var templates = [][]string{{"spec", "template"}, {"spec", "leaderWorkerTemplate", "leaderTemplate"}, {"spec", "leaderWorkerTemplate", "workerTemplate"}}

// kindOf returns the kind that a reference means.
func kindOf(ref v1alpha1.ScaleTargetRef) (schema.GroupVersionKind, error) {
	kind := cmp.Or(ref.Kind, "Deployment")
	if ref.APIVersion != "" {
		gv, err := schema.ParseGroupVersion(ref.APIVersion)
		if err != nil {
			return schema.GroupVersionKind{}, fmt.Errorf("scaleTargetRef: apiVersion %q: want group/version, such as apps/v1", ref.APIVersion)
		}
		return gv.WithKind(kind), nil
	}
	switch kind {
	case "Deployment", "StatefulSet", "ReplicaSet":
		return schema.GroupVersionKind{Group: groupApps, Version: "v1", Kind: kind}, nil
	case "ReplicationController":
		return schema.GroupVersionKind{Version: "v1", Kind: kind}, nil
	case "LeaderWorkerSet":
		return schema.GroupVersionKind{Group: groupLeaderWorkerSet, Version: "v1", Kind: kind}, nil
	}
	return schema.GroupVersionKind{}, fmt.Errorf("scaleTargetRef: kind %q without apiVersion: want its group and version too", kind)
}

// conventional tells whether a kind has its replicas and selector where parseTarget looks, so that the scale subresource need not be asked.
func conventional(kind schema.GroupVersionKind) bool {
	switch kind.Group {
	case groupApps:
		return kind.Kind == "Deployment" || kind.Kind == "StatefulSet" || kind.Kind == "ReplicaSet"
	case groupLeaderWorkerSet:
		return kind.Kind == "LeaderWorkerSet"
	}
	return kind.Group == "" && kind.Kind == "ReplicationController"
}

// parseTarget reads a scale target. Of a kind that is not conventional, replicas and selector are left to parseScale.
func parseTarget(o *unstructured.Unstructured) (target, error) {
	t := target{
		kind: o.GroupVersionKind(), namespace: o.GetNamespace(), name: o.GetName(), uid: o.GetUID(), version: o.GetResourceVersion(),
		accelerator: o.GetLabels()[resource.LabelAccelerator], selector: labels.Nothing(),
	}
	if err := t.parseTemplates(o); err != nil {
		return t, err
	}
	if !conventional(t.kind) {
		return t, nil
	}
	replicas, ok, err := unstructured.NestedInt64(o.Object, "spec", "replicas")
	if err != nil {
		return t, fmt.Errorf("spec.replicas of %s: %w", t, err)
	}
	if t.replicas = 1; ok { // as Kubernetes defaults it
		t.replicas = int(min(max(replicas, -1), resource.MostReplicas+1))
	}
	if t.kind.Group == groupLeaderWorkerSet {
		return t, t.parseGroups(o)
	}
	t.selector, err = podSelector(o, t.kind)
	return t, err
}

// parseGroups reads which pods the groups of a LeaderWorkerSet are. Until its controller has said which of them are the leaders, there are none.
func (t *target) parseGroups(o *unstructured.Unstructured) (err error) {
	t.leaders = labels.Nothing()
	if text, _, _ := unstructured.NestedString(o.Object, "status", "hpaPodSelector"); text != "" {
		if t.leaders, err = labels.Parse(text); err != nil {
			return fmt.Errorf("status.hpaPodSelector of %s: %w", t, err)
		}
	}
	t.selector = labels.SelectorFromSet(labels.Set{groupNameLabel: t.name})
	return nil
}

// groupNameLabel is the label by which every pod of a LeaderWorkerSet names it.
const groupNameLabel = "leaderworkerset.sigs.k8s.io/name"

func podSelector(o *unstructured.Unstructured, kind schema.GroupVersionKind) (labels.Selector, error) {
	switch {
	case kind.Group == "":
		set, _, err := unstructured.NestedStringMap(o.Object, "spec", "selector")
		if err != nil || len(set) == 0 {
			return labels.Nothing(), err
		}
		return labels.ValidatedSelectorFromSet(set)
	}
	var selector metav1.LabelSelector
	fields, ok, err := unstructured.NestedMap(o.Object, "spec", "selector")
	if err != nil || !ok {
		return labels.Nothing(), err
	}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(fields, &selector); err != nil {
		return labels.Nothing(), err
	}
	return metav1.LabelSelectorAsSelector(&selector)
}

// parseTemplates reads the devices of one replica and the accelerator that its pods ask for.
func (t *target) parseTemplates(o *unstructured.Unstructured) error {
	var specs [3]*corev1.PodSpec
	for i, path := range templates {
		fields, ok, err := unstructured.NestedMap(o.Object, append(append([]string{}, path...), "spec")...)
		if err != nil || !ok {
			continue
		}
		specs[i] = &corev1.PodSpec{}
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(fields, specs[i]); err != nil {
			return fmt.Errorf("pod template of %s: %w", t, err)
		}
		t.accelerator = cmp.Or(t.accelerator, podProduct(specs[i]))
	}
	single, leader, worker := specs[0], specs[1], specs[2]
	if single != nil {
		t.devices = podDevices(single)
	}
	if worker != nil {
		size, ok, err := unstructured.NestedInt64(o.Object, "spec", "leaderWorkerTemplate", "size")
		if err != nil || !ok {
			size = 1
		}
		if leader == nil {
			leader = worker
		}
		t.devices = podDevices(leader) + int(min(max(size-1, 0), resource.MostReplicas))*podDevices(worker)
	}
	return nil
}

// parseScale takes over what a scale subresource says.
func (t *target) parseScale(scale *unstructured.Unstructured) error {
	replicas, _, err := unstructured.NestedInt64(scale.Object, "spec", "replicas")
	if err != nil {
		return fmt.Errorf("scale of %s: spec.replicas: %w", t, err)
	}
	text, _, err := unstructured.NestedString(scale.Object, "status", "selector")
	if err != nil {
		return fmt.Errorf("scale of %s: status.selector: %w", t, err)
	}
	if text == "" {
		return fmt.Errorf("scale of %s: %w", t, errNoSelector)
	}
	t.replicas = int(min(max(replicas, -1), resource.MostReplicas+1))
	t.selector, err = labels.Parse(text)
	return err
}

// errNoSelector is what keeps the pods of a custom kind from being told.
var errNoSelector = errors.New("no selector, so that its pods cannot be told: let its definition name a labelSelectorPath")

func (t target) String() string { return t.kind.Kind + " " + t.namespace + "/" + t.name }
