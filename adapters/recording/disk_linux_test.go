package recording_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/wva-go/wva"
	"github.com/wva-go/wva/adapters/recording"
)

// A full disk costs the entries, not the decisions. The device /dev/full is one.
func TestDiskFull(t *testing.T) {
	dir := t.TempDir()
	if err := os.Symlink("/dev/full", filepath.Join(dir, "snapshots-000001.jsonl")); err != nil {
		t.Fatal(err)
	}
	r, p := newRecorder(t, dir, recording.Options{})
	r.Record(at(0), wva.History{})
	wait(t, "a write to a full disk", func() bool { return r.Counts().Failed == 1 })
	if err := p.err(); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("problem %v, want that no space is left", err)
	}
	if err := os.Remove(filepath.Join(dir, "snapshots-000001.jsonl")); err != nil {
		t.Fatal(err)
	}
	r.Record(at(1), wva.History{})
	if err := r.Close(t.Context()); err != nil {
		t.Error(err)
	}
	wantMinutes(t, dir, "[1]")
}

// A disk that hangs costs entries as well, once its queue is full; Record does not wait for it, and Close no longer than it is told. The disk is a pipe that
// nobody empties.
func TestDiskHangs(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "snapshots-000001.jsonl")
	if err := syscall.Mkfifo(name, 0o600); err != nil {
		t.Fatal(err)
	}
	pipe, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	r, p := newRecorder(t, dir, recording.Options{Queue: 2})
	big := at(0)
	big.Variants = []wva.Variant{{Model: strings.Repeat("m", 100_000)}} // more than a pipe holds
	for range 10 {
		r.Record(big, wva.History{})
	}
	if got := r.Counts().Dropped; got < 7 || !errors.Is(p.err(), recording.ErrBehind) {
		t.Errorf("%d of 10 dropped, %v: want all but one that is written and two that wait", got, p.err())
	}
	short, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if err := r.Close(short); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Close returned %v, want that its time was over", err)
	}
	if err := os.Remove(name); err != nil { // what waits is then written to a file
		t.Fatal(err)
	}
	go func() { _, _ = bufio.NewReader(pipe).WriteTo(discard{}) }()
	if err := r.Close(t.Context()); err != nil && !errors.Is(err, syscall.EINVAL) { // a pipe cannot be synced
		t.Error(err)
	}
	if err := pipe.Close(); err != nil {
		t.Error(err)
	}
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }

// A process that is killed while it records loses at most the line that it is writing; the recording goes on in the next one.
func TestKilled(t *testing.T) {
	dir := t.TempDir()
	for range 3 {
		cmd := child(t, "recorder", dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for range 20 { // it has written so many entries
			if !lines.Scan() {
				t.Fatal("the recording process died by itself")
			}
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait()
	}
	got, errs := minutes(t, dir)
	for _, err := range errs {
		if !errors.Is(err, recording.ErrTorn) {
			t.Error(err)
		}
	}
	if len(got) < 60 || len(errs) > 3 {
		t.Errorf("%d entries, %v: want 60 at least, and at most one torn line a process", len(got), errs)
	}
}

// Where a disk takes only part of a line, that part is taken back, and the recording goes on.
func TestPartialWrite(t *testing.T) {
	dir := t.TempDir()
	out, err := child(t, "limited", dir).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	got, errs := minutes(t, dir)
	if len(errs) > 0 || fmt.Sprint(got) != "[0 1 2 3 9]" {
		t.Errorf("minutes %v, %v\n%s", got, errs, out)
	}
}

// child runs a part of this test in a process of its own.
func child(t *testing.T, part, dir string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestChild$")
	cmd.Env = append(os.Environ(), "WVA_RECORDING_TEST="+part, "WVA_RECORDING_DIR="+dir)
	return cmd
}

// TestChild is what other tests run in a process of its own.
func TestChild(t *testing.T) {
	dir := os.Getenv("WVA_RECORDING_DIR")
	switch os.Getenv("WVA_RECORDING_TEST") {
	case "recorder": // records until it is killed
		r, err := recording.NewRecorder(dir, recording.Options{})
		if err != nil {
			t.Fatal(err)
		}
		for m := 0; ; m++ {
			r.Record(at(m), wva.History{})
			for r.Counts().Written <= m {
				time.Sleep(10 * time.Microsecond)
			}
			fmt.Println(m)
		}
	case "limited": // may write only part of a fifth line
		recordLimited(t, dir)
	default:
		t.Skip("this part runs in a process of its own")
	}
}

func recordLimited(t *testing.T, dir string) {
	signal.Ignore(syscall.SIGXFSZ)
	record(t, dir, recording.Options{}, 0, 4)
	_, total, _ := sizes(t, dir)
	r, p := newRecorder(t, dir, recording.Options{})
	var unlimited syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &unlimited); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: uint64(total) + 20, Max: unlimited.Max}); err != nil {
		t.Fatal(err)
	}
	r.Record(at(5), wva.History{})
	wait(t, "a write beyond the limit", func() bool { return r.Counts().Failed == 1 })
	if !errors.Is(p.err(), syscall.EFBIG) {
		t.Errorf("problem %v, want that the file is too large", p.err())
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &unlimited); err != nil {
		t.Fatal(err)
	}
	r.Record(at(9), wva.History{})
	if err := r.Close(t.Context()); err != nil {
		t.Error(err)
	}
}
