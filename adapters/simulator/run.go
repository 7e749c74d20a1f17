package simulator

import (
	"iter"

	"github.com/wva-go/wva/model"
)

// Options say how much of a run counts.
type Options struct {
	Warmup   int // requests at the start that are not measured
	Requests int // requests that are measured; 0 = until the source ends
}

// Result is what a server did under a load. Times are seconds.
type Result struct {
	TTFT, ITL, Wait Sample  // of the finished requests; ITL is each request's mean, of those with two tokens or more
	TokenITL        float64 // mean over all tokens but the first ones
	Span            float64 // seconds measured
	Throughput      float64 // requests finished per second
	TokenRate       float64 // output tokens per second
	Concurrency     float64 // mean requests in the batch
	QueueLength     float64 // mean requests waiting
	Utilization     float64 // fraction of the time in which an iteration ran
	KVTokens        float64 // mean tokens in the KV cache
	Rejected        float64 // fraction of the arrivals
	Preempted       int
}

// Run puts one server under the requests and measures those after the warm-up, each of them until it is finished.
func Run(spec model.Server, requests iter.Seq[Request], o Options) (Result, error) {
	var result Result
	var decode, tokens float64
	measuring := func(At float64) bool { return true }
	s, err := NewServer(spec, func(r Record) {
		if r.Rejected || !measuring(r.At) {
			return
		}
		result.TTFT.add(r.TTFT())
		result.Wait.add(r.Wait())
		if r.Output > 1 {
			result.ITL.add(r.ITL())
			decode += r.Finished - r.FirstToken
			tokens += float64(r.Output - 1)
		}
	})
	if err != nil {
		return Result{}, err
	}
	var from, until float64
	var before Counts
	n := 0
	measuring = func(at float64) bool { return n > o.Warmup && at >= from }
	for r := range requests {
		if o.Requests > 0 && n == o.Warmup+o.Requests {
			break
		}
		s.AdvanceTo(r.At)
		if n++; n == o.Warmup+1 {
			from, before = s.Now(), s.Counts()
			from = r.At
		}
		s.Submit(r)
		until = r.At
	}
	s.AdvanceTo(until)
	result.averages(before, s.Counts(), max(s.Now(), until)-from)
	s.Drain()
	if tokens > 0 {
		result.TokenITL = decode / tokens
	}
	return result, nil
}

// averages fills in the means over a span of time.
func (r *Result) averages(before, after Counts, span float64) {
	if span <= 0 {
		return
	}
	r.Span = span
	r.Throughput = float64(after.Finished-before.Finished) / span
	r.TokenRate = float64(after.OutputTokens-before.OutputTokens) / span
	r.Concurrency = (after.RunningSeconds - before.RunningSeconds) / span
	r.QueueLength = (after.WaitingSeconds - before.WaitingSeconds) / span
	r.Utilization = (after.Busy - before.Busy) / span
	r.KVTokens = (after.KVTokenSeconds - before.KVTokenSeconds) / span
	if arrived := after.Arrived - before.Arrived; arrived > 0 {
		r.Rejected = float64(after.Rejected-before.Rejected) / float64(arrived)
	}
	r.Preempted = after.Preempted - before.Preempted
}
