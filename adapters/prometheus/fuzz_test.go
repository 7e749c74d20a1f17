package prometheus

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wva-go/wva"
)

// Whatever a server answers, to every query the same, it makes no panic, and nothing that comes of it is NaN or infinite: JSON has no way to write those. The answer is decoded as
// always, but taken in by one goroutine: coverage that depends on a scheduler keeps the fuzzer busy with itself.
func FuzzCollect(f *testing.F) {
	for _, rows := range []string{
		`{"metric":{"namespace":"ns","pod":"v-0","model_name":"m"},"value":[1772366400,"0.5"]}`,
		`{"metric":{"namespace":"ns","pod":"v-0","model_name":"m"},"value":[1e300,"1e308"]},{"metric":{"namespace":"ns","pod":"v-1","num_gpu_blocks":"1e308","block_size":"1e308"},"value":[1,"2"]}`,
		`{"metric":{"namespace":"ns","model_name":"m","le":"+Inf"},"value":[1,"3"]},{"metric":{"namespace":"ns","model_name":"m"},"value":[1,"-1e308"]},{"metric":{"model_name":"m"},"value":[1,"1e308"]}`,
		`{"metric":{"namespace":"ns","pod":"v-0"},"value":[9223372036854775,"NaN"]}`,
	} {
		f.Add([]byte(`{"status":"success","data":{"resultType":"vector","result":[` + rows + `]}}`))
	}
	f.Add([]byte(`{"status":"success","data":{"resultType":"string","result":[1,"a"]}}`))
	variants := []wva.Variant{{ID: wva.ID{Namespace: "ns", Name: "v"}, Model: "m", Current: 2}, {ID: wva.ID{Name: "w"}, Model: "m", Current: 1, Engine: "sglang"}}
	options := SourceOptions{Concurrency: 1, Retention: func(wva.ModelKey) wva.Retention { return wva.Retention{Enabled: true} }}.withDefaults()
	f.Fuzz(func(t *testing.T, body []byte) {
		s := &Source{client: canned(body), options: options, words: newWords(options.Labels, options.Windows), vocabulary: newVocabulary(options.Labels),
			shapes: map[engineModel]shape{}, shapeTurns: turns{}, latencyTurns: turns{}}
		for range 2 { // the second time with what the first has learnt
			fleet, err := s.survey(t.Context(), variants)
			if err != nil {
				t.Fatal(err)
			}
			r := newRound(s, fleet)
			all, warnings, err := s.query(t.Context(), "x", time.Time{})
			ask := func(questions []question) {
				for _, q := range questions {
					r.hear(answer{q, all, warnings, err})
				}
			}
			ask(r.questions())
			r.learnShapes()
			r.settle()
			ask(r.followUp())
			m := r.metrics()
			if _, err := json.Marshal(m); err != nil {
				t.Fatal(err)
			}
			if _, _, err := wva.Decide(wva.Snapshot{At: time.Unix(1772366400, 0), Variants: variants, Metrics: m, Inventory: wva.Unlimited()}, wva.DefaultPolicy(), wva.History{}); err != nil {
				t.Fatal(err)
			}
		}
	})
}

var stringLiteral = regexp.MustCompile("\"(?:[^\"\\\\\n]|\\\\.)*\"|'(?:[^'\\\\\n]|\\\\.)*'|`[^`]*`")

// A template that is accepted stays what it is for every name that is filled in: the text outside its strings does not depend on them, and no placeholder is left.
func FuzzTemplate(f *testing.F) {
	for _, q := range []Queries{VLLM(), SGLang()} {
		for _, t := range slices.Concat(q.replica(), q.latency(), q.shape()) {
			f.Add(t.text, `a"} or vector(1)#`)
		}
	}
	f.Add("x{$match,y='}\"'} # $peak\n", "`")
	f.Add(`label_replace(x{a=~$models}, "$pod", "$1", "b", "(.*)")`, `\`)
	allowed := slices.Concat(selectors, labelNames, windows)
	labels := SourceOptions{}.withDefaults().Labels
	base := newWords(labels, SourceOptions{}.withDefaults().Windows)
	f.Fuzz(func(t *testing.T, text, name string) {
		if checkTemplate(text, allowed) != nil {
			return
		}
		outside := func(name string) string {
			rendered := base.with(labels, []string{name}, []string{name}).render(text)
			return stringLiteral.ReplaceAllString(rendered, "")
		}
		got := outside(name)
		if got != outside("x") {
			t.Fatalf("%q changes %q to %q", name, text, got)
		}
		for _, p := range allowed {
			if found := word.FindString(got); strings.TrimPrefix(found, "$") == string(p) {
				t.Fatalf("%s is left in %q", found, got)
			}
		}
	})
}
