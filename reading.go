package wva

import (
	"encoding/json"
	"math"
)

// Reading is a measured number, or the absence of one: a metric that could not be read is not 0. The zero Reading is
// absent. In JSON it is the number or null.
type Reading struct {
	Value float64
	Valid bool // whether there is a value
}

// Read returns v as a Reading; NaN and infinities, which no sensor means, are absent.
func Read(v float64) Reading {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return Reading{}
	}
	return Reading{Value: v, Valid: true}
}

// Or returns the value, or otherwise where there is none.
func (r Reading) Or(otherwise float64) float64 {
	if r.Valid {
		return r.Value
	}
	return otherwise
}

// MarshalJSON writes the number, or null.
func (r Reading) MarshalJSON() ([]byte, error) {
	if !r.Valid {
		return []byte("null"), nil
	}
	return json.Marshal(r.Value)
}

// UnmarshalJSON reads a number or null.
func (r *Reading) UnmarshalJSON(data []byte) error {
	var v *float64
	if err := json.Unmarshal(data, &v); err != nil {
		return err
	}
	*r = Reading{}
	if v != nil {
		*r = Read(*v)
	}
	return nil
}
