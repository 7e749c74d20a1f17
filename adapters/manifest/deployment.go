package manifest

import (
	"cmp"

	"github.com/wva-go/wva/internal/document"
	"github.com/wva-go/wva/internal/resource"
)

// deployment is what a scale target says of the variant that it runs.
type deployment struct {
	replicas    int
	devices     int    // accelerators per replica; 0 = none requested
	accelerator string // by label or node selector; may be empty
}

// deployment reads replicas, accelerator and devices. Of the pod template only these are looked at: Kubernetes owns the
// rest of its format.
func (l *loader) deployment(v document.Value, meta metadata) {
	fields := v.Map("apiVersion", "kind", "metadata", "spec", "status")
	fields.Require("spec")
	spec := fields.Get("spec").Map("replicas", "selector", "template", "strategy", "minReadySeconds", "revisionHistoryLimit",
		"progressDeadlineSeconds", "paused")
	d := deployment{replicas: 1} // as Kubernetes defaults it
	if replicas := spec.Get("replicas"); replicas.Present() {
		n, ok := replicas.Int()
		if ok && (n < 0 || n > resource.MostReplicas) {
			replicas.Fail("want a number from 0 to %d", resource.MostReplicas)
		}
		if !ok || n < 0 || n > resource.MostReplicas {
			return
		}
		d.replicas = n
	}
	pod := spec.Get("template").Field("spec")
	d.devices = podDevices(pod)
	d.accelerator = cmp.Or(meta.labels[resource.LabelAccelerator], product(pod.Field("nodeSelector")))
	l.deployments[meta.id] = d
}

// product returns the accelerator type that a node selector asks for.
func product(nodeSelector document.Value) string {
	for _, label := range resource.ProductLabels() {
		if text, ok := nodeSelector.Field(label).Text(); ok {
			return text
		}
	}
	return ""
}

// podDevices counts the accelerators of all containers of a pod.
func podDevices(pod document.Value) int {
	devices := 0
	for _, container := range pod.Field("containers").List() {
		wanted := container.Field("resources")
		for _, name := range resource.DeviceResources() {
			count := wanted.Field("limits").Field(name)
			if !count.Present() {
				count = wanted.Field("requests").Field(name)
			}
			n, ok := count.Int()
			if ok && (n < 0 || n > resource.MostReplicas) {
				count.Fail("want a number of devices, 0 or more")
				continue
			}
			devices += n
		}
	}
	return devices
}
