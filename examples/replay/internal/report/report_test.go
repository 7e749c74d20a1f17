package report

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"gonum.org/v1/plot/plotter"

	"github.com/wva-go/wva/examples/replay/internal/contest"
)

func TestJSON(t *testing.T) {
	r := sample(t)
	var out bytes.Buffer
	if err := r.JSON(&out); err != nil {
		t.Fatal(err)
	}
	var back Report
	if err := json.Unmarshal(out.Bytes(), &back); err != nil {
		t.Fatal(err)
	}
	if len(back.Runs) != len(r.Runs) || back.Floor != r.Floor || back.Runs[2].Summary != r.Runs[2].Summary || len(back.Runs[2].Moments) != len(r.Runs[2].Moments) {
		t.Errorf("read back it is another report: %+v", back.Runs[2].Summary)
	}
}

// The CSV has a line for every policy, interval and variant, and its costs and decisions are those of the runs.
func TestCSV(t *testing.T) {
	r := sample(t)
	var out bytes.Buffer
	if err := r.CSV(&out); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&out).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if want := 1 + len(r.Runs)*len(r.Runs[0].Moments)*len(r.Variants); len(rows) != want {
		t.Fatalf("%d lines, want %d", len(rows), want)
	}
	column := func(name string) int { return slices.Index(rows[0], name) }
	changes := map[string]int{}
	for _, row := range rows[1:] {
		if row[column("action")] != "no-change" {
			changes[row[0]]++
		}
		if row[column("why")] == "" {
			t.Fatalf("a decision without a reason: %v", row)
		}
	}
	for _, run := range r.Runs {
		if changes[run.Policy] != run.Summary.Changes {
			t.Errorf("%s: %d changes, want %d", run.Policy, changes[run.Policy], run.Summary.Changes)
		}
	}
	cost, err := strconv.ParseFloat(rows[len(rows)-1][column("cost")], 64)
	if last := r.Runs[len(r.Runs)-1].Summary.Cost; err != nil || math.Abs(cost/last-1) > 1e-5 {
		t.Errorf("cost %g, want %g", cost, last)
	}
}

func TestTables(t *testing.T) {
	r := sample(t)
	var markdown, table bytes.Buffer
	if err := errors.Join(r.Markdown(&markdown), r.Table(&table)); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"    go run ./examples/replay -speed 32\n", "| Policy | Within SLO |", "|---|--:|", "| oracle |", "first token within 2s for 95% of requests"} {
		if !strings.Contains(markdown.String(), want) {
			t.Errorf("the Markdown does not say %q:\n%s", want, markdown.String())
		}
	}
	if lines := strings.Count(table.String(), "\n"); lines != len(r.Runs)+3 {
		t.Errorf("%d lines:\n%s", lines, table.String())
	}
}

// The page has every decision that changes something, with its reason; it has no script, and names from files do no harm.
func TestPage(t *testing.T) {
	r := sample(t)
	r.Load.Name = `<script>alert("x")</script>`
	r.Runs = slices.Clone(r.Runs)
	r.Runs[0].Policy = `"><img src=x onerror=alert(1)>`
	r.Variants = slices.Clone(r.Variants)
	r.Variants[0].Name = `</svg><script>`
	var out bytes.Buffer
	if err := r.HTML(&out); err != nil {
		t.Fatal(err)
	}
	text := out.String()
	for _, bad := range []string{"<script", "<img", "FEFD", "ZgotmplZ", "src=\"http", "NaN", "font-family:Liberation"} {
		if strings.Contains(text, bad) {
			t.Errorf("the page has %q", bad)
		}
	}
	marks := 0
	for _, run := range r.Runs {
		marks += run.Summary.Changes
	}
	if got := strings.Count(text, `class="mark"`); got != marks {
		t.Errorf("%d dots tell the reason of a decision, want %d", got, marks)
	}
}

// Every plot is well-formed, also where there is little to draw, or nothing.
func TestChart(t *testing.T) {
	nan := math.NaN()
	for _, c := range []chart{
		{Title: "nothing", until: 60},
		{Title: "nothing, logarithmic", log: true, promise: 2, until: 60},
		{Title: "zero", until: 3600, series: []series{{points: held([]float64{0, 0, 0}, 60, larger)}}},
		{Title: "gaps", log: true, until: 86400 * 30, series: []series{{points: held([]float64{nan, 1, nan, nan, 2e-5, 3e4}, 60, larger)}}},
		{Title: "below zero", until: 10, series: []series{{points: plotter.XYs{{X: 0, Y: -7}, {X: 5, Y: 3}}}}, marks: []mark{{x: 5, y: 3, text: `<"&`}}},
		{Title: `<"&`, percentiles: true, until: 100, series: []series{{hue: policyHue(99), points: plotter.XYs{{X: 0, Y: 1e12}}}}},
	} {
		svg, err := c.SVG()
		if err != nil {
			t.Errorf("%s: %v", c.Title, err)
			continue
		}
		for decoder := xml.NewDecoder(strings.NewReader(string(svg))); ; {
			if _, err := decoder.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Errorf("%s: %v in\n%s", c.Title, err, svg)
				break
			}
		}
	}
}

// A long line is thinned out to what a plot has room for; what it is drawn for stays.
func TestHeld(t *testing.T) {
	values := make([]float64, 5000)
	values[4321] = 7
	points := held(values, 60, larger)
	highest := 0.0
	for _, p := range points {
		highest = max(highest, p.Y)
	}
	if len(points) > 2*mostPoints || highest != 7 || points[len(points)-1].X < 5000*60 {
		t.Errorf("%d points up to %g, the highest %g", len(points), points[len(points)-1].X, highest)
	}
	if got := held([]float64{1, math.NaN()}, 60, larger); len(got) != 4 || !math.IsNaN(got[2].Y) || got[1].X != 60 {
		t.Errorf("a gap: %v", got)
	}
}

func TestWords(t *testing.T) {
	for _, tt := range []struct{ got, want string }{
		{latency(0), "–"}, {latency(0.0234), "23 ms"}, {latency(0.9999), "1.0 s"}, {latency(9.96), "10 s"}, {latency(601), "10 min"},
		{short(time.Hour), "1h"}, {short(90 * time.Second), "1m30s"}, {short(2 * time.Minute), "2m"}, {short(200 * time.Millisecond), "200ms"}, {short(10 * time.Hour), "10h"},
		{thousands(7), "7"}, {thousands(1234567), "1,234,567"}, {compact(0), "0"}, {compact(15000), "15k"}, {compact(2e6), "2M"}, {compact(0.25), "0.25"},
		{clock(90 * time.Minute), "1:30"}, {clock(61 * time.Second), "0:01:01"}, {clock(26 * time.Hour), "26:00"},
	} {
		if tt.got != tt.want {
			t.Errorf("%q, want %q", tt.got, tt.want)
		}
	}
}

// A logarithmic axis has round numbers from just below to just above what it shows, and no more than there is room for.
func TestLogTicks(t *testing.T) {
	for _, tt := range []struct {
		low, high float64
		want      string
	}{
		{2, 80, "2 5 10 20 50 100"}, {3, 3, "2 5"}, {1, 1, "1 2"}, {0.3, 1, "0.2 0.5 1"}, {0.023, 372, "0.01 0.1 1 10 100 1000"}, {100, 100_000, "100 1000 10k 100k"},
	} {
		var labels []string
		for _, tick := range logTicks(tt.low, tt.high, compact) {
			labels = append(labels, tick.Label)
		}
		if got := strings.Join(labels, " "); got != tt.want {
			t.Errorf("from %v to %v: %s, want %s", tt.low, tt.high, got, tt.want)
		}
	}
}

// A long run shows the decisions that change something, and says so.
func TestManyDecisions(t *testing.T) {
	r := sample(t)
	run := r.Runs[2]
	for len(run.Moments)*len(r.Variants) <= mostDecisions {
		run.Moments = append(slices.Clone(run.Moments), run.Moments...)
	}
	p, err := r.policy(run, 0)
	if err != nil || p.Note == "" || slices.ContainsFunc(p.Decisions, func(d decisionView) bool { return d.Same }) {
		t.Errorf("%d decisions, note %q, %v", len(p.Decisions), p.Note, err)
	}
	few, err := r.policy(contest.Run{Policy: "few", Moments: r.Runs[2].Moments[:10]}, 0)
	if err != nil || few.Note != "" || len(few.Decisions) != 10*len(r.Variants) {
		t.Errorf("%d decisions, note %q, %v", len(few.Decisions), few.Note, err)
	}
}
