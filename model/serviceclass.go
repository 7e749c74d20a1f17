package model

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"
)

// ServiceClass is a tier of service: what it promises for each model, and how much it matters when not every promise
// can be kept.
type ServiceClass struct {
	Name     string        `json:"name"`
	Priority int           `json:"priority"` // 1 is served first; larger numbers later
	Models   []ClassTarget `json:"models"`
}

// ClassTarget is what a service class promises for one model.
type ClassTarget struct {
	Model string `json:"model"`
	SLO   SLO    `json:"slo"`
}

// Target finds what the class promises for a model.
func (c ServiceClass) Target(model string) (SLO, bool) {
	for _, t := range c.Models {
		if t.Model == model {
			return t.SLO, true
		}
	}
	return SLO{}, false
}

// Validate joins everything that is wrong with the class.
func (c ServiceClass) Validate() error {
	var errs []error
	fail := func(err error) { errs = append(errs, fmt.Errorf("service class %q: %w", c.Name, err)) }
	if c.Name == "" {
		fail(errors.New("name is empty"))
	}
	if c.Priority < 1 {
		fail(fmt.Errorf("priority %d: want 1 or more", c.Priority))
	}
	models := make(map[string]bool, len(c.Models))
	for _, t := range c.Models {
		if t.Model == "" {
			fail(errors.New("model is empty"))
		}
		if models[t.Model] {
			fail(fmt.Errorf("model %q occurs twice: want one target for it", t.Model))
		}
		models[t.Model] = true
		if err := t.SLO.Validate(); err != nil {
			fail(fmt.Errorf("model %q: %w", t.Model, err))
		}
	}
	return errors.Join(errs...)
}

// ServiceClasses are the classes of one configuration, each name once.
type ServiceClasses []ServiceClass

// Validate joins everything that is wrong with the classes.
func (c ServiceClasses) Validate() error {
	var errs []error
	names := make(map[string]bool, len(c))
	for _, class := range c {
		errs = append(errs, class.Validate())
		if names[class.Name] {
			errs = append(errs, fmt.Errorf("service class %q occurs twice: want one of each name", class.Name))
		}
		names[class.Name] = true
	}
	return errors.Join(errs...)
}

// For finds the service class of a variant of a model, and what the class promises for it.
//
// A variant that names a class has that one: a class that is unknown, or does not list the model, is not found. Where
// class is empty it is the class with the smallest priority number among those that list the model; a tie goes to the
// stricter ITL, where no ITL is the least strict, and then to the name.
func (c ServiceClasses) For(class, model string) (ServiceClass, SLO, bool) {
	var best ServiceClass
	var promised SLO
	found := false
	for _, candidate := range c {
		slo, lists := candidate.Target(model)
		if !lists || class != "" && candidate.Name != class {
			continue
		}
		if !found || before(candidate, slo, best, promised) {
			best, promised, found = candidate, slo, true
		}
	}
	return best, promised, found
}

// before is the order in which classes claim a model that names none.
func before(a ServiceClass, ofA SLO, b ServiceClass, ofB SLO) bool {
	return cmp.Or(
		cmp.Compare(a.Priority, b.Priority),
		cmp.Compare(strictness(ofA.ITL), strictness(ofB.ITL)),
		cmp.Compare(a.Name, b.Name),
	) < 0
}

// strictness is the latency that a target allows; 0 promises nothing and so allows any.
func strictness(target time.Duration) time.Duration {
	if target == 0 {
		return math.MaxInt64
	}
	return target
}

// sorted orders the classes by name and the models of each by name.
func (c ServiceClasses) sorted() ServiceClasses {
	slices.SortFunc(c, func(a, b ServiceClass) int { return cmp.Compare(a.Name, b.Name) })
	for _, class := range c {
		slices.SortFunc(class.Models, func(a, b ClassTarget) int { return cmp.Compare(a.Model, b.Model) })
	}
	return c
}
