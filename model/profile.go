package model

import (
	"fmt"
	"math"
)

// Profile is the time law of one iteration of continuous batching on one server:
//
//	iteration = Alpha + Beta·(tokens computed) + Gamma·(context tokens read) + Request·(requests)
//
// Computed are the prompt tokens prefilled in the iteration plus one for each request that decodes; read are the
// tokens already in the KV cache of the requests in the batch. Requests are those that the iteration computes something for: what sampling and bookkeeping take, which a
// decode costs and a long prompt does not cost for each of its tokens. Most measurements do not tell Beta from Request; 0 puts all of it down to Beta.
type Profile struct {
	Alpha float64 `json:"alpha"` // seconds per iteration: weights read from memory, kernel launches, scheduling
	Beta  float64 `json:"beta"`  // seconds per token computed
	Gamma float64 `json:"gamma"` // seconds per context token read
	// Request is in seconds per request and iteration.
	Request float64 `json:"request,omitempty"`
}

// Iteration returns the seconds that an iteration takes which computes and reads that many tokens for so many requests.
func (p Profile) Iteration(computed, read, requests float64) float64 {
	return p.Alpha + p.Beta*computed + p.Gamma*read + p.Request*requests
}

// Validate refuses a parameter that is negative or not finite, and a profile in which time stands still.
func (p Profile) Validate() error {
	for _, f := range []struct {
		name  string
		value float64
	}{{"alpha", p.Alpha}, {"beta", p.Beta}, {"gamma", p.Gamma}, {"request", p.Request}} {
		if math.IsNaN(f.value) || math.IsInf(f.value, 0) || f.value < 0 {
			return fmt.Errorf("profile: %s %v: want a finite number of seconds, 0 or more", f.name, f.value)
		}
	}
	if p.Alpha+p.Beta == 0 {
		return fmt.Errorf("profile: alpha and beta are both 0: an iteration would take no time")
	}
	return nil
}
