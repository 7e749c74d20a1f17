package wva

import (
	"slices"
)

// History is what one cycle leaves to the next. The zero History is a fresh start. It is a plain value that survives
// JSON; Decide never changes the one it is given.
type History struct {
	Variants []VariantHistory `json:"variants,omitempty"` // by ID
}

// VariantHistory is what is remembered of one variant while its scale target exists.
type VariantHistory struct {
	ID     ID  `json:"id"`
	Target int `json:"target"` // the last decision's
}

// Variant returns what is remembered of a variant.
func (h History) Variant(id ID) (VariantHistory, bool) {
	i, ok := slices.BinarySearchFunc(h.Variants, id, func(v VariantHistory, id ID) int { return v.ID.Compare(id) })
	if !ok {
		return VariantHistory{}, false
	}
	return h.Variants[i], true
}
