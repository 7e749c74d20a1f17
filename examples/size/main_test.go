package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write testdata/*.golden")

// size runs the command and returns what it prints.
func size(t *testing.T, args string) string {
	t.Helper()
	var out bytes.Buffer
	if err := run(strings.Fields(args), &out, io.Discard); err != nil {
		t.Fatalf("%s: %v", args, err)
	}
	return out.String()
}

func TestGolden(t *testing.T) {
	for name, args := range map[string]string{
		"default":      "",
		"70b":          "-model Llama-3.1-70B -itl 35ms",
		"points":       "-points testdata/points.csv -accelerators H100 -devices 1,2 -quantile 0.95 -ttft 2s -itl 50ms",
		"unitcost":     "-unit-costs testdata/unitcost.yaml -unit-cost MI300X=30 -devices 1",
		"architecture": "-architecture testdata/architecture.json -accelerators A100,H100 -itl 60ms -rate 3",
		"nothing":      "-itl 1ms -devices 1,8",
		"idle":         "-rate 0 -devices 1",
		"json":         "-json -accelerators H100 -devices 1",
	} {
		t.Run(name, func(t *testing.T) {
			got := size(t, args)
			file := filepath.Join("testdata", name+".golden")
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if name == "json" { // whose numbers have all their digits
				compareJSON(t, want, []byte(got))
				return
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("size %s (-want +got)\n%s", args, diff)
			}
		})
	}
}

// compareJSON allows numbers to differ in the last digits, as they do between processors.
func compareJSON(t *testing.T, want, got []byte) {
	t.Helper()
	var a, b any
	if err := json.Unmarshal(want, &a); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(got, &b); err != nil {
		t.Fatal(err)
	}
	near := cmp.Comparer(func(x, y float64) bool { return x == y || (x-y)*(x-y) <= 1e-18*x*x })
	if diff := cmp.Diff(a, b, near); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// The planner carries the load that was asked for, at the price that it says.
func TestPlansCarryTheLoad(t *testing.T) {
	for _, args := range []string{"-rate 0.01", "-rate 7", "-rate 1000 -input 4000 -output 10", "-rate 1e5", "-model Llama-2-70b-hf -itl 100ms -ttft 0"} {
		var a answer
		if err := json.Unmarshal([]byte(size(t, "-json "+args)), &a); err != nil {
			t.Fatal(err)
		}
		best := 0.0
		for _, s := range a.Arrangements {
			if s.Replicas == 0 {
				continue
			}
			carried := float64(s.Replicas) * s.RatePerReplica
			if carried < a.Rate*(1-1e-9) || s.Replicas > 1 && carried-s.RatePerReplica >= a.Rate {
				t.Errorf("%s: %d × %s carry %g of %g requests/s", args, s.Replicas, s.Arrangement, carried, a.Rate)
			}
			if best == 0 || s.PerHour < best {
				best = s.PerHour
			}
		}
		if a.Cheapest == nil || a.Cheapest.Cost > best*(1+1e-9) {
			t.Errorf("%s: cheapest %+v, and one arrangement alone costs %g", args, a.Cheapest, best)
		}
	}
}

// The published benchmark can be given as it is.
func TestPublishedPoints(t *testing.T) {
	const file = "../../../shared/data/measured-dense.csv"
	if _, err := os.Stat(file); err != nil {
		t.Skip("no shared/data/measured-dense.csv beside the clone: see docs/profiles.md")
	}
	if got := size(t, "-model Llama-2-7b-hf -devices 1 -points "+file); !strings.Contains(got, "21 points") || strings.Contains(got, "roofline") {
		t.Errorf("%s", got)
	}
}

func TestRefuses(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string]string{
		"empty.csv": "", "header.csv": "accelerator,devices\n", "none.csv": "accelerator,devices,batch,input,output,latency_seconds\n",
		"short.csv":  "accelerator,devices,batch,input,output,latency_seconds\nH100,1,1\n",
		"name.csv":   "accelerator,devices,batch,input,output,latency_seconds\nB200,1,1,1,1,1\n",
		"batch.csv":  "accelerator,devices,batch,input,output,latency_seconds\nH100,1,1,1,1,1\nH100,1,0,1,1,1\n",
		"nan.csv":    "accelerator,devices,batch,input,output,latency_seconds\nH100,1,1,1,1,NaN\n",
		"gap.csv":    "accelerator,devices,batch,input,output,latency_seconds\nH100,1,1,1,1,\n",
		"quote.csv":  "accelerator,devices,batch,input,output,latency_seconds\n\"H100,1,1,1,1,1\n",
		"other.csv":  "model,accelerator,devices,batch,input,output,latency_seconds\ngpt,H100,1,1,1,1,1\n",
		"list.json":  "[]",
		"zero.json":  `{"name":"x","parameters":1e9,"layers":0}`,
		"field.json": `{"heads":1}`,
		"none.yaml":  "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: model-scale-to-zero}\n",
		"bad.yaml":   "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: accelerator-unitcost}\ndata:\n  accelerators: |\n    - {name: A100, type: T, cost: -1}\n",
		"b200.yaml":  "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: accelerator-unitcost}\ndata:\n  accelerators: |\n    - {name: B200, type: T, cost: 1}\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for args, want := range map[string]string{
		"more":                                   `unexpected argument "more"`,
		"-model gpt":                             `-model "gpt": want one of Llama-2-13b-hf`,
		"-input -5":                              "input token lengths",
		"-input 1e8":                             "does not fit a KV cache",
		"-output 0":                              "-output 0: want at least 1 token",
		"-output NaN":                            "-output NaN",
		"-cv -1":                                 "coefficient of variation",
		"-rate -1":                               "-rate -1",
		"-rate Inf":                              "-rate +Inf",
		"-ttft -1s":                              "SLO: TTFT -1s",
		"-quantile 1":                            "SLO: TTFT quantile 1",
		"-max-batch 0":                           "max batch 0",
		"-batched-tokens -1":                     "max batched tokens -1",
		"-devices 0":                             `-devices "0"`,
		"-devices 1,,2":                          "want numbers from 1 to 1024",
		"-accelerators H100,B200":                `-accelerators: no data sheet of "B200": want one of A100, A100-40GB, H100, MI300X`,
		"-accelerators A100-40GB":                "A100-40GB has no cost: add -unit-cost A100-40GB=COST",
		"-unit-cost H100":                        `-unit-cost "H100": want ACCELERATOR=COST`,
		"-unit-cost H100=-1":                     "want ACCELERATOR=COST",
		"-unit-cost B200=1":                      `no data sheet of "B200"`,
		"-unit-costs DIR/nowhere":                "no such file",
		"-unit-costs DIR/none.yaml":              "no ConfigMap accelerator-unitcost in it",
		"-unit-costs DIR/bad.yaml":               `bad.yaml:6: ConfigMap accelerator-unitcost: accelerators: A100: cost "-1": want 0 or more`,
		"-unit-costs DIR/b200.yaml":              `no data sheet of "B200"`,
		"-architecture DIR/nowhere":              "no such file",
		"-architecture DIR/list.json":            "want the fields name, parameters",
		"-architecture DIR/field.json":           `unknown field "heads"`,
		"-architecture DIR/zero.json":            "layers 0",
		"-points DIR/nowhere":                    "no such file",
		"-points DIR/empty.csv":                  "empty: want a line of column names",
		"-points DIR/header.csv":                 "no column called batch input output latency_seconds",
		"-points DIR/none.csv":                   "no point of Llama-3.1-8B in it",
		"-points DIR/other.csv":                  "no point of Llama-3.1-8B in it",
		"-points DIR/short.csv":                  "record on line 2: wrong number of fields",
		"-points DIR/name.csv":                   `name.csv:2: no data sheet of "B200"`,
		"-points DIR/batch.csv":                  `batch.csv:3: batch "0": want a whole number, 1 or more`,
		"-points DIR/nan.csv":                    `nan.csv:2: latency_seconds "NaN": want a positive number`,
		"-points DIR/gap.csv":                    "gap.csv:2: nothing was measured",
		"-points DIR/quote.csv":                  `extraneous or missing "`,
		"-points testdata/points.csv -devices 8": "none is of an arrangement that is compared here",
	} {
		err := run(strings.Fields(strings.ReplaceAll(args, "DIR", dir)), io.Discard, io.Discard)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error = %v, want %q", args, err, want)
		}
	}
}

func FuzzReadPoints(f *testing.F) {
	f.Add("accelerator,devices,batch,input,output,latency_seconds\nH100,1,1,1,1,1\n")
	f.Add("model,accelerator,devices,batch,input_and_output_tokens,itl_seconds\nm/Llama,A100,1,16,128,\n")
	f.Fuzz(func(t *testing.T, text string) {
		points, err := readPoints("p.csv", strings.NewReader(text), "Llama")
		if err != nil && !strings.Contains(err.Error(), "p.csv") {
			t.Fatalf("the error does not name the file: %v", err)
		}
		for a, list := range points {
			for _, p := range list {
				if a.devices < 1 || p.Validate() != nil || p.Latency < 0 || p.Latency+p.TTFT+p.ITL <= 0 {
					t.Fatalf("%s: %+v", a, p)
				}
			}
		}
	})
}
