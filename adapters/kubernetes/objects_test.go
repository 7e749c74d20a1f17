package kubernetes_test

import (
	"fmt"
	"slices"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/wva-go/wva/adapters/kubernetes/api/v1alpha1"
	"github.com/wva-go/wva/adapters/kubernetes/internal/serving"
)

// The accelerators of the tests.
const (
	a100 = "NVIDIA-A100-PCIE-80GB"
	h100 = "NVIDIA-H100-80GB-HBM3"
)

// deployment runs replicas of a model server, each on one accelerator of a product; without a product on none.
func deployment(namespace, name string, replicas int32, product string) *appsv1.Deployment {
	labels := map[string]string{serving.Label: name}
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec:       appsv1.DeploymentSpec{Replicas: &replicas, Selector: &metav1.LabelSelector{MatchLabels: labels}, Template: template(labels, product)},
	}
}

func statefulSet(namespace, name string, replicas int32, product string) *appsv1.StatefulSet {
	labels := map[string]string{serving.Label: name}
	return &appsv1.StatefulSet{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec: appsv1.StatefulSetSpec{Replicas: &replicas, Selector: &metav1.LabelSelector{MatchLabels: labels}, Template: template(labels, product),
			PodManagementPolicy: appsv1.ParallelPodManagement},
	}
}

func template(labels map[string]string, product string) corev1.PodTemplateSpec {
	container := corev1.Container{Name: "vllm", Image: "vllm/vllm-openai"}
	spec := corev1.PodSpec{}
	if product != "" {
		container.Resources.Limits = corev1.ResourceList{"nvidia.com/gpu": resource.MustParse("1")}
		spec.NodeSelector = map[string]string{"nvidia.com/gpu.product": product}
	}
	spec.Containers = []corev1.Container{container}
	return corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: spec}
}

// autoscaling scales a Deployment that serves a model.
func autoscaling(namespace, name, target, model string) *v1alpha1.VariantAutoscaling {
	return &v1alpha1.VariantAutoscaling{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec:       v1alpha1.VariantAutoscalingSpec{ScaleTargetRef: v1alpha1.ScaleTargetRef{Kind: "Deployment", Name: target}, ModelID: model},
	}
}

// replicas returns what a Deployment asks for and what of it is ready.
func (e *environment) replicas(t *testing.T, namespace, name string) (asked, ready int32) {
	t.Helper()
	var d appsv1.Deployment
	if err := e.client.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: name}, &d); err != nil {
		t.Fatal(err)
	}
	return *d.Spec.Replicas, d.Status.ReadyReplicas
}

// status returns the status of a VariantAutoscaling.
func (e *environment) status(t *testing.T, namespace, name string) v1alpha1.VariantAutoscalingStatus {
	t.Helper()
	var va v1alpha1.VariantAutoscaling
	if err := e.client.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: name}, &va); err != nil {
		t.Fatal(err)
	}
	return va.Status
}

// wantCondition complains where a condition is not as wanted: "True MetricsFound".
func wantCondition(s v1alpha1.VariantAutoscalingStatus, kind, want string) error {
	c := meta.FindStatusCondition(s.Conditions, kind)
	if c == nil {
		return fmt.Errorf("no condition %s, want %s", kind, want)
	}
	if got := fmt.Sprintf("%s %s", c.Status, c.Reason); got != want {
		return fmt.Errorf("condition %s is %s (%s), want %s", kind, got, c.Message, want)
	}
	return nil
}

// events returns the reasons of the events about an object, in order of name.
func (e *environment) events(t *testing.T, namespace, name string) []string {
	t.Helper()
	var list corev1.EventList
	if err := e.client.List(t.Context(), &list, client.InNamespace(namespace)); err != nil {
		t.Fatal(err)
	}
	var reasons []string
	for _, event := range list.Items {
		if event.InvolvedObject.Name == name {
			reasons = append(reasons, event.Reason)
		}
	}
	slices.Sort(reasons)
	return slices.Compact(reasons)
}

// ready returns the names of the pods of a namespace that serve.
func (e *environment) ready(t *testing.T, namespace string) []string {
	t.Helper()
	var pods corev1.PodList
	if err := e.client.List(t.Context(), &pods, client.InNamespace(namespace)); err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, pod := range pods.Items {
		for _, c := range pod.Status.Conditions {
			if c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue {
				names = append(names, pod.Name)
			}
		}
	}
	return names
}
