package prometheus

import (
	"bytes"
	"errors"
)

// fromOpenMetrics writes a page in OpenMetrics as Prometheus's text format has it, as far as a [Page] goes: without timestamps and exemplars, and with no type for what that format
// has none for. The parser that expfmt has for OpenMetrics takes milliseconds for a line, gigabytes for one with a label of ten thousand characters, and no page with an info on it.
func fromOpenMetrics(page []byte) ([]byte, error) {
	out := make([]byte, 0, len(page))
	ended := false
	for line := range bytes.Lines(page) {
		line = bytes.TrimSuffix(line, []byte("\n"))
		switch {
		case ended:
			return nil, errors.New("something follows # EOF")
		case string(line) == "# EOF":
			ended = true
		case bytes.HasPrefix(line, []byte("# TYPE ")):
			out = appendType(out, line)
		case bytes.HasPrefix(line, []byte("#")): // helps and units tell nothing here
		default:
			out = appendSample(out, line)
		}
	}
	if !ended {
		return nil, errors.New("no # EOF at the end: it breaks off")
	}
	return out, nil
}

// appendType appends the type of a family. The name of a counter's family is that of its samples, which OpenMetrics has without their suffix.
func appendType(out, line []byte) []byte {
	word := bytes.Fields(line)
	if len(word) != 4 {
		return out
	}
	suffix := ""
	switch string(word[3]) {
	case "counter":
		suffix = "_total"
	case "gauge", "histogram", "summary":
	default:
		return out // untyped, as far as text has it
	}
	out = append(append(out, "# TYPE "...), word[2]...)
	return append(append(append(append(out, suffix...), ' '), word[3]...), '\n')
}

// appendSample appends a sample as far as its value. One that is none is for the parser to complain about.
func appendSample(out, line []byte) []byte {
	series := seriesEnd(line)
	value := bytes.TrimLeft(line[series:], " ")
	if end := bytes.IndexByte(value, ' '); end >= 0 {
		value = value[:end]
	}
	out = append(append(out, line[:series]...), ' ')
	return append(append(out, value...), '\n')
}

// seriesEnd returns where the name and the labels of a sample end.
func seriesEnd(line []byte) int {
	brace := bytes.IndexAny(line, "{ ")
	switch {
	case brace < 0:
		return len(line)
	case line[brace] == ' ':
		return brace
	}
	quoted := false
	for i := brace; i < len(line); i++ {
		switch c := line[i]; {
		case c == '\\' && quoted:
			i++
		case c == '"':
			quoted = !quoted
		case c == '}' && !quoted:
			return i + 1
		}
	}
	return len(line)
}
