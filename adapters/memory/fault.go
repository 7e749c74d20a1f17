package memory

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/wva-go/wva"
)

// Call is something that a Cluster does and a [Fault] can disturb.
type Call string

// The calls. All but Start are the methods of the ports.
const (
	Variants  Call = "Variants"
	Inventory Call = "Inventory"
	Collect   Call = "Collect"
	Scale     Call = "Scale"
	Start     Call = "Start" // a replica becomes ready; its calls are counted by the fleet's Variants
)

// Fault is one thing that goes wrong. Its zero value does nothing to a method; on Start it alone keeps replicas pending.
type Fault struct {
	// Variant or Model, where set, limit the fault to a part of the call; the rest of it goes well.
	Variant wva.ID
	Model   wva.ModelKey

	Skip  int // calls that go well first
	Times int // calls that it disturbs; 0 = all until it is mended

	Delay time.Duration // the call waits so long, or until its context ends
	Panic string        // the call panics

	// Err is what the call returns. Limited to a part, Variants leaves that part out of its answer, Collect reports
	// a MetricsProblem for it and Scale joins a ScaleError.
	Err error
	// Age is how old the samples of a Collect are.
	Age time.Duration
	// Lost is how many replicas of each variant, by name from the last, a Collect says nothing about; negative = all.
	Lost int
}

// script is a fault and how far it has come.
type script struct {
	Fault
	call Call
	seen int // calls since it was set
}

// active tells whether the fault disturbs the call that was counted last or, before any, the first.
func (s *script) active() bool {
	n := max(s.seen, 1) - s.Skip
	return n > 0 && (s.Times <= 0 || n <= s.Times)
}

// Break scripts a fault. The function that is returned mends it.
func (c *Cluster) Break(call Call, f Fault) (mend func()) {
	s := &script{Fault: f, call: call}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.faults = append(c.faults, s)
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.faults = slices.DeleteFunc(c.faults, func(other *script) bool { return other == s })
	}
}

// Mend ends all faults.
func (c *Cluster) Mend() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.faults = nil
}

// Calls counts how often a call was made.
func (c *Cluster) Calls(call Call) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.calls[call]
}

// enter begins a call: it lets the faults that concern all of it happen, and returns those that concern a part.
func (c *Cluster) enter(ctx context.Context, call Call) ([]Fault, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	c.mu.Lock()
	active := c.count(call)
	c.mu.Unlock()
	var parts []Fault
	for _, f := range active {
		if err := f.wait(ctx); err != nil {
			return nil, err
		}
		if f.Panic != "" {
			panic(f.Panic)
		}
		if f.Err != nil && f.whole() {
			return nil, fmt.Errorf("memory: %s: %w", call, f.Err)
		}
		parts = append(parts, f)
	}
	return parts, nil
}

// count notes one more call and returns the faults that disturb it.
func (c *Cluster) count(call Call) []Fault {
	if c.calls == nil {
		c.calls = make(map[Call]int)
	}
	c.calls[call]++
	for _, s := range c.faults {
		if s.call == call {
			s.seen++
		}
	}
	return c.active(call)
}

// active returns the faults that disturb a call now.
func (c *Cluster) active(call Call) []Fault {
	var active []Fault
	for _, s := range c.faults {
		if s.call == call && s.active() {
			active = append(active, s.Fault)
		}
	}
	return active
}

func (f Fault) wait(ctx context.Context) error {
	if f.Delay <= 0 {
		return nil
	}
	timer := time.NewTimer(f.Delay)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// whole tells whether the fault concerns all of a call.
func (f Fault) whole() bool { return f.Variant == wva.ID{} && f.Model == wva.ModelKey{} }

// hits tells whether the fault concerns a variant.
func (f Fault) hits(v wva.Variant) bool {
	return (f.Variant == wva.ID{} || f.Variant == v.ID) && (f.Model == wva.ModelKey{} || f.Model == v.Key())
}

// lost counts the replicas that the fault silences, of those there are.
func (f Fault) lost(of int) int {
	if f.Lost < 0 {
		return of
	}
	return min(f.Lost, of)
}

// failure returns the error that the faults have for a variant, if any.
func failure(faults []Fault, v wva.Variant) error {
	for _, f := range faults {
		if f.Err != nil && f.hits(v) {
			return f.Err
		}
	}
	return nil
}
