package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/wva-go/wva"
	"github.com/wva-go/wva/cost"
)

// result is both decisions and how they differ.
type result struct {
	At         time.Time      `json:"at"`
	Changed    []string       `json:"changed"`
	Notes      []string       `json:"notes,omitempty"`
	Before     wva.Report     `json:"before"`
	After      wva.Report     `json:"after"`
	Difference wva.Difference `json:"difference"` // its cost is by variant costs, as in the reports
	// The prices per hour are by unit cost, each by that of its own policy, and by variant cost for accelerators without one.
	PriceBefore float64 `json:"priceBefore"`
	PriceAfter  float64 `json:"priceAfter"`

	rows []row
}

// row is one variant in both.
type row struct {
	variant       wva.ID
	accelerator   string
	current       int
	before, after wva.Decision
	price         [2]float64
}

// compare decides both.
func compare(before, after scenario) (result, error) {
	r := result{At: before.snapshot.At, Changed: after.said, Notes: after.notes}
	var err error
	if r.Before, _, err = wva.Decide(before.snapshot, before.policy, before.history); err != nil {
		return r, fmt.Errorf("as it was: %w", err)
	}
	if r.After, _, err = wva.Decide(after.snapshot, after.policy, after.history); err != nil {
		return r, fmt.Errorf("as changed: %w", err)
	}
	r.Difference = wva.Diff(r.Before, r.After)
	for _, d := range r.Before.Decisions {
		x := row{variant: d.Variant, accelerator: d.Accelerator, current: d.Current, before: d}
		x.after, _ = r.After.Decision(d.Variant)
		x.price = [2]float64{price(before, x.before), price(after, x.after)}
		r.PriceBefore += x.price[0]
		r.PriceAfter += x.price[1]
		r.rows = append(r.rows, x)
	}
	return r, nil
}

// price is what the target of a decision costs an hour.
func price(s scenario, d wva.Decision) float64 {
	v, _ := s.variant(d.Variant)
	perHour, err := s.policy.UnitCosts.PerHour(cost.Allocation{Accelerator: v.Accelerator, Replicas: d.Target, DevicesPerReplica: v.Devices})
	if err != nil {
		return v.Cost * float64(d.Target)
	}
	return perHour
}

func (r result) writeJSON(out io.Writer) error {
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	return encoder.Encode(r)
}

func (r result) writeTable(out io.Writer) error {
	fmt.Fprintf(out, "%s  %s  %s\n\n", r.At.Format(time.RFC3339), r.After.Mode, strings.Join(r.Changed, "  "))
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "VARIANT\tACCELERATOR\tRUNS\tTARGET\tCOST/H\tTTFT\tITL")
	for _, x := range r.rows {
		fmt.Fprintf(w, "%s\t%s\t%d\t%s\t%s\t%s\t%s\n", x.variant, x.accelerator, x.current,
			arrow(fmt.Sprint(x.before.Target), fmt.Sprint(x.after.Target)), arrow(money(x.price[0]), money(x.price[1])),
			arrow(milliseconds(x.before.Predicted.TTFT), milliseconds(x.after.Predicted.TTFT)), arrow(milliseconds(x.before.Predicted.ITL), milliseconds(x.after.Predicted.ITL)))
	}
	fmt.Fprintf(w, "in all\t\t\t\t%s\t\t\n", arrow(money(r.PriceBefore), money(r.PriceAfter)))
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(out, "\ncost: %+.2f an hour\n", r.PriceAfter-r.PriceBefore)
	for _, c := range r.Difference.Changes {
		if c.Before != nil && c.After != nil {
			fmt.Fprintf(out, "%s, %d rather than %d: %s\n", c.Variant, c.After.Target, c.Before.Target, c.After.Why())
		}
	}
	for _, p := range r.After.Problems {
		fmt.Fprintf(out, "%s: %s\n", p.Kind, p.Message)
	}
	for _, n := range r.Notes {
		fmt.Fprintf(out, "note: %s\n", n)
	}
	if len(r.Difference.Changes) == 0 {
		fmt.Fprintln(out, "no target changes")
	}
	return nil
}

// arrow shows both values where they differ.
func arrow(before, after string) string {
	if before == after {
		return before
	}
	return before + " → " + after
}

func money(perHour float64) string { return fmt.Sprintf("%.2f", perHour) }

func milliseconds(r wva.Reading) string {
	if !r.Valid {
		return "-"
	}
	return fmt.Sprintf("%.0fms", 1e3*r.Value)
}
