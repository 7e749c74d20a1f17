package manifest

import (
	"github.com/wva-go/wva"
	"github.com/wva-go/wva/cost"
	"github.com/wva-go/wva/internal/document"
	"github.com/wva-go/wva/model"
	"github.com/wva-go/wva/saturation"
)

// configMap reads one of the ConfigMaps that make the policy. Each may be there once, in whichever namespace.
func (l *loader) configMap(v document.Value, meta metadata) {
	fields := v.Map("apiVersion", "kind", "metadata", "data", "binaryData", "immutable")
	apply := l.policyDocument(meta.id.Name)
	if apply == nil {
		v.Fail("unknown ConfigMap: want accelerator-unitcost, serviceclass, capacity-scaling-config or model-scale-to-zero")
		return
	}
	anywhere := object{"ConfigMap of the policy", wva.ID{Name: meta.id.Name}}
	if first, taken := l.places[anywhere]; taken {
		v.Fail("this ConfigMap is in force already, from %s: want it once", first)
		return
	}
	l.places[anywhere] = meta.place
	data := fields.Get("data")
	entries := make(map[string]string)
	values := make(map[string]document.Value)
	for _, name := range data.Map().Names() {
		value := data.Field(name)
		if text, ok := value.Block(); ok {
			entries[name], values[name] = text, value
		}
	}
	if data.Present() && !data.IsMap() {
		return // reported
	}
	for _, e := range document.Errors(apply(entries)) {
		v.Relay(e, values[e.Entry])
	}
}

// policyDocument returns what takes the data of a ConfigMap over into the policy, or nil for one that is none of ours.
func (l *loader) policyDocument(name string) func(map[string]string) error {
	p := &l.policy
	switch name {
	case "accelerator-unitcost":
		return func(data map[string]string) (err error) {
			p.UnitCosts, err = cost.ParseUnitCosts(data)
			return err
		}
	case "serviceclass":
		return func(data map[string]string) (err error) {
			p.ServiceClasses, err = model.ParseServiceClasses(data)
			l.indexClasses(name, data)
			return err
		}
	case "capacity-scaling-config":
		return func(data map[string]string) (err error) {
			p.Saturation, err = saturation.ParseConfigs(data)
			return err
		}
	case "model-scale-to-zero":
		return func(data map[string]string) (err error) {
			p.ScaleToZero, err = wva.ParseScaleToZero(data)
			return err
		}
	}
	return nil
}
