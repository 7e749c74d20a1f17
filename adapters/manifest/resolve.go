package manifest

import (
	"cmp"
	"slices"
	"strings"

	"github.com/wva-go/wva"
	"github.com/wva-go/wva/cost"
	"github.com/wva-go/wva/model"
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
	if p, ok := va.profile(l.policy.UnitCosts); ok {
		v.Accelerator = cmp.Or(v.Accelerator, p.accelerator)
		v.Devices = cmp.Or(v.Devices, p.devices)
		v.Server = p.server()
	}
}

// profile returns the entry of the modelProfile for the variant's accelerator, or the only one where it has none.
func (va *variantAutoscaling) profile(costs cost.UnitCosts) (acceleratorProfile, bool) {
	want := va.variant.Accelerator
	if want == "" && len(va.profiles) == 1 {
		return va.profiles[0], true
	}
	unit, priced := costs.Lookup(want)
	for _, p := range va.profiles {
		if p.accelerator == want || priced && (p.accelerator == unit.Accelerator || p.accelerator == unit.Type) {
			return p, true
		}
	}
	return acceleratorProfile{}, false
}

// resolveClass finds the service class that a sloClassRef means: the only class of the ConfigMap entry that it points
// at, or the class that bears its name or its key.
func (va *variantAutoscaling) resolveClass(l *loader) {
	known := l.policy.ServiceClasses
	isClass := func(name string) bool {
		return slices.ContainsFunc(known, func(c model.ServiceClass) bool { return c.Name == name })
	}
	if name := va.variant.ServiceClass; name != "" {
		if len(known) > 0 && !isClass(name) {
			va.doc.Fail("label %s: no service class is called %q: want one of %s", labelServiceClass, name, classNames(known))
		}
		return
	}
	if va.class == (classRef{}) {
		return
	}
	if len(known) == 0 {
		va.variant.ServiceClass = va.class.name
		return
	}
	if class, ok := l.classes[va.class]; ok {
		va.variant.ServiceClass = class
		return
	}
	for _, name := range []string{va.class.name, va.class.key} {
		if isClass(name) {
			va.variant.ServiceClass = name
			return
		}
	}
	va.classDoc.Fail("%s is no service class: want one of %s; until then the class is chosen by model", va.class, classNames(known))
}

// indexClasses notes which entries of a service class ConfigMap are one class each.
func (l *loader) indexClasses(configMap string, data map[string]string) {
	for entry, text := range data {
		if classes, _ := model.ParseServiceClasses(map[string]string{entry: text}); len(classes) == 1 {
			l.classes[classRef{configMap, entry}] = classes[0].Name
		}
	}
}

func classNames(classes model.ServiceClasses) string {
	names := make([]string, len(classes))
	for i, c := range classes {
		names[i] = c.Name
	}
	return strings.Join(names, ", ")
}
