package document

import (
	"errors"
	"fmt"
	"strings"
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
