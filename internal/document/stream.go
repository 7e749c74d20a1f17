package document

import (
	"iter"
	"strings"
)

// Stream reads a text of several YAML documents one by one, so that a malformed one does not hide those after it. Lines
// are those of the text. Documents without content are left out; one that is malformed comes as an absent Value with
// the failure in its Reader.
func Stream(name, text string) iter.Seq2[*Reader, Value] {
	return func(yield func(*Reader, Value) bool) {
		for first, part := range parts(text) {
			r, v := read(&Reader{entry: name, first: first}, part)
			if blank := !v.Present() && len(r.errs) == 0; blank {
				continue
			}
			if !yield(r, v) {
				return
			}
		}
	}
}

// parts cuts a text at its document markers: lines that begin with "---" and a blank, which no value can contain. It
// yields each part with the number of lines before it.
func parts(text string) iter.Seq2[int, string] {
	return func(yield func(int, string) bool) {
		var part strings.Builder
		first, line := 0, 0
		for l := range strings.Lines(text) {
			if marker(l) && part.Len() > 0 {
				if !yield(first, part.String()) {
					return
				}
				part.Reset()
				first = line
			}
			part.WriteString(l)
			line++
		}
		yield(first, part.String())
	}
}

func marker(line string) bool {
	rest, ok := strings.CutPrefix(line, "---")
	return ok && (rest == "" || strings.ContainsRune(" \t\r\n", rune(rest[0])))
}
