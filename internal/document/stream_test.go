package document_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/wva-go/wva/internal/document"
)

func TestStream(t *testing.T) {
	for name, test := range map[string]struct{ text, want string }{
		"nothing":              {"", ""},
		"comments":             {"# a\n---\n# b\n---\n", ""},
		"one":                  {"a: 1\n", "1"},
		"three":                {"---\na: 1\n---\n# c\na: 2\n--- \na: 3\n", "2 5 7"},
		"no newline at end":    {"a: 1\n---\na: 2\n---", "1 3"},
		"windows lines":        {"a: 1\r\n---\r\na: 2\r\n", "1 3"},
		"content at marker":    {"a: 1\n--- {a: 2}\n", "1 2"},
		"broken in the middle": {"a: 1\n---\na: [\n---\na: 3\n", "1 f:4: not YAML: did not find expected node content 5"},
		"dashes in a block":    {"a: |\n  x\n  ---\n  y\n", "1"},
		"not a marker":         {"---a: 1\n", "1"},
		"end marker":           {"a: 1\n...\n---\nb: 1\n", "1 4"},
		"null":                 {"~\n---\na: 1\n", "3"},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for r, v := range document.Stream("f", test.text) {
				if err := r.Err(); err != nil {
					got = append(got, err.Error())
					continue
				}
				got = append(got, fmt.Sprint(v.Line()))
			}
			if got := strings.Join(got, " "); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

// A failure in a block scalar is placed on the line of the file; in any other scalar lines count from 1.
func TestBlock(t *testing.T) {
	for name, test := range map[string]struct {
		text, want string
	}{
		"literal":     {"data:\n  entry: | # why\n    a: 1\n    b: x\n", "e:4: b \"x\": want a whole number"},
		"stripped":    {"data:\n  entry: |-\n\n    b: x", "e:4: b \"x\": want a whole number"},
		"own line":    {"data:\n  entry:\n    |\n    b: x", "e:4: b \"x\": want a whole number"},
		"in a stream": {"---\ndata:\n  entry: |\n    b: x\n", "e:4: b \"x\": want a whole number"},
		"quoted":      {"data:\n  entry: \"a: 1\\nb: x\"\n", "e:2: b \"x\": want a whole number"},
		"plain":       {"data:\n  entry: '{b: x}'\n", "e:1: b \"x\": want a whole number"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, v := range document.Stream("f", test.text) {
				text, ok := v.Map().Get("data").Map().Get("entry").Block()
				if !ok {
					t.Fatal(v)
				}
				r, inner := document.Read("e", text)
				inner.Map().Get("b").Int()
				if got := fmt.Sprint(r.Err()); got != test.want {
					t.Errorf("got  %s\nwant %s", got, test.want)
				}
			}
		})
	}
}
