package wva

import (
	"slices"
	"time"
)

// History is what one cycle leaves to the next. The zero History is a fresh start. It is a plain value that survives
// JSON; Decide never changes the one it is given.
type History struct {
	Variants []VariantHistory `json:"variants,omitempty"` // by ID
	Models   []ModelHistory   `json:"models,omitempty"`   // by key
}

// VariantHistory is what is remembered of one variant while its scale target exists.
type VariantHistory struct {
	ID     ID  `json:"id"`
	Target int `json:"target"` // the last decision's
	// Recommendations are the targets wanted within the stabilization windows, in order of time.
	Recommendations []Recommendation `json:"recommendations,omitempty"`
	// PendingSince is when replicas were first seen starting that are not ready yet.
	PendingSince time.Time `json:"pendingSince,omitzero"`
	// Startup is how long replicas take from the one to the other, learnt; 0 = not seen yet.
	Startup time.Duration `json:"startup,omitempty"`
}

// Variant returns what is remembered of a variant.
func (h History) Variant(id ID) (VariantHistory, bool) {
	i, ok := slices.BinarySearchFunc(h.Variants, id, func(v VariantHistory, id ID) int { return v.ID.Compare(id) })
	if !ok {
		return VariantHistory{}, false
	}
	return h.Variants[i], true
}

// Model returns what is remembered of a model.
func (h History) Model(key ModelKey) (ModelHistory, bool) {
	i, ok := slices.BinarySearchFunc(h.Models, key, func(m ModelHistory, key ModelKey) int { return m.Compare(key) })
	if !ok {
		return ModelHistory{}, false
	}
	return h.Models[i], true
}
