package saturation

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// TokenReplica is what one server reports for the token-based analysis.
type TokenReplica struct {
	Variant     string  `json:"variant"`
	Accelerator string  `json:"accelerator,omitempty"`
	TokensInUse float64 `json:"tokensInUse"` // tokens in the KV cache
	KVTokens    float64 `json:"kvTokens"`    // size of the KV cache in tokens
	QueueLength float64 `json:"queueLength"` // requests waiting in the server
	Input       float64 `json:"input"`       // mean prompt tokens
	Output      float64 `json:"output"`      // mean answer tokens
	PrefixHit   float64 `json:"prefixHit"`   // part of the prompt tokens that the prefix cache has, 0 to 1
	MaxBatch    int     `json:"maxBatch"`    // requests that run at once; 0 = not known
}

// GatewayQueue is what waits in front of the servers of a model.
type GatewayQueue struct {
	Requests float64 `json:"requests"`
	Bytes    float64 `json:"bytes"` // of the prompts; 0 = not known
}

// TokenAnalysis is the state of one model in tokens.
type TokenAnalysis struct {
	Supply      float64         `json:"supply"`      // tokens that the replicas that report can hold and compute
	Coming      float64         `json:"coming"`      // tokens of the replicas that are starting
	Demand      float64         `json:"demand"`      // tokens in use and those of the requests that wait
	Required    float64         `json:"required"`    // tokens missing for demand to be within ScaleUpThreshold, 0 or more
	Spare       float64         `json:"spare"`       // tokens that could go with demand still within ScaleDownBoundary, 0 or more
	Utilization float64         `json:"utilization"` // demand / supply; 0 without supply
	Variants    []VariantTokens `json:"variants"`    // by name
	Config      TokenConfig     `json:"config"`
	Observed    []Observed      `json:"observed,omitempty"` // for the next analysis
}

// VariantTokens is the share of one variant.
type VariantTokens struct {
	Variant    string  `json:"variant"`
	Ready      int     `json:"ready"`      // replicas that report
	Pending    int     `json:"pending"`    // replicas that are starting
	PerReplica float64 `json:"perReplica"` // median capacity of its replicas, tokens; 0 where none reports
	Supply     float64 `json:"supply"`     // tokens
	Demand     float64 `json:"demand"`     // tokens
}

// AnalyzeTokens compares what the servers of one model can hold and compute with what is asked of them, in tokens:
//
//	capacity = min(KV cache · KVCacheThreshold, compute limit)        of one replica
//	demand   = tokens in use + waiting requests · mean prompt tokens  of one replica
//	required = Σ demand / ScaleUpThreshold − supply − coming
//	spare    = supply − Σ demand / ScaleDownBoundary
//
// The compute limit is the tokens that replicas of the same accelerator and length of answers had in use with a queue at its
// threshold: the mean of the last ten in observed, to which the analysis adds. Where there is none it is what the batch limit
// holds, N·(input + output/2), and where that is not known there is no limit. A variant supplies the median of its replicas'
// capacities times their number.
//
// The requests in front of the servers ask for their prompts, less what the prefix caches have, and their answers.
//
// Pass the Observed of one analysis to the next; nil to begin. Variants without a state count with their replicas. An error names
// the replica, the state or the field and its value.
func AnalyzeTokens(replicas []TokenReplica, states []VariantState, gateway GatewayQueue, cfg TokenConfig, observed []Observed) (TokenAnalysis, error) {
	if err := errors.Join(cfg.Validate(), validateStates(states), gateway.validate()); err != nil {
		return TokenAnalysis{}, fmt.Errorf("saturation: %w", err)
	}
	for i := range replicas {
		if err := replicas[i].validate(); err != nil {
			return TokenAnalysis{}, fmt.Errorf("saturation: replica %d: %w", i, err)
		}
	}
	replicas = slices.Clone(replicas)
	slices.SortFunc(replicas, compareTokens)
	seen, err := observe(observed, replicas, cfg)
	if err != nil {
		return TokenAnalysis{}, fmt.Errorf("saturation: %w", err)
	}
	a := TokenAnalysis{Config: cfg, Observed: seen, Variants: byVariant(replicas, states, cfg, computeLimits(seen))}
	for _, v := range a.Variants {
		a.Supply += v.Supply
		a.Coming += float64(v.Pending) * v.PerReplica
		a.Demand += v.Demand
	}
	a.Demand += gateway.tokens(replicas)
	if len(replicas) > 0 {
		a.Required = max(0, a.Demand/cfg.ScaleUpThreshold-a.Supply-a.Coming)
		a.Spare = max(0, a.Supply-a.Demand/cfg.ScaleDownBoundary)
	}
	if a.Supply > 0 {
		a.Utilization = a.Demand / a.Supply
	}
	return a, nil
}

// byVariant sums up each variant that has a state or a replica. Replicas are sorted.
func byVariant(replicas []TokenReplica, states []VariantState, cfg TokenConfig, limits map[computeClass]float64) []VariantTokens {
	variants := make([]VariantTokens, 0, len(states))
	for _, s := range states {
		variants = append(variants, VariantTokens{Variant: s.Variant, Pending: max(s.Pending, s.Current-s.Ready, 0)})
	}
	byName := func(a, b VariantTokens) int { return strings.Compare(a.Variant, b.Variant) }
	slices.SortFunc(variants, byName)
	for i := range replicas {
		if i > 0 && replicas[i].Variant == replicas[i-1].Variant {
			continue
		}
		v := VariantTokens{Variant: replicas[i].Variant}
		if _, known := slices.BinarySearchFunc(variants[:len(states)], v, byName); !known {
			variants = append(variants, v)
		}
	}
	slices.SortFunc(variants, byName)
	capacities := make([]float64, 0, len(replicas))
	for i := range variants { // both are in the order of names
		v := &variants[i]
		capacities = capacities[:0]
		for len(replicas) > 0 && replicas[0].Variant == v.Variant {
			r := &replicas[0]
			capacities = append(capacities, r.capacity(cfg, limits))
			v.Demand += r.TokensInUse + r.QueueLength*r.Input
			replicas = replicas[1:]
		}
		v.Ready, v.PerReplica = len(capacities), median(capacities)
		v.Supply = float64(v.Ready) * v.PerReplica
	}
	return variants
}

// capacity returns the tokens that a replica can hold and compute; less than one is none.
func (r *TokenReplica) capacity(cfg TokenConfig, limits map[computeClass]float64) float64 {
	capacity := r.KVTokens * cfg.KVCacheThreshold // k1
	if limit, ok := limits[r.class()]; ok {
		capacity = min(capacity, limit) // k2, observed
	} else if limit := float64(r.MaxBatch) * (r.Input + r.Output/2); limit > 0 {
		capacity = min(capacity, limit) // k2 = N·(in + out/2)
	}
	if capacity < 1 {
		return 0
	}
	return capacity
}

// bytesPerToken is the usual length of a token in English text.
const bytesPerToken = 4

// tokens estimates what the waiting requests will need. Without replicas that report, nothing is known of their lengths.
func (g GatewayQueue) tokens(replicas []TokenReplica) float64 {
	if g.Requests == 0 || len(replicas) == 0 {
		return 0
	}
	var in, out, hit float64
	for i := range replicas {
		in += replicas[i].Input
		out += replicas[i].Output
		hit += replicas[i].PrefixHit
	}
	n := float64(len(replicas))
	prompts := g.Requests * in / n
	if g.Bytes > 0 {
		prompts = g.Bytes / bytesPerToken
	}
	return prompts*(1-min(1, hit/n)) + g.Requests*out/n
}

// compareTokens orders by every field, so that what it calls equal is equal: sums over sorted replicas do not depend on the order of
// the input.
func compareTokens(a, b TokenReplica) int {
	return cmp.Or(strings.Compare(a.Variant, b.Variant), cmp.Compare(a.TokensInUse, b.TokensInUse), cmp.Compare(a.QueueLength, b.QueueLength),
		cmp.Compare(a.KVTokens, b.KVTokens), cmp.Compare(a.Input, b.Input), cmp.Compare(a.Output, b.Output), cmp.Compare(a.PrefixHit, b.PrefixHit),
		cmp.Compare(a.MaxBatch, b.MaxBatch), strings.Compare(a.Accelerator, b.Accelerator))
}

// maxTokens is beyond any cache, prompt or answer. It keeps every result finite.
const maxTokens = 1e12

func (r *TokenReplica) validate() error {
	if r.Variant == "" {
		return errors.New("variant is empty")
	}
	for _, f := range [...]struct {
		name        string
		value, most float64
	}{
		{"tokens in use", r.TokensInUse, maxTokens}, {"KV tokens", r.KVTokens, maxTokens}, {"queue length", r.QueueLength, maxQueueLength},
		{"input", r.Input, maxTokens}, {"output", r.Output, maxTokens}, {"prefix hit", r.PrefixHit, 1}, {"max batch", float64(r.MaxBatch), maxQueueLength},
	} {
		if !(f.value >= 0 && f.value <= f.most) {
			return fmt.Errorf("%s: %s %v: want a number from 0 to %g", r.Variant, f.name, f.value, f.most)
		}
	}
	return nil
}

func (g GatewayQueue) validate() error {
	if !(g.Requests >= 0 && g.Requests <= maxQueueLength) {
		return fmt.Errorf("gateway queue: requests %v: want a number from 0 to %g", g.Requests, maxQueueLength)
	}
	if !(g.Bytes >= 0 && g.Bytes <= bytesPerToken*maxTokens) {
		return fmt.Errorf("gateway queue: bytes %v: want a number from 0 to %g", g.Bytes, bytesPerToken*maxTokens)
	}
	return nil
}

// median sorts values in place; 0 without any.
func median(values []float64) float64 {
	n := len(values)
	if n == 0 {
		return 0
	}
	slices.Sort(values)
	return (values[(n-1)/2] + values[n/2]) / 2
}
