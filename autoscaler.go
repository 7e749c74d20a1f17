package wva

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime/debug"
	"sync"
	"time"
)

// Autoscaler runs Decide against the world: it reads a Fleet and its metrics, decides, and hands the decisions to a
// Scaler. It keeps the history between steps. Its exported fields are set before the first step; its methods may be
// called from several goroutines.
type Autoscaler struct {
	Fleet   Fleet
	Metrics MetricsSource
	Scaler  Scaler

	Logger *slog.Logger     // nil = silent
	Clock  func() time.Time // nil = time.Now
	// StepTimeout bounds one step; 0 = no bound but the context's.
	StepTimeout time.Duration
	// Jitter delays each step of Run but the first by a random part of the interval, up to this fraction, so that many controllers do not ask one
	// metrics server at once. 0 = none.
	Jitter float64
	// OnStep, where it is set, is given the outcome of every step of Run.
	OnStep func(Report, error)
	// OnSnapshot, where it is set, is given what every step decides on, just before it does: with the same policy [Decide] makes the same Report of it. The
	// step waits for it, and it must not change what it is given.
	OnSnapshot func(Snapshot, History)

	stepping sync.Mutex // held for a whole step: steps never overlap

	mu        sync.Mutex // guards what follows
	policy    Policy
	history   History
	inventory Inventory // the last one that could be read
	counters  Counters
}

// Counters count what an Autoscaler did since it was made.
type Counters struct {
	Steps     int // that were begun
	Failed    int // that ended with an error
	SafetyNet int // models that the safety net held, summed over steps
}

// NewAutoscaler returns an Autoscaler over these ports; the policy must be valid.
func NewAutoscaler(fleet Fleet, metrics MetricsSource, scaler Scaler, policy Policy) (*Autoscaler, error) {
	if fleet == nil || metrics == nil || scaler == nil {
		return nil, errors.New("wva: an autoscaler needs a fleet, a metrics source and a scaler")
	}
	a := &Autoscaler{Fleet: fleet, Metrics: metrics, Scaler: scaler}
	if err := a.SetPolicy(policy); err != nil {
		return nil, err
	}
	return a, nil
}

// SetPolicy replaces the policy from the next step on. An invalid one is refused and the one in force stays.
func (a *Autoscaler) SetPolicy(p Policy) error {
	if err := p.Validate(); err != nil {
		return fmt.Errorf("wva: %w", err)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.policy = p
	return nil
}

// History returns what the last step left behind; store it to resume after a restart.
func (a *Autoscaler) History() History {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.history
}

// SetHistory resumes from an earlier History.
func (a *Autoscaler) SetHistory(h History) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.history = h
}

// Step runs one cycle. The Report is complete whenever decisions were taken, also beside an error: then it is what the
// scaler failed to carry out in part. Metrics that cannot be collected are no error of the step: the safety net holds
// the models and the Report says so. A panic of an adapter is an error of the step.
func (a *Autoscaler) Step(ctx context.Context) (Report, error) {
	a.stepping.Lock()
	defer a.stepping.Unlock()
	report, err := a.step(ctx)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.counters.Steps++
	if err != nil {
		a.counters.Failed++
	}
	for _, m := range report.Models {
		if m.SafetyNet != "" {
			a.counters.SafetyNet++
		}
	}
	return report, err
}

// Counters returns what was counted so far.
func (a *Autoscaler) Counters() Counters {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.counters
}

func (a *Autoscaler) step(ctx context.Context) (Report, error) {
	if a.StepTimeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, a.StepTimeout)
		defer cancel()
	}
	snapshot, err := a.snapshot(ctx)
	if err != nil {
		return Report{}, fmt.Errorf("wva: %w", err)
	}
	a.mu.Lock()
	policy, history := a.policy, a.history
	a.mu.Unlock()
	if a.OnSnapshot != nil {
		a.OnSnapshot(snapshot, history)
	}
	report, history, err := Decide(snapshot, policy, history)
	if err != nil {
		return report, err
	}
	a.SetHistory(history)
	err = protect("scaler", func() error { return a.Scaler.Scale(ctx, report.Decisions) })
	if err != nil {
		return report, fmt.Errorf("wva: %w", err)
	}
	return report, nil
}

// snapshot reads the ports.
func (a *Autoscaler) snapshot(ctx context.Context) (Snapshot, error) {
	var s Snapshot
	err := protect("fleet", func() (err error) {
		s.Variants, err = a.Fleet.Variants(ctx)
		return err
	})
	if err != nil {
		return s, err
	}
	s.Inventory = a.readInventory(ctx)
	err = protect("metrics source", func() (err error) {
		s.Metrics, err = a.Metrics.Collect(ctx, s.Variants)
		return err
	})
	if ended := ctx.Err(); ended != nil {
		return s, errors.Join(fmt.Errorf("nothing is decided, the step ended while metrics were collected: %w", ended), err)
	}
	if err != nil {
		s.Metrics = Metrics{Problems: allFailed(s.Variants, err)}
	}
	s.At = a.now()
	return s, nil
}

// readInventory returns the inventory, or the last known one with the reason why it is not newer.
func (a *Autoscaler) readInventory(ctx context.Context) Inventory {
	var inv Inventory
	err := protect("inventory", func() (err error) {
		if inv, err = a.Fleet.Inventory(ctx); err != nil {
			return err
		}
		return inv.Validate()
	})
	a.mu.Lock()
	defer a.mu.Unlock()
	if err != nil {
		last := a.inventory
		last.Error = err.Error()
		return last
	}
	if inv.At.IsZero() {
		inv.At = a.now()
	}
	a.inventory = inv
	return inv
}

// allFailed says of every model that its metrics could not be read.
func allFailed(variants []Variant, err error) []MetricsProblem {
	var problems []MetricsProblem
	seen := map[ModelKey]bool{}
	for _, v := range variants {
		if !seen[v.Key()] {
			seen[v.Key()] = true
			problems = append(problems, MetricsProblem{ModelKey: v.Key(), Reason: MetricsMissing, Message: err.Error()})
		}
	}
	return problems
}

// protect calls an adapter, names it in the error and turns its panic into one.
func protect(port string, call func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%s panicked: %v\n%s", port, p, debug.Stack())
		}
	}()
	if err := call(); err != nil {
		return fmt.Errorf("%s: %w", port, err)
	}
	return nil
}

// Run steps at once and then every interval until the context ends, and returns nil then. Steps do not overlap: one that
// takes longer than the interval delays the next. A failed step is logged, and the next one tries again.
func (a *Autoscaler) Run(ctx context.Context, every time.Duration) error {
	if every <= 0 {
		return fmt.Errorf("wva: run every %v: want a positive interval", every)
	}
	if !(a.Jitter >= 0 && a.Jitter <= 1) {
		return fmt.Errorf("wva: jitter %v: want a fraction from 0 to 1", a.Jitter)
	}
	for next := time.Now(); ; {
		report, err := a.Step(ctx)
		if ctx.Err() != nil {
			return nil
		}
		a.log(ctx, report, err)
		if a.OnStep != nil {
			a.OnStep(report, err)
		}
		// Steps keep to their beat; one that took longer than the interval is followed at once, not by all that it missed.
		next = next.Add(every)
		if now := time.Now(); next.Before(now) {
			next = now
		}
		wait := time.Until(next) + time.Duration(rand.Float64()*a.Jitter*float64(every))
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-timer.C:
		}
	}
}

func (a *Autoscaler) log(ctx context.Context, report Report, err error) {
	if a.Logger == nil {
		return
	}
	for _, p := range report.Problems {
		a.Logger.WarnContext(ctx, p.Message, "kind", p.Kind, "variant", p.Variant.String(), "model", p.Model.String())
	}
	for _, d := range report.Decisions {
		a.Logger.InfoContext(ctx, "decision", "decision", d)
	}
	if err != nil {
		a.Logger.ErrorContext(ctx, "step failed", "error", err)
	}
}

// now is without the monotonic reading, which a stored Snapshot could not keep: differences of times have to come out the same when it is replayed.
func (a *Autoscaler) now() time.Time {
	if a.Clock != nil {
		return a.Clock().Round(0)
	}
	return time.Now().Round(0)
}
