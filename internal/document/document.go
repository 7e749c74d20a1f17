// Package document reads the small YAML documents that configure wva and says exactly where one is wrong.
//
// A configuration document is what a Kubernetes ConfigMap carries in its data: entry name → YAML text.
// Each package that owns a format walks the parsed [Value] field by field; every failure is an [Error] that
// names the entry, the line, the field and the value, and reading goes on so that one pass reports them all.
package document

import (
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// Error is one thing wrong in a document, and where.
type Error struct {
	Entry string // entry of the document, as in a ConfigMap's data
	Line  int    // line within the entry's text, from 1; 0 where unknown
	Item  string // what the line belongs to (an accelerator, a service class), where known
	Field string // field that is wrong; empty where the whole item is
	Value string // the offending text; empty where the field is missing
	Err   error  // what is wrong with it, and what to write instead
}

func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Entry)
	if e.Line > 0 {
		fmt.Fprintf(&b, ":%d", e.Line)
	}
	b.WriteString(": ")
	if e.Item != "" {
		fmt.Fprintf(&b, "%s: ", e.Item)
	}
	if e.Field != "" {
		b.WriteString(e.Field)
		if e.Value != "" {
			fmt.Fprintf(&b, " %q", clip(e.Value))
		}
		b.WriteString(": ")
	}
	b.WriteString(e.Err.Error())
	return b.String()
}

func (e *Error) Unwrap() error { return e.Err }

// clip keeps a whole document that stands where a number should from filling the log.
func clip(text string) string {
	const longest = 64
	if runes := []rune(text); len(runes) > longest {
		return string(runes[:longest]) + "…"
	}
	return text
}

// Errors lists every [Error] that err joins or wraps, in order; what is not one comes back in an Error without a place.
func Errors(err error) []*Error {
	switch e := err.(type) {
	case nil:
		return nil
	case *Error:
		return []*Error{e}
	case interface{ Unwrap() []error }:
		var all []*Error
		for _, part := range e.Unwrap() {
			all = append(all, Errors(part)...)
		}
		return all
	}
	var e *Error
	if errors.As(err, &e) {
		return Errors(errors.Unwrap(err))
	}
	return []*Error{{Err: err}}
}

// Reader collects the failures of one document.
type Reader struct {
	entry string
	errs  []error
}

// Read parses the one YAML document in text. The result is invalid, and the failure recorded, where the text is
// empty, malformed or holds more than one document.
func Read(entry, text string) (*Reader, Value) {
	r := &Reader{entry: entry}
	decoder := yaml.NewDecoder(strings.NewReader(text))
	var node yaml.Node
	switch err := decoder.Decode(&node); {
	case errors.Is(err, io.EOF):
		r.fail(Error{Err: errors.New("empty document")})
		return r, Value{r: r}
	case err != nil:
		r.fail(syntax(err))
		return r, Value{r: r}
	}
	var rest yaml.Node
	switch err := decoder.Decode(&rest); {
	case err == nil:
		r.fail(Error{Line: rest.Line, Err: errors.New("more than one YAML document in one entry")})
		return r, Value{r: r}
	case !errors.Is(err, io.EOF):
		r.fail(syntax(err))
		return r, Value{r: r}
	}
	if len(node.Content) != 1 || node.Content[0].Tag == "!!null" {
		r.fail(Error{Err: errors.New("empty document")})
		return r, Value{r: r}
	}
	return r, r.Value(node.Content[0])
}

// syntax takes the line out of the YAML parser's message ("yaml: line 3: did not find …"), which counts it from 0 in
// what the grammar misses, from 1 in what the scanner finds, and leaves it out for the first line.
func syntax(err error) Error {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	var line int
	if _, e := fmt.Sscanf(text, "line %d: ", &line); e == nil {
		_, text, _ = strings.Cut(text, ": ")
	}
	if strings.HasPrefix(text, "did not find") || line == 0 && strings.HasPrefix(text, "found") {
		line++
	}
	return Error{Line: line, Err: fmt.Errorf("not YAML: %s", text)}
}

// At starts a Reader over a node that was parsed elsewhere, such as one document of a stream.
func At(entry string, node *yaml.Node) (*Reader, Value) {
	r := &Reader{entry: entry}
	return r, r.Value(node)
}

// Err joins every failure so far in the order of reading; nil where there is none.
func (r *Reader) Err() error { return errors.Join(r.errs...) }

// Failures counts the failures so far: a caller that compares it before and after knows whether an item was sound.
func (r *Reader) Failures() int { return len(r.errs) }

func (r *Reader) fail(e Error) {
	e.Entry = r.entry
	r.errs = append(r.errs, &e)
}

// Value wraps a node so that it reports to r.
func (r *Reader) Value(n *yaml.Node) Value {
	for n != nil && n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return Value{r: r, node: n}
}

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
	return v.node.Line
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
	v.r.fail(e)
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

// peek finds a field without judging the others.
func (v Value) peek(field string) (Value, bool) {
	if !v.IsMap() {
		return Value{}, false
	}
	for i := 0; i+1 < len(v.node.Content); i += 2 {
		if key := v.r.Value(v.node.Content[i]); key.node.Kind == yaml.ScalarNode && key.node.Value == field {
			return v.r.Value(v.node.Content[i+1]), true
		}
	}
	return Value{}, false
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
			unknown.field, unknown.node = name, &yaml.Node{Kind: yaml.MappingNode, Line: key.node.Line}
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
			f.of.r.fail(Error{Line: v.Line(), Item: v.item, Field: name, Err: errors.New("missing")})
		}
	}
}

// Text returns a scalar as written. Numbers and booleans are accepted as their text.
func (v Value) Text() (string, bool) {
	if !v.Present() {
		return "", false
	}
	if v.node.Kind != yaml.ScalarNode {
		v.Fail("want text, have %s", kind(v.node))
		return "", false
	}
	return v.node.Value, true
}

// Name returns text that is not blank.
func (v Value) Name() (string, bool) {
	text, ok := v.Text()
	if ok && strings.TrimSpace(text) == "" {
		v.Fail("empty")
		return "", false
	}
	return text, ok
}

// Float returns a finite number; text that spells one, as in "40", counts.
func (v Value) Float() (float64, bool) {
	text, ok := v.Text()
	if !ok {
		return 0, false
	}
	x, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	switch {
	case errors.Is(err, strconv.ErrRange), err == nil && (math.IsInf(x, 0) || math.IsNaN(x)):
		v.Fail("want a finite number")
		return 0, false
	case err != nil:
		v.Fail("want a number")
		return 0, false
	}
	return x, true
}

// Int returns a whole number.
func (v Value) Int() (int, bool) {
	text, ok := v.Text()
	if !ok {
		return 0, false
	}
	n, err := strconv.Atoi(strings.TrimSpace(text))
	switch {
	case errors.Is(err, strconv.ErrRange):
		v.Fail("number out of range")
		return 0, false
	case err != nil:
		v.Fail("want a whole number")
		return 0, false
	}
	return n, true
}

// NonNegative returns a finite number that is 0 or more.
func (v Value) NonNegative() (float64, bool) {
	x, ok := v.Float()
	if ok && math.Signbit(x) {
		v.Fail("want 0 or more")
		return 0, false
	}
	return x, ok
}

// Bool returns true or false.
func (v Value) Bool() (bool, bool) {
	text, ok := v.Text()
	if !ok {
		return false, false
	}
	switch strings.ToLower(text) {
	case "true":
		return true, true
	case "false":
		return false, true
	}
	v.Fail("want true or false")
	return false, false
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
