package trace

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/wva-go/wva/adapters/simulator"
	"github.com/wva-go/wva/model"
)

// Survey is what a load is made of, interval by interval.
type Survey struct {
	Interval time.Duration
	Requests int
	Slots    []Slot // one for each interval, up to the last request
}

// Slot is the requests that arrive in one interval.
type Slot struct {
	Requests      int
	input, output moments
}

// moments are sums of token lengths and of their squares.
type moments struct{ sum, squares float64 }

func (m *moments) add(tokens int) {
	m.sum += float64(tokens)
	m.squares += float64(tokens) * float64(tokens)
}

func (m moments) lengths(n int) model.TokenLengths {
	if n == 0 || m.sum == 0 {
		return model.TokenLengths{}
	}
	mean := m.sum / float64(n)
	return model.TokenLengths{Mean: mean, CV: math.Sqrt(max(0, m.squares/float64(n)/(mean*mean)-1))}
}

// Input and Output are the lengths of the prompts and answers; zero without requests.
func (s Slot) Input() model.TokenLengths  { return s.input.lengths(s.Requests) }
func (s Slot) Output() model.TokenLengths { return s.output.lengths(s.Requests) }

// Rate is in requests per second, of the i-th interval.
func (s Survey) Rate(i int) float64 { return float64(s.Slots[i].Requests) / s.Interval.Seconds() }

// Duration is that of all intervals.
func (s Survey) Duration() time.Duration { return time.Duration(len(s.Slots)) * s.Interval }

// maxSlots bounds what a survey, a replay and a report hold: a month of minutes.
const maxSlots = 45_000

// Take reads a load once, from its first request to its last, and shows each of them to visit, which may be nil. Its error is the first thing that
// is wrong with the load, or that it is empty or too long.
func Take(ctx context.Context, source Source, interval time.Duration, visit func(simulator.Request)) (Survey, error) {
	s := Survey{Interval: interval}
	if interval <= 0 {
		return s, fmt.Errorf("trace: interval %v: want a positive duration", interval)
	}
	for r, err := range source.Requests() {
		if err == nil && s.Requests%4096 == 0 {
			err = ctx.Err()
		}
		if err != nil {
			return s, fmt.Errorf("trace: %w", err)
		}
		i := r.At / interval.Seconds()
		if i >= maxSlots {
			return s, fmt.Errorf("trace: %s lasts %v or more, which is more than %d intervals of %v: play it faster, or in longer intervals",
				source.Name, time.Duration(r.At*float64(time.Second)).Round(time.Second), maxSlots, interval)
		}
		for len(s.Slots) <= int(i) {
			s.Slots = append(s.Slots, Slot{})
		}
		slot := &s.Slots[int(i)]
		slot.Requests++
		slot.input.add(r.Input)
		slot.output.add(max(r.Output, 1))
		s.Requests++
		if visit != nil {
			visit(r)
		}
	}
	if s.Requests == 0 {
		return s, fmt.Errorf("trace: %s has no request: want at least one", source.Name)
	}
	return s, nil
}
