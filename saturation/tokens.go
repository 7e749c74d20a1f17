package saturation

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
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

// TokenConfig holds the thresholds of the token-based analysis.
type TokenConfig struct {
	KVCacheThreshold     float64 `json:"kvCacheThreshold"`     // part of the KV cache that may be used, 0 to 1
	QueueLengthThreshold float64 `json:"queueLengthThreshold"` // waiting requests at which a server is at its compute limit
	ScaleUpThreshold     float64 `json:"scaleUpThreshold"`     // part of the supply that demand may reach before the model grows, in (0, 1]
	ScaleDownBoundary    float64 `json:"scaleDownBoundary"`    // part of the supply that demand may reach after the model shrinks, in (0, 1]
}

// DefaultTokenConfig returns WVA's defaults.
func DefaultTokenConfig() TokenConfig {
	return TokenConfig{KVCacheThreshold: 0.80, QueueLengthThreshold: 5, ScaleUpThreshold: 0.85, ScaleDownBoundary: 0.70}
}

// Validate says what each threshold has to be.
func (c TokenConfig) Validate() error {
	var errs []error
	for _, f := range []struct {
		name  string
		value float64
	}{{"kvCacheThreshold", c.KVCacheThreshold}, {"scaleUpThreshold", c.ScaleUpThreshold}, {"scaleDownBoundary", c.ScaleDownBoundary}} {
		if !(f.value > 0 && f.value <= 1) {
			errs = append(errs, fmt.Errorf("%s %v: want a number above 0, at most 1", f.name, f.value))
		}
	}
	if !(c.QueueLengthThreshold >= 0) || math.IsInf(c.QueueLengthThreshold, 0) {
		errs = append(errs, fmt.Errorf("queueLengthThreshold %v: want a finite number, 0 or more", c.QueueLengthThreshold))
	}
	if c.ScaleDownBoundary > c.ScaleUpThreshold {
		errs = append(errs, fmt.Errorf("scaleDownBoundary %v is above scaleUpThreshold %v: the model would grow and shrink in turn", c.ScaleDownBoundary, c.ScaleUpThreshold))
	}
	return errors.Join(errs...)
}

// Observed is how many tokens servers had in use when their queue was at its threshold: the compute limit of an accelerator at a length of answers. A plain
// value that a caller keeps from one analysis to the next.
type Observed struct {
	Accelerator string    `json:"accelerator,omitempty"`
	Answers     string    `json:"answers"` // short, medium or long
	Tokens      []float64 `json:"tokens"`  // the last ones, oldest first
}

// rolling is how many observations count.
const rolling = 10

// answers classes a mean answer length: below 100 tokens, below 500, and above.
func answers(output float64) string {
	switch {
	case output < 100:
		return "short"
	case output < 500:
		return "medium"
	}
	return "long"
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
	Ready      int     `json:"ready"`
	Pending    int     `json:"pending"`
	PerReplica float64 `json:"perReplica"` // median capacity of its replicas, tokens
	Supply     float64 `json:"supply"`
	Demand     float64 `json:"demand"`
}

// AnalyzeTokens compares what the servers of one model can hold and compute with what is asked of them, in tokens. A replica's capacity is the smaller of its KV cache up to the
// threshold and its compute limit, which is the tokens it had in use when its queue was at the threshold (the mean of the last ten of its kind in observed), or
// else what its batch limit holds, N·(in + out/2).
func AnalyzeTokens(replicas []TokenReplica, states []VariantState, gateway GatewayQueue, cfg TokenConfig, observed []Observed) (TokenAnalysis, error) {
	if err := errors.Join(cfg.Validate(), validateStates(states), gateway.validate()); err != nil {
		return TokenAnalysis{}, fmt.Errorf("saturation: %w", err)
	}
	for i, r := range replicas {
		if err := r.validate(); err != nil {
			return TokenAnalysis{}, fmt.Errorf("saturation: replica %d: %w", i, err)
		}
	}
	replicas = slices.SortedFunc(slices.Values(replicas), compareTokens)
	a := TokenAnalysis{Config: cfg, Observed: observe(observed, replicas, cfg)}
	states = slices.SortedFunc(slices.Values(states), func(a, b VariantState) int { return cmp.Compare(a.Variant, b.Variant) })
	for _, s := range states {
		v := VariantTokens{Variant: s.Variant, Pending: max(s.Pending, s.Current-s.Ready)}
		var capacities []float64
		for _, r := range replicas {
			if r.Variant == s.Variant {
				capacities = append(capacities, a.capacity(r))
				v.Demand += r.TokensInUse + r.QueueLength*r.Input
			}
		}
		v.Ready = len(capacities)
		v.PerReplica = median(capacities)
		v.Supply = float64(v.Ready) * v.PerReplica
		a.Supply += v.Supply
		a.Coming += float64(max(0, v.Pending)) * v.PerReplica
		a.Demand += v.Demand
		a.Variants = append(a.Variants, v)
	}
	a.Demand += gateway.tokens(replicas)
	if len(replicas) > 0 {
		a.Required = max(0, a.Demand/cfg.ScaleUpThreshold-a.Supply-a.Coming)
		a.Spare = max(0, a.Supply-a.Demand/cfg.ScaleDownBoundary)
		a.Utilization = a.Demand / max(a.Supply, math.SmallestNonzeroFloat64)
		if a.Supply == 0 {
			a.Utilization = 0
		}
	}
	return a, nil
}

func compareTokens(a, b TokenReplica) int {
	return cmp.Or(cmp.Compare(a.Variant, b.Variant), cmp.Compare(a.TokensInUse, b.TokensInUse), cmp.Compare(a.QueueLength, b.QueueLength),
		cmp.Compare(a.KVTokens, b.KVTokens), cmp.Compare(a.Input, b.Input), cmp.Compare(a.Output, b.Output))
}

func (r TokenReplica) validate() error {
	if r.Variant == "" {
		return errors.New("variant is empty")
	}
	for _, f := range []struct {
		name  string
		value float64
		most  float64
	}{
		{"tokens in use", r.TokensInUse, maxQueueLength}, {"KV tokens", r.KVTokens, maxQueueLength}, {"queue length", r.QueueLength, maxQueueLength},
		{"input", r.Input, maxQueueLength}, {"output", r.Output, maxQueueLength}, {"prefix hit", r.PrefixHit, 1}, {"max batch", float64(r.MaxBatch), maxQueueLength},
	} {
		if !(f.value >= 0 && f.value <= f.most) {
			return fmt.Errorf("%s: %s %v: want a number from 0 to %g", r.Variant, f.name, f.value, f.most)
		}
	}
	return nil
}

func (g GatewayQueue) validate() error {
	if !(g.Requests >= 0 && g.Requests <= maxQueueLength && g.Bytes >= 0 && g.Bytes <= maxQueueLength) {
		return fmt.Errorf("gateway queue %+v: want numbers from 0 to %g", g, maxQueueLength)
	}
	return nil
}

// bytesPerToken is the usual length of a token in English text.
const bytesPerToken = 4

// tokens estimates what the waiting requests will need: their prompts, less what the prefix caches have, and their answers.
func (g GatewayQueue) tokens(replicas []TokenReplica) float64 {
	if g.Requests == 0 || len(replicas) == 0 {
		return 0
	}
	var in, out, hit float64
	for _, r := range replicas {
		in += r.Input / float64(len(replicas))
		out += r.Output / float64(len(replicas))
		hit += r.PrefixHit / float64(len(replicas))
	}
	prompts := g.Requests * in
	if g.Bytes > 0 {
		prompts = g.Bytes / bytesPerToken
	}
	return prompts*(1-hit) + g.Requests*out
}

// capacity returns what a replica can hold and compute.
func (a TokenAnalysis) capacity(r TokenReplica) float64 {
	memory := r.KVTokens * a.Config.KVCacheThreshold
	for _, o := range a.Observed {
		if o.Accelerator == r.Accelerator && o.Answers == answers(r.Output) && len(o.Tokens) > 0 {
			sum := 0.0
			for _, t := range o.Tokens {
				sum += t
			}
			return min(memory, sum/float64(len(o.Tokens)))
		}
	}
	if compute := float64(r.MaxBatch) * (r.Input + r.Output/2); compute > 0 {
		return min(memory, compute)
	}
	return memory
}

// observe adds the replicas that are at their compute limit now.
func observe(before []Observed, replicas []TokenReplica, cfg TokenConfig) []Observed {
	after := make([]Observed, 0, len(before))
	for _, o := range before {
		o.Tokens = slices.Clone(o.Tokens)
		after = append(after, o)
	}
	for _, r := range replicas {
		if r.QueueLength < cfg.QueueLengthThreshold || r.TokensInUse == 0 {
			continue
		}
		i := slices.IndexFunc(after, func(o Observed) bool { return o.Accelerator == r.Accelerator && o.Answers == answers(r.Output) })
		if i < 0 {
			i = len(after)
			after = append(after, Observed{Accelerator: r.Accelerator, Answers: answers(r.Output)})
		}
		after[i].Tokens = append(after[i].Tokens, r.TokensInUse)
		after[i].Tokens = after[i].Tokens[max(0, len(after[i].Tokens)-rolling):]
	}
	slices.SortFunc(after, func(a, b Observed) int {
		return cmp.Or(cmp.Compare(a.Accelerator, b.Accelerator), cmp.Compare(a.Answers, b.Answers))
	})
	return after
}

func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	slices.Sort(values)
	n := len(values)
	return (values[(n-1)/2] + values[n/2]) / 2
}

// Targets chooses what each variant should run: as many replicas of the variants with the least cost for their capacity as the required tokens take, or as many
// fewer of the dearest as the spare tokens allow, the cheapest keeping one where no other has any. It does not wait for replicas that are starting: they count as
// coming. Bounds and errors are those of [Analysis.Targets].
func (a TokenAnalysis) Targets(states []VariantState) ([]Target, error) {
	if err := validateStates(states); err != nil {
		return nil, fmt.Errorf("saturation: %w", err)
	}
	states = slices.SortedFunc(slices.Values(states), func(a, b VariantState) int { return cmp.Compare(a.Variant, b.Variant) })
	targets := make([]Target, len(states))
	order := make([]int, len(states))
	for i, s := range states {
		order[i] = i
		targets[i] = Target{Variant: s.Variant, Start: s.Current, Replicas: s.Current,
			Reason: Reason{Kind: TokensSteady, Replicas: s.Current, Current: s.Current, Cost: s.Cost, Required: a.Required, Spare: a.Spare}}
	}
	if a.Required > 0 {
		a.grow(states, targets, order)
	} else if a.Spare > 0 {
		a.shrink(states, targets, order)
	}
	return targets, nil
}

func (a TokenAnalysis) perReplica(variant string) float64 {
	i := slices.IndexFunc(a.Variants, func(v VariantTokens) bool { return v.Variant == variant })
	if i < 0 {
		return 0
	}
	return a.Variants[i].PerReplica
}

func (a TokenAnalysis) grow(states []VariantState, targets []Target, order []int) {
	perToken := func(i int) float64 { return states[i].Cost / a.perReplica(states[i].Variant) }
	slices.SortStableFunc(order, func(x, y int) int { return cmp.Compare(perToken(x), perToken(y)) })
	rest := a.Required
	for _, i := range order {
		s, each := states[i], a.perReplica(states[i].Variant)
		if each <= 0 || rest <= 0 || s.Full {
			continue
		}
		n := int(min(math.Ceil(rest/each), 1e6))
		if s.Max > 0 {
			n = min(n, max(0, s.Max-s.Current))
		}
		if n > 0 {
			targets[i].change(n, TokensUp)
			rest -= float64(n) * each
		}
	}
}

func (a TokenAnalysis) shrink(states []VariantState, targets []Target, order []int) {
	slices.SortStableFunc(order, func(x, y int) int {
		return cmp.Or(cmp.Compare(states[y].Cost, states[x].Cost), cmp.Compare(y, x))
	})
	rest, total := a.Spare, 0
	for _, s := range states {
		total += s.Current
	}
	for k, i := range order {
		s, each := states[i], a.perReplica(states[i].Variant)
		if each <= 0 {
			continue
		}
		floor := s.Min
		if k == len(order)-1 && total-s.Current == 0 {
			floor = max(floor, 1) // the last replica of the model
		}
		if n := min(int(math.Floor(rest/each)), s.Current-floor, total-1); n > 0 {
			targets[i].change(-n, TokensDown)
			rest -= float64(n) * each
			total -= n
		}
	}
}

func (t *Target) change(by int, kind Kind) {
	t.Replicas += by
	t.Reason.Kind, t.Reason.Replicas = kind, t.Replicas
}

// Cautious combines the targets of several analyses of the same variants: of each the largest, with its reason.
func Cautious(analyses ...[]Target) []Target {
	best := map[string]Target{}
	for _, targets := range analyses {
		for _, t := range targets {
			if before, ok := best[t.Variant]; !ok || t.Replicas > before.Replicas {
				best[t.Variant] = t
			}
		}
	}
	combined := make([]Target, 0, len(best))
	for _, t := range best {
		combined = append(combined, t)
	}
	slices.SortFunc(combined, func(a, b Target) int { return cmp.Compare(a.Variant, b.Variant) })
	return combined
}
