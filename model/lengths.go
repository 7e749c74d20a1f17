package model

import (
	"fmt"
	"math"
)

// TokenLengths describes the lengths of prompts or answers: their mean and their spread.
type TokenLengths struct {
	Mean float64 `json:"mean"`         // tokens per request
	CV   float64 `json:"cv,omitempty"` // coefficient of variation, standard deviation / mean; 0 = all alike
}

// SecondMoment returns E[L²] = Mean²·(1 + CV²).
func (l TokenLengths) SecondMoment() float64 { return l.Mean * l.Mean * (1 + l.CV*l.CV) }

// Validate refuses negative and non-finite numbers.
func (l TokenLengths) Validate() error {
	if math.IsNaN(l.Mean) || math.IsInf(l.Mean, 0) || l.Mean < 0 {
		return fmt.Errorf("token lengths: mean %v: want a finite number of tokens, 0 or more", l.Mean)
	}
	if math.IsNaN(l.CV) || math.IsInf(l.CV, 0) || l.CV < 0 {
		return fmt.Errorf("token lengths: coefficient of variation %v: want a finite number, 0 or more", l.CV)
	}
	return nil
}
