package main

import (
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/wva-go/wva"
)

// printTable prints one step: what each variant runs and has left, what it should run, and why.
func printTable(out io.Writer, report wva.Report, rate float64) error {
	fmt.Fprintf(out, "%s  load %.1f requests/s  cost %.0f an hour (%+.0f)\n", report.At.Format("15:04"), rate, report.Cost, report.CostDelta)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "  VARIANT\tACCELERATOR\tREADY\tCURRENT\tTARGET\tSPARE KV\tSPARE QUEUE\tCOST/H\tREASON")
	for _, d := range report.Decisions {
		kv, queue := headroom(report, d)
		fmt.Fprintf(w, "  %s\t%s\t%d\t%d\t%d\t%s\t%s\t%.0f\t%s\n",
			d.Variant.Name, d.Accelerator, d.Ready, d.Current, d.Target, kv, queue, d.Cost, d.Why())
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, p := range report.Problems {
		fmt.Fprintf(out, "  %s: %s\n", p.Kind, p.Message)
	}
	_, err := fmt.Fprintln(out)
	return err
}

// headroom is what the replicas of a variant that are not saturated have left below the thresholds, on average.
func headroom(report wva.Report, d wva.Decision) (kv, queue string) {
	for _, m := range report.Models {
		if m.Model != d.Model || m.Namespace != d.Variant.Namespace || m.Saturation == nil {
			continue
		}
		v, ok := m.Saturation.Variant(d.Variant.Name)
		switch {
		case !ok:
			return "-", "-"
		case v.NonSaturated == 0:
			return "none", "none"
		}
		return fmt.Sprintf("%.0f%%", 100*v.SpareKV), fmt.Sprintf("%.1f", v.SpareQueue)
	}
	return "-", "-"
}
