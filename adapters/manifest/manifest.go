package manifest

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/wva-go/wva"
	"github.com/wva-go/wva/internal/document"
	"github.com/wva-go/wva/internal/resource"
)

// Manifest is what the files say.
type Manifest struct {
	Fleet  Fleet
	Policy wva.Policy
}

// Load reads every YAML file of a file system, such as [os.DirFS] of a directory; files and directories whose name begins
// with a dot are left out. Everything sound is returned even when the error is not nil.
func Load(fsys fs.FS) (Manifest, error) {
	l := newLoader()
	files := 0
	var failed []error
	walk := func(name string, d fs.DirEntry, err error) error {
		switch hidden := name != "." && strings.HasPrefix(path.Base(name), "."); {
		case err != nil:
			failed = append(failed, err)
			return nil
		case hidden && d.IsDir():
			return fs.SkipDir
		case hidden || d.IsDir() || !isDocument(name):
			return nil
		}
		text, err := fs.ReadFile(fsys, name)
		if err != nil {
			failed = append(failed, err)
			return nil
		}
		files++
		l.read(name, string(text))
		return nil
	}
	failed = append(failed, fs.WalkDir(fsys, ".", walk))
	if err := errors.Join(failed...); err != nil {
		err = fmt.Errorf("manifest: %w", err)
		m, problems := l.manifest()
		return m, errors.Join(err, problems)
	}
	if files == 0 {
		return Manifest{Policy: wva.DefaultPolicy()}, errors.New("manifest: no .yaml, .yml or .json file here")
	}
	return l.manifest()
}

// Parse reads one text as [Load] reads a file; name is what errors call it.
func Parse(name, text string) (Manifest, error) {
	l := newLoader()
	l.read(name, text)
	return l.manifest()
}

func isDocument(name string) bool {
	return slices.Contains([]string{".yaml", ".yml", ".json"}, path.Ext(name))
}

// loader collects objects from all files; what they say of each other is settled at the end.
type loader struct {
	policy      resource.Policy
	readers     []*document.Reader
	places      map[object]string // where an object was defined first
	variants    []*variantAutoscaling
	deployments map[wva.ID]deployment
}

// object identifies what may be defined once.
type object struct {
	kind string
	id   wva.ID
}

func newLoader() *loader {
	return &loader{
		policy:      resource.Policy{Policy: wva.DefaultPolicy()},
		places:      make(map[object]string),
		deployments: make(map[wva.ID]deployment),
	}
}

func (l *loader) read(file, text string) {
	for r, v := range document.Stream(file, text) {
		l.readers = append(l.readers, r)
		l.object(file, v, true)
	}
}

// manifest settles what the objects say of each other and returns the whole.
func (l *loader) manifest() (Manifest, error) {
	m := Manifest{Fleet: l.fleet(), Policy: l.policy.Policy}
	errs := make([]error, 0, len(l.readers))
	for _, r := range l.readers {
		errs = append(errs, r.Err())
	}
	return m, errors.Join(errs...)
}
