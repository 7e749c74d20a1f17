package resource

import (
	"fmt"
	"slices"
	"strings"

	"github.com/wva-go/wva"
	"github.com/wva-go/wva/cost"
	"github.com/wva-go/wva/model"
	"github.com/wva-go/wva/saturation"
)

// The ConfigMaps that make a policy.
const (
	UnitCosts      = "accelerator-unitcost"
	ServiceClasses = "serviceclass"
	Saturation     = "capacity-scaling-config"
	ScaleToZero    = "model-scale-to-zero"
)

// ConfigMaps are the names of all of them.
func ConfigMaps() []string { return []string{UnitCosts, ServiceClasses, Saturation, ScaleToZero} }

// Policy is a policy that ConfigMaps are taken over into.
type Policy struct {
	wva.Policy
	classes map[ClassRef]string // service class that alone makes up an entry of a ConfigMap
}

// Apply takes the data of a ConfigMap over. What is sound counts also beside an error; a name that is none of ours changes nothing.
func (p *Policy) Apply(name string, data map[string]string) (err error) {
	switch name {
	case UnitCosts:
		p.UnitCosts, err = cost.ParseUnitCosts(data)
	case ServiceClasses:
		p.ServiceClasses, err = model.ParseServiceClasses(data)
		p.indexClasses(name, data)
	case Saturation:
		p.Saturation, err = saturation.ParseConfigs(data)
	case ScaleToZero:
		p.ScaleToZero, err = wva.ParseScaleToZero(data)
	}
	return err
}

// indexClasses notes which entries of a service class ConfigMap are one class each.
func (p *Policy) indexClasses(configMap string, data map[string]string) {
	p.classes = map[ClassRef]string{}
	for entry, text := range data {
		if classes, _ := model.ParseServiceClasses(map[string]string{entry: text}); len(classes) == 1 {
			p.classes[ClassRef{configMap, entry}] = classes[0].Name
		}
	}
}

// ClassRef points at a service class as a 0.4 resource does: by ConfigMap and entry, or by name.
type ClassRef struct{ Name, Key string }

func (r ClassRef) String() string { return strings.TrimSuffix(r.Name+"/"+r.Key, "/") }

// ServiceClass returns the class that a variant's label names, or else the one that its reference means: the only class of the ConfigMap entry that it points
// at, or the class that bears its name or its key. The error says that there is no such class; the class beside it is still what to go by.
func (p *Policy) ServiceClass(label string, ref ClassRef) (string, error) {
	known := p.Policy.ServiceClasses
	isClass := func(name string) bool {
		return slices.ContainsFunc(known, func(c model.ServiceClass) bool { return c.Name == name })
	}
	if label != "" {
		if len(known) > 0 && !isClass(label) {
			return label, fmt.Errorf("label %s: no service class is called %q: want one of %s", LabelServiceClass, label, classNames(known))
		}
		return label, nil
	}
	if ref == (ClassRef{}) {
		return "", nil
	}
	if len(known) == 0 {
		return ref.Name, nil
	}
	if class, ok := p.classes[ref]; ok {
		return class, nil
	}
	for _, name := range []string{ref.Name, ref.Key} {
		if isClass(name) {
			return name, nil
		}
	}
	return "", fmt.Errorf("%s is no service class: want one of %s; until then the class is chosen by model", ref, classNames(known))
}

func classNames(classes model.ServiceClasses) string {
	names := make([]string, len(classes))
	for i, c := range classes {
		names[i] = c.Name
	}
	return strings.Join(names, ", ")
}
