package model

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/wva-go/wva/internal/document"
)

// ParseServiceClasses reads the data of a serviceclass document: entry name → YAML text, as in a ConfigMap. Entries
// come in two forms and may be mixed. A list has one item for each class and model:
//
//   - name: Premium
//     model: meta/llama-3.1-8b
//     priority: 1
//     slo-itl: 24     # ms between tokens; also spelled slo-tpot
//     slo-ttw: 500    # ms to the first token; also spelled slo-ttft
//     slo-tps: 100    # output tokens per second of one replica; seldom used
//
// and a mapping is one class with its models:
//
//	name: Premium
//	priority: 1
//	data:
//	  - model: meta/llama-3.1-8b
//	    slo-tpot: 24
//	    slo-ttft: 500
//
// Items of one class name are one class and have to agree on its priority. A target that is left out, or 0, promises
// nothing.
//
// The sound items are returned, ordered by class and model, even when the error is not nil: it joins one failure for
// each thing wrong and names its entry, line, field and value. Of two items for the same class and model the first
// stands, in order of entry name and line.
func ParseServiceClasses(data map[string]string) (ServiceClasses, error) {
	if len(data) == 0 {
		return nil, errors.New(`service classes: no entry: want "serviceClasses" with a list of classes`)
	}
	b := classBuilder{index: map[string]int{}, heads: map[string]string{}, targets: map[[2]string]string{}}
	var errs []error
	for _, b.entry = range slices.Sorted(maps.Keys(data)) {
		var root document.Value
		b.r, root = document.Read(b.entry, data[b.entry])
		switch {
		case root.IsMap():
			b.class(root)
		case root.IsList():
			b.list(root)
		case root.Present():
			root.Fail("want a list of classes, or one class with its data")
		}
		errs = append(errs, b.r.Err())
	}
	return b.classes.sorted(), errors.Join(errs...)
}

// classBuilder puts classes together from items, and remembers where each priority and target was read.
type classBuilder struct {
	classes ServiceClasses
	index   map[string]int       // class → position in classes
	heads   map[string]string    // class → place of its first item
	targets map[[2]string]string // class, model → place

	entry string
	r     *document.Reader
}

func (b *classBuilder) list(root document.Value) {
	items := root.List()
	if len(items) == 0 {
		root.Fail("empty list: want at least one service class")
	}
	for _, item := range items {
		if !item.Present() {
			item.Fail("empty: want name, model, priority and targets")
			continue
		}
		if item.Has("data") {
			b.class(item)
			continue
		}
		b.flat(item)
	}
}

// flat reads an item that is one class and one model.
func (b *classBuilder) flat(item document.Value) {
	item = item.NamedBy("name")
	before := b.r.Failures()
	fields := item.Map(targetFields("name", "priority")...)
	fields.Require("name", "model", "priority")
	name, priority := classHead(fields)
	target := readTarget(fields)
	if b.r.Failures() == before && b.agree(item, name, priority) {
		b.add(item, name, priority, target)
	}
}

// class reads a mapping that is one class with its models. Without a sound name and priority none of them counts, but
// all are read, for their failures.
func (b *classBuilder) class(root document.Value) {
	root = root.NamedBy("name")
	before := b.r.Failures()
	fields := root.Map("name", "priority", "data")
	fields.Require("name", "priority", "data")
	name, priority := classHead(fields)
	sound := b.r.Failures() == before && b.agree(root, name, priority)
	models := fields.Get("data")
	items := models.List()
	if models.IsList() && len(items) == 0 {
		models.Fail("empty list: want at least one model")
	}
	for _, item := range items {
		before := b.r.Failures()
		if !item.Present() {
			item.Fail("empty: want model and targets")
			continue
		}
		target := item.Map(targetFields()...)
		target.Require("model")
		t := readTarget(target)
		if sound && b.r.Failures() == before {
			b.add(item, name, priority, t)
		}
	}
}

func classHead(fields document.Fields) (name string, priority int) {
	name, _ = fields.Get("name").Name()
	if n, ok := fields.Get("priority").Int(); ok {
		if n < 1 {
			fields.Get("priority").Fail("want 1 or more; 1 is served first")
		}
		priority = n
	}
	return name, priority
}

// agree fails where the class has another priority already.
func (b *classBuilder) agree(item document.Value, name string, priority int) bool {
	i, known := b.index[name]
	if !known || b.classes[i].Priority == priority {
		return true
	}
	item.Fail("priority %d, but %d at %s: want one priority for the class", priority, b.classes[i].Priority, b.heads[name])
	return false
}

// add puts a target into its class, unless the class has one for the model.
func (b *classBuilder) add(item document.Value, name string, priority int, target ClassTarget) {
	place := fmt.Sprintf("%s:%d", b.entry, item.Line())
	key := [2]string{name, target.Model}
	if first, twice := b.targets[key]; twice {
		item.Fail("model %q has targets in this class already, at %s: want one item for it", target.Model, first)
		return
	}
	i, known := b.index[name]
	if !known {
		i = len(b.classes)
		b.index[name], b.heads[name] = i, place
		b.classes = append(b.classes, ServiceClass{Name: name, Priority: priority})
	}
	b.targets[key] = place
	b.classes[i].Models = append(b.classes[i].Models, target)
}

// targetFields are the fields of a target in all spellings, after those of the item that carries it.
func targetFields(item ...string) []string {
	return append(item, "model", "slo-itl", "slo-tpot", "slo-ttw", "slo-ttft", "slo-tps")
}

func readTarget(fields document.Fields) ClassTarget {
	var t ClassTarget
	t.Model, _ = fields.Get("model").Name()
	t.SLO.ITL = readLatency(fields, "slo-itl", "slo-tpot")
	t.SLO.TTFT = readLatency(fields, "slo-ttw", "slo-ttft")
	t.SLO.TokensPerSecond, _ = fields.Get("slo-tps").NonNegative()
	return t
}

// readLatency reads milliseconds that come under one of two names.
func readLatency(fields document.Fields, name, alias string) time.Duration {
	v, other := fields.Get(name), fields.Get(alias)
	if v.Present() && other.Present() {
		other.Fail("the same target as %s at line %d: want one of the two", name, v.Line())
		return 0
	}
	if other.Present() {
		v = other
	}
	milliseconds, ok := v.NonNegative()
	if !ok {
		return 0
	}
	nanoseconds := math.Round(milliseconds * 1e6)
	switch {
	case nanoseconds >= math.MaxInt64:
		v.Fail("want milliseconds, less than 292 years of them")
		return 0
	case milliseconds > 0 && nanoseconds == 0:
		v.Fail("want milliseconds, at least a nanosecond, or 0 for no target")
		return 0
	}
	return time.Duration(nanoseconds)
}
