package report

import (
	"encoding/csv"
	"io"
	"strconv"
)

// CSV writes a line for every policy, interval and variant: the state at its end, what the requests of its model met, and what was decided and why.
func (r Report) CSV(w io.Writer) error {
	out := csv.NewWriter(w)
	header := []string{
		"policy", "seconds", "rate", "model", "variant", "replicas", "ready", "kv_usage", "waiting", "finished", "within_slo",
		"ttft_p50", "ttft_p95", "ttft_p99", "itl_p50", "itl_p95", "itl_p99", "cost_per_hour", "cost", "target", "action", "override", "why",
	}
	if err := out.Write(header); err != nil {
		return err
	}
	for _, run := range r.Runs {
		for i, moment := range run.Moments {
			rate := 0.0
			if i < len(r.Load.Rates) {
				rate = r.Load.Rates[i]
			}
			for j, v := range moment.Variants {
				row := []string{run.Policy, number(moment.Seconds), number(rate)}
				for _, m := range moment.Models {
					if m.Model != r.Variants[j].Model {
						continue
					}
					row = append(row, m.Model, v.Variant, strconv.Itoa(v.Replicas), strconv.Itoa(v.Ready), number(v.KVUsage), number(v.Waiting),
						strconv.Itoa(m.Finished), strconv.Itoa(m.Within), number(m.TTFT.P50), number(m.TTFT.P95), number(m.TTFT.P99),
						number(m.ITL.P50), number(m.ITL.P95), number(m.ITL.P99))
				}
				row = append(row, number(moment.CostPerHour), number(moment.Cost), strconv.Itoa(v.Target), string(v.Action), v.Override, v.Why)
				if err := out.Write(row); err != nil {
					return err
				}
			}
		}
	}
	out.Flush()
	return out.Error()
}

// number writes six digits, which is more than a simulation is good for.
func number(v float64) string { return strconv.FormatFloat(v, 'g', 6, 64) }
