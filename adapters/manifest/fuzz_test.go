package manifest_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wva-go/wva/adapters/manifest"
)

func FuzzParse(f *testing.F) {
	for _, pattern := range []string{"testdata/guide/*.yaml", "testdata/fleet/*.yaml"} {
		names, err := filepath.Glob(pattern)
		if err != nil {
			f.Fatal(err)
		}
		for _, name := range names {
			text, err := os.ReadFile(name)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(string(text))
		}
	}
	f.Add("&a\napiVersion: v1\nkind: List\nitems: [*a, {kind: ConfigMap, apiVersion: v1, metadata: {name: serviceclass}, data: &a {x: *a}}]\n")
	f.Fuzz(func(t *testing.T, text string) {
		m, err := manifest.Parse("file.yaml", text)
		if invalid := m.Policy.Validate(); invalid != nil {
			t.Fatalf("an invalid policy was read: %v", invalid)
		}
		for _, v := range m.Fleet {
			if invalid := v.Validate(); invalid != nil {
				t.Fatalf("an invalid variant was read: %v", invalid)
			}
		}
		if err != nil && !strings.HasPrefix(err.Error(), "file.yaml:") {
			t.Fatalf("the error does not name the file: %v", err)
		}
	})
}
