package simulator

// Request is one prompt and the length of its answer.
type Request struct {
	At     float64 // arrival, seconds
	Input  int     // prompt tokens, 0 or more
	Output int     // answer tokens, at least 1
}

// Record is what became of a request. Times are seconds.
type Record struct {
	Request
	Rejected   bool    // there was no room in the queue, or the request could never fit the KV cache
	Admitted   float64 // when it first joined the batch
	FirstToken float64 // end of the iteration that completed its prompt
	Finished   float64 // end of the iteration that gave its last token
	Preempted  int     // how often it lost its place in the KV cache
}

// Wait is the time from arrival to the batch.
func (r Record) Wait() float64 { return r.Admitted - r.At }

// TTFT is the time to first token.
func (r Record) TTFT() float64 { return r.FirstToken - r.At }

// ITL is the mean inter-token latency; 0 for answers of one token.
func (r Record) ITL() float64 {
	if r.Output < 2 {
		return 0
	}
	return (r.Finished - r.FirstToken) / float64(r.Output-1)
}
