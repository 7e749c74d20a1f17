package model_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/wva-go/wva/model"
)

const llama = "meta/llama-3.1-8b"

// guideClasses is the serviceclass document of the configuration guide.
const guideClasses = `- name: Premium
  model: meta/llama-3.1-8b
  priority: 1
  slo-itl: 24        # Time per output token (ms)
  slo-ttw: 500       # Time to first token (ms)

- name: Standard
  model: meta/llama-3.1-8b
  priority: 5
  slo-itl: 50
  slo-ttw: 1000

- name: Freemium
  model: meta/llama-3.1-8b
  priority: 10
  slo-itl: 100
  slo-ttw: 2000
`

const ms = time.Millisecond

var threeClasses = model.ServiceClasses{
	{Name: "Freemium", Priority: 10, Models: []model.ClassTarget{{Model: llama, SLO: model.SLO{ITL: 100 * ms, TTFT: 2000 * ms}}}},
	{Name: "Premium", Priority: 1, Models: []model.ClassTarget{{Model: llama, SLO: model.SLO{ITL: 24 * ms, TTFT: 500 * ms}}}},
	{Name: "Standard", Priority: 5, Models: []model.ClassTarget{{Model: llama, SLO: model.SLO{ITL: 50 * ms, TTFT: 1000 * ms}}}},
}

// The three spellings in use say the same.
func TestParseServiceClassesSpellings(t *testing.T) {
	for name, data := range map[string]map[string]string{
		"slo-itl, slo-ttw":   {"serviceClasses": guideClasses},
		"slo-tpot, slo-ttft": {"serviceClasses": strings.NewReplacer("slo-itl", "slo-tpot", "slo-ttw", "slo-ttft").Replace(guideClasses)},
		"one entry per class": {
			"premium.yaml":  "name: Premium\npriority: 1\ndata:\n  - model: meta/llama-3.1-8b\n    slo-tpot: 24\n    slo-ttft: 500\n",
			"standard.yaml": "name: Standard\npriority: 5\ndata:\n  - {model: meta/llama-3.1-8b, slo-tpot: 50, slo-ttft: 1000}\n",
			"freemium.yaml": "name: Freemium\npriority: 10\ndata:\n  - {model: meta/llama-3.1-8b, slo-tpot: 100, slo-ttft: 2000}\n",
		},
		"mixed": {
			"a": "- {name: Premium, priority: 1, data: [{model: meta/llama-3.1-8b, slo-itl: 24.0, slo-ttft: '500'}]}\n" +
				"- {name: Standard, priority: 5, model: meta/llama-3.1-8b, slo-itl: 50, slo-ttft: 1e3}\n",
			"b": `{"name": "Freemium", "priority": 10, "data": [{"model": "meta/llama-3.1-8b", "slo-itl": 100, "slo-ttw": 2000}]}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := model.ParseServiceClasses(data)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(threeClasses, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if err := got.Validate(); err != nil {
				t.Error(err)
			}
		})
	}
}

// Items of one class name are one class, wherever they stand.
func TestParseServiceClassesMerges(t *testing.T) {
	got, err := model.ParseServiceClasses(map[string]string{
		"b": "name: Premium\npriority: 1\ndata: [{model: m2, slo-tpot: 0.5, slo-tps: 120}]",
		"a": "- {name: Premium, priority: 1, model: m3}\n- {name: Premium, priority: 1, model: m1, slo-ttw: 0}\n",
	})
	if err != nil {
		t.Fatal(err)
	}
	want := model.ServiceClasses{{Name: "Premium", Priority: 1, Models: []model.ClassTarget{
		{Model: "m1"},
		{Model: "m2", SLO: model.SLO{ITL: 500 * time.Microsecond, TokensPerSecond: 120}},
		{Model: "m3"},
	}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// What is wrong is named with its place; the sound item before it is still read.
func TestParseServiceClassesReportsAndGoesOn(t *testing.T) {
	const sound = "- {name: Premium, model: m, priority: 1, slo-itl: 24}\n"
	for name, test := range map[string]struct{ item, want string }{
		"negative":          {"- {name: S, model: m, priority: 5, slo-itl: -1}", `c:2: S: slo-itl "-1": want 0 or more`},
		"NaN":               {"- {name: S, model: m, priority: 5, slo-ttw: NaN}", `c:2: S: slo-ttw "NaN": want a finite number`},
		"infinite":          {"- {name: S, model: m, priority: 5, slo-ttft: .inf}", `c:2: S: slo-ttft ".inf": want a number`},
		"with a unit":       {"- {name: S, model: m, priority: 5, slo-tpot: 24ms}", `c:2: S: slo-tpot "24ms": want a number`},
		"too long":          {"- {name: S, model: m, priority: 5, slo-itl: 1e14}", `c:2: S: slo-itl "1e14": want milliseconds, less than 292 years of them`},
		"too short":         {"- {name: S, model: m, priority: 5, slo-itl: 1e-9}", `c:2: S: slo-itl "1e-9": want milliseconds, at least a nanosecond, or 0 for no target`},
		"throughput":        {"- {name: S, model: m, priority: 5, slo-tps: -3}", `c:2: S: slo-tps "-3": want 0 or more`},
		"two spellings":     {"- name: S\n  model: m\n  priority: 5\n  slo-itl: 1\n  slo-tpot: 1\n", `c:6: S: slo-tpot "1": the same target as slo-itl at line 5: want one of the two`},
		"no name":           {"- {model: m, priority: 5}", "c:2: name: missing"},
		"no model":          {"- {name: S, priority: 5}", "c:2: S: model: missing"},
		"empty model":       {"- {name: S, model: '', priority: 5}", "c:2: S: model: empty"},
		"no priority":       {"- {name: S, model: m}", "c:2: S: priority: missing"},
		"priority 0":        {"- {name: S, model: m, priority: 0}", `c:2: S: priority "0": want 1 or more; 1 is served first`},
		"priority a word":   {"- {name: S, model: m, priority: high}", `c:2: S: priority "high": want a whole number`},
		"unknown field":     {"- {name: S, model: m, priority: 5, slo-e2e: 1}", "c:2: S: slo-e2e: unknown field; known are name, priority, model, slo-itl, slo-tpot, slo-ttw, slo-ttft, slo-tps"},
		"empty item":        {"-", "c:2: empty: want name, model, priority and targets"},
		"scalar":            {"- Premium", `c:2: want a mapping, have the scalar "Premium"`},
		"same model twice":  {"- {name: Premium, model: m, priority: 1}", `c:2: Premium: model "m" has targets in this class already, at c:1: want one item for it`},
		"other priority":    {"- {name: Premium, model: n, priority: 2}", "c:2: Premium: priority 2, but 1 at c:1: want one priority for the class"},
		"data: empty":       {"- {name: S, priority: 5, data: []}", "c:2: S: data: empty list: want at least one model"},
		"data: null":        {"- {name: S, priority: 5, data: }", "c:2: S: data: missing"},
		"data: scalar":      {"- {name: S, priority: 5, data: m}", `c:2: S: data "m": want a list, have the scalar "m"`},
		"data: empty item":  {"- {name: S, priority: 5, data: [~]}", `c:2: S: data "~": empty: want model and targets`},
		"data: no model":    {"- {name: S, priority: 5, data: [{slo-itl: 1}]}", "c:2: S: model: missing"},
		"data: twice":       {"- name: Premium\n  priority: 1\n  data:\n  - model: m", `c:5: Premium: data: model "m" has targets in this class already, at c:1: want one item for it`},
		"data: no priority": {"- {name: S, data: [{model: m, slo-itl: x}]}", "c:2: S: priority: missing\nc:2: S: slo-itl \"x\": want a number"},
		"data: priority":    {"- {name: Premium, priority: 2, data: [{model: n}, {model: o}]}", "c:2: Premium: priority 2, but 1 at c:1: want one priority for the class"},
	} {
		t.Run(name, func(t *testing.T) {
			classes, err := model.ParseServiceClasses(map[string]string{"c": sound + test.item})
			if err == nil || err.Error() != test.want {
				t.Errorf("error %v\nwant  %v", err, test.want)
			}
			want := model.ServiceClasses{{Name: "Premium", Priority: 1, Models: []model.ClassTarget{{Model: "m", SLO: model.SLO{ITL: 24 * ms}}}}}
			if diff := cmp.Diff(want, classes); diff != "" {
				t.Errorf("the sound item suffered (-want +got)\n%s", diff)
			}
		})
	}
}

func TestParseServiceClassesRefusesDocuments(t *testing.T) {
	for name, test := range map[string]struct {
		data map[string]string
		want string
	}{
		"no entry": {nil, `service classes: no entry: want "serviceClasses" with a list of classes`},
		"empty":    {map[string]string{"c": "# nothing yet\n"}, "c: empty document"},
		"list":     {map[string]string{"c": "[]"}, "c:1: empty list: want at least one service class"},
		"scalar":   {map[string]string{"c": "Premium"}, "c:1: want a list of classes, or one class with its data"},
		"flat map": {map[string]string{"c": "name: P\nmodel: m\npriority: 1\n"}, "c:2: P: model: unknown field; known are name, priority, data\nc:1: P: data: missing"},
		"not YAML": {map[string]string{"b": "name: P\npriority: [1\n", "a": ""}, "a: empty document\nb:2: not YAML: did not find expected ',' or ']'"},
	} {
		t.Run(name, func(t *testing.T) {
			classes, err := model.ParseServiceClasses(test.data)
			if err == nil || err.Error() != test.want {
				t.Errorf("error %v\nwant  %v", err, test.want)
			}
			if len(classes) != 0 {
				t.Errorf("got %v", classes)
			}
		})
	}
}

func TestServiceClassFor(t *testing.T) {
	target := func(m string, itl time.Duration) []model.ClassTarget {
		return []model.ClassTarget{{Model: m, SLO: model.SLO{ITL: itl}}}
	}
	classes := model.ServiceClasses{
		{Name: "batch", Priority: 7, Models: target("a", 0)},
		{Name: "gold", Priority: 2, Models: append(target("a", 30*ms), target("b", 40*ms)...)},
		{Name: "iron", Priority: 2, Models: append(target("a", 0), target("b", 40*ms)...)},
		{Name: "jade", Priority: 2, Models: target("a", 20*ms)},
	}
	for _, test := range []struct{ why, class, model, want string }{
		{"the class it names", "batch", "a", "batch"},
		{"the class it names does not list the model", "jade", "b", ""},
		{"the class it names is unknown", "tin", "a", ""},
		{"smallest priority, then strictest ITL; none is the least strict", "", "a", "jade"},
		{"same priority and ITL: by name", "", "b", "gold"},
		{"nobody lists the model", "", "c", ""},
	} {
		class, _, ok := classes.For(test.class, test.model)
		if class.Name != test.want || ok != (test.want != "") {
			t.Errorf("%s: For(%q, %q) = %q, %v; want %q", test.why, test.class, test.model, class.Name, ok, test.want)
		}
	}
}

// The class of a model does not depend on the order of the classes.
func TestServiceClassForIgnoresOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var classes model.ServiceClasses
		for _, name := range rapid.SliceOfNDistinct(rapid.StringMatching("[a-f]"), 1, 6, rapid.ID).Draw(t, "names") {
			classes = append(classes, model.ServiceClass{
				Name:     name,
				Priority: rapid.IntRange(1, 3).Draw(t, "priority"),
				Models:   []model.ClassTarget{{Model: "m", SLO: model.SLO{ITL: time.Duration(rapid.IntRange(0, 2).Draw(t, "itl")) * ms}}},
			})
		}
		first, slo, ok := classes.For("", "m")
		again, slo2, _ := model.ServiceClasses(rapid.Permutation(classes).Draw(t, "order")).For("", "m")
		if !ok || first.Name != again.Name || slo != slo2 {
			t.Fatalf("%q %v, then %q %v", first.Name, slo, again.Name, slo2)
		}
		for _, other := range classes {
			if other.Priority < first.Priority {
				t.Fatalf("%q has priority %d, and %q with %d was chosen", other.Name, other.Priority, first.Name, first.Priority)
			}
		}
	})
}

func TestServiceClassesValidate(t *testing.T) {
	for want, classes := range map[string]model.ServiceClasses{
		`service class "": name is empty`:                                   {{Priority: 1}},
		`service class "P": priority 0: want 1 or more`:                     {{Name: "P"}},
		`service class "P": model is empty`:                                 {{Name: "P", Priority: 1, Models: []model.ClassTarget{{}}}},
		`service class "P": model "m" occurs twice: want one target for it`: {{Name: "P", Priority: 1, Models: []model.ClassTarget{{Model: "m"}, {Model: "m"}}}},
		`service class "P": model "m": SLO: ITL -1ms: want 0 or more`:       {{Name: "P", Priority: 1, Models: []model.ClassTarget{{Model: "m", SLO: model.SLO{ITL: -ms}}}}},
		`service class "P" occurs twice: want one of each name`:             {{Name: "P", Priority: 1}, {Name: "P", Priority: 1}},
	} {
		if err := classes.Validate(); err == nil || err.Error() != want {
			t.Errorf("error %v\nwant  %s", err, want)
		}
	}
}

func FuzzParseServiceClasses(f *testing.F) {
	f.Add("serviceClasses", guideClasses)
	f.Add("premium.yaml", "name: P\npriority: 1\ndata:\n- {model: m, slo-tpot: 24, slo-ttft: 500}\n- &a {model: n}\n- *a\n")
	f.Add("c", "- {name: P, priority: 1, data: &d [*d]}\n- {name: P, model: m, priority: 2, slo-itl: 1e-300}\n")
	f.Fuzz(func(t *testing.T, entry, text string) {
		classes, err := model.ParseServiceClasses(map[string]string{entry: text})
		if invalid := classes.Validate(); invalid != nil {
			t.Fatalf("invalid classes were read: %v", invalid)
		}
		if err == nil && len(classes) == 0 {
			t.Fatal("nothing was read and nothing reported")
		}
		if err != nil && !strings.HasPrefix(err.Error(), entry+":") {
			t.Fatalf("the error does not name the entry: %v", err)
		}
	})
}
