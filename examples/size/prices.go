package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/wva-go/wva/adapters/manifest"
	"github.com/wva-go/wva/cost"
	"github.com/wva-go/wva/model"
)

// guidePrices are those of the guide's accelerator-unitcost, in cents per hour and device.
var guidePrices = map[string]float64{"A100": 40, "H100": 80, "MI300X": 65}

// readPrices returns the price list of the accelerators to compare, by name in the catalogue.
func readPrices(f flagSet) (cost.UnitCosts, error) {
	prices, err := basePrices(f)
	if err != nil {
		return nil, err
	}
	for _, text := range f.costs {
		name, value, _ := strings.Cut(text, "=")
		perHour, err := strconv.ParseFloat(value, 64)
		unit := cost.UnitCost{Accelerator: name, Type: name, PerHour: perHour}
		if err := cmp.Or(err, unit.Validate()); err != nil {
			return nil, fmt.Errorf("-unit-cost %q: want ACCELERATOR=COST with a cost of 0 or more", text)
		}
		accelerator, ok := model.LookupAccelerator(name)
		if !ok {
			return nil, fmt.Errorf("-unit-cost %q: %w", text, unknownAccelerator(name))
		}
		prices = slices.DeleteFunc(prices, func(u cost.UnitCost) bool { return u.Accelerator == accelerator.Name })
		prices = append(prices, cost.UnitCost{Accelerator: accelerator.Name, Type: accelerator.Type, PerHour: perHour})
	}
	slices.SortFunc(prices, func(a, b cost.UnitCost) int { return cmp.Compare(a.Accelerator, b.Accelerator) })
	if f.accelerators == "" {
		return prices, nil
	}
	return choose(prices, f.accelerators)
}

// basePrices reads the file, or takes the guide's prices.
func basePrices(f flagSet) (cost.UnitCosts, error) {
	var prices cost.UnitCosts
	if f.unitCosts == "" {
		for _, a := range model.Accelerators() {
			if perHour, ok := guidePrices[a.Name]; ok {
				prices = append(prices, cost.UnitCost{Accelerator: a.Name, Type: a.Type, PerHour: perHour})
			}
		}
		return prices, nil
	}
	text, err := os.ReadFile(f.unitCosts)
	if err != nil {
		return nil, fmt.Errorf("-unit-costs: %w", err)
	}
	m, err := manifest.Parse(f.unitCosts, string(text))
	if err != nil {
		return nil, fmt.Errorf("-unit-costs: %w", err)
	}
	if len(m.Policy.UnitCosts) == 0 {
		return nil, fmt.Errorf("-unit-costs %s: no ConfigMap accelerator-unitcost in it", f.unitCosts)
	}
	for _, u := range m.Policy.UnitCosts {
		a, ok := lookup(u)
		if !ok {
			return nil, fmt.Errorf("-unit-costs %s: %w", f.unitCosts, unknownAccelerator(u.Accelerator))
		}
		u.Accelerator = a.Name
		prices = append(prices, u)
	}
	return prices, nil
}

// lookup finds the data sheet of a priced accelerator. What the price list says of its memory counts.
func lookup(u cost.UnitCost) (model.Accelerator, bool) {
	a, ok := model.LookupAccelerator(u.Accelerator)
	if !ok {
		a, ok = model.LookupAccelerator(u.Type)
	}
	if u.Memory > 0 {
		a.Memory = u.Memory
	}
	return a, ok
}

func unknownAccelerator(name string) error {
	var known []string
	for _, a := range model.Accelerators() {
		known = append(known, a.Name)
	}
	return fmt.Errorf("no data sheet of %q: want one of %s", name, strings.Join(known, ", "))
}

// choose keeps the accelerators of a comma-separated list.
func choose(prices cost.UnitCosts, list string) (cost.UnitCosts, error) {
	var chosen cost.UnitCosts
	var errs []error
	for _, name := range strings.Split(list, ",") {
		name = strings.TrimSpace(name)
		a, ok := model.LookupAccelerator(name)
		if !ok {
			errs = append(errs, fmt.Errorf("-accelerators: %w", unknownAccelerator(name)))
			continue
		}
		u, ok := prices.Lookup(a.Name)
		if !ok {
			errs = append(errs, fmt.Errorf("-accelerators: %s has no cost: add -unit-cost %s=COST", a.Name, a.Name))
			continue
		}
		chosen = append(chosen, u)
	}
	slices.SortFunc(chosen, func(a, b cost.UnitCost) int { return cmp.Compare(a.Accelerator, b.Accelerator) })
	return slices.Compact(chosen), errors.Join(errs...)
}
