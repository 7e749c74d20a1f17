package wva

import (
	"math"
	"time"

	"github.com/wva-go/wva/model"
	"github.com/wva-go/wva/saturation"
)

// Demand is what a model is asked for, as opposed to what its servers complete.
type Demand struct {
	// Completions is how many requests per second its servers finish.
	Completions float64 `json:"completions"`
	// Growth is how many requests per second pile up, waiting or running; negative where a backlog shrinks.
	Growth float64 `json:"growth"`
	// Rate is the arrival rate in requests per second: measured at the entrance, or Completions and what piles up on top of them. A shrinking backlog is not
	// subtracted: queues are reported as peaks, which fall a window later than the requests finish, and that would read as a lull.
	Rate float64 `json:"rate"`
	// Drain is how many requests per second have to be served on top of those that arrive, so that what waits is worked off within a Horizon. What waits on a server stays
	// there: each works off its own, and no faster than it finishes requests now.
	Drain float64 `json:"drain"`
	// Forecast is the rate to provide for: what is expected when replicas started now will serve, and Drain.
	Forecast float64 `json:"forecast"`
	// Horizon is how far ahead the forecast looks: as long as a new replica takes to serve.
	Horizon time.Duration      `json:"horizon"`
	Input   model.TokenLengths `json:"input"`
	Output  model.TokenLengths `json:"output"`
}

// Forecasting sets how demand is projected to the time when replicas started now will serve. The zero value expects the
// last value to stay.
type Forecasting struct {
	Forecaster Forecaster `json:"-"` // nil = LastValue
	// Quantile is the probability with which the demand provided for is not exceeded; 0 = 0.9.
	Quantile float64 `json:"quantile,omitempty"`
	// Memory is how long demand samples are kept for the forecaster; 0 = 1 h.
	Memory time.Duration `json:"memory,omitempty"`
}

// ModelHistory is what is remembered of one model.
type ModelHistory struct {
	ModelKey
	At        time.Time      `json:"at"`       // of the last cycle that could count its requests
	InSystem  float64        `json:"inSystem"` // requests waiting or running then, but for those Uncounted
	Uncounted Uncounted      `json:"uncounted,omitzero"`
	Samples   []DemandSample `json:"samples,omitempty"` // for the forecaster, in order of time
	// Input and Output are the lengths last seen, for a cycle in which nothing finishes.
	Input  model.TokenLengths `json:"input,omitzero"`
	Output model.TokenLengths `json:"output,omitzero"`
	// Observed are the compute limits that the token-based analysis has seen.
	Observed []saturation.Observed `json:"observed,omitempty"`
}

// Uncounted says which requests could not be counted. What is counted in one cycle and not in the next has not gone between them, nor come when it is counted again.
type Uncounted struct {
	Running bool `json:"running,omitempty"` // those on servers of which one does not say how many
	Gateway bool `json:"gateway,omitempty"` // those in front of the servers
}

// unknownCV is the spread taken for token lengths whose second moment nobody measured: that of an exponential
// distribution, which traces of chat and code services reach or exceed.
const unknownCV = 1

// estimateDemand finds a model's arrival rate and lengths, where enough is measured. Completions alone stop growing when the
// servers saturate; together with the growth of what waits and runs they show what really arrives.
func (c *cycle) estimateDemand(m *modelState) {
	if m.held != "" || !m.complete {
		return
	}
	horizon := m.horizon()
	t, ok := m.tally(horizon)
	measured := c.front[m.key]
	if !ok && !measured.ArrivalRate.Valid {
		return
	}
	past, known := c.history.Model(m.key)
	d := Demand{Completions: t.completions, Horizon: horizon, Input: t.input.lengths(past.Input), Output: t.output.lengths(past.Output)}
	held := max(0, measured.GatewayQueue.Or(0))
	inSystem, uncounted := t.waiting+held, Uncounted{Running: !t.running.Valid, Gateway: !measured.GatewayQueue.Valid}
	if t.running.Valid {
		inSystem += t.running.Value
	}
	if dt := c.snapshot.At.Sub(past.At); known && past.Uncounted == uncounted && dt > 0 && dt <= c.policy.StaleAfter {
		d.Growth = (inSystem - past.InSystem) / dt.Seconds()
	}
	d.Rate = d.Completions + max(0, d.Growth)
	d.Drain = t.drain + drain(held, t.completions, horizon)
	if measured.ArrivalRate.Valid && measured.ArrivalRate.Value >= 0 {
		d.Rate = measured.ArrivalRate.Value
	} else {
		d.Drain = max(0, d.Drain+min(0, d.Growth)) // a backlog that shrinks is among the completions
	}
	observed := m.remembered.Observed
	if observed == nil {
		observed = past.Observed
	}
	m.remembered = ModelHistory{Observed: observed, ModelKey: m.key, At: c.snapshot.At, InSystem: inSystem, Uncounted: uncounted,
		Samples: c.sample(past.Samples, d.Rate), Input: d.Input, Output: d.Output}
	d.Forecast = c.forecast(m.remembered.Samples, d.Horizon) + d.Drain
	if d.Output.Mean <= 0 && d.Forecast > 0 {
		return // requests of unknown length: no opinion
	}
	m.demand = &d
}

// sample appends a demand sample and drops those that are too old, or not older than the new one.
func (c *cycle) sample(past []DemandSample, rate float64) []DemandSample {
	memory := c.policy.Forecasting.Memory
	if memory == 0 {
		memory = time.Hour
	}
	if c.policy.Forecasting.Forecaster == nil {
		memory = 0 // the last value needs no past
	}
	var kept []DemandSample
	for _, s := range past {
		if age := c.snapshot.At.Sub(s.At); age > 0 && age <= memory {
			kept = append(kept, s)
		}
	}
	return append(kept, DemandSample{At: c.snapshot.At, Rate: rate})
}

func (c *cycle) forecast(samples []DemandSample, horizon time.Duration) float64 {
	forecaster, quantile := c.policy.Forecasting.Forecaster, c.policy.Forecasting.Quantile
	if forecaster == nil {
		forecaster = LastValue{}
	}
	if quantile == 0 {
		quantile = 0.9
	}
	if f := forecaster.Forecast(samples, horizon, quantile); f >= 0 && !math.IsInf(f, 0) {
		return f
	}
	return samples[len(samples)-1].Rate
}

// horizon is the longest start-up time of the model's variants.
func (m *modelState) horizon() time.Duration {
	var longest time.Duration
	for _, v := range m.variants {
		longest = max(longest, v.startup())
	}
	return longest
}

// drain is the rate at which a server works off what waits on it: within a horizon, or as fast as it finishes requests where that takes longer.
func drain(waiting, completions float64, horizon time.Duration) float64 {
	return min(waiting/max(horizon, shortestDrain).Seconds(), completions)
}

// shortestDrain keeps the few requests that any server has waiting at its peak from counting as a backlog where replicas start at once or nobody knows how fast: rates
// and peaks are those of a minute.
const shortestDrain = time.Minute

// tally sums what the replicas of a model report.
type tally struct {
	completions, waiting, drain float64
	running                     Reading // absent where a replica does not say
	input, output               moments
}

// moments accumulates token lengths, weighted by requests.
type moments struct {
	weight, first, second float64
}

func (a *moments) add(l LengthReadings, weight float64) {
	if !l.Mean.Valid || l.Mean.Value < 0 || weight <= 0 {
		return
	}
	a.weight += weight
	a.first += weight * l.Mean.Value
	if l.SecondMoment.Valid && l.SecondMoment.Value >= l.Mean.Value*l.Mean.Value {
		a.second += weight * l.SecondMoment.Value
		return
	}
	a.second += weight * l.Mean.Value * l.Mean.Value * (1 + unknownCV*unknownCV)
}

func (a *moments) lengths(otherwise model.TokenLengths) model.TokenLengths {
	if a.weight == 0 || a.first == 0 {
		return otherwise
	}
	mean, second := a.first/a.weight, a.second/a.weight
	return model.TokenLengths{Mean: mean, CV: math.Sqrt(max(0, second/(mean*mean)-1))}
}

// tally sums over the replicas; ok is false where one of them does not say what it completes.
func (m *modelState) tally(horizon time.Duration) (t tally, ok bool) {
	ok = true
	t.running = Read(0)
	for _, v := range m.variants {
		for _, r := range v.fresh {
			if !r.CompletionRate.Valid || r.CompletionRate.Value < 0 {
				ok = false
				continue
			}
			t.completions += r.CompletionRate.Value
			t.waiting += r.Waiting.Value
			t.running = Reading{Value: t.running.Value + max(0, r.Running.Value), Valid: t.running.Valid && r.Running.Valid}
			t.drain += drain(r.Waiting.Value, r.CompletionRate.Value, horizon)
			t.input.add(r.Input, r.CompletionRate.Value)
			t.output.add(r.Output, r.CompletionRate.Value)
		}
	}
	return t, ok
}
