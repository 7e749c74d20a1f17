package model

import (
	"fmt"
	"math"
	"time"
)

// SLO is what a service class promises. A zero field promises nothing.
type SLO struct {
	TTFT time.Duration `json:"ttft,omitempty"` // time to first token, waiting included
	ITL  time.Duration `json:"itl,omitempty"`  // inter-token latency
	// TTFTQuantile and ITLQuantile say which statistic the targets bound: 0 the mean, 0.95 the 95th percentile.
	TTFTQuantile float64 `json:"ttftQuantile,omitempty"`
	ITLQuantile  float64 `json:"itlQuantile,omitempty"`
	// TokensPerSecond is the least output-token throughput that one replica must reach.
	TokensPerSecond float64 `json:"tokensPerSecond,omitempty"`
}

// Validate refuses negative targets and quantiles outside [0, 1).
func (s SLO) Validate() error {
	if s.TTFT < 0 {
		return fmt.Errorf("SLO: TTFT %v: want 0 or more", s.TTFT)
	}
	if s.ITL < 0 {
		return fmt.Errorf("SLO: ITL %v: want 0 or more", s.ITL)
	}
	for _, q := range []struct {
		name  string
		value float64
	}{{"TTFT", s.TTFTQuantile}, {"ITL", s.ITLQuantile}} {
		if !(q.value >= 0 && q.value < 1) {
			return fmt.Errorf("SLO: %s quantile %v: want 0 for the mean, or a number below 1", q.name, q.value)
		}
	}
	if !(s.TokensPerSecond >= 0) || math.IsInf(s.TokensPerSecond, 0) {
		return fmt.Errorf("SLO: tokens per second %v: want a finite number, 0 or more", s.TokensPerSecond)
	}
	return nil
}
