package trace

import (
	"fmt"
	"io"
	"iter"
	"strconv"
	"time"

	"github.com/wva-go/wva/adapters/simulator"
)

// requestSource plays a trace of single requests, as Azure publishes them (github.com/Azure/AzurePublicDataset, the LLM inference traces of 2023
// and 2024): TIMESTAMP,ContextTokens,GeneratedTokens, in order of time.
func requestSource(name string, open func() (io.ReadCloser, error), o Options) Source {
	return Source{Name: name, play: func() iter.Seq2[simulator.Request, error] {
		return copies(readRequests(name, open, o.Speed), o)
	}}
}

// layouts are the ways in which the published traces write a time; fractions of a second may follow.
var layouts = []string{"2006-01-02 15:04:05", "2006-01-02 15:04:05Z07:00", time.RFC3339}

func parseTime(text string) (time.Time, bool) {
	for _, layout := range layouts {
		if at, err := time.Parse(layout, text); err == nil {
			return at, true
		}
	}
	return time.Time{}, false
}

// readRequests yields the requests of a trace; the first one comes at time 0.
func readRequests(name string, open func() (io.ReadCloser, error), speed float64) iter.Seq2[simulator.Request, error] {
	return func(yield func(simulator.Request, error) bool) {
		f, err := open()
		if err != nil {
			yield(simulator.Request{}, err)
			return
		}
		defer f.Close()
		var first, last time.Time
		header := true
		for l, err := range lines(name, f) {
			if header && err == nil {
				header = false
				continue
			}
			var r simulator.Request
			var at time.Time
			if err == nil {
				r, at, err = l.request(last)
			}
			if err != nil {
				yield(simulator.Request{}, err)
				return
			}
			if first.IsZero() {
				first = at
			}
			last = at
			r.At = at.Sub(first).Seconds() / speed
			if r.At > maxTime {
				yield(simulator.Request{}, l.errorf("timestamp %s: more than a year after the first one", l.fields[0]))
				return
			}
			if !yield(r, nil) {
				return
			}
		}
	}
}

// request reads one line of a trace, which must not be before the last one.
func (l line) request(last time.Time) (simulator.Request, time.Time, error) {
	if len(l.fields) < 3 {
		return simulator.Request{}, last, l.errorf("%d values: want a timestamp, prompt tokens and answer tokens", len(l.fields))
	}
	at, ok := parseTime(l.fields[0])
	if !ok {
		return simulator.Request{}, last, l.errorf("timestamp %q: want a time as 2023-11-16 18:17:03.9799600", l.fields[0])
	}
	if at.Before(last) {
		return simulator.Request{}, last, l.errorf("timestamp %s is before the %s of an earlier line: sort the trace by time", l.fields[0], last.Format("2006-01-02 15:04:05.9999999"))
	}
	in, err := tokens(l.fields[1])
	if err != nil {
		return simulator.Request{}, last, l.errorf("ContextTokens %w", err)
	}
	out, err := tokens(l.fields[2])
	if err != nil {
		return simulator.Request{}, last, l.errorf("GeneratedTokens %w", err)
	}
	return simulator.Request{Input: in, Output: out}, at, nil
}

func tokens(text string) (int, error) {
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 || n > maxTokens {
		return 0, fmt.Errorf("%q: want a whole number from 0 to %d", text, maxTokens)
	}
	return n, nil
}
