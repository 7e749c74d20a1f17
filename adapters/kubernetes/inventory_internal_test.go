package kubernetes

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apiresource "k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/wva-go/wva"
)

const a100, mi300x = "NVIDIA-A100-PCIE-80GB", "AMD-MI300X-192GB"

func gpuNode(name, label, product, resource string, count int64, ready corev1.ConditionStatus) corev1.Node {
	return corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{label: product}},
		Status: corev1.NodeStatus{
			Capacity:   corev1.ResourceList{corev1.ResourceName(resource): *apiresource.NewQuantity(count, apiresource.DecimalSI)},
			Conditions: []corev1.NodeCondition{{Type: corev1.NodeReady, Status: ready}},
		},
	}
}

func gpuPod(node string, devices int) corev1.Pod {
	return corev1.Pod{Spec: corev1.PodSpec{NodeName: node, Containers: []corev1.Container{{Resources: corev1.ResourceRequirements{Limits: deviceList(devices)}}}}}
}

func TestTakeInventory(t *testing.T) {
	nvidia := func(name string, count int64, ready corev1.ConditionStatus) corev1.Node {
		return gpuNode(name, "nvidia.com/gpu.product", a100, "nvidia.com/gpu", count, ready)
	}
	cordoned := nvidia("cordoned", 8, "True")
	cordoned.Spec.Unschedulable = true
	reserved := nvidia("reserved", 8, "True")
	reserved.Status.Allocatable = corev1.ResourceList{"nvidia.com/gpu": apiresource.MustParse("6")}
	unlabelled := nvidia("unlabelled", 4, "True")
	unlabelled.Labels = nil
	hostile := nvidia("hostile", 1<<60, "True")
	negative := nvidia("negative", -5, "True")

	// The first of the pods is the fleet's.
	for name, test := range map[string]struct {
		nodes   []corev1.Node
		pods    []corev1.Pod
		unbound bool
		want    []wva.Devices
	}{
		"nothing":                        {want: []wva.Devices{}},
		"by product":                     {nodes: []corev1.Node{nvidia("a", 8, "True"), nvidia("b", 4, "True"), gpuNode("c", "amd.com/gpu.product-name", mi300x, "amd.com/gpu", 2, "True")}, want: []wva.Devices{{Type: mi300x, Count: 2}, {Type: a100, Count: 12}}},
		"what can be allocated":          {nodes: []corev1.Node{reserved}, want: []wva.Devices{{Type: a100, Count: 6}}},
		"less what others use":           {nodes: []corev1.Node{nvidia("a", 8, "True")}, pods: []corev1.Pod{gpuPod("a", 2), gpuPod("a", 3)}, want: []wva.Devices{{Type: a100, Count: 5}}},
		"others use more than there is":  {nodes: []corev1.Node{nvidia("a", 1, "True"), nvidia("b", 1, "True")}, pods: []corev1.Pod{{}, gpuPod("a", 3)}, want: []wva.Devices{{Type: a100, Count: 1}}},
		"others that wait for a node":    {nodes: []corev1.Node{nvidia("a", 8, "True")}, pods: []corev1.Pod{{}, gpuPod("", 3)}, want: []wva.Devices{{Type: a100, Count: 8}}},
		"not ready":                      {nodes: []corev1.Node{nvidia("a", 8, "False"), nvidia("b", 8, "Unknown")}, want: []wva.Devices{{Type: a100, Count: 0}}},
		"no new pods, but some of ours":  {nodes: []corev1.Node{cordoned}, pods: []corev1.Pod{gpuPod("cordoned", 2), gpuPod("cordoned", 1)}, want: []wva.Devices{{Type: a100, Count: 2}}},
		"a node that nobody labelled":    {nodes: []corev1.Node{unlabelled}, want: []wva.Devices{{Type: "unknown", Count: 4}}},
		"variants without accelerators":  {unbound: true, want: []wva.Devices{{Type: "unknown", Count: 1_000_000}}},
		"numbers that cannot be":         {nodes: []corev1.Node{hostile, negative}, want: []wva.Devices{{Type: a100, Count: 1_000_000}}},
		"a node without accelerators":    {nodes: []corev1.Node{nvidia("a", 0, "True")}, want: []wva.Devices{}},
		"a node whose state is not told": {nodes: []corev1.Node{{ObjectMeta: reserved.ObjectMeta, Status: corev1.NodeStatus{Capacity: reserved.Status.Capacity}}}, want: []wva.Devices{{Type: a100, Count: 0}}},
	} {
		t.Run(name, func(t *testing.T) {
			got := takeInventory(test.nodes, test.pods, func(i int) bool { return i == 0 }, test.unbound)
			if err := got.Validate(); err != nil {
				t.Error(err)
			}
			if diff := cmp.Diff(wva.Limited(test.want...), got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestPodDevices(t *testing.T) {
	always := corev1.ContainerRestartPolicyAlways
	c := func(limits, requests string) corev1.Container {
		r := corev1.ResourceRequirements{}
		if limits != "" {
			r.Limits = corev1.ResourceList{"nvidia.com/gpu": apiresource.MustParse(limits)}
		}
		if requests != "" {
			r.Requests = corev1.ResourceList{"nvidia.com/gpu": apiresource.MustParse(requests)}
		}
		return corev1.Container{Resources: r}
	}
	sidecar := c("1", "")
	sidecar.RestartPolicy = &always
	for name, test := range map[string]struct {
		spec corev1.PodSpec
		want int
	}{
		"none":                         {corev1.PodSpec{Containers: []corev1.Container{c("", "")}}, 0},
		"limits":                       {corev1.PodSpec{Containers: []corev1.Container{c("4", "")}}, 4},
		"requests alone":               {corev1.PodSpec{Containers: []corev1.Container{c("", "2")}}, 2},
		"several containers":           {corev1.PodSpec{Containers: []corev1.Container{c("4", "4"), c("1", "")}}, 5},
		"an init container gives back": {corev1.PodSpec{InitContainers: []corev1.Container{c("2", "")}, Containers: []corev1.Container{c("4", "")}}, 4},
		"a greedy init container":      {corev1.PodSpec{InitContainers: []corev1.Container{c("8", "")}, Containers: []corev1.Container{c("4", "")}}, 8},
		"a sidecar keeps":              {corev1.PodSpec{InitContainers: []corev1.Container{sidecar}, Containers: []corev1.Container{c("4", "")}}, 5},
		"negative":                     {corev1.PodSpec{Containers: []corev1.Container{c("-4", "")}}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			if got := podDevices(&test.spec); got != test.want {
				t.Errorf("%d devices, want %d", got, test.want)
			}
			stripped := stripPod(&corev1.Pod{Spec: test.spec})
			if got := podDevices(&stripped.Spec); got != test.want {
				t.Errorf("%d devices of the pod as it is kept, want %d", got, test.want)
			}
		})
	}
}
