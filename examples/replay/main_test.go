package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// runs the command with short settings for what is not said.
func replay(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	err := run(t.Context(), args, &out, io.Discard)
	return out.String(), err
}

// hour is a small curve of rates.
func hour(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "rates.csv")
	if err := os.WriteFile(path, []byte("time,rate\n0,4\n5m,12\n10m,1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Everything that is asked for is written, and the same each time.
func TestWrites(t *testing.T) {
	load := hour(t)
	var before string
	for range 2 {
		dir := t.TempDir()
		path := func(name string) string { return filepath.Join(dir, name) }
		out, err := replay(t, "-trace", load, "-policies", "fixed,HYBRID", "-html", path("r.html"), "-json", path("r.json"), "-csv", path("r.csv"))
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(out, "HYBRID") || !strings.Contains(out, "r.html has the whole story") {
			t.Errorf("it prints %q", out)
		}
		files, err := filepath.Glob(path("*"))
		if hidden, _ := filepath.Glob(path(".*")); err != nil || len(files) != 3 || len(hidden) != 0 {
			t.Errorf("files: %v and %v, %v", files, hidden, err)
		}
		text, err := os.ReadFile(path("r.csv"))
		if err != nil || before != "" && before != string(text) {
			t.Errorf("another time, other numbers: %v", err)
		}
		before = string(text)
	}
}

func TestMarkdown(t *testing.T) {
	out, err := replay(t, "-trace", hour(t), "-policies", "fixed", "-html", "", "-markdown")
	if err != nil || !strings.HasPrefix(out, "    go run ./examples/replay -trace ") || !strings.Contains(out, "| fixed |") {
		t.Errorf("%v: %s", err, out)
	}
}

// Fleets in the guide's formats run as they are: with performance from architecture and data sheet, and promises from their service classes.
func TestFleets(t *testing.T) {
	for _, tt := range []struct {
		dir  string
		args []string
		want string
	}{
		{"../quickstart/fleet", nil, "llm-inference/meta/llama-3.1-8b: first token within 500ms for 95% of requests, 24ms between tokens"},
		{"../quickstart/fleet", []string{"-ttft", "3s", "-quantile", "0"}, "first token within 3s on average, 24ms between tokens on average"},
	} {
		args := append([]string{"-trace", hour(t), "-fleet", tt.dir, "-policies", "fixed,CAPACITY-ONLY,oracle", "-html", ""}, tt.args...)
		if out, err := replay(t, args...); err != nil || !strings.Contains(out, tt.want) {
			t.Errorf("%s %v: %v\n%s", tt.dir, tt.args, err, out)
		}
	}
}

// Two models are each sent the whole load, and judged by their own promises.
func TestTwoModels(t *testing.T) {
	dir := fleetOf(t, "modelID: meta/llama-3.1-8b", "H100", "")
	text, err := os.ReadFile(filepath.Join(dir, "fleet.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	second := strings.NewReplacer("name: v", "name: w", "llama-3.1-8b", "mistral-7b-v0.1").Replace(string(text))
	if err := os.WriteFile(filepath.Join(dir, "second.yaml"), []byte(second), 0o600); err != nil {
		t.Fatal(err)
	}
	html := filepath.Join(dir, "r.html")
	out, err := replay(t, "-trace", hour(t), "-fleet", dir, "-html", html)
	if err != nil || !strings.Contains(out, "ns/meta/llama-3.1-8b: first token") || !strings.Contains(out, "ns/meta/mistral-7b-v0.1: first token") {
		t.Errorf("%v\n%s", err, out)
	}
	if page, err := os.ReadFile(html); err != nil || !strings.Contains(string(page), "TTFT of ns/meta/mistral-7b-v0.1") {
		t.Errorf("the page has no plot of the second model: %v", err)
	}
}

func TestRefuses(t *testing.T) {
	load, empty := hour(t), t.TempDir()
	unknown := fleetOf(t, `modelID: "acme/own-model"`, "A100", "")
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"more"}, `unexpected argument "more"`},
		{[]string{"-scale", "0"}, "-scale 0: want a number above 0"},
		{[]string{"-speed", "-1"}, "speed -1"},
		{[]string{"-scale", "NaN"}, "scale NaN"},
		{[]string{"-interval", "1ms"}, "-interval 1ms: want 1s to 1h"},
		{[]string{"-startup", "-1s"}, "-startup -1s"},
		{[]string{"-max", "0"}, "-max 0"},
		{[]string{"-ttft", "-1s"}, "-ttft -1s"},
		{[]string{"-itl", "-1s"}, "-itl -1s"},
		{[]string{"-quantile", "1"}, "-quantile 1: want 0 for the mean"},
		{[]string{"-policies", "magic"}, `-policies: policy "magic": want some of fixed`},
		{[]string{"-trace", "nowhere.csv"}, "nowhere.csv"},
		{[]string{"-fleet", filepath.Join(empty, "nowhere")}, "-fleet: "},
		{[]string{"-fleet", load}, "not a directory"},
		{[]string{"-fleet", empty}, empty + ": manifest: no .yaml"},
		{[]string{"-fleet", unknown}, `model "acme/own-model" is none whose architecture is known: say with -architecture`},
		{[]string{"-fleet", unknown, "-architecture", "GPT-0"}, "is none whose architecture is known"},
		{[]string{"-fleet", fleetOf(t, "modelID: meta/llama-3.1-8b", "TPU", "")}, `accelerator "TPU" is not known: want one of A100`},
		{[]string{"-fleet", fleetOf(t, "modelID: meta/llama-3.1-70b", "A100", "")}, "the weights leave no memory for a KV cache"},
		{[]string{"-fleet", fleetOf(t, "modelID: meta/llama-3.1-8b", "A100", "-missing")}, "is not in the files: add it"},
		{[]string{"-html", filepath.Join(empty, "no", "r.html")}, "write "},
		{[]string{"-trace", filepath.Join(empty, "none.csv"), "-json", empty}, "it is a directory: want a file"}, // known before anything is read
		{[]string{"-trace", empty}, "want a regular file"},
	} {
		args := append([]string{"-html", "", "-policies", "fixed", "-trace", load}, tt.args...)
		if _, err := replay(t, args...); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%v: %v, want it to say %q", tt.args, err, tt.want)
		}
	}
	if _, err := replay(t, "-trace", load, "-html", "", "-policies", "fixed", "-fleet", unknown, "-architecture", "Llama-3.1-8B"); err != nil {
		t.Errorf("an architecture for an unknown model: %v", err)
	}
}

// fleetOf writes a fleet of one variant; its Deployment's name may differ from what the variant scales.
func fleetOf(t *testing.T, modelID, accelerator, misnamed string) string {
	t.Helper()
	text := fmt.Sprintf(`apiVersion: llmd.ai/v1alpha1
kind: VariantAutoscaling
metadata: {name: v, namespace: ns, labels: {inference.optimization/acceleratorName: %s}}
spec:
  scaleTargetRef: {kind: Deployment, name: v}
  %s
  variantCost: "10"
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: v%s, namespace: ns}
spec: {replicas: 2, template: {spec: {containers: [{name: vllm, resources: {limits: {nvidia.com/gpu: "1"}}}]}}}
`, accelerator, modelID, misnamed)
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "fleet.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// An interrupt leaves no file, whole or half.
func TestInterrupted(t *testing.T) {
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := run(ctx, []string{"-trace", hour(t), "-html", filepath.Join(dir, "r.html")}, io.Discard, io.Discard)
	if files, _ := os.ReadDir(dir); !errors.Is(err, context.Canceled) || len(files) != 0 {
		t.Errorf("%v, files %v", err, files)
	}
}

// What fails on the way leaves the file that was there as it was.
func TestReplaceFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "r.html")
	if err := replaceFile(t.Context(), path, func(w io.Writer) error { _, err := io.WriteString(w, "old"); return err }); err != nil {
		t.Fatal(err)
	}
	broken := errors.New("broken")
	ctx, cancel := context.WithCancel(t.Context())
	for _, tt := range []struct {
		want  error
		write func(io.Writer) error
	}{
		{broken, func(w io.Writer) error { _, _ = io.WriteString(w, "half"); return broken }},
		{context.Canceled, func(io.Writer) error { cancel(); return nil }},
	} {
		if err := replaceFile(ctx, path, tt.write); !errors.Is(err, tt.want) {
			t.Errorf("%v, want %v", err, tt.want)
		}
		text, err := os.ReadFile(path)
		if files, _ := os.ReadDir(dir); err != nil || string(text) != "old" || len(files) != 1 {
			t.Errorf("after %v: %q, files %v, %v", tt.want, text, files, err)
		}
	}
}

// What is no file is written to, and what a link leads to is replaced, not the link.
func TestDevicesAndLinks(t *testing.T) {
	dir := t.TempDir()
	hello := func(w io.Writer) error { _, err := io.WriteString(w, "hello"); return err }
	before, err := os.Lstat(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(writable(os.DevNull), replaceFile(t.Context(), os.DevNull, hello)); err != nil {
		t.Error(err)
	}
	if after, err := os.Lstat(os.DevNull); err != nil || after.Mode() != before.Mode() {
		t.Fatalf("%s is now %v, %v", os.DevNull, after, err)
	}
	file, link := filepath.Join(dir, "file"), filepath.Join(dir, "link")
	if err := errors.Join(os.WriteFile(file, nil, 0o600), os.Symlink(file, link), writable(link), replaceFile(t.Context(), link, hello)); err != nil {
		t.Fatal(err)
	}
	info, err := os.Lstat(link)
	if text, err2 := os.ReadFile(file); err != nil || err2 != nil || info.Mode().IsRegular() || string(text) != "hello" {
		t.Errorf("link %v, file %q, %v, %v", info.Mode(), text, err, err2)
	}
	if files, _ := os.ReadDir(dir); len(files) != 2 {
		t.Errorf("files left: %v", files)
	}
}

// The command of a report can be typed as it stands.
func TestCommand(t *testing.T) {
	got := command([]string{"-policies", "fixed,HYBRID steady", "-scale", "5", "-html", ""})
	if want := "go run ./examples/replay -policies 'fixed,HYBRID steady' -scale 5 -html ''"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// Nothing is shown of the progress where nobody looks at a terminal.
func TestQuiet(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, w := range []io.Writer{f, new(bytes.Buffer)} {
		if show, done := progress(w, 1); show != nil || done == nil {
			t.Errorf("%T: progress is shown", w)
		}
	}
}

// raceDetector says that the test watches every access to memory, which takes many times as long.
var raceDetector bool

// The hour of the Azure trace, on 20 replicas, with more than five policies: within half a minute on two cores, and with a report.
func TestAzureHour(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some seconds")
	}
	path := shared(t, "data/azure-code-2023.csv")
	begun := time.Now()
	html := filepath.Join(t.TempDir(), "replay.html")
	out, err := replay(t, "-trace", path, "-scale", "5", "-html", html)
	took := time.Since(begun)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("in %v:\n%s", took.Round(10*time.Millisecond), out)
	if took > 30*time.Second && !raceDetector {
		t.Errorf("it took %v, want at most 30s", took)
	}
	if info, err := os.Stat(html); err != nil || info.Size() > 3<<20 {
		t.Errorf("the report: %v, %v", info, err)
	}
}

// shared finds a file of the directory that may stand beside the project.
func shared(t *testing.T, name string) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		path := filepath.Join(dir, "shared", name)
		if _, err := os.Stat(path); err == nil {
			return path
		}
		if dir == filepath.Dir(dir) {
			t.Skipf("no shared/%s beside the project: the trace is AzureLLMInferenceTrace_code.csv of github.com/Azure/AzurePublicDataset", name)
		}
		dir = filepath.Dir(dir)
	}
}
