package recording_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wva-go/wva"
	"github.com/wva-go/wva/adapters/recording"
)

var nine = time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC)

// at is a snapshot of some minute, of about 150 bytes.
func at(minute int) wva.Snapshot {
	return wva.Snapshot{At: nine.Add(time.Duration(minute) * time.Minute), Inventory: wva.Unlimited()}
}

// problems collects what a Recorder reports.
type problems struct {
	mu   sync.Mutex
	errs []error
}

func (p *problems) add(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.errs = append(p.errs, err)
}

func (p *problems) err() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return errors.Join(p.errs...)
}

func newRecorder(t *testing.T, dir string, o recording.Options) (*recording.Recorder, *problems) {
	t.Helper()
	var p problems
	o.OnError = p.add
	r, err := recording.NewRecorder(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	return r, &p
}

// record writes the snapshots of the minutes with a Recorder of its own, from the first to before the last.
func record(t *testing.T, dir string, o recording.Options, first, last int) {
	t.Helper()
	o.Queue = last - first
	r, p := newRecorder(t, dir, o)
	for m := first; m < last; m++ {
		r.Record(at(m), wva.History{})
	}
	if err := errors.Join(r.Close(t.Context()), p.err()); err != nil {
		t.Fatal(err)
	}
	if got := r.Counts(); got != (recording.Counts{Written: last - first}) {
		t.Errorf("counts %+v, want %d written", got, last-first)
	}
}

// minutes reads a recording: the minutes of its entries, and its errors.
func minutes(t *testing.T, dir string) (got []int, errs []error) {
	t.Helper()
	for entry, err := range recording.Entries(os.DirFS(dir)) {
		if err != nil {
			errs = append(errs, err)
			continue
		}
		got = append(got, int(entry.Snapshot.At.Sub(nine).Minutes()))
	}
	return got, errs
}

func wantMinutes(t *testing.T, dir string, want string) {
	t.Helper()
	got, errs := minutes(t, dir)
	if err := errors.Join(errs...); err != nil {
		t.Error(err)
	}
	if fmt.Sprint(got) != want {
		t.Errorf("minutes %v, want %s", got, want)
	}
}

// wait polls until something that another goroutine does is done.
func wait(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within 20 s", what)
		}
	}
}

// sizes returns the sizes of the files of a directory, by name.
func sizes(t *testing.T, dir string) (names []string, total int64, largest int64) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, e.Name())
		total += info.Size()
		largest = max(largest, info.Size())
	}
	return names, total, largest
}

func TestRecorderGoesOnWhereTheLastOneStopped(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "made", "by the recorder")
	record(t, dir, recording.Options{}, 0, 2)
	record(t, dir, recording.Options{Sync: true}, 2, 5)
	wantMinutes(t, dir, "[0 1 2 3 4]")
	if names, _, _ := sizes(t, dir); len(names) != 1 {
		t.Errorf("files %v, want one", names)
	}
}

// No file grows beyond its bound, and the oldest ones go.
func TestRotation(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "notes.txt"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	o := recording.Options{MaxBytes: 500, Keep: 3}
	record(t, dir, o, 0, 100)
	record(t, dir, o, 100, 200)
	names, total, largest := sizes(t, dir)
	if len(names) != 3+1 || total > 3*500 || largest > 500 {
		t.Errorf("files %v of %d bytes, the largest of %d: want 3 of at most 500, and the notes", names, total, largest)
	}
	got, errs := minutes(t, dir)
	if len(errs) > 0 || len(got) < 4 || got[len(got)-1] != 199 || got[0] != 200-len(got) {
		t.Errorf("minutes %v, %v: want the last ones without a gap", got, errs)
	}
}

// A crash leaves part of a line. The next recorder leaves it alone and begins a new file; a reader reports it and has everything else.
func TestTornLine(t *testing.T) {
	dir := t.TempDir()
	record(t, dir, recording.Options{}, 0, 2)
	name := filepath.Join(dir, "snapshots-000001.jsonl")
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, text[:len(text)-7], 0o600); err != nil {
		t.Fatal(err)
	}
	record(t, dir, recording.Options{}, 2, 4)
	got, errs := minutes(t, dir)
	if fmt.Sprint(got) != "[0 2 3]" || len(errs) != 1 || !errors.Is(errs[0], recording.ErrTorn) || !strings.Contains(errs[0].Error(), "snapshots-000001.jsonl:2: ") {
		t.Errorf("minutes %v, %v: want all but minute 1, which is torn", got, errs)
	}
}

// What a disk refuses is reported and lost, and what comes when it is mended is kept.
func TestDirectoryRemoved(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "recording")
	r, p := newRecorder(t, dir, recording.Options{})
	step := func(minute int, counter func(recording.Counts) int) {
		before := counter(r.Counts())
		r.Record(at(minute), wva.History{})
		wait(t, "minute", func() bool { return counter(r.Counts()) > before })
	}
	written := func(c recording.Counts) int { return c.Written }
	failed := func(c recording.Counts) int { return c.Failed }
	step(0, written)
	if err := errors.Join(os.RemoveAll(dir), os.WriteFile(dir, nil, 0o600)); err != nil { // a file in its place
		t.Fatal(err)
	}
	step(1, failed)
	step(2, failed)
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	step(3, written)
	step(4, written)
	if err := r.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if p.err() == nil || len(p.errs) != 2 || !strings.Contains(p.errs[0].Error(), "not a directory") {
		t.Errorf("problems %v, want two of a directory that is none", p.errs)
	}
	wantMinutes(t, dir, "[3 4]")
}

// What is no JSON, and what no file has room for, is refused; the next entry is as good as ever.
func TestRecordRefuses(t *testing.T) {
	dir := t.TempDir()
	r, p := newRecorder(t, dir, recording.Options{MaxBytes: 300})
	bad := at(0)
	bad.Variants = []wva.Variant{{Cost: math.NaN()}}
	r.Record(bad, wva.History{})
	bad.Variants = []wva.Variant{{Model: strings.Repeat("m", 300)}}
	r.Record(bad, wva.History{})
	bad = at(0)
	bad.At = bad.At.AddDate(10000, 0, 0)
	r.Record(bad, wva.History{})
	r.Record(at(1), wva.History{})
	if err := r.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.Record(at(2), wva.History{})
	if err := r.Close(t.Context()); err != nil {
		t.Errorf("the second Close: %v", err)
	}
	if got, want := r.Counts(), (recording.Counts{Written: 1, Failed: 3, Dropped: 1}); got != want {
		t.Errorf("counts %+v, want %+v", got, want)
	}
	for _, want := range []string{"NaN", "more than a file may have, 300", "year outside of range", "dropped: the recorder is closed"} {
		if !strings.Contains(p.err().Error(), want) {
			t.Errorf("problems %v\nwant %q", p.err(), want)
		}
	}
	if !errors.Is(p.err(), recording.ErrClosed) {
		t.Errorf("problems %v, want ErrClosed", p.err())
	}
	wantMinutes(t, dir, "[1]")
}

func TestNewRecorderRefuses(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		dir  string
		o    recording.Options
		want string
	}{
		{"", recording.Options{Keep: -2}, "the directory has no name\nkeep -2 files"},
		{"d", recording.Options{MaxBytes: -1}, "at most -1 bytes a file"},
		{"d", recording.Options{Queue: -3}, "queue of -3 lines"},
		{file, recording.Options{}, "not a directory"},
	} {
		if _, err := recording.NewRecorder(tt.dir, tt.o); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q %+v: error = %v, want %q", tt.dir, tt.o, err, tt.want)
		}
	}
}

func TestConcurrentUse(t *testing.T) {
	dir := t.TempDir()
	r, p := newRecorder(t, dir, recording.Options{MaxBytes: 2000, Keep: 100, Queue: 400})
	var group sync.WaitGroup
	for i := range 4 {
		group.Go(func() {
			for m := range 100 {
				r.Record(at(100*i+m), wva.History{})
				r.Counts()
			}
		})
	}
	group.Wait()
	if err := errors.Join(r.Close(context.WithoutCancel(t.Context())), p.err()); err != nil {
		t.Error(err)
	}
	got, errs := minutes(t, dir)
	if len(got) != 400 || len(errs) > 0 {
		t.Errorf("%d entries, %v: want 400", len(got), errs)
	}
}
