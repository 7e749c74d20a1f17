package trace

import (
	"fmt"
	"io"
	"iter"
	"math"
	"os"
	"strings"

	"github.com/wva-go/wva/adapters/simulator"
)

// Source is a load that can be played any number of times, the same each time.
type Source struct {
	Name string // for people
	play func() iter.Seq2[simulator.Request, error]
}

// Requests yields the requests in order of time, from time 0 on. An error ends them.
func (s Source) Requests() iter.Seq2[simulator.Request, error] { return s.play() }

// Options change a load. Start from [DefaultOptions].
type Options struct {
	Scale float64 // how many times as many requests
	Speed float64 // how many times as fast; a load at twice the speed has twice the rate for half of the time
	Seed  uint64  // of what is drawn: arrivals, lengths, and the times of copies
}

// DefaultOptions leave a load as it is.
func DefaultOptions() Options { return Options{Scale: 1, Speed: 1, Seed: 1} }

// Validate names the first option that cannot be.
func (o Options) Validate() error {
	for _, f := range []struct {
		name  string
		value float64
	}{{"scale", o.Scale}, {"speed", o.Speed}} {
		if !(f.value > 0 && f.value <= 1e6) {
			return fmt.Errorf("%s %v: want a number above 0, at most 1e6", f.name, f.value)
		}
	}
	return nil
}

// Open returns the load in a file: a trace of requests or a curve of rates, by its first line.
func Open(path string, o Options) (Source, error) {
	if info, err := os.Stat(path); err != nil {
		return Source{}, fmt.Errorf("trace: %w", err)
	} else if !info.Mode().IsRegular() {
		return Source{}, fmt.Errorf("trace: %s: want a regular file, since it is read several times: write what comes out of a pipe to one first", path)
	}
	return Read(path, func() (io.ReadCloser, error) { return os.Open(path) }, o)
}

// Read does as [Open] does with anything that can be opened more than once. Errors call it name.
func Read(name string, open func() (io.ReadCloser, error), o Options) (Source, error) {
	if err := o.Validate(); err != nil {
		return Source{}, fmt.Errorf("trace: %w", err)
	}
	f, err := open()
	if err != nil {
		return Source{}, fmt.Errorf("trace: %w", err)
	}
	defer f.Close()
	for header, err := range lines(name, f) {
		switch {
		case err != nil:
			return Source{}, fmt.Errorf("trace: %w", err)
		case header.is("timestamp", "contexttokens", "generatedtokens"):
			return requestSource(name, open, o), nil
		case header.is("time", "rate"):
			return curveSource(name, open, o)
		}
		return Source{}, fmt.Errorf("trace: %w", header.errorf("want the columns TIMESTAMP,ContextTokens,GeneratedTokens of a trace of requests, or time,rate and optionally input,output of a curve of rates"))
	}
	return Source{}, fmt.Errorf("trace: %s: empty: want a line of column names and at least one line of numbers", name)
}

// is tells whether the first columns have these names.
func (l line) is(names ...string) bool {
	if len(l.fields) < len(names) {
		return false
	}
	for i, name := range names {
		if !strings.EqualFold(strings.TrimSpace(l.fields[i]), name) {
			return false
		}
	}
	return true
}

// The bounds of what a request can be. They are far beyond any server, and keep sums of them exact.
const (
	maxTokens = 1 << 24
	maxTime   = 366 * 24 * 3600.0 // seconds
)

// finite tells whether a number is from 0 to a limit; NaN is not.
func finite(v, limit float64) bool { return v >= 0 && v <= limit && !math.IsInf(v, 0) }
