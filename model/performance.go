package model

import (
	"errors"
	"fmt"
)

// Performance is what a server's requests experience at one rate. Times are seconds.
type Performance struct {
	Rate        float64 `json:"rate"`        // requests per second offered
	Throughput  float64 `json:"throughput"`  // requests per second served; below Rate where a finite queue rejects some
	TokenRate   float64 `json:"tokenRate"`   // output tokens per second
	Wait        Latency `json:"wait"`        // from arrival to a place in the batch
	TTFT        Latency `json:"ttft"`        // from arrival to the first token
	ITL         Latency `json:"itl"`         // between tokens; the mean over all tokens, the quantiles over requests
	Concurrency float64 `json:"concurrency"` // mean requests in the batch
	QueueLength float64 `json:"queueLength"` // mean requests waiting for a place in the batch
	Utilization float64 `json:"utilization"` // fraction of the time in which the server has requests
	KVOccupancy float64 `json:"kvOccupancy"` // mean fraction of the KV cache in use; 0 where its size has no limit
	Rejection   float64 `json:"rejection"`   // probability that a request is rejected
}

// Latency is a mean and quantiles, in seconds.
type Latency struct {
	Mean float64 `json:"mean"`
	P50  float64 `json:"p50"`
	P90  float64 `json:"p90"`
	P95  float64 `json:"p95"`
	P99  float64 `json:"p99"`
}

// Capacity is the highest rate at which one server meets an SLO.
type Capacity struct {
	Rate        float64     `json:"rate"`    // requests per second
	Binding     Binding     `json:"binding"` // what keeps the rate from being higher
	Performance Performance `json:"performance"`
}

// Binding names what limits a Capacity.
type Binding string

// The limits.
const (
	BindingTTFT       Binding = "ttft"
	BindingITL        Binding = "itl"
	BindingThroughput Binding = "stability" // beyond the rate the queue grows without bound, or a finite one overflows
)

// ErrUnstable is wrapped by every UnstableError, ErrInfeasible by every InfeasibleError.
var (
	ErrUnstable   = errors.New("more requests than the server can serve")
	ErrInfeasible = errors.New("no rate meets the SLO")
)

// UnstableError says that a rate is at or above what the server can serve in the long run.
type UnstableError struct {
	Rate float64 // requests per second asked for
	Max  float64 // requests per second below which the server is stable
}

func (e *UnstableError) Error() string {
	return fmt.Sprintf("model: rate %g requests/s: %v: its maximum is %g", e.Rate, ErrUnstable, e.Max)
}

func (e *UnstableError) Unwrap() error { return ErrUnstable }

// InfeasibleError says which target no rate can meet, and by how much the best case misses it.
type InfeasibleError struct {
	Target string  // "TTFT", "ITL" or "tokens per second"
	Want   float64 // the target: seconds, or tokens per second
	Floor  float64 // the best that the server can do, in the same unit
}

func (e *InfeasibleError) Error() string {
	if e.Target == targetTokens {
		return fmt.Sprintf("model: %v: %s %g is above the %g that the server can reach (%+.1f%%)", ErrInfeasible, e.Target, e.Want, e.Floor, 100*(e.Want/e.Floor-1))
	}
	return fmt.Sprintf("model: %v: %s %.4gs is below the %.4gs of a request alone (by %.1f%%)", ErrInfeasible, e.Target, e.Want, e.Floor, 100*(1-e.Want/e.Floor))
}

func (e *InfeasibleError) Unwrap() error { return ErrInfeasible }

const (
	targetTTFT   = "TTFT"
	targetITL    = "ITL"
	targetTokens = "tokens per second"
)
