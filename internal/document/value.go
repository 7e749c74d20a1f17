package document

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// Value is a node of the document, or nothing: reading from an absent Value yields absence, not a failure.
type Value struct {
	r     *Reader
	node  *yaml.Node
	item  string
	field string
}

// Present tells whether the document has this value; an explicit null counts as absent.
func (v Value) Present() bool { return v.node != nil && v.node.Tag != "!!null" }

// Line is the value's line within its entry, 0 where it is absent.
func (v Value) Line() int {
	if v.node == nil {
		return 0
	}
	return v.r.first + v.node.Line
}

// Named returns v with the name of the item it belongs to, for its errors and those of its fields.
func (v Value) Named(item string) Value {
	v.item = item
	return v
}

// NamedBy returns v named by the text of one of its own fields, where it has that.
func (v Value) NamedBy(field string) Value {
	if name, ok := v.peek(field); ok && name.node.Kind == yaml.ScalarNode {
		return v.Named(name.node.Value)
	}
	return v
}

// Fail records that this value is wrong.
func (v Value) Fail(format string, args ...any) {
	e := Error{Line: v.Line(), Item: v.item, Field: v.field, Err: fmt.Errorf(format, args...)}
	if v.node != nil && v.node.Kind == yaml.ScalarNode {
		e.Value = v.node.Value
	}
	v.r.Report(e)
}

// Relay records a failure that another package found in the text of block (see [Value.Block]), a part of v.
func (v Value) Relay(e *Error, block Value) {
	relayed := *e
	switch {
	case !block.Present():
		relayed.Line = v.Line()
	case e.Line == 0 || !block.isBlock():
		relayed.Line = block.Line()
	}
	relayed.Item = v.item
	for _, part := range []string{e.Entry, e.Item} {
		if part != "" {
			relayed.Item += ": " + part
		}
	}
	v.r.Report(relayed)
}

// IsList and IsMap tell the kind of a value, for documents that come in two spellings.
func (v Value) IsList() bool { return v.Present() && v.node.Kind == yaml.SequenceNode }

// IsMap tells whether v is a mapping.
func (v Value) IsMap() bool { return v.Present() && v.node.Kind == yaml.MappingNode }

// Has tells whether v is a mapping that has a field of this name.
func (v Value) Has(field string) bool {
	_, ok := v.peek(field)
	return ok
}

// Field returns one field of a mapping without judging the others, absent where v has no such field.
func (v Value) Field(name string) Value {
	field, _ := v.peek(name)
	field.item, field.field = v.item, name
	return field
}

// peek finds a field, also one that is null.
func (v Value) peek(field string) (Value, bool) {
	if !v.IsMap() {
		return Value{r: v.r}, false
	}
	for i := 0; i+1 < len(v.node.Content); i += 2 {
		if key := v.r.Value(v.node.Content[i]); key.node.Kind == yaml.ScalarNode && key.node.Value == field {
			return v.r.Value(v.node.Content[i+1]), true
		}
	}
	return Value{r: v.r}, false
}

// List returns the elements of a sequence; anything else present is a failure.
func (v Value) List() []Value {
	if !v.Present() {
		return nil
	}
	if v.node.Kind != yaml.SequenceNode {
		v.Fail("want a list, have %s", kind(v.node))
		return nil
	}
	values := make([]Value, len(v.node.Content))
	for i, n := range v.node.Content {
		values[i] = v.r.Value(n).Named(v.item)
		values[i].field = v.field
	}
	return values
}

// Map returns the fields of a mapping. Anything else present, a key that is not text and a key that occurs twice are
// failures; so is a key outside known, unless known is empty.
func (v Value) Map(known ...string) Fields {
	if !v.Present() {
		return Fields{of: v}
	}
	if v.node.Kind != yaml.MappingNode {
		v.Fail("want a mapping, have %s", kind(v.node))
		return Fields{of: v}
	}
	f := Fields{of: v, values: make(map[string]Value, len(v.node.Content)/2)}
	for i := 0; i+1 < len(v.node.Content); i += 2 {
		key := v.r.Value(v.node.Content[i])
		key.item = v.item
		if key.node.Kind != yaml.ScalarNode {
			key.Fail("a key must be text")
			continue
		}
		name := key.node.Value
		value := v.r.Value(v.node.Content[i+1]).Named(v.item)
		value.field = name
		if _, twice := f.values[name]; twice {
			value.Fail("field occurs twice")
			continue
		}
		if len(known) > 0 && !slices.Contains(known, name) {
			unknown := key
			unknown.field, unknown.node = name, &yaml.Node{Line: key.node.Line}
			unknown.Fail("unknown field; known are %s", strings.Join(known, ", "))
			continue
		}
		f.values[name] = value
		f.names = append(f.names, name)
	}
	return f
}

// Fields are the entries of a mapping, in document order.
type Fields struct {
	of     Value
	names  []string
	values map[string]Value
}

// Names lists the keys in document order.
func (f Fields) Names() []string { return f.names }

// Get returns a field's value, absent where the mapping does not have it.
func (f Fields) Get(name string) Value {
	if v, ok := f.values[name]; ok {
		return v
	}
	return Value{r: f.of.r, item: f.of.item, field: name}
}

// Require records a failure for each of the fields that is absent, at the line of the mapping. What is no mapping has
// failed already.
func (f Fields) Require(names ...string) {
	if f.values == nil && f.of.Present() {
		return
	}
	for _, name := range names {
		if !f.Get(name).Present() {
			v := f.of
			f.of.r.Report(Error{Line: v.Line(), Item: v.item, Field: name, Err: errors.New("missing")})
		}
	}
}

func kind(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	case yaml.ScalarNode:
		return "the scalar " + strconv.Quote(n.Value)
	}
	return "nothing"
}
