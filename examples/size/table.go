package main

import (
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"
)

func (a answer) writeJSON(out io.Writer) error {
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	return encoder.Encode(a)
}

func (a answer) writeTable(out io.Writer) error {
	fmt.Fprintf(out, "%s, %g requests/s of %g tokens in and %g out, TTFT %v, ITL %v\n\n", a.Model, a.Rate, a.Input.Mean, a.Output.Mean, a.SLO.TTFT, a.SLO.ITL)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ACCELERATOR\tPROFILE\tKV TOKENS\tRATE/REPLICA\tREPLICAS\tCOST/H\tCOST/M OUTPUT TOKENS\tBOUND BY")
	for _, s := range a.Arrangements {
		profile, kv := "roofline", fmt.Sprint(s.KVTokens)
		if s.Points > 0 {
			profile = fmt.Sprintf("%d points", s.Points)
		}
		if s.KVTokens == 0 {
			profile, kv = "-", "-"
		}
		if s.Replicas == 0 {
			fmt.Fprintf(w, "%s\t%s\t%s\t-\t-\t-\t-\t%s\n", s.Arrangement, profile, kv, s.BoundBy)
			continue
		}
		perMillion := "-"
		if s.PerMillion > 0 {
			perMillion = fmt.Sprintf("%.2f", s.PerMillion)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%.2f\t%d\t%.2f\t%s\t%s\n", s.Arrangement, profile, kv, s.RatePerReplica, s.Replicas, s.PerHour, perMillion, s.BoundBy)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if a.Cheapest == nil {
		_, err := fmt.Fprintln(out, "\nno arrangement meets the SLO")
		return err
	}
	_, err := fmt.Fprintf(out, "\ncheapest: %s\n", a.Cheapest.Reason.Message)
	return err
}
