package manifest

import (
	"slices"

	"github.com/wva-go/wva"
	"github.com/wva-go/wva/internal/document"
	"github.com/wva-go/wva/internal/resource"
)

// configMap reads one of the ConfigMaps that make the policy. Each may be there once, in whichever namespace.
func (l *loader) configMap(v document.Value, meta metadata) {
	fields := v.Map("apiVersion", "kind", "metadata", "data", "binaryData", "immutable")
	if !slices.Contains(resource.ConfigMaps(), meta.id.Name) {
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
	for _, e := range document.Errors(l.policy.Apply(meta.id.Name, entries)) {
		v.Relay(e, values[e.Entry])
	}
}
