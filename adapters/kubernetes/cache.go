package kubernetes

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/cluster"

	"github.com/wva-go/wva/adapters/kubernetes/api/v1alpha1"
	"github.com/wva-go/wva/internal/resource"
)

// newCache makes the cache of a fleet. It is one of its own, so that what is watched, and how little of it is kept, does not hang on how the manager's is set up.
func newCache(c cluster.Cluster, scheme *runtime.Scheme, o FleetOptions) (cache.Cache, error) {
	pods := cache.ByObject{Field: fields.ParseSelectorOrDie("status.phase!=Succeeded,status.phase!=Failed")}
	if o.NodeInventory {
		pods.Namespaces = map[string]cache.Config{} // all of them: others use the nodes too
	}
	variants := cache.ByObject{}
	if o.ControllerInstance != "" {
		selector, err := labels.ValidatedSelectorFromSet(labels.Set{resource.LabelControllerInstance: o.ControllerInstance})
		if err != nil {
			return nil, fmt.Errorf("kubernetes: controller instance %q: want the value of a label: %w", o.ControllerInstance, err)
		}
		variants.Label = selector
	}
	options := cache.Options{
		HTTPClient: c.GetHTTPClient(), Scheme: scheme, Mapper: withVariants(c.GetRESTMapper()), DefaultTransform: strip,
		ByObject: map[client.Object]cache.ByObject{&v1alpha1.VariantAutoscaling{}: variants, &corev1.Pod{}: pods},
	}
	if len(o.Namespaces) > 0 {
		options.DefaultNamespaces = map[string]cache.Config{}
		for _, ns := range o.Namespaces {
			options.DefaultNamespaces[ns] = cache.Config{}
		}
	}
	return cache.New(c.GetConfig(), options)
}

// withVariants is a mapper that knows the VariantAutoscaling also while its definition is not installed.
func withVariants(served meta.RESTMapper) meta.RESTMapper {
	own := meta.NewDefaultRESTMapper([]schema.GroupVersion{v1alpha1.GroupVersion})
	own.Add(variantKind, meta.RESTScopeNamespace)
	return meta.FirstHitRESTMapper{MultiRESTMapper: meta.MultiRESTMapper{own, served}}
}

var variantKind = v1alpha1.GroupVersion.WithKind("VariantAutoscaling")

// strip leaves of an object what is looked at, so that a thousand pods are a thousand small things in memory.
func strip(object any) (any, error) {
	switch o := object.(type) {
	case *corev1.Pod:
		return stripPod(o), nil
	case *corev1.Node:
		return stripNode(o), nil
	case *unstructured.Unstructured:
		return stripTarget(o), nil
	case metav1.Object:
		o.SetManagedFields(nil)
		if a := o.GetAnnotations(); a[corev1.LastAppliedConfigAnnotation] != "" {
			delete(a, corev1.LastAppliedConfigAnnotation)
		}
	}
	return object, nil
}

func stripPod(p *corev1.Pod) *corev1.Pod {
	small := &corev1.Pod{
		TypeMeta: p.TypeMeta,
		ObjectMeta: metav1.ObjectMeta{
			Name: p.Name, Namespace: p.Namespace, UID: p.UID, ResourceVersion: p.ResourceVersion, Labels: p.Labels, DeletionTimestamp: p.DeletionTimestamp,
		},
		Spec:   corev1.PodSpec{NodeName: p.Spec.NodeName},
		Status: corev1.PodStatus{Phase: p.Status.Phase},
	}
	if owner := metav1.GetControllerOf(p); owner != nil {
		small.OwnerReferences = []metav1.OwnerReference{*owner}
	}
	if name := podProduct(&p.Spec); name != "" {
		small.Spec.NodeSelector = map[string]string{resource.ProductLabels()[0]: name}
	}
	if n := podDevices(&p.Spec); n > 0 {
		small.Spec.Containers = []corev1.Container{{Resources: corev1.ResourceRequirements{Limits: deviceList(n)}}}
	}
	for _, c := range p.Status.Conditions {
		if c.Type == corev1.PodReady {
			small.Status.Conditions = []corev1.PodCondition{{Type: c.Type, Status: c.Status}}
		}
	}
	return small
}

func stripNode(n *corev1.Node) *corev1.Node {
	small := &corev1.Node{
		TypeMeta:   n.TypeMeta,
		ObjectMeta: metav1.ObjectMeta{Name: n.Name, UID: n.UID, ResourceVersion: n.ResourceVersion, Labels: productOnly(n.Labels), DeletionTimestamp: n.DeletionTimestamp},
		Spec:       corev1.NodeSpec{Unschedulable: n.Spec.Unschedulable},
		Status:     corev1.NodeStatus{Capacity: devicesOnly(n.Status.Capacity), Allocatable: devicesOnly(n.Status.Allocatable)},
	}
	for _, c := range n.Status.Conditions {
		if c.Type == corev1.NodeReady {
			small.Status.Conditions = []corev1.NodeCondition{{Type: c.Type, Status: c.Status}}
		}
	}
	return small
}

// productOnly keeps the labels that name an accelerator.
func productOnly(all map[string]string) map[string]string {
	var kept map[string]string
	for _, name := range resource.ProductLabels() {
		if value, ok := all[name]; ok {
			if kept == nil {
				kept = map[string]string{}
			}
			kept[name] = value
		}
	}
	return kept
}

// devicesOnly keeps the quantities of accelerators.
func devicesOnly(all corev1.ResourceList) corev1.ResourceList {
	var kept corev1.ResourceList
	for name, quantity := range all {
		if slices.Contains(resource.DeviceResources(), string(name)) {
			if kept == nil {
				kept = corev1.ResourceList{}
			}
			kept[name] = quantity
		}
	}
	return kept
}

// stripTarget keeps of a scale target what parseTarget reads.
func stripTarget(o *unstructured.Unstructured) *unstructured.Unstructured {
	small := &unstructured.Unstructured{Object: map[string]any{}}
	small.SetGroupVersionKind(o.GroupVersionKind())
	small.SetName(o.GetName())
	small.SetNamespace(o.GetNamespace())
	small.SetUID(o.GetUID())
	small.SetResourceVersion(o.GetResourceVersion())
	small.SetDeletionTimestamp(o.GetDeletionTimestamp())
	if accelerator, ok := o.GetLabels()[resource.LabelAccelerator]; ok {
		small.SetLabels(map[string]string{resource.LabelAccelerator: accelerator})
	}
	for _, path := range [][]string{{"spec", "replicas"}, {"spec", "selector"}, {"spec", "leaderWorkerTemplate", "size"}, {"status", "hpaPodSelector"}} {
		if value, ok, _ := unstructured.NestedFieldNoCopy(o.Object, path...); ok {
			_ = unstructured.SetNestedField(small.Object, value, path...)
		}
	}
	for _, path := range templates {
		if spec, ok, _ := unstructured.NestedMap(o.Object, append(slices.Clone(path), "spec")...); ok {
			_ = unstructured.SetNestedMap(small.Object, stripTemplate(spec), append(slices.Clone(path), "spec")...)
		}
	}
	return small
}

// stripTemplate keeps what chooses nodes and counts devices.
func stripTemplate(spec map[string]any) map[string]any {
	small := map[string]any{}
	for _, path := range [][]string{{"nodeSelector"}, {"affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution"}} {
		if value, ok, _ := unstructured.NestedFieldNoCopy(spec, path...); ok {
			_ = unstructured.SetNestedField(small, value, path...)
		}
	}
	for _, field := range []string{"containers", "initContainers"} {
		containers, _, _ := unstructured.NestedSlice(spec, field)
		var kept []any
		for _, c := range containers {
			if c, ok := c.(map[string]any); ok {
				kept = append(kept, map[string]any{"name": c["name"], "resources": c["resources"], "restartPolicy": c["restartPolicy"]})
			}
		}
		if kept != nil {
			small[field] = kept
		}
	}
	return small
}
