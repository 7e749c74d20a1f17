package cost

import (
	"errors"
	"fmt"
	"math"
)

// ErrUnknownAccelerator says that the price list does not have an accelerator. Its variants can still be priced by
// their variant cost.
var ErrUnknownAccelerator = errors.New("no unit cost for this accelerator")

// Allocation is a number of like replicas on one accelerator.
type Allocation struct {
	Accelerator       string `json:"accelerator"`                 // name or type; may be empty where there are no replicas
	Replicas          int    `json:"replicas"`                    // 0 costs nothing
	DevicesPerReplica int    `json:"devicesPerReplica,omitempty"` // 0 counts as 1
}

// PerHour is the cost of an allocation:
//
//	cost per hour = unit cost · devices per replica · replicas
//
// The error wraps [ErrUnknownAccelerator] where the list does not price it, and names a count that is negative or a
// product that is not finite.
func (c UnitCosts) PerHour(a Allocation) (float64, error) {
	switch {
	case a.Replicas < 0:
		return 0, fmt.Errorf("cost: allocation on %q: replicas %d: want 0 or more", a.Accelerator, a.Replicas)
	case a.DevicesPerReplica < 0:
		return 0, fmt.Errorf("cost: allocation on %q: devices per replica %d: want 1 or more", a.Accelerator, a.DevicesPerReplica)
	case a.Replicas == 0:
		return 0, nil
	}
	u, ok := c.Lookup(a.Accelerator)
	if !ok {
		return 0, fmt.Errorf("cost: accelerator %q: %w", a.Accelerator, ErrUnknownAccelerator)
	}
	devices := max(a.DevicesPerReplica, 1)
	perHour := u.PerHour * float64(devices) * float64(a.Replicas)
	if !(perHour >= 0) || math.IsInf(perHour, 0) {
		return 0, fmt.Errorf("cost: %d replicas of %d devices at %v per hour each: want a product that is finite, 0 or more",
			a.Replicas, devices, u.PerHour)
	}
	return perHour, nil
}

// Difference is the change in cost per hour when to replaces from: positive where to is the dearer one.
func (c UnitCosts) Difference(from, to Allocation) (float64, error) {
	before, err := c.PerHour(from)
	if err != nil {
		return 0, err
	}
	after, err := c.PerHour(to)
	if err != nil {
		return 0, err
	}
	return after - before, nil
}
