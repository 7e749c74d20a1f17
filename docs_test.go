package wva_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// pages are README, docs and the READMEs of examples.
func pages(t *testing.T) map[string]string {
	t.Helper()
	names := []string{"README.md", "CONTRIBUTING.md", "CHANGELOG.md"}
	for _, pattern := range []string{"docs/*.md", "examples/*/README.md"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, found...)
	}
	texts := map[string]string{}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		texts[name] = string(text)
	}
	return texts
}

// Links within the project lead somewhere, also to a section, and the programs and flags that pages tell to run exist.
func TestDocsPointAtWhatIsThere(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)#:]*)(?:#([a-z0-9-]+))?\)`)
	program, option := regexp.MustCompile(`go run (\./[a-z/]+)([^\n#`+"`"+`]*)`), regexp.MustCompile(` -([a-z][a-z-]*)`)
	texts := pages(t)
	for name, text := range texts {
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			target := name
			if m[1] != "" {
				target = filepath.Join(filepath.Dir(name), m[1])
			}
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s: the link to %s: %v", name, m[1], err)
			}
			if m[2] != "" && !slices.Contains(anchors(texts[target]), m[2]) {
				t.Errorf("%s: %s has no section %s", name, target, m[2])
			}
		}
		for _, m := range program.FindAllStringSubmatch(text, -1) {
			source := sources(t, m[1])
			for _, o := range option.FindAllStringSubmatch(m[2], -1) {
				if o[1] != "help" && !strings.Contains(source, `"`+o[1]+`"`) {
					t.Errorf("%s: %s: there is no flag -%s", name, m[0], o[1])
				}
			}
		}
	}
}

// anchors are what the sections of a page are linked by.
func anchors(text string) []string {
	var found []string
	for _, m := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(text, -1) {
		plain := regexp.MustCompile(`[^a-z0-9 -]`).ReplaceAllString(strings.ToLower(m[1]), "")
		found = append(found, strings.ReplaceAll(plain, " ", "-"))
	}
	return found
}

// sources returns the text of a program.
func sources(t *testing.T, dir string) string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil || len(names) == 0 {
		t.Errorf("%s: no program, %v", dir, err)
	}
	var all strings.Builder
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(text)
	}
	return all.String()
}

// docs/operating.md explains every kind of problem and every rule that there is.
func TestOperatingIsComplete(t *testing.T) {
	text := pages(t)["docs/operating.md"]
	for _, kind := range []string{"ProblemKind", "Rule"} {
		values := constants(t, kind)
		if len(values) < 5 {
			t.Fatalf("%d constants of type %s", len(values), kind)
		}
		for _, v := range values {
			if !strings.Contains(text, "`"+v+"`") {
				t.Errorf("docs/operating.md does not explain the %s %s", kind, v)
			}
		}
	}
}

// constants returns the values of the package's string constants of a type.
func constants(t *testing.T, typeName string) []string {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var values []string
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok {
				return true
			}
			if id, ok := spec.Type.(*ast.Ident); !ok || id.Name != typeName {
				return true
			}
			for _, v := range spec.Values {
				if lit, ok := v.(*ast.BasicLit); ok && lit.Kind == token.STRING {
					value, err := strconv.Unquote(lit.Value)
					if err != nil {
						t.Fatal(err)
					}
					values = append(values, value)
				}
			}
			return true
		})
	}
	return values
}

// docs/architecture.md has every package that users can import in its table, and every package has a doc comment and an Example.
func TestPackagesAreDocumented(t *testing.T) {
	architecture := pages(t)["docs/architecture.md"]
	for _, dir := range packages(t) {
		if dir != "." && !strings.Contains(architecture, "`"+dir+"`") {
			t.Errorf("docs/architecture.md does not have %s", dir)
		}
		documented, example := false, false
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range files {
			file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
			if err != nil {
				t.Fatal(err)
			}
			documented = documented || file.Doc != nil && strings.HasPrefix(file.Doc.Text(), "Package ")
			example = example || slices.ContainsFunc(file.Decls, func(d ast.Decl) bool {
				f, ok := d.(*ast.FuncDecl)
				return ok && strings.HasPrefix(f.Name.Name, "Example")
			})
		}
		if !documented || !example {
			t.Errorf("%s: doc comment %v, Example %v: want both", dir, documented, example)
		}
	}
}

// packages are the directories of the root module that users can import.
func packages(t *testing.T) []string {
	t.Helper()
	var dirs []string
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		_, nested := os.Stat(filepath.Join(path, "go.mod"))
		if path != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "internal" || d.Name() == "examples" || d.Name() == "testdata" || nested == nil) {
			return filepath.SkipDir
		}
		if files, _ := filepath.Glob(filepath.Join(path, "*.go")); len(files) > 0 {
			dirs = append(dirs, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return dirs
}
