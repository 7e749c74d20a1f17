package prometheus_test

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wva-go/wva"
	"github.com/wva-go/wva/adapters/prometheus"
)

// detailed is a server of three models a, b and c, of one replica each until there are more.
type detailed struct {
	*standIn
	t        *testing.T
	source   *prometheus.Source
	at       time.Time
	replicas map[string]int
	ttft     float64 // that all replicas have now
}

func newDetailed(t *testing.T, o prometheus.SourceOptions) *detailed {
	d := &detailed{standIn: newStandIn(t), t: t, at: noon, replicas: map[string]int{"a": 1, "b": 1, "c": 1}}
	d.source = d.standIn.source(t, o)
	d.answer["ttft"] = func(w http.ResponseWriter, r *http.Request) {
		say(w, d.rowsOf(d.ttft, modelsAsked(r.FormValue("query"))...)...)
	}
	return d
}

// rowsOf has every replica of the models say this value.
func (d *detailed) rowsOf(value float64, models ...string) (rows []string) {
	for _, model := range models {
		for i := range d.replicas[model] {
			rows = append(rows, fmt.Sprintf(`{"metric":{"namespace":"ns","model_name":%q,"pod":%q},"value":[%d,"%v"]}`, model, podOf(model, i), d.at.Unix(), value))
		}
	}
	return rows
}

var modelMatcher = regexp.MustCompile(`model_name=~"([^"]*)"`)

func modelsAsked(query string) []string {
	return strings.Split(modelMatcher.FindStringSubmatch(query)[1], "|")
}

// collect returns the TTFTs that came out, by pod; those that are absent are not there. A minute passes.
func (d *detailed) collect(ttft float64) map[string]float64 {
	d.t.Helper()
	d.ttft = ttft
	models := []string{"a", "b", "c"}
	var variants []wva.Variant
	for _, model := range models {
		v := deployment(model, d.replicas[model])
		v.Model = model
		variants = append(variants, v)
	}
	d.rows = map[string][]string{
		"kvUsage": d.rowsOf(0.5, models...), "waiting": d.rowsOf(0, models...), "sampled": d.rowsOf(float64(d.at.Unix()), models...),
	}
	got := map[string]float64{}
	for _, r := range collect(d.t, d.source, variants...).Replicas {
		if r.TTFT.Valid {
			got[r.Replica] = r.TTFT.Value
		}
	}
	d.at = d.at.Add(time.Minute)
	return got
}

// A large fleet is read in turn. What was read stays until the next turn, a replica of which nothing was read has its model read next, and what is stale is not kept.
func TestDetailsInTurn(t *testing.T) {
	d := newDetailed(t, prometheus.SourceOptions{DetailBudget: 1})
	a, b, c := podOf("a", 0), podOf("b", 0), podOf("c", 0)
	for i, tt := range []struct {
		ttft  float64
		asked string // the model whose turn it is
		want  map[string]float64
		then  func()
	}{
		{1, "a", map[string]float64{a: 1}, nil},
		{2, "b", map[string]float64{a: 1, b: 2}, nil},
		{3, "c", map[string]float64{a: 1, b: 2, c: 3}, func() { d.replicas["c"] = 2 }},
		{4, "a", map[string]float64{a: 4, b: 2, c: 3}, nil}, // there is a new pod of c
		{5, "c", map[string]float64{a: 4, b: 2, c: 5, podOf("c", 1): 5}, nil},
		{6, "b", map[string]float64{a: 4, b: 6, c: 5, podOf("c", 1): 5}, func() { d.at = d.at.Add(4 * time.Minute); d.replicas["c"] = 1 }},
		{7, "a", map[string]float64{a: 7, b: 6}, nil}, // c was read six minutes ago
	} {
		got := d.collect(tt.ttft)
		if asked := d.queries["ttft"][i]; !cmp.Equal(modelsAsked(asked), []string{tt.asked}) {
			t.Errorf("Collect %d asks %s, want the model %s alone", i, asked, tt.asked)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("Collect %d: %s", i, diff)
		}
		if tt.then != nil {
			tt.then()
		}
	}
}

// A fleet within the budget is read whole, and what fails is absent.
func TestDetailsOfASmallFleet(t *testing.T) {
	d := newDetailed(t, prometheus.SourceOptions{})
	if got := d.collect(1); len(got) != 3 {
		t.Errorf("TTFT of %v", got)
	}
	d.answer["ttft"] = status(500, "no")
	if got := d.collect(2); len(got) != 0 {
		t.Errorf("the query fails, and TTFT is %v", got)
	}
}
