package report

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/wva-go/wva/examples/replay/internal/contest"
)

// columns are those of the table of policies.
var columns = []struct {
	name string
	cell func(Report, contest.Run) string
}{
	{"Policy", func(_ Report, run contest.Run) string { return run.Policy }},
	{"Within SLO", func(_ Report, run contest.Run) string { return fmt.Sprintf("%.1f%%", 100*run.Summary.Within) }},
	{"TTFT p50", func(_ Report, run contest.Run) string { return latency(run.Summary.TTFT.P50) }},
	{"TTFT p95", func(_ Report, run contest.Run) string { return latency(run.Summary.TTFT.P95) }},
	{"TTFT p99", func(_ Report, run contest.Run) string { return latency(run.Summary.TTFT.P99) }},
	{"ITL p50", func(_ Report, run contest.Run) string { return latency(run.Summary.ITL.P50) }},
	{"ITL p95", func(_ Report, run contest.Run) string { return latency(run.Summary.ITL.P95) }},
	{"Cost", func(_ Report, run contest.Run) string { return fmt.Sprintf("%.0f", run.Summary.Cost) }},
	{"Of the floor", func(r Report, run contest.Run) string { return fmt.Sprintf("%.1f×", run.Summary.Cost/r.Floor) }},
	{"Replicas", func(_ Report, run contest.Run) string {
		return fmt.Sprintf("%.1f", run.Summary.MeanReplicas)
	}},
	{"Most", func(_ Report, run contest.Run) string { return fmt.Sprint(run.Summary.PeakReplicas) }},
	{"Changes", func(_ Report, run contest.Run) string { return fmt.Sprint(run.Summary.Changes) }},
}

// latency is a time with two digits or three, in its usual unit.
func latency(seconds float64) string {
	switch {
	case seconds == 0:
		return "–"
	case seconds < 0.9995:
		return fmt.Sprintf("%.0f ms", 1000*seconds)
	case seconds < 9.95:
		return fmt.Sprintf("%.1f s", seconds)
	case seconds < 600:
		return fmt.Sprintf("%.0f s", seconds)
	}
	return fmt.Sprintf("%.0f min", seconds/60)
}

// Table writes the table of policies for a terminal.
func (r Report) Table(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for i, c := range columns {
		fmt.Fprint(t, strings.ToUpper(c.name), separator(i))
	}
	for _, run := range r.Runs {
		for i, c := range columns {
			fmt.Fprint(t, c.cell(r, run), separator(i))
		}
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "\n%s\n", r.caption())
	return err
}

func separator(i int) string {
	if i == len(columns)-1 {
		return "\n"
	}
	return "\t"
}

// Markdown writes the table of policies for a README, with the command that reproduces it.
func (r Report) Markdown(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "    %s\n\n", r.Command)
	for _, c := range columns {
		fmt.Fprintf(&b, "| %s ", c.name)
	}
	b.WriteString("|\n|---")
	b.WriteString(strings.Repeat("|--:", len(columns)-1) + "|\n")
	for _, run := range r.Runs {
		for _, c := range columns {
			fmt.Fprintf(&b, "| %s ", c.cell(r, run))
		}
		b.WriteString("|\n")
	}
	fmt.Fprintf(&b, "\n%s\n", r.caption())
	_, err := io.WriteString(w, b.String())
	return err
}

// caption says what the numbers rest on.
func (r Report) caption() string {
	var b strings.Builder
	hours := (time.Duration(len(r.Load.Rates)) * r.Interval).Hours()
	fmt.Fprintf(&b, "%s requests in %s (%s), decisions every %s.", thousands(r.Load.Requests), span(hours), r.Load.Name, short(r.Interval))
	for _, m := range r.Models {
		fmt.Fprintf(&b, " %s: %s.", m.Name, promise(m))
	}
	fmt.Fprintf(&b, " Costs are in the units of the fleet's prices, from the start to five minutes after the last arrival; no policy that serves every request can cost less than %.0f.", r.Floor)
	return b.String()
}

func promise(m Model) string {
	var parts []string
	if m.SLO.TTFT > 0 {
		parts = append(parts, "first token within "+short(m.SLO.TTFT)+of(m.SLO.TTFTQuantile))
	}
	if m.SLO.ITL > 0 {
		parts = append(parts, short(m.SLO.ITL)+" between tokens"+of(m.SLO.ITLQuantile))
	}
	if len(parts) == 0 {
		return "nothing promised"
	}
	return strings.Join(parts, ", ")
}

func of(quantile float64) string {
	if quantile == 0 {
		return " on average"
	}
	return fmt.Sprintf(" for %g%% of requests", 100*quantile)
}

// short is a duration without parts that are 0.
func short(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = s[:len(s)-2]
	}
	if strings.HasSuffix(s, "h0m") {
		s = s[:len(s)-2]
	}
	return s
}

func span(hours float64) string {
	if hours < 2 {
		return fmt.Sprintf("%.0f minutes", 60*hours)
	}
	return fmt.Sprintf("%.1f hours", hours)
}

func thousands(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
