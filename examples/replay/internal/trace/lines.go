package trace

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
)

// line is a line of a file of comma-separated values, without quoting: none of the formats needs it.
type line struct {
	name   string // of the file
	number int
	fields []string
}

func (l line) errorf(format string, args ...any) error {
	return fmt.Errorf("%s:%d: "+format, append([]any{l.name, l.number}, args...)...)
}

// maxLine bounds the memory that a line takes.
const maxLine = 4096

// lines yields the lines that are not empty. It reads as it goes and holds one line at a time; the fields are good until the next one.
func lines(name string, r io.Reader) iter.Seq2[line, error] {
	return func(yield func(line, error) bool) {
		scanner := bufio.NewScanner(r)
		scanner.Buffer(make([]byte, 0, maxLine), maxLine)
		l := line{name: name}
		for scanner.Scan() {
			l.number++
			text := strings.TrimSpace(strings.TrimPrefix(scanner.Text(), "\ufeff"))
			if text == "" {
				continue
			}
			l.fields = l.fields[:0]
			for field := range strings.SplitSeq(text, ",") {
				l.fields = append(l.fields, strings.TrimSpace(field))
			}
			if !yield(l, nil) {
				return
			}
		}
		if err := scanner.Err(); errors.Is(err, bufio.ErrTooLong) {
			l.number++
			yield(line{}, l.errorf("more than %d bytes in one line: want comma-separated values", maxLine))
		} else if err != nil {
			yield(line{}, fmt.Errorf("%s:%d: %w", name, l.number+1, err))
		}
	}
}
