package model

import "fmt"

// Architecture is the kind of a model's network. The performance model is calibrated for dense transformers; predictions for the
// others carry a warning.
type Architecture string

// The architectures. An empty one counts as dense.
const (
	Dense            Architecture = "dense"
	MixtureOfExperts Architecture = "mixture-of-experts"
	HybridStateSpace Architecture = "hybrid-state-space"
)

// Validate refuses an architecture that is none of the known ones.
func (a Architecture) Validate() error {
	switch a {
	case "", Dense, MixtureOfExperts, HybridStateSpace:
		return nil
	}
	return fmt.Errorf("architecture %q: want %s, %s or %s", string(a), Dense, MixtureOfExperts, HybridStateSpace)
}

// Warning says what to expect of predictions for an architecture that is not dense; it is empty for one that is.
func (a Architecture) Warning() string {
	switch a {
	case "", Dense:
		return ""
	case MixtureOfExperts:
		return "the performance model is calibrated for dense transformers: a mixture of experts reads only part of its weights for each token, so that small batches are faster than predicted and the cost of a batch grows with the experts it touches"
	case HybridStateSpace:
		return "the performance model is calibrated for dense transformers: a hybrid state-space model keeps a state of fixed size in most layers, so that KV usage and the cost of long contexts are lower than predicted"
	}
	return "the performance model is calibrated for dense transformers, and this architecture is unknown to it"
}
