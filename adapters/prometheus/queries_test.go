package prometheus_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
	"pgregory.net/rapid"

	"github.com/wva-go/wva"
	"github.com/wva-go/wva/adapters/prometheus"
)

func TestReadyQueriesAreValid(t *testing.T) {
	for name, q := range map[string]interface{ Validate() error }{"vllm": prometheus.VLLM(), "sglang": prometheus.SGLang(), "gateway": prometheus.InferenceGateway(), "options": prometheus.SourceOptions{}} {
		if err := q.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A wrong template is refused with its name and what is wrong in it.
func TestQueriesValidate(t *testing.T) {
	for _, tt := range []struct{ template, want string }{
		{`max(x{$match}[$peak])`, ""},
		{"max(x{$match}) # the peak\n", ""},
		{`x{$match,y="}"}`, ""},
		{`x{$match,y='"'}`, ""},
		{"x{$match,y=`\\`}", ""},
		{`label_replace(x{$match}, "$model", "$1", "a", "(.+)")`, ""},
		{`x{a=~$models}`, ""},
		{`x`, "no placeholder selects whose series are wanted: use $match, $inNamespace, $models"},
		{`x{$matches}`, "unknown placeholder $matches: want $match"},
		{`x{$match}[$retention]`, "unknown placeholder $retention"},
		{`x{$match`, `'{' is not closed`},
		{`x{$match)`, `')' at ")" closes nothing`},
		{`x{$match}]`, `']' at "]" closes nothing`},
		{`x{$match,y="}`, `the string that begins at "\"}" does not end: close it with "`},
		{"x{$match,y=\"a\nb\"}", "does not end"},
		{`x{$match,y="\"}`, "does not end"},
		{`x{y="$match"}`, "placeholder $match stands in a string"},
		{"x{$match} # not $peak", "placeholder $peak stands in a comment"},
		{`x{$match} + $1`, "a lone $"},
		{`x{$match} $`, "a lone $"},
	} {
		q := prometheus.VLLM()
		q.TTFT = tt.template
		err := q.Validate()
		if (err == nil) != (tt.want == "") || err != nil && (!strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), "query ttft: ")) {
			t.Errorf("%s: error %v, want %q", tt.template, err, tt.want)
		}
	}
	if err := (prometheus.Queries{}).Validate(); err == nil || !strings.Contains(err.Error(), "kvUsage is missing") || !strings.Contains(err.Error(), "waiting is missing") {
		t.Errorf("error %v for queries that are all missing", err)
	}
	for want, o := range map[string]prometheus.SourceOptions{
		`engine "tgi": prometheus: query kvUsage is missing`: {Queries: map[string]prometheus.Queries{"tgi": {Waiting: `x{$match}`}}},
		`label for the pod "pod=~\"": want letters`:          {Labels: prometheus.Labels{Pod: `pod=~"`}},
		`query arrivals: no placeholder`:                     {Gateway: &prometheus.GatewayQueries{Arrivals: "x"}},
		`peak window -1s: want a millisecond or more`:        {Windows: prometheus.Windows{Peak: -time.Second}},
		`concurrency -1: want a positive number`:             {Concurrency: -1},
		`timeout 1ns`:                                        {Timeout: 1},
	} {
		_, err := prometheus.NewSource(prometheus.Config{URL: "https://p"}, o)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

// A document that names some templates overrides those and keeps the others; an empty one is not asked.
func TestQueriesAreData(t *testing.T) {
	byJSON, byYAML := prometheus.VLLM(), prometheus.VLLM()
	if err := json.Unmarshal([]byte(`{"ttft": "x{$match}", "itl": ""}`), &byJSON); err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal([]byte("ttft: x{$match}\nitl: \"\"\n"), &byYAML); err != nil {
		t.Fatal(err)
	}
	want := prometheus.VLLM()
	want.TTFT, want.ITL = "x{$match}", ""
	if byJSON != want || byYAML != want {
		t.Errorf("%+v, %+v", byJSON, byYAML)
	}
	server, variants := well(t)
	server.answer["another"] = func(w http.ResponseWriter, _ *http.Request) { say(w, pod(0.7, podOf("llama-a100", 0))) }
	m := collect(t, server.source(t, prometheus.SourceOptions{Queries: map[string]prometheus.Queries{"vllm": want}}), variants...)
	if m.Replicas[0].TTFT != wva.Read(0.7) || m.Replicas[0].ITL.Valid || len(server.queries["itl"]) > 0 {
		t.Errorf("%+v", m)
	}
}

// Labels and windows are settings.
func TestSettingsReachTheQueries(t *testing.T) {
	server, variants := well(t)
	s := server.source(t, prometheus.SourceOptions{
		Labels:  prometheus.Labels{Namespace: "exported_namespace", Pod: "exported_pod", Model: "served"},
		Windows: prometheus.Windows{Peak: 90 * time.Second, Rate: 1500 * time.Millisecond},
		Clock:   func() time.Time { return noon },
	})
	collect(t, s, variants...)
	want := `sum by (exported_namespace, exported_pod, served) (max by (exported_namespace, exported_pod, served, engine) (max_over_time(vllm:num_requests_waiting{exported_namespace=~"ns",served=~"llama"}[1m30s])))`
	if got := server.queries["waiting"][0]; got != want {
		t.Errorf("asked %s\nwant  %s", got, want)
	}
	if got := server.queries["completions"][0]; !strings.Contains(got, "[1s500ms]") {
		t.Errorf("asked %s", got)
	}
}

// quoted finds the double-quoted strings of PromQL.
var quoted = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)

// Names are nothing but names, whatever is in them: outside its strings the query is always the same text, and the expressions in them match the names and nothing else.
func TestNamesChangeNoQuery(t *testing.T) {
	skeleton := func(query string) string { return quoted.ReplaceAllString(query, `""`) }
	ask := func(t testing.TB, namespace, model string) string {
		server := newStandIn(t)
		defer server.Close()
		v := wva.Variant{ID: wva.ID{Namespace: namespace, Name: "v"}, Model: model, Current: 1}
		collect(t, server.source(t, prometheus.SourceOptions{}), v)
		return server.queries["waiting"][0]
	}
	plain := skeleton(ask(t, "ns", "m"))
	check := func(t testing.TB, namespace, model string) {
		query := ask(t, namespace, model)
		if skeleton(query) != plain {
			t.Fatalf("%q makes the query %s", model, query)
		}
		strings_ := quoted.FindAllString(query, -1)
		if len(strings_) != 2 {
			t.Fatalf("%d strings in %s", len(strings_), query)
		}
		for i, name := range []string{namespace, model} {
			pattern, err := strconv.Unquote(strings_[i])
			if err != nil {
				t.Fatalf("%s: %v", strings_[i], err)
			}
			matcher, err := regexp.Compile("^(?s:" + pattern + ")$") // as Prometheus does
			if err != nil {
				t.Fatalf("%s: %v", pattern, err)
			}
			if !matcher.MatchString(name) || matcher.MatchString(name+"x") || matcher.MatchString("x"+name) || name != "" && matcher.MatchString("") {
				t.Fatalf("%q does not match %q alone", pattern, name)
			}
		}
	}
	for _, model := range []string{`a"} or vector(1)#`, `.*`, `a|b`, `a\`, `\"`, `$match`, `$peak`, "a\nb", "a\x00b", `meta/llama-3.1-8b`, "模型", "a`b", `[`, `(?i)a`, `\Qa`} {
		check(t, "ns", model)
		check(t, model, "m")
	}
	rapid.Check(t, func(r *rapid.T) {
		namespace, model := rapid.String().Draw(r, "namespace"), rapid.String().Filter(func(s string) bool { return s != "" }).Draw(r, "model")
		if !utf8.ValidString(namespace) || !utf8.ValidString(model) {
			return
		}
		check(t, namespace, model)
	})
}

// A name that is no UTF-8 would spoil the query for all others: it is not asked for.
func TestNamesThatAreNoLabels(t *testing.T) {
	server, variants := well(t)
	bad := deployment("bad", 1)
	bad.Model = "a\xff"
	nameless := deployment("nameless", 1)
	nameless.Model = ""
	m := collect(t, server.source(t, prometheus.SourceOptions{}), append(variants, bad, nameless)...)
	if len(m.Replicas) != 2 || len(m.Problems) != 2 || !strings.Contains(m.Problems[0].Message, "names no model") || !strings.Contains(m.Problems[1].Message, "is not UTF-8") {
		t.Errorf("%+v", m.Problems)
	}
}

// Requests do not grow with the fleet beyond a chunk, nor do they become many.
func TestChunks(t *testing.T) {
	fleet := func(n, nameLength int) []wva.Variant {
		var variants []wva.Variant
		for i := range n {
			v := deployment(fmt.Sprintf("v%d", i), 10)
			v.Model = fmt.Sprintf("%s-%d", strings.Repeat("m", nameLength), i)
			variants = append(variants, v)
		}
		return variants
	}
	for _, tt := range []struct {
		name            string
		variants        []wva.Variant
		chunkModels     int
		chunks, longest int // requests of each query, and bytes in one
	}{
		{"1,000 variants", fleet(1000, 20), 0, 1, 200_000},
		{"2,500 variants", fleet(2500, 20), 0, 3, 200_000},
		{"few in a chunk", fleet(25, 20), 10, 3, 4000}, // the longest template has 2,000 of them, and its names six times
		{"endless names", fleet(20, 20_000), 0, 4, 1_000_000},
	} {
		t.Run(tt.name, func(t *testing.T) {
			server := newStandIn(t)
			periods := func(key wva.ModelKey) wva.Retention {
				return wva.Retention{Enabled: true, Period: time.Duration(len(key.Model)%3+1) * time.Minute}
			}
			collect(t, server.source(t, prometheus.SourceOptions{ChunkModels: tt.chunkModels, Retention: periods}), tt.variants...)
			total := 0
			for name, queries := range server.queries {
				total += len(queries)
				for _, q := range queries {
					if len(q) > tt.longest {
						t.Errorf("%s: a query of %d bytes", name, len(q))
					}
				}
			}
			if got := len(server.queries["kvUsage"]); got != tt.chunks {
				t.Errorf("%d requests for KV usage, want %d", got, tt.chunks)
			}
			if limit := 20 * tt.chunks; total > limit {
				t.Errorf("%d requests, want %d at most", total, limit)
			}
		})
	}
}

// Many retention periods are asked as few; no model is given a shorter one than its own.
func TestRetentionPeriods(t *testing.T) {
	server := newStandIn(t)
	var variants []wva.Variant
	period := func(key wva.ModelKey) wva.Retention {
		n, err := strconv.Atoi(key.Model)
		return wva.Retention{Enabled: err == nil && n > 0, Period: time.Duration(n) * time.Minute}
	}
	for i := range 10 {
		v := deployment(fmt.Sprintf("v%d", i), 1)
		v.Model = strconv.Itoa(i)
		variants = append(variants, v)
	}
	collect(t, server.source(t, prometheus.SourceOptions{Retention: period}), variants...)
	if n := len(server.queries["requests"]); n > 4 {
		t.Errorf("%d requests", n)
	}
	for _, q := range server.queries["requests"] {
		if strings.Contains(q, `"0`) {
			t.Errorf("a model that may not go to zero is asked for: %s", q)
		}
	}
	all := strings.Join(server.queries["requests"], "\n")
	for _, want := range []string{`"1|2|3"}[3m]`, `"4|5|6"}[6m]`, `"7|8|9"}[9m]`} {
		if !strings.Contains(all, want) {
			t.Errorf("no %s in\n%s", want, all)
		}
	}
}

// Latencies, and the spread of token lengths, are read for a part of a large fleet at a time, in turn; the spread is kept.
func TestShapesInTurn(t *testing.T) {
	server := newStandIn(t)
	var variants []wva.Variant
	for _, name := range []string{"a", "b", "c"} {
		v := deployment("v-"+name, 10)
		v.Model = name
		variants = append(variants, v)
		p := []string{"namespace", "ns", "pod", podOf("v-"+name, 0), "model_name", name}
		m := []string{"namespace", "ns", "model_name", name}
		for _, q := range []string{"kvUsage", "waiting", "input", "sampled"} {
			server.rows[q] = append(server.rows[q], row(1, p...))
		}
		server.rows["inputShape"] = append(server.rows["inputShape"], row(1, append(m, "le", "2")...), row(1, append(m, "le", "+Inf")...), row(1, m...))
	}
	s := server.source(t, prometheus.SourceOptions{ShapeBudget: 15, DetailBudget: 5})
	for i, want := range []string{`"a|b"`, `"a|c"`, `"a|b"`, `"a|c"`} {
		m := collect(t, s, variants...)
		if got := server.queries["inputShape"][i]; !strings.Contains(got, want) {
			t.Errorf("Collect %d asks for %s, want %s", i, got, want)
		}
		if got := server.queries["ttft"][i]; !strings.Contains(got, []string{`"a"`, `"b"`, `"c"`, `"a"`}[i]) {
			t.Errorf("Collect %d asks for %s", i, got)
		}
		for _, r := range m.Replicas {
			if known := i > 0 || r.Variant.Name != "v-c"; r.Input.SecondMoment.Valid != known {
				t.Errorf("Collect %d: %s has a second moment: %v", i, r.Variant, r.Input.SecondMoment.Valid)
			}
		}
	}
}
