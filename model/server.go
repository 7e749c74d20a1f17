package model

import "fmt"

// Server is one replica: how fast it iterates and how much it can hold.
type Server struct {
	Profile  Profile `json:"profile"`
	MaxBatch int     `json:"maxBatch"` // requests that run at once (vLLM's max-num-seqs), at least 1
	// MaxQueue bounds the requests that wait; the next one is rejected. 0 = no bound, as in vLLM; negative = no
	// waiting room at all.
	MaxQueue int `json:"maxQueue,omitempty"`
	// KVCapacity is the size of the KV cache in tokens. 0 = larger than the batch limit can ever fill.
	KVCapacity int `json:"kvCapacity,omitempty"`
	// MaxBatchedTokens bounds the tokens computed in one iteration (chunked prefill). 0 = no bound.
	MaxBatchedTokens int `json:"maxBatchedTokens,omitempty"`
}

// Validate names the first field that makes no server.
func (s Server) Validate() error {
	if err := s.Profile.Validate(); err != nil {
		return err
	}
	switch {
	case s.MaxBatch < 1:
		return fmt.Errorf("server: max batch %d: want at least 1", s.MaxBatch)
	case s.KVCapacity < 0:
		return fmt.Errorf("server: KV capacity %d: want a number of tokens, or 0 for no limit", s.KVCapacity)
	case s.MaxBatchedTokens < 0:
		return fmt.Errorf("server: max batched tokens %d: want a number of tokens, or 0 for no limit", s.MaxBatchedTokens)
	}
	return nil
}
