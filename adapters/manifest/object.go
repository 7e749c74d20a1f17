package manifest

import (
	"fmt"
	"strings"

	"github.com/wva-go/wva"
	"github.com/wva-go/wva/internal/document"
)

// metadata is what every object says of itself.
type metadata struct {
	id     wva.ID
	labels map[string]string
	place  string // file:line
}

// object reads one object, or the items of a list of objects. Lists do not nest.
func (l *loader) object(file string, v document.Value, lists bool) {
	if !v.Present() {
		return // malformed, and reported
	}
	if !v.IsMap() {
		v.Fail("want a Kubernetes object")
		return
	}
	kind, ok := v.Field("kind").Name()
	if !ok {
		if !v.Field("kind").Present() {
			v.Fail("kind is missing: want a Kubernetes object")
		}
		return
	}
	name, _ := v.Field("metadata").Field("name").Text()
	v = v.Named(strings.TrimSpace(kind + " " + name))
	version, read := l.kind(kind)
	switch {
	case read != nil:
		if !hasVersion(v, version) {
			return
		}
		if meta, ok := l.metadata(file, kind, v); ok {
			read(v, meta)
		}
	case lists && strings.HasSuffix(kind, "List"):
		for _, item := range v.Named("").Field("items").List() {
			l.object(file, item, false)
		}
	default:
		v.Field("kind").Fail("unsupported kind: want VariantAutoscaling, Deployment, ConfigMap or a List of them")
	}
}

// kind returns the version in which a kind is understood, and what reads it.
func (l *loader) kind(kind string) (version string, read func(document.Value, metadata)) {
	switch kind {
	case "VariantAutoscaling":
		return "llmd.ai/v1alpha1", l.variantAutoscaling
	case "Deployment":
		return "apps/v1", l.deployment
	case "ConfigMap":
		return "v1", l.configMap
	}
	return "", nil
}

func hasVersion(v document.Value, want string) bool {
	version := v.Field("apiVersion")
	text, ok := version.Name()
	switch {
	case ok && text != want:
		version.Fail("unsupported version: want %s", want)
	case !version.Present():
		v.Fail("apiVersion is missing: want %s", want)
	}
	return text == want
}

// metadata reads an object's metadata and claims its name. It fails where there is no name, or another object has it.
func (l *loader) metadata(file, kind string, v document.Value) (metadata, bool) {
	meta := metadata{place: fmt.Sprintf("%s:%d", file, v.Line())}
	m := v.Field("metadata")
	if !m.Present() {
		v.Fail("metadata is missing: want a name")
		return meta, false
	}
	fields := m.Map("name", "namespace", "labels", "annotations",
		// what the API server adds
		"creationTimestamp", "deletionGracePeriodSeconds", "deletionTimestamp", "finalizers", "generateName", "generation",
		"managedFields", "ownerReferences", "resourceVersion", "selfLink", "uid")
	fields.Require("name")
	name, ok := fields.Get("name").Name()
	if !ok {
		return meta, false
	}
	meta.id.Name = name
	meta.id.Namespace, _ = fields.Get("namespace").Text()
	meta.labels = texts(fields.Get("labels"))
	key := object{kind, meta.id}
	if first, taken := l.places[key]; taken {
		v.Fail("defined already at %s: want each name once", first)
		return meta, false
	}
	l.places[key] = meta.place
	return meta, true
}

// texts reads a mapping of text to text.
func texts(v document.Value) map[string]string {
	fields := v.Map()
	var m map[string]string
	for _, name := range fields.Names() {
		if text, ok := fields.Get(name).Text(); ok {
			if m == nil {
				m = make(map[string]string)
			}
			m[name] = text
		}
	}
	return m
}
