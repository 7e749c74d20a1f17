package kubernetes

import (
	corev1 "k8s.io/api/core/v1"
	apiresource "k8s.io/apimachinery/pkg/api/resource"

	"github.com/wva-go/wva/internal/resource"
)

// podDevices counts the accelerators that a pod holds, as the scheduler does: those of its containers and its sidecars together, or those of its greediest init
// container where they are more.
func podDevices(spec *corev1.PodSpec) int {
	running, starting := 0, 0
	for i := range spec.InitContainers {
		c := &spec.InitContainers[i]
		n := containerDevices(c)
		if c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways {
			running += n
			n = 0
		}
		starting = max(starting, running+n)
	}
	for i := range spec.Containers {
		running += containerDevices(&spec.Containers[i])
	}
	return max(running, starting)
}

// containerDevices counts by the limits, which for accelerators are the requests too, or by the requests where there is no limit.
func containerDevices(c *corev1.Container) int {
	return deviceCount(c.Resources.Limits, c.Resources.Requests)
}

// nodeDevices counts what a node has for pods: all that it has, where it does not say what can be allocated.
func nodeDevices(node *corev1.Node) int {
	return deviceCount(node.Status.Allocatable, node.Status.Capacity)
}

// deviceCount counts the accelerators in a list, those of a kind that it does not name in the other.
func deviceCount(first, otherwise corev1.ResourceList) int {
	n := 0
	for _, name := range resource.DeviceResources() {
		quantity, ok := first[corev1.ResourceName(name)]
		if !ok {
			quantity = otherwise[corev1.ResourceName(name)]
		}
		n += count(quantity)
	}
	return n
}

// count is a quantity of devices as a number that can be reckoned with.
func count(q apiresource.Quantity) int { return int(min(max(q.Value(), 0), resource.MostReplicas)) }

// deviceList is what podDevices reads as n devices.
func deviceList(n int) corev1.ResourceList {
	return corev1.ResourceList{corev1.ResourceName(resource.DeviceResources()[0]): *apiresource.NewQuantity(int64(n), apiresource.DecimalSI)}
}

// product returns the accelerator that labels, or a node selector, name.
func product(labels map[string]string) string {
	for _, name := range resource.ProductLabels() {
		if value := labels[name]; value != "" {
			return value
		}
	}
	return ""
}

// podProduct returns the accelerator that a pod asks for: by its node selector, or where every way of scheduling it wants the same one.
func podProduct(spec *corev1.PodSpec) string {
	if p := product(spec.NodeSelector); p != "" {
		return p
	}
	if spec.Affinity == nil || spec.Affinity.NodeAffinity == nil || spec.Affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution == nil {
		return ""
	}
	found := ""
	for i, term := range spec.Affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution.NodeSelectorTerms {
		wanted := map[string]string{}
		for _, e := range term.MatchExpressions {
			if e.Operator == corev1.NodeSelectorOpIn && len(e.Values) == 1 {
				wanted[e.Key] = e.Values[0]
			}
		}
		p := product(wanted)
		if p == "" || i > 0 && p != found {
			return ""
		}
		found = p
	}
	return found
}
