package main

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/wva-go/wva"
	"github.com/wva-go/wva/model"
)

func parseLoad(text string) (change, error) {
	name, value := "", text
	if n, v, err := cut(text, "FACTOR"); err == nil {
		name, value = n, v
	}
	factor, err := strconv.ParseFloat(value, 64)
	if err != nil || !(factor >= 0 && factor <= 1e6) {
		return change{}, fmt.Errorf("%q: want a factor from 0 to 1e6, such as 2 or MODEL=0.5", value)
	}
	return change{"-load " + text, func(s *scenario) error { return s.scaleLoad(name, factor) }}, nil
}

// scaleLoad rewrites the snapshot as if so many times the requests had come all along, on the same replicas. An empty name means every model.
//
// Rates that were measured where requests come in are multiplied, and so are the counts there. What a server reports follows from its performance model: the batch, the KV
// cache and the queue as they would be at the new rate. Beyond the rate that it can serve its cache is full, and what it cannot serve
// has piled up in its queue since the last cycle. Where a variant has no profile, or a server does not say what it completes, cache, batch and
// queue are multiplied until the cache is full, as if requests took no longer than before. Earlier cycles are remembered as multiplied
// too, so that the change itself is no growth.
func (s *scenario) scaleLoad(name string, factor float64) error {
	var known []string
	var keys []wva.ModelKey
	for _, v := range s.snapshot.Variants {
		if key := v.Key(); !slices.Contains(keys, key) {
			keys = append(keys, key)
			known = append(known, key.String())
		}
	}
	keys = slices.DeleteFunc(keys, func(k wva.ModelKey) bool { return name != "" && name != k.String() && name != k.Model })
	if len(keys) == 0 {
		return unknown("-load", "model", name, known)
	}
	for _, key := range keys {
		s.scaleModel(key, factor)
	}
	return nil
}

func (s *scenario) scaleModel(key wva.ModelKey, factor float64) {
	var before, after, queued float64 // requests in the system; and of these, what piled up since the last cycle
	for i := range s.snapshot.Metrics.Models {
		if m := &s.snapshot.Metrics.Models[i]; m.ModelKey == key {
			before += m.GatewayQueue.Or(0)
			after += m.GatewayQueue.Or(0) * factor
			m.ArrivalRate = times(m.ArrivalRate, factor)
			m.GatewayQueue = times(m.GatewayQueue, factor)
			m.RequestsInRetention = times(m.RequestsInRetention, factor)
		}
	}
	since := s.sinceLastCycle(key)
	for i := range s.snapshot.Metrics.Replicas {
		r := &s.snapshot.Metrics.Replicas[i]
		v, ok := s.variant(r.Variant)
		if !ok || v.Key() != key {
			continue
		}
		before += r.Waiting.Or(0) + r.Running.Or(0)
		excess := scaleReplica(r, v.Server, factor) * since.Seconds()
		r.Waiting = plus(r.Waiting, excess)
		queued += excess
		after += r.Waiting.Or(0) + r.Running.Or(0)
	}
	for i := range s.history.Models {
		if h := &s.history.Models[i]; h.ModelKey == key {
			grown := max(0, before-h.InSystem) // a backlog that shrinks is not held against the rate: see wva.Demand
			h.InSystem = after - queued - factor*grown
			for j := range h.Samples {
				h.Samples[j].Rate *= factor
			}
		}
	}
}

// sinceLastCycle is the time in which a queue could grow: since the model's requests were counted last, or a minute.
func (s *scenario) sinceLastCycle(key wva.ModelKey) time.Duration {
	if past, ok := s.history.Model(key); ok {
		if d := s.snapshot.At.Sub(past.At); d > 0 && d <= s.policy.StaleAfter {
			return d
		}
	}
	return time.Minute
}

func (s *scenario) variant(id wva.ID) (wva.Variant, bool) {
	for _, v := range s.snapshot.Variants {
		if v.ID == id {
			return v, true
		}
	}
	return wva.Variant{}, false
}

// scaleReplica rewrites what one server reports, and returns the requests per second that it gets and cannot serve.
func scaleReplica(r *wva.ReplicaMetrics, server *model.Server, factor float64) (excess float64) {
	if q := queueOf(*r, server); q != nil && r.CompletionRate.Value > 0 && r.CompletionRate.Value < q.MaxStableRate() {
		return byModel(r, q, factor)
	}
	full := factor // the part of the requests that finds room, at most all of them
	if kv := r.KVUsage.Or(0); kv > 0 {
		full = min(factor, max(1, 1/kv))
	}
	if r.CompletionRate.Valid {
		excess = r.CompletionRate.Value * (factor - full)
	}
	r.CompletionRate = times(r.CompletionRate, full)
	r.Running = times(r.Running, full)
	r.KVUsage = capped(times(r.KVUsage, full))
	r.Waiting = times(r.Waiting, factor)
	r.TTFT, r.ITL = wva.Reading{}, wva.Reading{} // nobody knows
	return excess
}

// byModel moves a server's numbers as its performance model moves.
func byModel(r *wva.ReplicaMetrics, q *model.Queue, factor float64) (excess float64) {
	offered := r.CompletionRate.Value * factor
	served := min(offered, 0.999*q.MaxStableRate())
	was, err1 := q.Analyze(r.CompletionRate.Value)
	is, err2 := q.Analyze(served)
	if err1 != nil || err2 != nil {
		return 0
	}
	batch := is.Concurrency / was.Concurrency
	r.CompletionRate = wva.Read(served)
	r.Running = times(r.Running, batch)
	r.KVUsage = capped(times(r.KVUsage, batch))
	slower := is.ITL.Mean / was.ITL.Mean
	r.ITL = times(r.ITL, slower)
	r.TTFT = times(r.TTFT, is.TTFT.Mean/was.TTFT.Mean)
	// Even where the batch has room, the requests that arrive during an iteration wait for its end; the peak of the last minute shows them.
	arriving := r.Waiting.Or(0) - was.QueueLength
	if served < offered {
		r.TTFT = wva.Reading{} // it grows without bound
		r.Waiting = plus(times(r.Waiting, 0), was.QueueLength+arriving*factor*slower)
		return offered - served
	}
	r.Waiting = plus(times(r.Waiting, 0), is.QueueLength+arriving*factor*slower)
	return 0
}

// queueOf is the performance model of a server under the requests that it reports; nil where it does not say enough.
func queueOf(r wva.ReplicaMetrics, server *model.Server) *model.Queue {
	if server == nil || !r.CompletionRate.Valid || !r.Output.Mean.Valid {
		return nil
	}
	input, err1 := lengths(r.Input)
	output, err2 := lengths(r.Output)
	output.Mean = max(output.Mean, 1)
	if err1 != nil || err2 != nil {
		return nil
	}
	q, err := model.NewQueue(*server, input, output)
	if err != nil {
		return nil
	}
	return q
}

// lengths reads moments; an unknown spread is that of an exponential distribution.
func lengths(l wva.LengthReadings) (model.TokenLengths, error) {
	mean := l.Mean.Or(0)
	return model.LengthsOfMoments(mean, l.SecondMoment.Or(2*mean*mean))
}

func times(r wva.Reading, factor float64) wva.Reading {
	if !r.Valid || math.IsNaN(factor) {
		return wva.Reading{}
	}
	return wva.Read(r.Value * factor)
}

func plus(r wva.Reading, more float64) wva.Reading {
	if !r.Valid {
		return r
	}
	return wva.Read(max(0, r.Value+more))
}

// capped keeps a usage to what there is.
func capped(r wva.Reading) wva.Reading {
	r.Value = min(r.Value, 1)
	return r
}
