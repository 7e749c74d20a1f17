package manifest

import (
	"github.com/wva-go/wva"
	"github.com/wva-go/wva/cost"
	"github.com/wva-go/wva/internal/document"
	"github.com/wva-go/wva/internal/resource"
)

// variantAutoscaling is a resource as written; what it refers to may be in a file that is not read yet.
type variantAutoscaling struct {
	doc      document.Value // for what turns out to be wrong later
	place    string
	variant  wva.Variant
	class    resource.ClassRef
	classDoc document.Value
	profiles []resource.Profile
}

// variantAutoscaling reads a resource. One without a model or a target, or with a cost that is none, is not taken.
func (l *loader) variantAutoscaling(v document.Value, meta metadata) {
	fields := v.Map("apiVersion", "kind", "metadata", "spec", "status")
	fields.Require("spec")
	if !fields.Get("spec").Present() {
		return
	}
	spec := fields.Get("spec").Map("scaleTargetRef", "modelID", "modelId", "variantCost", "minReplicas", "maxReplicas", "modelProfile", "sloClassRef")
	va := &variantAutoscaling{doc: v, place: meta.place}
	va.variant = wva.Variant{
		ID: meta.id, Labels: meta.labels,
		Accelerator: meta.labels[resource.LabelAccelerator], ServiceClass: meta.labels[resource.LabelServiceClass],
	}
	va.profiles = readProfiles(spec.Get("modelProfile"))
	va.classDoc = spec.Get("sloClassRef")
	va.class = readClassRef(va.classDoc)
	var hasModel, hasTarget, hasCost bool
	va.variant.Model, hasModel = readModel(spec)
	va.variant.Target, hasTarget = readTarget(spec)
	va.variant.Cost, hasCost = readCost(spec.Get("variantCost"))
	va.variant.Min = readBound(spec.Get("minReplicas"), 0)
	va.variant.Max = readBound(spec.Get("maxReplicas"), 1)
	if hasModel && hasTarget && hasCost {
		l.variants = append(l.variants, va)
	}
}

// readModel reads modelID, which the guide also spells modelId.
func readModel(spec document.Fields) (string, bool) {
	id, other := spec.Get("modelID"), spec.Get("modelId")
	switch {
	case id.Present() && other.Present():
		other.Fail("the model is given as modelID at line %d: want one of the two", id.Line())
		return "", false
	case other.Present():
		id = other
	}
	if !id.Present() {
		spec.Require("modelID")
	}
	return id.Name()
}

func readTarget(spec document.Fields) (wva.TargetRef, bool) {
	spec.Require("scaleTargetRef")
	fields := spec.Get("scaleTargetRef").Map("apiVersion", "kind", "name")
	if !spec.Get("scaleTargetRef").IsMap() {
		return wva.TargetRef{}, false
	}
	fields.Require("name")
	ref := wva.TargetRef{Kind: "Deployment"}
	if kind, ok := fields.Get("kind").Name(); ok {
		ref.Kind = kind
	}
	ref.APIVersion, _ = fields.Get("apiVersion").Text()
	var ok bool
	ref.Name, ok = fields.Get("name").Name()
	return ref, ok
}

// readBound reads a bound of the replicas; without one, or one that makes sense, it is 0: none.
func readBound(v document.Value, least int) int {
	if !v.Present() {
		return 0
	}
	n, ok := v.Int()
	if ok && (n < least || n > resource.MostReplicas) {
		v.Fail("want a number from %d to %d", least, resource.MostReplicas)
		return 0
	}
	return n
}

func readCost(v document.Value) (float64, bool) {
	text, ok := v.Text()
	if !ok && v.Present() {
		return 0, false
	}
	perHour, err := cost.ParseVariantCost(text)
	if err != nil {
		v.Fail(`want a finite number without sign or exponent, such as "10.0"`)
		return 0, false
	}
	return perHour, true
}

func readClassRef(v document.Value) resource.ClassRef {
	fields := v.Map("name", "key")
	if v.IsMap() {
		fields.Require("name")
	}
	var ref resource.ClassRef
	ref.Name, _ = fields.Get("name").Name()
	ref.Key, _ = fields.Get("key").Text()
	return ref
}
