package main

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/wva-go/wva"
)

// whatif runs the command on the sample in HYBRID mode and returns what it says as JSON.
func whatif(t *testing.T, args ...string) result {
	t.Helper()
	var out bytes.Buffer
	if err := run(append([]string{"-mode", "HYBRID", "-o", "json"}, args...), nil, &out, io.Discard); err != nil {
		t.Fatal(err)
	}
	var r result
	if err := json.Unmarshal(out.Bytes(), &r); err != nil {
		t.Fatal(err)
	}
	return r
}

func target(t *testing.T, r wva.Report, name string) int {
	t.Helper()
	d, ok := r.Decision(wva.ID{Namespace: "llm", Name: name})
	if !ok {
		t.Fatalf("no decision for %s", name)
	}
	return d.Target
}

func TestTable(t *testing.T) {
	for _, tt := range []struct {
		args string
		want []string
	}{
		{"-mode HYBRID -load 2", []string{"2026-01-05T09:45:00Z  HYBRID  -load 2", "llm/llama-8b-a100", "cost: +", "rather than 2", "requests/s"}},
		{"-mode HYBRID -unit-cost MI300X=90", []string{"260.00 → 360.00", "cost: +100.00 an hour"}},
		{"-ttft Premium=100ms -unit-cost H100=81", []string{"CAPACITY-ONLY", "note: an SLO has no say", "note: unit costs have no say", "no target changes"}},
		{"-n -1 -load 0.1 -load meta/llama-3.1-8b=5", []string{"2026-01-05T09:44:00Z", "-load 0.1  -load meta/llama-3.1-8b=5"}},
		{"-n 1 -then-mode HYBRID", []string{"2026-01-05T09:43:00Z", "mode HYBRID"}},
		{"-then testdata/sample -variant-cost llama-8b-a100=400", []string{"policy of testdata/sample  -variant-cost llama-8b-a100=400"}},
	} {
		var out bytes.Buffer
		if err := run(strings.Fields(tt.args), nil, &out, io.Discard); err != nil {
			t.Errorf("%s: %v", tt.args, err)
		}
		for _, want := range tt.want {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%s:\n%s\nwant it to say %q", tt.args, out.String(), want)
			}
		}
	}
}

// wouldShrink tells whether the changed case shrinks a variant once the scale-down window has passed, and the case as it was does not: a single cycle does not show more.
func wouldShrink(r result) bool {
	waits := func(d wva.Decision) bool {
		return slices.ContainsFunc(d.Reasons, func(reason wva.Reason) bool { return reason.Rule == wva.RuleStabilization })
	}
	return slices.ContainsFunc(r.After.Decisions, waits) && !slices.ContainsFunc(r.Before.Decisions, waits) && r.PriceAfter <= r.PriceBefore
}

// Each change does what it says, and nothing happens to the decision as it was.
func TestChanges(t *testing.T) {
	asItWas := whatif(t, "-load", "1").Before
	for _, tt := range []struct {
		name  string
		args  []string
		check func(r result) bool
	}{
		{"as many requests", []string{"-load", "1"}, func(r result) bool { return len(r.Difference.Changes) == 0 && r.PriceBefore == r.PriceAfter }},
		{"more requests", []string{"-load", "2"}, func(r result) bool { return r.PriceAfter > r.PriceBefore }},
		{"fewer requests", []string{"-load", "0.3"}, wouldShrink},
		{"no requests", []string{"-load", "0"}, wouldShrink},
		{"fewer of one model", []string{"-load", "meta/llama-3.1-70b=0.3"}, func(r result) bool {
			return target(t, r.After, "llama-8b-a100") == target(t, r.Before, "llama-8b-a100") && wouldShrink(r)
		}},
		{"fewer of one, by its whole name", []string{"-load", "llm/meta/llama-3.1-70b=0.3"}, wouldShrink},
		{"more devices", []string{"-inventory", "H100=+8", "-load", "3"}, func(r result) bool {
			return r.PriceAfter > whatif(t, "-load", "3").PriceAfter
		}},
		{"devices by type", []string{"-inventory", "NVIDIA-A100-PCIE-80GB=2", "-load", "2"}, func(r result) bool { return target(t, r.After, "llama-8b-a100") == 2 }},
		{"a device fewer", []string{"-inventory", "A100=-4", "-load", "2"}, func(r result) bool { return target(t, r.After, "llama-8b-a100") == 2 }},
		{"a tighter ITL", []string{"-itl", "Premium/meta/llama-3.1-8b=17ms"}, func(r result) bool {
			return target(t, r.After, "llama-8b-a100") > target(t, r.Before, "llama-8b-a100")
		}},
		{"a looser ITL, by model", []string{"-itl", "meta/llama-3.1-8b=60ms", "-ttft", "meta/llama-3.1-8b=5s"}, func(r result) bool {
			return r.After.Models[1].Plan.Cost < r.Before.Models[1].Plan.Cost
		}},
		{"a dearer device", []string{"-unit-cost", "H100=90"}, func(r result) bool { return r.PriceAfter-r.PriceBefore >= 10*8 }},
		{"a variant that seems to cost nothing", []string{"-variant-cost", "llm/llama-8b-mi300x=0"}, func(r result) bool { return len(r.Before.Decisions) == 5 }},
	} {
		r := whatif(t, tt.args...)
		if !tt.check(r) {
			t.Errorf("%s: %v: price %g → %g\n%s\n%s", tt.name, tt.args, r.PriceBefore, r.PriceAfter, r.Before, r.After)
		}
		before, _ := json.Marshal(r.Before)
		if want, _ := json.Marshal(asItWas); !bytes.Equal(before, want) {
			t.Errorf("%s: the decision as it was has changed", tt.name)
		}
	}
}

// A load is multiplied as a whole: what arrives is so many times as much, whether the servers can serve it or not.
func TestLoadScalesDemand(t *testing.T) {
	for _, factor := range []string{"0.25", "0.5", "1", "1.5", "2", "4", "20"} {
		r := whatif(t, "-load", factor)
		for i, m := range r.After.Models {
			var f float64
			if err := json.Unmarshal([]byte(factor), &f); err != nil {
				t.Fatal(err)
			}
			was, is := r.Before.Models[i].Demand, m.Demand
			if was == nil || is == nil {
				t.Fatalf("%s: no demand", m.ModelKey)
			}
			if got := is.Rate / was.Rate; got < f*0.999 || got > f*1.001 {
				t.Errorf("%s: %g times the demand at -load %s", m.ModelKey, got, factor)
			}
		}
	}
}

// Snapshots come in several forms, and all of them are the same.
func TestInputs(t *testing.T) {
	text, err := sample.ReadFile("testdata/sample/snapshots-000001.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.Split(bytes.TrimSpace(text), []byte("\n"))
	last := lines[len(lines)-1]
	var entry struct {
		Snapshot json.RawMessage `json:"snapshot"`
	}
	if err := json.Unmarshal(last, &entry); err != nil {
		t.Fatal(err)
	}
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, last, "", "\t"); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, content := range map[string][]byte{
		"entry.json": pretty.Bytes(), "snapshot.json": entry.Snapshot, "one.jsonl": last,
		"torn.jsonl": append(bytes.Clone(text), last[:100]...), "snapshots-000007.jsonl": append([]byte("garbage\n"), text...),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct{ name, warning string }{
		{"entry.json", ""}, {"snapshot.json", ""}, {"one.jsonl", ""}, {"torn.jsonl", "torn.jsonl:4: torn"}, {".", "snapshots-000007.jsonl:1: no entry"}, {"-", ""},
	} {
		var out, messages bytes.Buffer
		name := tt.name
		if name != "-" {
			name = filepath.Join(dir, name)
		}
		if err := run([]string{"-load", "2", name}, bytes.NewReader(entry.Snapshot), &out, &messages); err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		if !strings.Contains(out.String(), "2026-01-05T09:45:00Z") || !strings.Contains(messages.String(), tt.warning) {
			t.Errorf("%s: %s%s", tt.name, out.String(), messages.String())
		}
	}
}

func TestRefuses(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string]string{
		"list.json": "[]", "cut.json": "{\n\"at\": ", "field.json": `{"att": 1}`, "type.json": "{\n\"variants\": 7}", "time.json": `{"variants":[]}`,
		"entry.json": `{"version":9,"snapshot":{}}`, "empty.jsonl": "", "bad.jsonl": "no\n", "no/nothing": "",
		"twice.json": `{"at":"2026-01-05T09:45:00Z","variants":[{"id":{"name":"a"}},{"id":{"name":"a"}}],"inventory":{"limit":"unlimited"}}`,
		"plain.json": `{"at":"2026-01-05T09:45:00Z","variants":[{"id":{"name":"a"},"model":"m","accelerator":"A100"}],"inventory":{"limit":"unlimited"}}`,
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for args, want := range map[string]string{
		"":                                  "nothing is changed: say what",
		"-load":                             "flag needs an argument",
		"-load x":                           `"x": want a factor`,
		"-load -1":                          "want a factor",
		"-load NaN":                         "want a factor",
		"-load gpt=2":                       `no model "gpt": want one of llm/meta/llama-3.1-70b, llm/meta/llama-3.1-8b`,
		"-inventory H100":                   "want NAME=N",
		"-inventory H100=":                  "want NAME=N",
		"-inventory H100=x":                 `"x": want a number of devices`,
		"-inventory H100=99999999":          "want a number of devices",
		"-inventory B200=1":                 `no accelerator "B200": want one of AMD-MI300X-192GB, NVIDIA-A100-PCIE-80GB, NVIDIA-H100-80GB-HBM3`,
		"-inventory H100=-9":                "there are 8 devices: not so many can go",
		"-ttft Gold=1s":                     `no service class "Gold": want one of Premium/meta/llama-3.1-8b, Standard/meta/llama-3.1-70b`,
		"-ttft Premium=fast":                `"fast": want a positive duration`,
		"-itl Premium=0s":                   "want a positive duration",
		"-unit-cost H100=-1":                "want a cost per hour",
		"-unit-cost H100=Inf":               "want a cost per hour",
		"-unit-cost B200=9":                 `no accelerator "B200": want one of A100, H100, MI300X`,
		"-variant-cost llama=9":             `no variant "llama": want one of llm/llama-70b-h100`,
		"-mode FAST -load 2":                "as it was: wva: policy: mode \"FAST\"",
		"-then-mode FAST":                   "as changed: wva: policy: mode \"FAST\"",
		"-o xml":                            "want table or json",
		"-n 4 -load 2":                      "-n 4: the recording has 3 entries: want -2 to 3",
		"-n -3 -load 2":                     "-n -3: the recording has 3 entries",
		"-config nowhere -load 2":           "-config nowhere: ",
		"-then nowhere":                     "-then nowhere: ",
		"a b":                               `unexpected argument "b"`,
		"-load 2 DIR/list.json":             "no snapshot: line 1: json: cannot unmarshal array",
		"-load 2 DIR/cut.json":              "no snapshot: line 2: unexpected end",
		"-load 2 DIR/field.json":            `unknown field "att"`,
		"-load 2 DIR/type.json":             "line 2: json: cannot unmarshal number",
		"-then-mode HYBRID DIR/time.json":   "at is not set",
		"-load 2 DIR/entry.json":            "version 9",
		"-load 2 DIR/empty.jsonl":           "the recording is empty",
		"-load 2 DIR/bad.jsonl":             "no entry could be read: recording: ",
		"-load 2 DIR/no":                    "no recording here",
		"-load 2 DIR/none":                  "no such file",
		"-load 2 DIR/twice.json":            "variant a is listed twice",
		"-n 2 -load 2 DIR/plain.json":       "-n 2: there is one snapshot",
		"-ttft a=1s DIR/plain.json":         "no service class \"a\": there is none at all",
		"-inventory A100=+1 DIR/plain.json": "the inventory of the snapshot is without limit: say how many there are",
	} {
		err := run(strings.Fields(strings.ReplaceAll(args, "DIR", dir)), strings.NewReader(""), io.Discard, io.Discard)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error = %v, want %q", args, err, want)
		}
	}
	if err := run([]string{"-inventory", "A100=0", filepath.Join(dir, "plain.json")}, nil, io.Discard, io.Discard); err != nil {
		t.Errorf("a limit where there was none: %v", err)
	}
}
