package model

import (
	"errors"
	"fmt"
	"math"
)

// Tracker follows the profile of running servers from their live metrics: a Kalman filter over the three parameters (Kalman 1960), which drift
// slowly, with each observed latency as a noisy linear measurement of them. It is a plain value; the zero Tracker is not usable, see
// [NewTracker].
type Tracker struct {
	Profile    Profile       `json:"profile"`    // the current estimate
	Start      Profile       `json:"start"`      // where it began; no parameter leaves [Start/maxDrift, Start·maxDrift]
	Covariance [3][3]float64 `json:"covariance"` // of the parameters relative to Start
	Refused    int           `json:"refused"`    // implausible observations in a row
}

// Observation is what replicas of a variant measured over a while. Rates and lengths are those of the requests that ran.
type Observation struct {
	Running float64 // mean requests in the batch
	Input   float64 // mean prompt tokens
	Output  float64 // mean answer tokens
	ITL     float64 // mean, seconds; 0 = not measured
	TTFT    float64 // mean, seconds; 0 = not measured. It is used only where Waiting is 0.
	Waiting float64 // mean requests waiting
}

const (
	maxDrift     = 10.0 // a server that is so much faster or slower is another server
	driftPerStep = 0.01 // standard deviation of a parameter's relative change between observations
	measureNoise = 0.05 // standard deviation of a measured latency, relative
	startSpread  = 0.5  // standard deviation of the starting profile, relative
	implausible  = 6.0  // innovations beyond so many standard deviations are refused
	patience     = 5    // refusals in a row after which the world is taken to have changed
)

// ErrImplausible is wrapped where an observation is refused: the estimate stays as it was.
var ErrImplausible = errors.New("the observation does not fit the profile")

// NewTracker starts from a profile that may be half or twice the true one.
func NewTracker(p Profile) (Tracker, error) {
	if err := p.Validate(); err != nil {
		return Tracker{}, fmt.Errorf("model: %w", err)
	}
	t := Tracker{Profile: p, Start: p}
	for i := range 3 {
		t.Covariance[i][i] = startSpread * startSpread
	}
	return t, nil
}

// Update takes an observation in and returns the tracker after it. An observation that contradicts the estimate beyond all likelihood is refused with
// an error that wraps ErrImplausible; after several in a row the estimate is opened instead, since then it is the servers that changed.
func (t Tracker) Update(o Observation) (Tracker, error) {
	if err := o.validate(); err != nil {
		return t, fmt.Errorf("model: %w", err)
	}
	next := t.drift()
	var errs []error
	for _, m := range o.measurements() {
		if err := next.measure(m.name, m.work, m.seconds); err != nil {
			errs = append(errs, err)
		}
	}
	if len(errs) == 0 {
		next.Refused = 0
		return next, nil
	}
	next = t // nothing of a refused observation counts
	next.Refused++
	if next.Refused >= patience {
		next.Refused = 0
		for i := range 3 {
			next.Covariance[i] = [3]float64{}
			next.Covariance[i][i] = startSpread * startSpread
		}
	}
	return next, fmt.Errorf("model: %w", errors.Join(errs...))
}

func (o Observation) validate() error {
	for _, f := range []struct {
		name  string
		value float64
	}{{"running", o.Running}, {"input", o.Input}, {"output", o.Output}, {"ITL", o.ITL}, {"TTFT", o.TTFT}, {"waiting", o.Waiting}} {
		if !(f.value >= 0) || math.IsInf(f.value, 0) {
			return fmt.Errorf("observation: %s %v: want a finite number, 0 or more", f.name, f.value)
		}
	}
	return nil
}

type observed struct {
	name    string
	work    workload
	seconds float64
}

// measurements are the latencies of an observation and the work behind them: an iteration of the running requests for ITL; half of one and
// one with the prompt for TTFT.
func (o Observation) measurements() []observed {
	var list []observed
	n := max(o.Running, 1)
	context := o.Input + o.Output/2
	// On average each iteration also prefills the prompts of those that replace finished requests.
	iteration := workload{iterations: 1, computed: n * (o.Input + o.Output) / max(o.Output, 1), read: n * context, requests: n}
	if o.ITL > 0 {
		list = append(list, observed{"ITL", iteration, o.ITL})
	}
	if o.TTFT > 0 && o.Waiting == 0 {
		list = append(list, observed{"TTFT", workload{1.5, 1.5*iteration.computed + o.Input, 1.5 * iteration.read, 1.5 * n}, o.TTFT})
	}
	return list
}

// drift lets the parameters move a little, up to the uncertainty of the start, so that the filter neither freezes nor winds up.
func (t Tracker) drift() Tracker {
	for i := range 3 {
		t.Covariance[i][i] = min(t.Covariance[i][i]+driftPerStep*driftPerStep, startSpread*startSpread)
	}
	return t
}

// measure is one Kalman step with a scalar measurement, in units of the starting profile.
func (t *Tracker) measure(name string, w workload, seconds float64) error {
	h := [3]float64{w.iterations * t.Start.Alpha, w.computed * t.Start.Beta, w.read * t.Start.Gamma}
	predicted := w.seconds(t.Profile)
	if predicted <= 0 {
		return fmt.Errorf("%w: predicts a %s of %g s", ErrImplausible, name, predicted)
	}
	var ph [3]float64
	variance := measureNoise * measureNoise * predicted * predicted
	for i := range 3 {
		for j := range 3 {
			ph[i] += t.Covariance[i][j] * h[j]
		}
		variance += h[i] * ph[i]
	}
	innovation := seconds - predicted
	if deviations := math.Abs(innovation) / math.Sqrt(variance); deviations > implausible {
		return fmt.Errorf("%w: %s of %.4g s where %.4g s is expected, %.1f standard deviations off", ErrImplausible, name, seconds, predicted, deviations)
	}
	x := [3]float64{ratio(t.Profile.Alpha, t.Start.Alpha), ratio(t.Profile.Beta, t.Start.Beta), ratio(t.Profile.Gamma, t.Start.Gamma)}
	for i := range 3 {
		x[i] = min(max(x[i]+ph[i]/variance*innovation, 1/maxDrift), maxDrift)
		for j := range 3 {
			t.Covariance[i][j] -= ph[i] * ph[j] / variance
		}
		t.Covariance[i][i] = max(t.Covariance[i][i], 0)
	}
	t.Profile = Profile{Alpha: x[0] * t.Start.Alpha, Beta: x[1] * t.Start.Beta, Gamma: x[2] * t.Start.Gamma, Request: t.Start.Request}
	return nil
}

func ratio(a, b float64) float64 {
	if b == 0 {
		return 1
	}
	return a / b
}
