package document_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/wva-go/wva/internal/document"
)

func TestReadRefuses(t *testing.T) {
	for name, test := range map[string]struct{ text, want string }{
		"nothing":              {"", "e: empty document"},
		"a comment":            {"# later\n", "e: empty document"},
		"null":                 {"~", "e: empty document"},
		"an empty document":    {"---\n", "e: empty document"},
		"two documents":        {"a: 1\n---\nb: 2\n", "e:2: more than one YAML document in one entry"},
		"a broken second one":  {"a: 1\n---\nb: }\n", "e:3: not YAML: did not find expected node content"},
		"bad indentation":      {"a: 1\nb: 2\n  c: 3\n", "e:3: not YAML: mapping values are not allowed in this context"},
		"list among fields":    {"a: 1\n- b\n", "e:2: not YAML: did not find expected key"},
		"bracket never closed": {"a: 1\nb: [1\nc: 3\n", "e:2: not YAML: did not find expected ',' or ']'"},
		"on the first line":    {"%x", "e:1: not YAML: found unknown directive name"},
		"control characters":   {"a: \x00", "e: not YAML: control characters are not allowed"},
	} {
		t.Run(name, func(t *testing.T) {
			r, v := document.Read("e", test.text)
			if err := r.Err(); err == nil || err.Error() != test.want {
				t.Errorf("error %v\nwant  %v", err, test.want)
			}
			if v.Present() {
				t.Error("the value is present")
			}
		})
	}
}

// Reading from what is not there yields absence and no failure.
func TestAbsent(t *testing.T) {
	r, v := document.Read("e", "there: {null: ~, word: x}\n")
	for _, absent := range []document.Value{v.Map().Get("missing"), v.Map().Get("there").Map().Get("null"), v.Map().Get("missing").Map().Get("deeper")} {
		_, text := absent.Text()
		_, name := absent.Name()
		_, float := absent.Float()
		_, amount := absent.NonNegative()
		_, whole := absent.Int()
		_, truth := absent.Bool()
		if absent.Present() || absent.IsList() || absent.IsMap() || absent.Has("x") || absent.List() != nil ||
			text || name || float || amount || whole || truth {
			t.Errorf("%+v is there", absent)
		}
	}
	if err := r.Err(); err != nil {
		t.Error(err)
	}
}

func TestScalars(t *testing.T) {
	_, v := document.Read("e", "float: ' 1.5 '\nint: 42\nyes: True\nno: false\ntext: 0x10\n")
	f := v.Map()
	if x, ok := f.Get("float").Float(); !ok || x != 1.5 {
		t.Errorf("float: %v %v", x, ok)
	}
	if n, ok := f.Get("int").Int(); !ok || n != 42 {
		t.Errorf("int: %v %v", n, ok)
	}
	if b, ok := f.Get("yes").Bool(); !ok || !b {
		t.Errorf("yes: %v %v", b, ok)
	}
	if b, ok := f.Get("no").Bool(); !ok || b {
		t.Errorf("no: %v %v", b, ok)
	}
	if s, ok := f.Get("text").Text(); !ok || s != "0x10" {
		t.Errorf("text: %q %v", s, ok)
	}
}

func TestFailures(t *testing.T) {
	number := func(v document.Value) { v.Float() }
	for _, test := range []struct {
		yaml string
		read func(document.Value)
		want string
	}{
		{"1e999", number, `field "1e999": want a finite number`},
		{"nan", number, `field "nan": want a finite number`},
		{"{}", number, "field: want text, have a mapping"},
		{"x", func(v document.Value) { v.Int() }, `field "x": want a whole number`},
		{"99999999999999999999", func(v document.Value) { v.Int() }, `field "99999999999999999999": number out of range`},
		{"yes", func(v document.Value) { v.Bool() }, `field "yes": want true or false`},
		{"' '", func(v document.Value) { v.Name() }, `field " ": empty`},
		{"-0.5", func(v document.Value) { v.NonNegative() }, `field "-0.5": want 0 or more`},
		{"x", func(v document.Value) { v.List() }, `field "x": want a list, have the scalar "x"`},
		{"[]", func(v document.Value) { v.Map() }, "field: want a mapping, have a list"},
		{"{b: 1, b: 2}", func(v document.Value) { v.Map() }, `b "2": field occurs twice`},
		{"{[1]: 2}", func(v document.Value) { v.Map() }, "a key must be text"},
		{"{b: [1]}", func(v document.Value) { v.Map("c", "d") }, "b: unknown field; known are c, d"},
		{strings.Repeat("9", 80) + "x", number, `field "` + strings.Repeat("9", 64) + `…": want a number`},
	} {
		r, v := document.Read("e", "\nfield: "+test.yaml)
		test.read(v.Map().Get("field").Named("x"))
		if got, want := fmt.Sprint(r.Err()), "e:2: x: "+test.want; got != want {
			t.Errorf("%s\n got %s\nwant %s", test.yaml, got, want)
		}
	}
}

func TestRequire(t *testing.T) {
	r, v := document.Read("e", "- {a: 1, b: ~}\n- scalar\n")
	for _, item := range v.List() {
		item.NamedBy("a").Map().Require("a", "b", "c")
	}
	want := "e:1: 1: b: missing\ne:1: 1: c: missing\n" + `e:2: want a mapping, have the scalar "scalar"`
	if got := fmt.Sprint(r.Err()); got != want {
		t.Errorf("error %s\nwant  %s", got, want)
	}
}

// An alias stands for what it names.
func TestAlias(t *testing.T) {
	r, v := document.Read("e", "a: &x {n: 7}\nb: *x\n")
	if n, ok := v.Map().Get("b").Map().Get("n").Int(); !ok || n != 7 {
		t.Errorf("%v %v %v", n, ok, r.Err())
	}
}

func TestErrors(t *testing.T) {
	cause := errors.New("cause")
	r, v := document.Read("e", "a: 1\nb: x\n")
	v.Map().Get("a").Fail("why: %w", cause)
	v.Map().Get("b").Int()
	plain := errors.New("plain")
	all := document.Errors(errors.Join(fmt.Errorf("wrapped: %w", r.Err()), plain))
	var got []string
	for _, e := range all {
		got = append(got, fmt.Sprintf("%s:%d %s %q", e.Entry, e.Line, e.Field, e.Value))
	}
	if want := `[e:1 a "1" e:2 b "x" :0  ""]`; fmt.Sprint(got) != want {
		t.Errorf("%v\nwant %v", got, want)
	}
	if !errors.Is(all[0], cause) || !errors.Is(all[2], plain) {
		t.Error("the causes are lost")
	}
	if document.Errors(nil) != nil {
		t.Error("nil has errors")
	}
}
