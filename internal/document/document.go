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
	"strings"

	"gopkg.in/yaml.v3"
)

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
