package wva_test

import (
	"os"
	"strings"
	"testing"
)

// The README's program is the package's Example, which is compiled and run, line for line.
func TestReadmeIsTheExample(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	example, err := os.ReadFile("example_test.go")
	if err != nil {
		t.Fatal(err)
	}
	_, block, ok := strings.Cut(string(readme), "```go\n")
	if !ok {
		t.Fatal("the README has no program")
	}
	block, _, _ = strings.Cut(block, "```")
	lines := strings.Split(strings.TrimSpace(block), "\n")
	if len(lines) > 30 {
		t.Errorf("the README's program has %d lines, want at most 30", len(lines))
	}
	have := map[string]bool{}
	for _, line := range strings.Split(string(example), "\n") {
		have[strings.TrimSpace(line)] = true
	}
	for _, line := range lines {
		if !have[strings.TrimSpace(line)] {
			t.Errorf("not in the Example: %s", line)
		}
	}
}
