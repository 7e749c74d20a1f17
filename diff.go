package wva

import (
	"fmt"
	"strings"
)

// Change is how the decision for one variant differs between two reports.
type Change struct {
	Variant ID        `json:"variant"`
	Before  *Decision `json:"before,omitempty"` // nil where the first report has none
	After   *Decision `json:"after,omitempty"`  // nil where the second has none
}

// Difference is what changes between two reports, as when a Snapshot is edited and decided again.
type Difference struct {
	Changes []Change `json:"changes"` // variants whose target differs, by ID
	Cost    float64  `json:"cost"`    // per hour, of the second less the first
}

// Diff compares the targets of two reports.
func Diff(before, after Report) Difference {
	d := Difference{Changes: []Change{}, Cost: after.Cost - before.Cost}
	for i := range before.Decisions {
		b := &before.Decisions[i]
		a, ok := after.Decision(b.Variant)
		switch {
		case !ok:
			d.Changes = append(d.Changes, Change{Variant: b.Variant, Before: b})
		case a.Target != b.Target:
			d.Changes = append(d.Changes, Change{Variant: b.Variant, Before: b, After: &a})
		}
	}
	for i := range after.Decisions {
		a := &after.Decisions[i]
		if _, ok := before.Decision(a.Variant); !ok {
			d.Changes = append(d.Changes, Change{Variant: a.Variant, After: a})
		}
	}
	return d
}

// String renders the difference for people, a line for each variant and one for the cost.
func (d Difference) String() string {
	var b strings.Builder
	for _, c := range d.Changes {
		switch {
		case c.Before == nil:
			fmt.Fprintf(&b, "%s: new, %d: %s\n", c.Variant, c.After.Target, c.After.Why())
		case c.After == nil:
			fmt.Fprintf(&b, "%s: gone, was %d\n", c.Variant, c.Before.Target)
		default:
			fmt.Fprintf(&b, "%s: %d rather than %d: %s\n", c.Variant, c.After.Target, c.Before.Target, c.After.Why())
		}
	}
	fmt.Fprintf(&b, "%+.2f an hour\n", d.Cost)
	return b.String()
}
