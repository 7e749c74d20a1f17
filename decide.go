package wva

import (
	"errors"
	"fmt"
	"slices"
)

// Decide turns what one cycle knows into one explained decision for each variant, and the history for the next cycle.
// It is pure: it changes none of its arguments, and the order of the slices in s makes no difference.
//
// A model whose metrics or analysis fail is held by the safety net while the others go on; the Report says so. An
// error means that no decision can be taken at all: the policy or the inventory is invalid, the snapshot has no time,
// or two variants share an ID. The History is then returned as it came.
func Decide(s Snapshot, p Policy, h History) (Report, History, error) {
	if err := errors.Join(p.Validate(), s.validate()); err != nil {
		return Report{}, h, fmt.Errorf("wva: %w", err)
	}
	c := newCycle(s, p, h)
	c.observe()
	for _, m := range c.models {
		c.analyze(m)
	}
	if p.Mode != CapacityOnly {
		c.propose()
		for _, m := range c.models {
			c.combine(m)
		}
	}
	for _, m := range c.models {
		p := c.pacing(m)
		for _, v := range m.variants {
			c.pace(v, p)
		}
		c.settleZero(m)
	}
	c.guard()
	for _, m := range c.models {
		m.predict()
	}
	return c.report(), c.remember(), nil
}

func (s Snapshot) validate() error {
	if s.At.IsZero() {
		return errors.New("snapshot: at is not set: the age of metrics is measured against it")
	}
	if err := s.Inventory.Validate(); err != nil {
		return err
	}
	ids := make([]ID, len(s.Variants))
	for i := range s.Variants {
		ids[i] = s.Variants[i].ID
	}
	slices.SortFunc(ids, ID.Compare)
	for i := 1; i < len(ids); i++ {
		if ids[i] == ids[i-1] {
			return fmt.Errorf("snapshot: variant %s is listed twice", ids[i])
		}
	}
	return nil
}
