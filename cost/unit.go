package cost

import (
	"errors"
	"fmt"
)

// UnitCost is the price of one device of an accelerator.
type UnitCost struct {
	Accelerator string  `json:"accelerator"`      // short name, such as A100; variants are labelled with it
	Type        string  `json:"type"`             // product name, such as NVIDIA-A100-PCIE-80GB; nodes are labelled with it
	PerHour     float64 `json:"perHour"`          // cost per hour of one device
	Memory      int64   `json:"memory,omitempty"` // bytes of one device; 0 = not stated
}

// Validate names the first field that cannot be priced with.
func (u UnitCost) Validate() error {
	switch {
	case u.Accelerator == "":
		return errors.New("unit cost: accelerator is empty: want its name")
	case u.Type == "":
		return fmt.Errorf("unit cost of %s: type is empty: want the product name", u.Accelerator)
	case !(u.PerHour >= 0 && u.PerHour <= Highest):
		return fmt.Errorf("unit cost of %s: %v per hour: want a number from 0 to %g", u.Accelerator, u.PerHour, Highest)
	case u.Memory < 0:
		return fmt.Errorf("unit cost of %s: memory %d: want a number of bytes, or 0 where unknown", u.Accelerator, u.Memory)
	}
	return nil
}

// UnitCosts is a price list. Names and types are one set of words: each of them means one accelerator.
type UnitCosts []UnitCost

// Lookup finds an accelerator by its name or its type.
func (c UnitCosts) Lookup(accelerator string) (UnitCost, bool) {
	for _, u := range c {
		if u.Accelerator == accelerator || u.Type == accelerator {
			return u, true
		}
	}
	return UnitCost{}, false
}

// Validate joins what is wrong with each entry, and every word that means two of them.
func (c UnitCosts) Validate() error {
	var errs []error
	owner := make(map[string]int, 2*len(c))
	for i, u := range c {
		errs = append(errs, u.Validate())
		for _, word := range u.words() {
			if first, taken := owner[word]; taken && first != i {
				errs = append(errs, fmt.Errorf("unit costs: %q means both entry %d and entry %d: want one price for it",
					word, first, i))
			} else {
				owner[word] = i
			}
		}
	}
	return errors.Join(errs...)
}

// words are what Lookup finds u by.
func (u UnitCost) words() []string {
	if u.Accelerator == u.Type {
		return []string{u.Type}
	}
	return []string{u.Accelerator, u.Type}
}
