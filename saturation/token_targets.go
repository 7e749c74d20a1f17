package saturation

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// Targets chooses what each variant should run. Missing tokens take as many replicas as they need, of the variants with the least
// cost for their capacity first; spare tokens let as many go as fit into them, of the dearest variants first. Equal variants go by
// name, the first to grow and the last to shrink.
//
// It does not wait for replicas that are starting: they count as coming. None grows above its maximum or without devices, and a
// variant of which no replica reports does not grow, since its capacity is not known. Unlike with [Analysis.Targets] a variant
// without a minimum may shrink to 0; of the model one replica that reports is always left. Targets come back in the
// order of names; an error names the variant and the value that cannot be.
func (a TokenAnalysis) Targets(states []VariantState) ([]Target, error) {
	if err := validateStates(states); err != nil {
		return nil, fmt.Errorf("saturation: %w", err)
	}
	unchanged := TokensSteady
	if !slices.ContainsFunc(a.Variants, func(v VariantTokens) bool { return v.Ready > 0 }) {
		unchanged = NoMetrics
	}
	variants := make([]tokenVariant, len(states))
	for i, s := range slices.SortedFunc(slices.Values(states), func(a, b VariantState) int { return cmp.Compare(a.Variant, b.Variant) }) {
		share := a.variant(s.Variant)
		variants[i] = tokenVariant{VariantState: s, position: i, each: share.PerReplica, reporting: min(share.Ready, s.Current)}
	}
	changes := make([]int, len(variants))
	switch {
	case a.Required > 0:
		a.grow(variants, changes)
	case a.Spare > 0:
		a.shrink(variants, changes)
	}
	targets := make([]Target, len(variants))
	for _, v := range variants {
		change := changes[v.position]
		n := v.Current + change
		reason := Reason{Kind: unchanged, Replicas: n, Current: v.Current, Cost: v.Cost, Required: a.Required, Spare: a.Spare}
		switch {
		case change > 0:
			reason.Kind = TokensUp
		case change < 0:
			reason.Kind = TokensDown
		}
		targets[v.position] = Target{Variant: v.Variant, Start: v.Current, Replicas: n, Reason: reason}
	}
	return targets, nil
}

// tokenVariant is a variant with what the analysis knows of it.
type tokenVariant struct {
	VariantState
	position  int     // in the order of names
	each      float64 // tokens of one replica, 0 = not known
	reporting int     // replicas that report and that its target asks for
}

// variant returns the share of a variant, nothing where it has none.
func (a TokenAnalysis) variant(name string) VariantTokens {
	i, ok := slices.BinarySearchFunc(a.Variants, name, func(v VariantTokens, name string) int { return cmp.Compare(v.Variant, name) })
	if !ok {
		return VariantTokens{}
	}
	return a.Variants[i]
}

// manyReplicas is beyond what a step can ask of one variant; it fits an int.
const manyReplicas = 1e6

// grow sorts variants by cost per token and takes ceil(rest / tokens of one) of each in turn.
func (a TokenAnalysis) grow(variants []tokenVariant, changes []int) {
	variants = slices.DeleteFunc(slices.Clone(variants), func(v tokenVariant) bool { return v.each == 0 || v.Full })
	slices.SortFunc(variants, func(x, y tokenVariant) int {
		return cmp.Or(cmp.Compare(x.Cost/x.each, y.Cost/y.each), cmp.Compare(x.position, y.position))
	})
	rest := a.Required
	for _, v := range variants {
		n := int(min(math.Ceil(rest/v.each), manyReplicas))
		if v.Max > 0 {
			n = min(n, max(0, v.Max-v.Current))
		}
		changes[v.position] = n
		if rest -= float64(n) * v.each; rest <= 0 {
			return
		}
	}
}

// shrink sorts variants by cost, the dearest first, and gives up floor(rest / tokens of one) of each in turn.
func (a TokenAnalysis) shrink(variants []tokenVariant, changes []int) {
	left := 0
	for _, v := range variants {
		left += v.reporting
	}
	variants = slices.DeleteFunc(slices.Clone(variants), func(v tokenVariant) bool { return v.each == 0 })
	slices.SortFunc(variants, func(x, y tokenVariant) int {
		return cmp.Or(cmp.Compare(y.Cost, x.Cost), cmp.Compare(y.position, x.position))
	})
	rest := a.Spare
	for _, v := range variants {
		n := int(min(math.Floor(rest/v.each), manyReplicas))
		n = max(0, min(n, v.Current-v.Min, v.reporting, left-1))
		changes[v.position] = -n
		left -= n
		rest -= float64(n) * v.each
	}
}
