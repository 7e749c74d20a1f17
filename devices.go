package wva

import (
	"fmt"

	"github.com/wva-go/wva/model"
)

// deviceLedger keeps account of the devices that are free while a cycle hands them out.
type deviceLedger struct {
	limit InventoryLimit
	free  map[string]int // by accelerator type; absent = none
	types map[string]string
}

func newDeviceLedger(c *cycle) deviceLedger {
	l := deviceLedger{limit: c.snapshot.Inventory.Limit, free: map[string]int{}, types: map[string]string{}}
	for _, v := range c.variants {
		if _, ok := l.types[v.Accelerator]; !ok {
			l.types[v.Accelerator] = c.deviceType(v.Accelerator)
		}
	}
	for _, d := range c.snapshot.Inventory.Devices {
		l.free[c.deviceType(d.Type)] += d.Count
	}
	for _, v := range c.variants {
		l.free[l.typeOf(v)] -= v.Current * v.DevicesPerReplica()
	}
	return l
}

// deviceType resolves the name of an accelerator, or its type, to the type that inventories count.
func (c *cycle) deviceType(accelerator string) string {
	if accelerator == "" {
		return "unknown"
	}
	if u, ok := c.policy.UnitCosts.Lookup(accelerator); ok {
		return u.Type
	}
	if a, ok := model.LookupAccelerator(accelerator); ok {
		return a.Type
	}
	return accelerator
}

func (l deviceLedger) typeOf(v *variantState) string { return l.types[v.Accelerator] }

// room returns how many more replicas of v there are devices for.
func (l deviceLedger) room(v *variantState) int {
	switch l.limit {
	case InventoryUnlimited:
		return maxReplicas
	case InventoryLimited:
		return max(0, l.free[l.typeOf(v)]) / v.DevicesPerReplica()
	}
	return 0
}

// take hands out the devices of growth; a variant that shrinks gives none back within the cycle.
func (l deviceLedger) take(v *variantState, replicas int) {
	l.free[l.typeOf(v)] -= max(0, replicas) * v.DevicesPerReplica()
}

// refusal says why there is no room for v.
func (l deviceLedger) refusal(v *variantState) (ProblemKind, string) {
	if l.limit == InventoryUnknown {
		return InventoryMissing, "the devices there are could not be read, and there is no earlier inventory"
	}
	return InventoryShort, fmt.Sprintf("too few %s devices are free", l.typeOf(v))
}
