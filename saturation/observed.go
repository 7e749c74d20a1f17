package saturation

import (
	"cmp"
	"fmt"
	"slices"
)

// Observed is how many tokens servers had in use when their queue was at its threshold: what an accelerator can compute at a
// length of answers. It is a plain value of one model, which a caller keeps from one analysis to the next.
type Observed struct {
	Accelerator string    `json:"accelerator,omitempty"`
	Answers     string    `json:"answers"` // length class: short below 100 tokens, medium below 500, long above
	Tokens      []float64 `json:"tokens"`  // the last ten, oldest first
}

// rolling is how many observations of a class count.
const rolling = 10

// The length classes of answers.
const (
	shortAnswers  = "short"
	mediumAnswers = "medium"
	longAnswers   = "long"
)

// answers classes a mean answer length in tokens.
func answers(output float64) string {
	switch {
	case output < 100:
		return shortAnswers
	case output < 500:
		return mediumAnswers
	}
	return longAnswers
}

// computeClass is what observations of one model are gathered by.
type computeClass struct{ accelerator, answers string }

func (r *TokenReplica) class() computeClass { return computeClass{r.Accelerator, answers(r.Output)} }

// atComputeLimit tells that the server has more requests than it can take on. An empty queue shows no limit, whatever the threshold.
func (r *TokenReplica) atComputeLimit(cfg TokenConfig) bool {
	return r.QueueLength >= cfg.QueueLengthThreshold && r.QueueLength > 0 && r.TokensInUse > 0
}

// observe adds to before the replicas that are at their compute limit now. Replicas are sorted, so that among those of one moment the
// order of the input does not count; of more than ten the middle ten are kept.
func observe(before []Observed, replicas []TokenReplica, cfg TokenConfig) ([]Observed, error) {
	gathered := make(map[computeClass][]float64, len(before))
	for i, o := range before {
		if err := o.validate(); err != nil {
			return nil, fmt.Errorf("observed %d: %w", i, err)
		}
		k := computeClass{o.Accelerator, o.Answers}
		if _, twice := gathered[k]; twice {
			return nil, fmt.Errorf("observed %d: accelerator %q with %s answers: want one entry", i, o.Accelerator, o.Answers)
		}
		gathered[k] = slices.Clone(o.Tokens)
	}
	now := map[computeClass][]float64{}
	for i := range replicas {
		if r := &replicas[i]; r.atComputeLimit(cfg) {
			now[r.class()] = append(now[r.class()], r.TokensInUse)
		}
	}
	for k, tokens := range now {
		slices.Sort(tokens)
		if extra := len(tokens) - rolling; extra > 0 {
			tokens = tokens[extra/2 : extra/2+rolling]
		}
		gathered[k] = append(gathered[k], tokens...)
	}
	after := make([]Observed, 0, len(gathered))
	for k, tokens := range gathered {
		after = append(after, Observed{Accelerator: k.accelerator, Answers: k.answers, Tokens: tokens[max(0, len(tokens)-rolling):]})
	}
	slices.SortFunc(after, func(a, b Observed) int {
		return cmp.Or(cmp.Compare(a.Accelerator, b.Accelerator), cmp.Compare(a.Answers, b.Answers))
	})
	return after, nil
}

func (o Observed) validate() error {
	if o.Answers != shortAnswers && o.Answers != mediumAnswers && o.Answers != longAnswers {
		return fmt.Errorf("answers %q: want %s, %s or %s", o.Answers, shortAnswers, mediumAnswers, longAnswers)
	}
	for _, t := range o.Tokens {
		if !(t >= 0 && t <= maxTokens) {
			return fmt.Errorf("tokens %v: want a number from 0 to %g", t, maxTokens)
		}
	}
	return nil
}

// computeLimits returns the mean observation of each class.
func computeLimits(observed []Observed) map[computeClass]float64 {
	limits := make(map[computeClass]float64, len(observed))
	for _, o := range observed {
		if len(o.Tokens) == 0 {
			continue
		}
		total := 0.0
		for _, t := range o.Tokens {
			total += t
		}
		limits[computeClass{o.Accelerator, o.Answers}] = total / float64(len(o.Tokens))
	}
	return limits
}
