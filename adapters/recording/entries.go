package recording

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
)

// LineError says which line of a recording could not be read, and why.
type LineError struct {
	File string
	Line int // from 1
	Err  error
}

func (e *LineError) Error() string { return fmt.Sprintf("recording: %s:%d: %v", e.File, e.Line, e.Err) }

func (e *LineError) Unwrap() error { return e.Err }

// Entries reads a recording, such as that in [os.DirFS] of a directory, oldest entry first. Memory is bounded by the longest line. Each line that cannot be read is an error in its
// place, a [*LineError]; the lines after it follow. A line torn by a crash is one that wraps [ErrTorn]: there may be one at the end of each file.
func Entries(fsys fs.FS) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		numbers, err := list(fsys)
		if err == nil && len(numbers) == 0 {
			err = fmt.Errorf("no recording here: want files called %s and so on", fileName(1))
		}
		if err != nil {
			yield(Entry{}, fmt.Errorf("recording: %w", err))
			return
		}
		for _, n := range numbers {
			if !readFile(fsys, fileName(n), yield) {
				return
			}
		}
	}
}

// readFile yields the entries of one file; it is false where the consumer has enough.
func readFile(fsys fs.FS, name string, yield func(Entry, error) bool) bool {
	file, err := fsys.Open(name)
	if err != nil {
		return yield(Entry{}, fmt.Errorf("recording: %w", err))
	}
	defer file.Close()
	for entry, err := range Read(name, file) {
		if !yield(entry, err) {
			return false
		}
	}
	return true
}

// Read reads one file of a recording as [Entries] does; name is what errors call it.
func Read(name string, r io.Reader) iter.Seq2[Entry, error] {
	return read(name, r, maxLine)
}

func read(name string, r io.Reader, limit int) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		lines := bufio.NewReaderSize(r, 64<<10)
		var text []byte
		for n := 1; ; n++ {
			var whole bool
			var err error
			text, whole, err = readLine(lines, text[:0], limit)
			if errors.Is(err, io.EOF) {
				return
			}
			stop := err != nil && !errors.Is(err, ErrLong) // nothing more can be read
			var entry Entry
			if err == nil {
				if entry, err = decode(text); err != nil && !whole && !json.Valid(text) {
					err = ErrTorn
				}
			}
			if err != nil {
				entry, err = Entry{}, &LineError{File: name, Line: n, Err: err}
			}
			if !yield(entry, err) || stop {
				return
			}
		}
	}
}

// readLine appends the next line to text, without its newline; whole is whether it had one. A line beyond the limit is passed over. The error is io.EOF where
// no line is left.
func readLine(r *bufio.Reader, text []byte, limit int) (_ []byte, whole bool, err error) {
	long := false
	for {
		part, err := r.ReadSlice('\n')
		if long = long || len(text)+len(part) > limit; !long {
			text = append(text, part...)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case errors.Is(err, io.EOF) && (len(text) > 0 || long):
			// The last line, unfinished.
		case err != nil:
			return text, false, err
		default:
			whole = true
			if !long {
				text = text[:len(text)-1]
			}
		}
		if long {
			return text, whole, ErrLong
		}
		return text, whole, nil
	}
}
