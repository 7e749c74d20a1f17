package v1alpha1_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// The deep copies and the definition are those of the types as they are. go generate makes them anew.
func TestGeneratedFilesAreCurrent(t *testing.T) {
	if testing.Short() {
		t.Skip("-short leaves out what builds the generator")
	}
	directory := t.TempDir()
	command := exec.CommandContext(t.Context(), "go", "tool", "controller-gen", "object", "crd:generateEmbeddedObjectMeta=false", "paths=.",
		"output:object:dir="+directory, "output:crd:dir="+directory)
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, file := range []string{"zz_generated.deepcopy.go", "../../crd/llmd.ai_variantautoscalings.yaml"} {
		have, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		want, err := os.ReadFile(filepath.Join(directory, filepath.Base(file)))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(have, want) {
			t.Errorf("%s is not what the types say: run go generate ./adapters/kubernetes/...", file)
		}
	}
}
