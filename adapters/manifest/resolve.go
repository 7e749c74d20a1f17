package manifest

import (
	"cmp"
	"slices"

	"github.com/wva-go/wva"
	"github.com/wva-go/wva/internal/resource"
)

// fleet completes every variant with what its Deployment and its service class say. Of two resources for one target the
// first in the files counts.
func (l *loader) fleet() Fleet {
	var fleet Fleet
	owners := make(map[object]string) // scale target → place of the resource that scales it
	for _, va := range l.variants {
		target := object{va.variant.Target.Kind, wva.ID{Namespace: va.variant.ID.Namespace, Name: va.variant.Target.Name}}
		if owner, taken := owners[target]; taken {
			va.doc.Fail("%s %s is scaled already by the resource at %s: want one for each target", target.kind, target.id, owner)
			continue
		}
		owners[target] = va.place
		va.resolveTarget(l, target)
		va.resolveClass(l)
		if err := va.variant.Validate(); err != nil {
			va.doc.Fail("%w", err)
			continue
		}
		fleet = append(fleet, va.variant)
	}
	slices.SortFunc(fleet, func(a, b wva.Variant) int { return a.ID.Compare(b.ID) })
	return fleet
}

// resolveTarget takes over what the scale target says.
func (va *variantAutoscaling) resolveTarget(l *loader, target object) {
	v := &va.variant
	var d deployment
	found := false
	if target.kind == "Deployment" {
		d, found = l.deployments[target.id]
	}
	v.TargetMissing = !found
	v.Current, v.Devices = d.replicas, d.devices
	v.Accelerator = cmp.Or(v.Accelerator, d.accelerator)
	if p, ok := resource.SelectProfile(va.profiles, v.Accelerator, l.policy.UnitCosts); ok {
		v.Accelerator = cmp.Or(v.Accelerator, p.Accelerator)
		v.Devices = cmp.Or(v.Devices, p.Devices)
		v.Server = p.Server()
	}
}

// resolveClass finds the service class that the label or the sloClassRef means.
func (va *variantAutoscaling) resolveClass(l *loader) {
	label := va.variant.ServiceClass
	class, err := l.policy.ServiceClass(label, va.class)
	va.variant.ServiceClass = class
	switch {
	case err == nil:
	case label != "":
		va.doc.Fail("%w", err)
	default:
		va.classDoc.Fail("%w", err)
	}
}
