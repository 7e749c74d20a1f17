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
	first int // lines before the text that is read
	errs  []error
}

// Read parses the one YAML document in text. The result is invalid, and the failure recorded, where the text is
// empty, malformed or holds more than one document.
func Read(entry, text string) (*Reader, Value) {
	r, v := read(&Reader{entry: entry}, text)
	if !v.Present() && len(r.errs) == 0 {
		r.Report(Error{Err: errors.New("empty document")})
	}
	return r, v
}

// read parses the one document in text. An empty one is an absent Value and no failure.
func read(r *Reader, text string) (*Reader, Value) {
	absent := Value{r: r}
	decoder := yaml.NewDecoder(strings.NewReader(text))
	var node, rest yaml.Node
	switch err := decoder.Decode(&node); {
	case errors.Is(err, io.EOF):
		return r, absent
	case err != nil:
		r.Report(syntax(err, r.first))
		return r, absent
	}
	switch err := decoder.Decode(&rest); {
	case err == nil:
		r.Report(Error{Line: r.first + rest.Line, Err: errors.New("more than one YAML document in one entry")})
		return r, absent
	case !errors.Is(err, io.EOF):
		r.Report(syntax(err, r.first))
		return r, absent
	}
	if len(node.Content) != 1 || node.Content[0].Tag == "!!null" {
		return r, absent
	}
	return r, r.Value(node.Content[0])
}

// syntax takes the line out of the YAML parser's message ("yaml: line 3: did not find …"), which counts it from 0 in
// what the grammar misses, from 1 in what the scanner finds, and leaves it out for the first line.
func syntax(err error, first int) Error {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	var line int
	if _, e := fmt.Sscanf(text, "line %d: ", &line); e == nil {
		_, text, _ = strings.Cut(text, ": ")
	}
	if strings.HasPrefix(text, "did not find") || line == 0 && strings.HasPrefix(text, "found") {
		line++
	}
	if line > 0 {
		line += first
	}
	return Error{Line: line, Err: fmt.Errorf("not YAML: %s", text)}
}

// Err joins every failure so far in the order of reading; nil where there is none.
func (r *Reader) Err() error { return errors.Join(r.errs...) }

// Failures counts the failures so far: a caller that compares it before and after knows whether an item was sound.
func (r *Reader) Failures() int { return len(r.errs) }

// Report records a failure that was found elsewhere; its entry becomes that of r.
func (r *Reader) Report(e Error) {
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
