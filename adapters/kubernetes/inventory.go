package kubernetes

import (
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/wva-go/wva"
	"github.com/wva-go/wva/internal/resource"
)

// takeInventory counts the devices that the fleet may use: those of nodes that take pods, less what pods of others hold there, and on other nodes what the fleet's own pods
// hold and so need not be given again. ours tells by its place whether a pod belongs to the fleet; unbound says that variants without a named accelerator hold none, so that
// no device limits them.
func takeInventory(nodes []corev1.Node, pods []corev1.Pod, ours func(int) bool, unbound bool) wva.Inventory {
	own, others := map[string]int{}, map[string]int{}
	for i := range pods {
		n := podDevices(&pods[i].Spec)
		if n == 0 || pods[i].Spec.NodeName == "" {
			continue
		}
		if ours(i) {
			own[pods[i].Spec.NodeName] += n
		} else {
			others[pods[i].Spec.NodeName] += n
		}
	}
	counts := map[string]int{}
	for i := range nodes {
		node := &nodes[i]
		there := nodeDevices(node)
		if there == 0 {
			continue
		}
		kind := product(node.Labels)
		if kind == "" {
			kind = unknown
		}
		if usable(node) {
			counts[kind] += max(0, there-others[node.Name])
		} else {
			counts[kind] += own[node.Name]
		}
	}
	if unbound {
		counts[unknown] = resource.MostReplicas
	}
	devices := make([]wva.Devices, 0, len(counts))
	for _, kind := range slices.Sorted(maps.Keys(counts)) {
		devices = append(devices, wva.Devices{Type: kind, Count: min(counts[kind], resource.MostReplicas)})
	}
	return wva.Limited(devices...)
}

// unknown is the type of devices that nobody named, on nodes and in variants.
const unknown = "unknown"

// unbound tells whether there are variants without a named accelerator, and none of these holds devices.
func unbound(variants []wva.Variant) bool {
	found := false
	for _, v := range variants {
		if v.Accelerator == "" && !v.TargetMissing {
			if v.Devices > 0 {
				return false
			}
			found = true
		}
	}
	return found
}

// usable tells whether a node takes new pods.
func usable(node *corev1.Node) bool {
	if node.Spec.Unschedulable || node.DeletionTimestamp != nil {
		return false
	}
	for _, c := range node.Status.Conditions {
		if c.Type == corev1.NodeReady {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}
