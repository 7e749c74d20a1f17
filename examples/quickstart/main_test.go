package main

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wva-go/wva"
)

func TestTable(t *testing.T) {
	var out bytes.Buffer
	if err := run(t.Context(), nil, &out, io.Discard); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"llama-8b-a100", "llama-8b-h100", "llama-8b-mi300x", "grow to 2", "shrink to"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the table does not say %q", want)
		}
	}
}

// The load rises and falls, and the fleet with it; the reports are whole and the same every time.
func TestJSON(t *testing.T) {
	var out, again bytes.Buffer
	for _, o := range []*bytes.Buffer{&out, &again} {
		if err := run(t.Context(), []string{"-o", "json"}, o, io.Discard); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(out.Bytes(), again.Bytes()) {
		t.Error("two runs differ")
	}
	var costs []float64
	for decoder := json.NewDecoder(&out); decoder.More(); {
		var r wva.Report
		if err := decoder.Decode(&r); err != nil {
			t.Fatal(err)
		}
		costs = append(costs, r.Cost)
	}
	highest, last := 0.0, costs[len(costs)-1]
	for _, c := range costs {
		highest = max(highest, c)
	}
	if !(costs[0] < highest && last < highest) {
		t.Errorf("costs do not rise and fall: %v", costs)
	}
}

func TestRefuses(t *testing.T) {
	empty := t.TempDir()
	broken := t.TempDir()
	if err := os.WriteFile(filepath.Join(broken, "va.yaml"), []byte("kind: VariantAutoscaling\napiVersion: llmd.ai/v1alpha1\nspec: {}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"-o", "xml"}, "-o \"xml\": want table or json"},
		{[]string{"-steps", "0"}, "-steps 0"},
		{[]string{"-interval", "0s"}, "-interval 0s"},
		{[]string{"more"}, "unexpected argument"},
		{[]string{"-dir", empty}, "no .yaml"},
		{[]string{"-dir", filepath.Join(empty, "nowhere")}, "no such file"},
		{[]string{"-dir", broken}, "va.yaml"},
	} {
		if err := run(t.Context(), tt.args, io.Discard, io.Discard); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%v: error = %v, want it to say %q", tt.args, err, tt.want)
		}
	}
}

func FuzzReadLoad(f *testing.F) {
	f.Add("minute,requests_per_second\n0,5\n2,15\n")
	f.Add("minute,rate\nNaN,-1\n")
	f.Add("minute,rate\n0,1e300\n")
	f.Fuzz(func(t *testing.T, text string) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "load.csv"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		curve, err := readLoad(os.DirFS(dir))
		if err == nil && !(curve.peak() >= 0 && curve.peak() <= mostRate) {
			t.Fatalf("peak %v", curve.peak())
		}
		if err != nil && !strings.Contains(err.Error(), "load.csv") {
			t.Fatalf("the error does not name the file: %v", err)
		}
	})
}
