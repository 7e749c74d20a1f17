package recording

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/wva-go/wva"
)

// Options bound a recording. The zero Options are usable.
type Options struct {
	MaxBytes int64 // of one file; 0 = 64 MiB
	Keep     int   // files, the one that is written to included; 0 = 8
	Queue    int   // lines that may wait for the disk before one is dropped; 0 = 16, at a step a minute a quarter of an hour
	// Sync waits for the disk after every line, so that none is lost when the machine fails. The decisions do not wait.
	Sync bool
	// OnError, where it is set, is told of every line that is lost, from whichever goroutine lost it. It must not call the Recorder.
	OnError func(error)
}

// Recorder appends entries to a recording. Its methods may be called from several goroutines.
type Recorder struct {
	onError func(error)
	limit   int64
	queue   chan []byte
	done    chan struct{} // closed when the queue has been written
	closing error         // of the last file; read after done

	mu     sync.Mutex
	closed bool
	counts Counts
}

// Counts count entries since a Recorder was made.
type Counts struct {
	Written int
	Dropped int // because the disk did not keep up, or the Recorder was closed
	Failed  int // that could not be written, or are no JSON
}

// ErrBehind says that an entry was dropped because the disk does not keep up; ErrClosed that it came after Close.
var (
	ErrBehind = errors.New("the disk does not keep up")
	ErrClosed = errors.New("the recorder is closed")
)

const (
	defaultMaxBytes = 64 << 20
	defaultKeep     = 8
	defaultQueue    = 16
)

// complete fills in the defaults, and refuses what cannot be.
func (o Options) complete() (Options, error) {
	switch {
	case o.MaxBytes < 0:
		return o, fmt.Errorf("at most %d bytes a file: want a positive number, or 0 for %d", o.MaxBytes, defaultMaxBytes)
	case o.Keep < 0:
		return o, fmt.Errorf("keep %d files: want a positive number, or 0 for %d", o.Keep, defaultKeep)
	case o.Queue < 0:
		return o, fmt.Errorf("queue of %d lines: want a positive number, or 0 for %d", o.Queue, defaultQueue)
	}
	o.MaxBytes = cmp.Or(o.MaxBytes, defaultMaxBytes)
	o.Keep = cmp.Or(o.Keep, defaultKeep)
	o.Queue = cmp.Or(o.Queue, defaultQueue)
	return o, nil
}

// NewRecorder returns a Recorder that goes on with the recording in a directory, or begins one; the directory is made where it is missing. Close it.
func NewRecorder(dir string, o Options) (*Recorder, error) {
	o, err := o.complete()
	if dir == "" {
		err = errors.Join(errors.New("the directory has no name"), err)
	}
	if err != nil {
		return nil, fmt.Errorf("recording: %w", err)
	}
	f := &files{dir: dir, maxBytes: o.MaxBytes, keep: o.Keep, sync: o.Sync}
	if err := f.open(0); err != nil {
		return nil, fmt.Errorf("recording: %w", err)
	}
	r := &Recorder{onError: o.OnError, limit: o.MaxBytes, queue: make(chan []byte, o.Queue), done: make(chan struct{})}
	go r.write(f)
	return r, nil
}

// Record appends an entry: what a step decides on. It waits for no disk. Set it as an Autoscaler's OnSnapshot, or call it before Decide.
func (r *Recorder) Record(s wva.Snapshot, h wva.History) {
	text, err := encode(Entry{Snapshot: s, History: h})
	if err == nil && int64(len(text)) > r.limit {
		err = fmt.Errorf("its %d bytes are more than a file may have, %d", len(text), r.limit)
	}
	if err != nil {
		r.lose(&r.counts.Failed, fmt.Errorf("recording: snapshot of %v: %w", s.At, err))
		return
	}
	if err := r.enqueue(text); err != nil {
		r.lose(&r.counts.Dropped, fmt.Errorf("recording: snapshot of %v dropped: %w", s.At, err))
	}
}

func (r *Recorder) enqueue(text []byte) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return ErrClosed
	}
	select {
	case r.queue <- text:
		return nil
	default:
		return ErrBehind
	}
}

// lose counts a lost entry and says why it was.
func (r *Recorder) lose(counter *int, err error) {
	r.mu.Lock()
	*counter++
	r.mu.Unlock()
	if r.onError != nil {
		r.onError(err)
	}
}

// write brings the queue to the files until it is closed.
func (r *Recorder) write(f *files) {
	defer close(r.done)
	for text := range r.queue {
		if err := f.append(text); err != nil {
			r.lose(&r.counts.Failed, fmt.Errorf("recording: %w", err))
			continue
		}
		r.mu.Lock()
		r.counts.Written++
		r.mu.Unlock()
	}
	r.closing = f.close()
}

// Counts returns what was counted so far.
func (r *Recorder) Counts() Counts {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.counts
}

// Close writes what is queued, syncs and closes the file; the context bounds the wait for a disk that hangs. What is recorded afterwards is dropped.
func (r *Recorder) Close(ctx context.Context) error {
	r.mu.Lock()
	if !r.closed {
		r.closed = true
		close(r.queue)
	}
	r.mu.Unlock()
	select {
	case <-r.done:
	case <-ctx.Done():
		return fmt.Errorf("recording: close: %w", ctx.Err())
	}
	if r.closing != nil {
		return fmt.Errorf("recording: %w", r.closing)
	}
	return nil
}
