package recording

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// files is a recording that is written to. One goroutine uses it.
type files struct {
	dir      string
	maxBytes int64
	keep     int
	sync     bool

	file *os.File // nil = none is open
	size int64    // of whole lines in it
}

// append writes a line to the newest file, or to a new one where it is full or cannot be continued.
func (f *files) append(text []byte) error {
	if f.file != nil && !f.inPlace() {
		f.abandon()
	}
	if f.file != nil && f.size+int64(len(text)) > f.maxBytes {
		if err := f.close(); err != nil {
			return err
		}
	}
	if f.file == nil {
		if err := f.open(int64(len(text))); err != nil {
			return err
		}
	}
	if _, err := f.file.Write(text); err != nil {
		f.retreat()
		return err
	}
	f.size += int64(len(text))
	if f.sync {
		return f.file.Sync()
	}
	return nil
}

// retreat takes back part of a line that was written, so that the next begins on a fresh one; where that fails too, it begins in a fresh file.
func (f *files) retreat() {
	if f.file.Truncate(f.size) != nil {
		f.abandon()
	}
}

func (f *files) abandon() {
	f.file.Close() // of a file that is given up: what failed before is reported
	f.file = nil
}

// inPlace tells whether the open file is still where it was opened, and nobody removed it.
func (f *files) inPlace() bool {
	there, err := os.Stat(f.file.Name())
	if err != nil {
		return false
	}
	open, err := f.file.Stat()
	return err == nil && os.SameFile(there, open)
}

// close syncs and closes the file.
func (f *files) close() error {
	if f.file == nil {
		return nil
	}
	err := errors.Join(f.file.Sync(), f.file.Close())
	f.file = nil
	return err
}

// open continues the newest file, or begins a new one where that has no room for so many bytes more or ends in a torn line.
func (f *files) open(room int64) error {
	if err := os.MkdirAll(f.dir, 0o755); err != nil {
		return err
	}
	numbers, err := list(os.DirFS(f.dir))
	if err != nil {
		return err
	}
	if len(numbers) == 0 {
		return f.begin(numbers, 1)
	}
	newest := numbers[len(numbers)-1]
	size, whole, err := ending(filepath.Join(f.dir, fileName(newest)))
	if err != nil {
		return err
	}
	if !whole || size+room > f.maxBytes {
		return f.begin(numbers, newest+1)
	}
	f.size = size
	f.file, err = os.OpenFile(filepath.Join(f.dir, fileName(newest)), os.O_WRONLY|os.O_APPEND, 0)
	return err
}

// begin makes way for one more file and creates it. While old ones cannot be removed there is none.
func (f *files) begin(numbers []uint64, number uint64) error {
	for len(numbers) >= f.keep {
		if err := os.Remove(filepath.Join(f.dir, fileName(numbers[0]))); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		numbers = numbers[1:]
	}
	file, err := os.OpenFile(filepath.Join(f.dir, fileName(number)), os.O_WRONLY|os.O_APPEND|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	f.file, f.size = file, 0
	syncDirectory(f.dir)
	return nil
}

// syncDirectory makes the names of the files last. Not every system can; the contents do not depend on it.
func syncDirectory(dir string) {
	if d, err := os.Open(dir); err == nil {
		_ = d.Sync()
		_ = d.Close()
	}
}

// ending returns the size of a file and whether its last line is whole.
func ending(name string) (size int64, whole bool, err error) {
	file, err := os.Open(name)
	if err != nil {
		return 0, false, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil || info.Size() == 0 {
		return 0, true, err
	}
	last := make([]byte, 1)
	_, err = file.ReadAt(last, info.Size()-1)
	return info.Size(), last[0] == '\n', err
}

const (
	prefix = "snapshots-"
	suffix = ".jsonl"
)

func fileName(number uint64) string { return fmt.Sprintf("%s%06d%s", prefix, number, suffix) }

// list returns the numbers of the files in a directory in order; what else lies there is left alone.
func list(fsys fs.FS) ([]uint64, error) {
	entries, err := fs.ReadDir(fsys, ".")
	if err != nil {
		return nil, err
	}
	var numbers []uint64
	for _, e := range entries {
		digits, ours := strings.CutPrefix(strings.TrimSuffix(e.Name(), suffix), prefix)
		number, err := strconv.ParseUint(digits, 10, 63)
		if ours && err == nil && fileName(number) == e.Name() {
			numbers = append(numbers, number)
		}
	}
	slices.Sort(numbers)
	return numbers, nil
}
