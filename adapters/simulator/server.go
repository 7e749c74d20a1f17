package simulator

import (
	"container/heap"
	"fmt"
	"math"

	"github.com/wva-go/wva/model"
)

// Server is one replica in simulated time. Create it with [NewServer].
//
// An iteration costs the same few operations however large the batch is: requests that decode are counted together, and
// each carries the iteration in which it will finish.
type Server struct {
	spec     model.Server
	batch    int // requests at once
	capacity int // KV cache, tokens
	budget   int // tokens computed in one iteration
	finish   func(Record)

	now       float64
	iteration int // iterations so far
	waiting   queue[*sequence]
	prefill   queue[*sequence] // in the batch, prompt not complete, in order of admission
	decoding  finishing        // in the batch, by the iteration of the last token
	admitted  []*sequence      // the batch in order of admission; sequences that left it linger until they are last
	context   int              // tokens that the decoding requests read in the next iteration
	reserved  int              // tokens of the KV cache in use or promised to prompts
	counts    Counts
}

// Counts are the totals of a server since it started. Integrals over time give averages when divided by a time span.
type Counts struct {
	Arrived, Finished, Rejected, Preempted int
	InputTokens, OutputTokens              int     // of finished requests
	Busy                                   float64 // seconds in which an iteration ran
	RunningSeconds                         float64 // integral of the requests in the batch
	WaitingSeconds                         float64 // integral of the requests waiting, added when they are admitted
	KVTokenSeconds                         float64 // integral of the tokens in the KV cache
}

// sequence is a request on a server.
type sequence struct {
	Record
	prompt    int // tokens to prefill: the input, and after a preemption what had been generated
	prefilled int
	generated int
	last      int // iteration that gives the last token, while decoding
	inBatch   bool
	queued    float64 // since when it waits, while it does
}

// NewServer returns an idle server at time 0. Every request, finished or rejected, is handed to finish, which may be nil.
func NewServer(spec model.Server, finish func(Record)) (*Server, error) {
	if err := spec.Validate(); err != nil {
		return nil, fmt.Errorf("simulator: %w", err)
	}
	s := &Server{spec: spec, batch: spec.MaxBatch, capacity: math.MaxInt, budget: math.MaxInt, finish: finish}
	if spec.KVCapacity > 0 {
		s.capacity = spec.KVCapacity
	}
	if spec.MaxBatchedTokens > 0 {
		s.budget = spec.MaxBatchedTokens
		s.batch = min(s.batch, s.budget) // every decoding request takes one token of the budget
	}
	if s.finish == nil {
		s.finish = func(Record) {}
	}
	return s, nil
}

// Now is the time up to which the server has run: the end of its last iteration, or what it was advanced to.
func (s *Server) Now() float64 { return s.now }

// Running counts the requests in the batch.
func (s *Server) Running() int { return s.prefill.len() + len(s.decoding) }

// Waiting counts the requests in the queue.
func (s *Server) Waiting() int { return s.waiting.len() }

// KVTokens counts the tokens of the KV cache that are taken.
func (s *Server) KVTokens() int { return s.reserved }

// KVUsage is the fraction of the KV cache that is taken; 0 where its size has no limit.
func (s *Server) KVUsage() float64 {
	if s.spec.KVCapacity == 0 {
		return 0
	}
	return float64(s.reserved) / float64(s.spec.KVCapacity)
}

// Counts returns the totals so far.
func (s *Server) Counts() Counts { return s.counts }

// Submit hands the server a request that arrives at r.At, up to which the server must have been advanced. It tells whether
// the request was accepted.
func (s *Server) Submit(r Request) bool {
	s.counts.Arrived++
	q := &sequence{Record: Record{Request: r, Admitted: math.NaN()}, prompt: max(r.Input, 0), queued: r.At}
	q.Output = max(r.Output, 1)
	if q.Input+q.Output > s.capacity || s.full() {
		q.Rejected = true
		s.counts.Rejected++
		s.finish(q.Record)
		return false
	}
	s.waiting.push(q)
	return true
}

// full tells whether the waiting room is, and the batch has no place either.
func (s *Server) full() bool {
	room := s.spec.MaxQueue
	if room == 0 {
		return false
	}
	return s.waiting.len() >= max(room, 0)+max(0, s.batch-s.Running())
}

// AdvanceTo runs the iterations that begin before t. An iteration that begins before t may end after it: then Now is its end.
func (s *Server) AdvanceTo(t float64) {
	for s.now < t {
		if !s.step() {
			s.pass(t - s.now)
			s.now = t
			return
		}
	}
}

// Drain runs until no request is left.
func (s *Server) Drain() {
	for s.step() {
	}
}

// step runs one iteration and tells whether there was anything to run. Requests in the batch come first, their decodes before the prompt that is only partly
// computed; what they leave of the token budget goes to requests from the queue, in order, but not where one was just preempted.
func (s *Server) step() bool {
	preempted := s.makeRoom()
	decodes := len(s.decoding)
	computed, read := decodes, s.context
	budget := s.budget - decodes
	completed, chunk := 0, 0 // prompts that this iteration completes, and the part of the next one that it computes
	for i := 0; budget > 0 && chunk == 0; i++ {
		if i == s.prefill.len() && (preempted || !s.admit()) {
			break
		}
		q := s.prefill.at(i)
		rest := max(q.prompt-q.prefilled, 1) // an empty prompt still computes a token
		part := min(rest, budget)
		budget -= part
		computed += part
		read += q.prefilled
		if part < rest {
			chunk = part
		} else {
			completed++
		}
	}
	if s.Running() == 0 {
		return false
	}
	took := s.spec.Profile.Iteration(float64(computed), float64(read), float64(decodes+completed+min(chunk, 1)))
	s.pass(took)
	s.counts.Busy += took
	s.now += took
	s.iteration++
	s.context += decodes
	s.reserved += decodes
	s.finishDecodes()
	for range completed {
		s.firstToken(s.prefill.pop())
	}
	if chunk > 0 {
		s.prefill.first().prefilled += chunk
	}
	return true
}

// admit moves the request at the head of the queue into the batch, if both the batch and the KV cache have room for it as a whole beside the tokens that the
// decoding requests are about to add.
func (s *Server) admit() bool {
	if s.waiting.len() == 0 || s.Running() == s.batch {
		return false
	}
	q := s.waiting.first()
	if s.reserved+len(s.decoding)+q.prompt+1 > s.capacity && s.Running() > 0 {
		return false
	}
	s.waiting.pop()
	if math.IsNaN(q.Admitted) {
		q.Admitted = s.now
	}
	s.counts.WaitingSeconds += s.now - q.queued
	q.inBatch, q.prefilled = true, 0
	s.reserved += q.prompt + 1 // and the token that it will give
	s.prefill.push(q)
	s.admitted = append(s.admitted, q)
	return true
}

// makeRoom preempts the latest requests until every decoding request has room for one more token, and tells whether it had to. The last one left in the batch
// always has: a request that could not fit alone was rejected.
func (s *Server) makeRoom() bool {
	before := s.counts.Preempted
	for s.reserved+len(s.decoding) > s.capacity && s.Running() > 1 {
		s.preempt()
	}
	return s.counts.Preempted > before
}

// preempt sends the latest request of the batch back to the head of the queue; its tokens will be computed again.
func (s *Server) preempt() {
	q := s.latest()
	q.inBatch = false
	if q.last == 0 { // still prefilling, and so the last of those
		s.reserved -= q.prompt + 1
		s.prefill.popLast()
	} else {
		q.generated = q.Output - (q.last - s.iteration)
		held := q.Input + q.generated
		s.reserved -= held
		s.context -= held
		s.decoding.remove(q)
		q.prompt, q.last = held, 0
	}
	q.Preempted++
	q.queued = s.now
	s.counts.Preempted++
	s.waiting.pushFront(q)
}

// latest returns the request of the batch that was admitted last and takes it off the list.
func (s *Server) latest() *sequence {
	for {
		q := s.admitted[len(s.admitted)-1]
		s.admitted = s.admitted[:len(s.admitted)-1]
		if q.inBatch {
			return q
		}
	}
}

// firstToken ends the prefill of a request: its prompt is complete and gave one token.
func (s *Server) firstToken(q *sequence) {
	q.prefilled = q.prompt
	q.generated++
	if q.generated == 1 {
		q.FirstToken = s.now
	}
	if q.generated >= q.Output {
		s.leave(q)
		return
	}
	q.last = s.iteration + q.Output - q.generated
	s.context += q.Input + q.generated
	heap.Push(&s.decoding, q)
}

// finishDecodes takes the requests out that got their last token.
func (s *Server) finishDecodes() {
	for len(s.decoding) > 0 && s.decoding[0].last == s.iteration {
		q := heap.Pop(&s.decoding).(*sequence)
		s.context -= q.Input + q.Output
		s.leave(q)
	}
}

func (s *Server) leave(q *sequence) {
	q.inBatch = false
	q.Finished = s.now
	s.reserved -= q.Input + q.Output
	s.counts.Finished++
	s.counts.InputTokens += q.Input
	s.counts.OutputTokens += q.Output
	s.tidy()
	s.finish(q.Record)
}

// tidy forgets sequences that left the batch, once they are most of the list.
func (s *Server) tidy() {
	if len(s.admitted) < 64 || len(s.admitted) < 4*s.Running() {
		return
	}
	kept := s.admitted[:0]
	for _, q := range s.admitted {
		if q.inBatch {
			kept = append(kept, q)
		}
	}
	clear(s.admitted[len(kept):])
	s.admitted = kept
}

// pass adds a span of time to the integrals.
func (s *Server) pass(seconds float64) {
	s.counts.RunningSeconds += seconds * float64(s.Running())
	s.counts.KVTokenSeconds += seconds * float64(s.reserved)
}
