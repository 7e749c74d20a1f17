package model

import "fmt"

// Batch is a run of requests that start together and have the same lengths.
type Batch struct {
	Requests int `json:"requests"`
	Input    int `json:"input"`  // prompt tokens of each
	Output   int `json:"output"` // answer tokens of each, at least 1
}

// Validate refuses batches without requests or without answers.
func (b Batch) Validate() error {
	if b.Requests < 1 || b.Input < 0 || b.Output < 1 {
		return fmt.Errorf("batch of %d requests, %d tokens in, %d out: want at least 1 request, 0 in and 1 out", b.Requests, b.Input, b.Output)
	}
	return nil
}

// workload is the coefficients of a time in a profile: time = α·iterations + β·computed + γ·read + request·requests.
type workload struct{ iterations, computed, read, requests float64 }

func (w workload) seconds(p Profile) float64 {
	return p.Alpha*w.iterations + p.Beta*w.computed + p.Gamma*w.read + p.Request*w.requests
}

// prefill is the workload of the prompts of n requests, which are computed as many at a time as the token budget allows.
func (b Batch) prefill(n int, budget float64) workload {
	tokens := float64(n) * max(float64(b.Input), 1)
	return workload{iterations: max(1, tokens/budget), computed: tokens, requests: float64(n)}
}

// decode is the workload of the tokens after the first: in the k-th of out − 1 iterations each of n requests reads in + k tokens.
func (b Batch) decode(n int) workload {
	d := float64(b.Output - 1)
	return workload{iterations: d, computed: d * float64(n), read: float64(n) * (d*float64(b.Input) + d*(d+1)/2), requests: d * float64(n)}
}

// whole is the workload of the batch from its start to its last token. What does not fit the KV cache or the batch limit waits
// for the next wave.
func (b Batch) whole(s Server) workload {
	budget := float64(defaultBudget)
	if s.MaxBatchedTokens > 0 {
		budget = float64(s.MaxBatchedTokens)
	}
	wave := b.Requests
	if s.MaxBatch > 0 {
		wave = min(wave, s.MaxBatch)
	}
	if s.KVCapacity > 0 {
		wave = max(1, min(wave, s.KVCapacity/(b.Input+b.Output)))
	}
	var total workload
	for rest := b.Requests; rest > 0; rest -= wave {
		n := min(rest, wave)
		for _, w := range []workload{b.prefill(n, budget), b.decode(n)} {
			total.iterations += w.iterations
			total.computed += w.computed
			total.read += w.read
			total.requests += w.requests
		}
	}
	return total
}

// defaultBudget is the token budget of servers that do not set one.
const defaultBudget = 8192

// Latency predicts the seconds from the start of a batch to its last token on an idle server.
func (b Batch) Latency(s Server) (float64, error) {
	if err := b.Validate(); err != nil {
		return 0, fmt.Errorf("model: %w", err)
	}
	if err := s.Validate(); err != nil {
		return 0, fmt.Errorf("model: %w", err)
	}
	return b.whole(s).seconds(s.Profile), nil
}
