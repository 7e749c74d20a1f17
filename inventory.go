package wva

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Inventory is how many accelerators there are for the fleet. Its zero value says that nobody knows, and then nothing
// grows: say [Unlimited] where there is no limit.
type Inventory struct {
	Limit   InventoryLimit `json:"limit"`
	Devices []Devices      `json:"devices,omitempty"` // of a limited inventory; a type that is not listed has none
	At      time.Time      `json:"at,omitzero"`       // when it was read
	Error   string         `json:"error,omitempty"`   // why a newer one could not be read, where that was tried
}

// InventoryLimit says what the Devices of an Inventory mean.
type InventoryLimit string

// The kinds of inventory.
const (
	InventoryUnknown   InventoryLimit = ""
	InventoryUnlimited InventoryLimit = "unlimited"
	InventoryLimited   InventoryLimit = "limited"
)

// Devices counts the accelerators of one type: all that the fleet may use, those in use included.
type Devices struct {
	Type  string `json:"type"` // accelerator type or name, as in the unit costs
	Count int    `json:"count"`
}

// Unlimited returns the inventory that never stands in the way.
func Unlimited() Inventory { return Inventory{Limit: InventoryUnlimited} }

// Limited returns an inventory of exactly these devices.
func Limited(devices ...Devices) Inventory {
	return Inventory{Limit: InventoryLimited, Devices: devices}
}

// Validate refuses negative counts, empty and duplicate types, and devices in an inventory that is not limited.
func (inv Inventory) Validate() error {
	switch inv.Limit {
	case InventoryUnknown, InventoryUnlimited:
		if len(inv.Devices) > 0 {
			return fmt.Errorf("inventory: limit %q with devices listed: want %q", inv.Limit, InventoryLimited)
		}
	case InventoryLimited:
	default:
		return fmt.Errorf("inventory: limit %q: want %q or %q", inv.Limit, InventoryUnlimited, InventoryLimited)
	}
	types := make([]string, 0, len(inv.Devices))
	for _, d := range inv.Devices {
		if d.Type == "" {
			return fmt.Errorf("inventory: a device type is empty")
		}
		if d.Count < 0 || d.Count > maxReplicas {
			return fmt.Errorf("inventory: %s: count %d: want a number from 0 to %d", d.Type, d.Count, maxReplicas)
		}
		types = append(types, d.Type)
	}
	slices.SortFunc(types, strings.Compare)
	for i := 1; i < len(types); i++ {
		if types[i] == types[i-1] {
			return fmt.Errorf("inventory: %s is listed twice", types[i])
		}
	}
	return nil
}
