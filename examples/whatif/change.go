package main

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/wva-go/wva"
	"github.com/wva-go/wva/model"
)

// change is one thing that is different.
type change struct {
	text  string // as the user gave it, "-load 2"
	apply func(*scenario) error
}

// kind is a flag that makes changes.
type kind struct {
	flag, usage string
	parse       func(string) (change, error)
}

// kinds are the changes there are.
var kinds = []kind{
	{"inventory", "`TYPE=N` devices of an accelerator, or TYPE=+N or TYPE=-N more or fewer", parseInventory},
	{"itl", "`CLASS=TIME` between tokens, of a service class, a model or CLASS/MODEL", parseSLO("itl", func(s *model.SLO, d time.Duration) { s.ITL = d })},
	{"load", "`FACTOR`, or MODEL=FACTOR: as many requests times this", parseLoad},
	{"ttft", "`CLASS=TIME` to the first token, of a service class, a model or CLASS/MODEL", parseSLO("ttft", func(s *model.SLO, d time.Duration) { s.TTFT = d })},
	{"unit-cost", "`ACCELERATOR=COST` of one device per hour", parseUnitCost},
	{"variant-cost", "`VARIANT=COST` of one replica per hour (variantCost)", parseVariantCost},
}

// cut splits NAME=VALUE at the last sign, since names may have one.
func cut(text, value string) (string, string, error) {
	i := strings.LastIndex(text, "=")
	if i <= 0 || i == len(text)-1 {
		return "", "", fmt.Errorf("want NAME=%s", value)
	}
	return text[:i], text[i+1:], nil
}

func parseInventory(text string) (change, error) {
	name, value, err := cut(text, "N")
	if err != nil {
		return change{}, err
	}
	n, err := strconv.Atoi(value)
	if err != nil || n > most || n < -most {
		return change{}, fmt.Errorf("%q: want a number of devices, such as 4, +2 or -1", value)
	}
	relative := strings.HasPrefix(value, "+") || strings.HasPrefix(value, "-")
	return change{"-inventory " + text, func(s *scenario) error { return s.setInventory(name, n, relative) }}, nil
}

// most is beyond any inventory.
const most = 1_000_000

// setInventory changes the devices of one type. In an inventory without limit, the other types stay as good as without.
func (s *scenario) setInventory(name string, n int, relative bool) error {
	wanted := s.deviceType(name)
	known := s.deviceTypes()
	if !slices.Contains(known, wanted) {
		return unknown("-inventory", "accelerator", name, known)
	}
	inv := &s.snapshot.Inventory
	if inv.Limit != wva.InventoryLimited {
		if relative {
			return fmt.Errorf("-inventory %s: the inventory of the snapshot is %s: say how many there are, as in %s=4", name, limitName(inv.Limit), name)
		}
		*inv = wva.Limited()
		for _, t := range known {
			inv.Devices = append(inv.Devices, wva.Devices{Type: t, Count: most})
		}
	}
	i := slices.IndexFunc(inv.Devices, func(d wva.Devices) bool { return s.deviceType(d.Type) == wanted })
	if i < 0 {
		i = len(inv.Devices)
		inv.Devices = append(inv.Devices, wva.Devices{Type: wanted})
	}
	if relative {
		n += inv.Devices[i].Count
	}
	if n < 0 {
		return fmt.Errorf("-inventory %s: there are %d devices: not so many can go", name, inv.Devices[i].Count)
	}
	inv.Devices[i].Count = n
	return nil
}

func limitName(l wva.InventoryLimit) string {
	if l == wva.InventoryUnlimited {
		return "without limit"
	}
	return "not known"
}

// deviceTypes are the types that the inventory or a variant has, in order.
func (s *scenario) deviceTypes() []string {
	var types []string
	for _, d := range s.snapshot.Inventory.Devices {
		types = append(types, s.deviceType(d.Type))
	}
	for _, v := range s.snapshot.Variants {
		if v.Accelerator != "" {
			types = append(types, s.deviceType(v.Accelerator))
		}
	}
	slices.Sort(types)
	return slices.Compact(types)
}

// deviceType resolves an accelerator's name to its type, as Decide does.
func (s *scenario) deviceType(name string) string {
	if u, ok := s.policy.UnitCosts.Lookup(name); ok {
		return u.Type
	}
	if a, ok := model.LookupAccelerator(name); ok {
		return a.Type
	}
	return name
}

// parseSLO returns the parser of a flag that sets a target of service classes.
func parseSLO(flag string, set func(*model.SLO, time.Duration)) func(string) (change, error) {
	return func(text string) (change, error) {
		name, value, err := cut(text, "TIME")
		if err != nil {
			return change{}, err
		}
		d, err := time.ParseDuration(value)
		if err != nil || d <= 0 {
			return change{}, fmt.Errorf("%q: want a positive duration, such as 300ms", value)
		}
		return change{"-" + flag + " " + text, func(s *scenario) error {
			if s.policy.Mode == wva.CapacityOnly {
				s.notes = append(s.notes, "an SLO has no say in CAPACITY-ONLY mode: try -mode HYBRID")
			}
			var known []string
			found := false
			for _, class := range s.policy.ServiceClasses {
				for i := range class.Models {
					full := class.Name + "/" + class.Models[i].Model
					known = append(known, full)
					if name == class.Name || name == class.Models[i].Model || name == full {
						set(&class.Models[i].SLO, d)
						found = true
					}
				}
			}
			if !found {
				return unknown("-"+flag, "service class", name, known)
			}
			return nil
		}}, nil
	}
}

func parseUnitCost(text string) (change, error) {
	name, perHour, err := parseCost(text)
	return change{"-unit-cost " + text, func(s *scenario) error {
		if s.policy.Mode == wva.CapacityOnly {
			s.notes = append(s.notes, "unit costs have no say in CAPACITY-ONLY mode, which goes by variant costs: try -variant-cost, or -mode HYBRID")
		}
		var known []string
		for i, u := range s.policy.UnitCosts {
			if name == u.Accelerator || name == u.Type {
				s.policy.UnitCosts[i].PerHour = perHour
				return nil
			}
			known = append(known, u.Accelerator)
		}
		return unknown("-unit-cost", "accelerator", name, known)
	}}, err
}

func parseVariantCost(text string) (change, error) {
	name, perHour, err := parseCost(text)
	return change{"-variant-cost " + text, func(s *scenario) error {
		var known []string
		found := false
		for i, v := range s.snapshot.Variants {
			known = append(known, v.ID.String())
			if name == v.ID.String() || name == v.ID.Name {
				s.snapshot.Variants[i].Cost = perHour
				found = true
			}
		}
		if !found {
			return unknown("-variant-cost", "variant", name, known)
		}
		return nil
	}}, err
}

func parseCost(text string) (string, float64, error) {
	name, value, err := cut(text, "COST")
	if err != nil {
		return "", 0, err
	}
	perHour, err := strconv.ParseFloat(value, 64)
	if err != nil || !(perHour >= 0) || math.IsInf(perHour, 0) {
		return "", 0, fmt.Errorf("%q: want a cost per hour, 0 or more", value)
	}
	return name, perHour, nil
}

// unknown lists what there is instead.
func unknown(flag, what, name string, known []string) error {
	if len(known) == 0 {
		return fmt.Errorf("%s: no %s %q: there is none at all: is a -config missing?", flag, what, name)
	}
	return fmt.Errorf("%s: no %s %q: want one of %s", flag, what, name, strings.Join(known, ", "))
}
