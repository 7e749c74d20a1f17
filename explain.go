package wva

import (
	"fmt"
	"log/slog"
	"strings"
	"text/tabwriter"
)

// LogValue gives a decision to slog with its numbers as attributes.
func (d Decision) LogValue() slog.Value {
	attrs := []slog.Attr{
		slog.String("variant", d.Variant.String()),
		slog.String("model", d.Model),
		slog.String("action", string(d.Action)),
		slog.Int("current", d.Current),
		slog.Int("ready", d.Ready),
		slog.Int("target", d.Target),
		slog.Float64("cost", d.Cost),
		slog.String("why", d.Why()),
	}
	if d.Override != nil {
		attrs = append(attrs, slog.String("override", string(d.Override.Rule)), slog.Int("wanted", d.Override.Wanted))
	}
	for _, r := range d.Reasons {
		for _, n := range r.Numbers {
			attrs = append(attrs, slog.Float64(string(r.Rule)+"."+n.Name, n.Value))
		}
	}
	return slog.GroupValue(attrs...)
}

// String is the decision as one line.
func (d Decision) String() string {
	return fmt.Sprintf("%s %s %d → %d: %s", d.Variant, d.Action, d.Current, d.Target, d.Why())
}

// String renders the report as a table for people.
func (r Report) String() string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "VARIANT\tACCELERATOR\tREADY\tCURRENT\tTARGET\tCOST/H\tWHY")
	for _, d := range r.Decisions {
		fmt.Fprintf(w, "%s\t%s\t%d\t%d\t%d\t%.2f\t%s\n", d.Variant, d.Accelerator, d.Ready, d.Current, d.Target, d.Cost, d.Why())
	}
	w.Flush()
	for _, m := range r.Models {
		if d := m.Demand; d != nil {
			fmt.Fprintf(&b, "%s: %.3g requests/s (%.3g finish, %+.3g pile up), %.3g to provide for %v ahead (%.3g to work off what waits)\n",
				m.ModelKey, d.Rate, d.Completions, d.Growth, d.Forecast, d.Horizon, d.Drain)
		}
	}
	for _, p := range r.Problems {
		fmt.Fprintf(&b, "%s: %s\n", p.Kind, p.Message)
	}
	return b.String()
}
