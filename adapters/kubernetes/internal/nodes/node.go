package nodes

import (
	"context"
	"encoding/json"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
)

// Node is a machine with accelerators of NVIDIA; without any where there is no product.
type Node struct {
	Name    string
	Product string // as the device plugin names it, "NVIDIA-A100-PCIE-80GB"
	GPUs    int
}

// The names under which NVIDIA's accelerators are found.
const (
	gpu          = corev1.ResourceName("nvidia.com/gpu")
	productLabel = "nvidia.com/gpu.product"
)

// Add registers a node until the test ends.
func (p *Pool) Add(t testing.TB, n Node) {
	t.Helper()
	nodes := p.client.CoreV1().Nodes()
	labels := map[string]string{}
	has := corev1.ResourceList{corev1.ResourcePods: resource.MustParse("2000")}
	if n.Product != "" {
		labels[productLabel] = n.Product
		has[gpu] = *resource.NewQuantity(int64(n.GPUs), resource.DecimalSI)
	}
	if _, err := nodes.Create(t.Context(), &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: n.Name, Labels: labels}}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := nodes.Delete(context.WithoutCancel(t.Context()), n.Name, metav1.DeleteOptions{}); err != nil {
			t.Error(err)
		}
	})
	p.patch(t, n.Name, corev1.NodeStatus{Capacity: has, Allocatable: has, Conditions: condition(corev1.ConditionTrue)})
}

// SetReady makes a node ready or not.
func (p *Pool) SetReady(t testing.TB, name string, ready bool) {
	t.Helper()
	status := corev1.ConditionFalse
	if ready {
		status = corev1.ConditionTrue
	}
	p.patch(t, name, corev1.NodeStatus{Conditions: condition(status)})
}

func condition(ready corev1.ConditionStatus) []corev1.NodeCondition {
	return []corev1.NodeCondition{{Type: corev1.NodeReady, Status: ready, Reason: "Simulated", LastHeartbeatTime: metav1.Now(), LastTransitionTime: metav1.Now()}}
}

// patch writes the status of a node, which the control plane writes to as well.
func (p *Pool) patch(t testing.TB, name string, status corev1.NodeStatus) {
	t.Helper()
	patch, err := json.Marshal(map[string]any{"status": status})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.client.CoreV1().Nodes().Patch(t.Context(), name, types.StrategicMergePatchType, patch, metav1.PatchOptions{}, "status"); err != nil {
		t.Fatal(err)
	}
}

// accepts tells whether pods of this kind may run on a node.
func accepts(node *corev1.Node, pod *corev1.Pod) bool {
	if node.Spec.Unschedulable || !labels.SelectorFromSet(pod.Spec.NodeSelector).Matches(labels.Set(node.Labels)) {
		return false
	}
	for _, c := range node.Status.Conditions {
		if c.Type == corev1.NodeReady {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}

// wants is the accelerators that a pod asks for.
func wants(pod *corev1.Pod) int64 {
	var n int64
	for _, c := range pod.Spec.Containers {
		limit := c.Resources.Limits[gpu]
		n += limit.Value()
	}
	return n
}
