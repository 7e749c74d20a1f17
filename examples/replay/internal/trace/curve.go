package trace

import (
	"fmt"
	"io"
	"iter"
	"strconv"
	"time"

	"github.com/wva-go/wva/adapters/simulator"
	"github.com/wva-go/wva/model"
)

// segment is a time of steady load: a Poisson process.
type segment struct {
	from, until   float64 // seconds
	rate          float64 // requests per second
	input, output model.TokenLengths
}

// The lengths of a curve that does not give any: those of an ordinary chat.
var (
	chatInput  = model.TokenLengths{Mean: 512, CV: 1}
	chatOutput = model.TokenLengths{Mean: 256, CV: 1}
)

// The bounds of a curve.
const (
	maxSegments = 100_000
	maxRate     = 1e5 // requests per second, scaled
)

// curveSource plays a curve of rates: time,rate and optionally input,output, the mean tokens of prompts and answers. Times are seconds, durations such as
// 5m30s, or timestamps. Each rate holds until the time of the next line, and the last one for as long as the one before it.
func curveSource(name string, open func() (io.ReadCloser, error), o Options) (Source, error) {
	f, err := open()
	if err != nil {
		return Source{}, fmt.Errorf("trace: %w", err)
	}
	defer f.Close()
	curve, err := readCurve(name, f, o)
	if err != nil {
		return Source{}, fmt.Errorf("trace: %w", err)
	}
	return Source{Name: name, play: func() iter.Seq2[simulator.Request, error] { return arrivals(curve, o.Seed) }}, nil
}

func readCurve(name string, r io.Reader, o Options) ([]segment, error) {
	var curve []segment
	var start time.Time // of timestamps
	header := true
	for l, err := range lines(name, r) {
		if err != nil {
			return nil, err
		}
		if header {
			header = false
			continue
		}
		if len(curve) == maxSegments {
			return nil, l.errorf("more than %d lines: a rate for each minute is enough", maxSegments)
		}
		s, err := l.segment(&start, o)
		if err != nil {
			return nil, err
		}
		if n := len(curve); n > 0 {
			if s.from <= curve[n-1].from {
				return nil, l.errorf("time %s is not after that of the line before: sort the curve by time", l.fields[0])
			}
			curve[n-1].until = s.from
		}
		curve = append(curve, s)
	}
	switch n := len(curve); n {
	case 0:
		return nil, fmt.Errorf("%s: no line of numbers: want time,rate for at least one time", name)
	case 1:
		curve[0].until = curve[0].from + time.Hour.Seconds()/o.Speed
	default:
		curve[n-1].until = 2*curve[n-1].from - curve[n-2].from
	}
	return curve, nil
}

// segment reads one line of a curve. Timestamps count from the first of them.
func (l line) segment(start *time.Time, o Options) (segment, error) {
	if len(l.fields) < 2 || len(l.fields) > 4 {
		return segment{}, l.errorf("%d values: want time,rate and optionally input,output", len(l.fields))
	}
	at, ok := seconds(l.fields[0], start)
	if !ok || !finite(at, maxTime) {
		return segment{}, l.errorf("time %q: want seconds, a duration as 5m30s or a timestamp, within a year of the first one", l.fields[0])
	}
	s := segment{from: at / o.Speed, input: chatInput, output: chatOutput}
	for i, f := range []struct {
		name  string
		least float64
		limit float64
		scale float64
		into  *float64
	}{
		{"rate", 0, maxRate, o.Scale * o.Speed, &s.rate},
		{"input", 0, maxTokens, 1, &s.input.Mean},
		{"output", 1, maxTokens, 1, &s.output.Mean},
	} {
		if i+1 >= len(l.fields) {
			break
		}
		v, err := strconv.ParseFloat(l.fields[i+1], 64)
		if v *= f.scale; err != nil || !finite(v, f.limit) || v < f.least {
			return segment{}, l.errorf("%s %q: want a number from %g to %g", f.name, l.fields[i+1], f.least, f.limit/f.scale)
		}
		*f.into = v
	}
	return s, nil
}

// seconds reads a time of a curve.
func seconds(text string, start *time.Time) (float64, bool) {
	if v, err := strconv.ParseFloat(text, 64); err == nil {
		return v, true
	}
	if d, err := time.ParseDuration(text); err == nil {
		return d.Seconds(), true
	}
	at, ok := parseTime(text)
	if ok && start.IsZero() {
		*start = at
	}
	return at.Sub(*start).Seconds(), ok
}

// arrivals draws the requests of a curve.
func arrivals(curve []segment, seed uint64) iter.Seq2[simulator.Request, error] {
	return func(yield func(simulator.Request, error) bool) {
		for i, s := range curve {
			for r := range simulator.Constant(s.rate, s.input, s.output, seed+uint64(i)*1_000_003).Requests() {
				if r.At += s.from; r.At >= s.until {
					break
				}
				if !yield(r, nil) {
					return
				}
			}
		}
	}
}
