package prometheus

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/wva-go/wva"
)

// engineModel is a model as the servers of one engine serve it: what a query is about.
type engineModel struct {
	engine string
	wva.ModelKey
}

func (m engineModel) compare(other engineModel) int {
	return cmp.Or(cmp.Compare(m.engine, other.engine), m.ModelKey.Compare(other.ModelKey))
}

// fleet is the variants of one Collect as queries see them.
type fleet struct {
	variants  []wva.Variant // that can be asked for, by ID
	index     map[wva.ID]int
	models    []engineModel       // sorted
	replicas  map[engineModel]int // that should report
	engines   map[wva.ModelKey][]engineModel
	byName    map[string][]wva.ModelKey
	owner     func(namespace, pod string) (wva.ID, bool)
	unasked   []wva.MetricsProblem
	retention map[wva.ModelKey]time.Duration // of models that may go to zero
}

// survey orders the variants by what has to be asked for them.
func (s *Source) survey(ctx context.Context, variants []wva.Variant) (*fleet, error) {
	owner, err := s.options.Owners(ctx, variants)
	if err != nil {
		return nil, fmt.Errorf("prometheus: which pods belong to which variant: %w", err)
	}
	f := &fleet{
		index: map[wva.ID]int{}, replicas: map[engineModel]int{}, engines: map[wva.ModelKey][]engineModel{}, byName: map[string][]wva.ModelKey{},
		owner: owner, retention: map[wva.ModelKey]time.Duration{},
	}
	for _, v := range variants {
		if problem := s.unaskable(v); problem != "" {
			f.unasked = append(f.unasked, wva.MetricsProblem{ModelKey: v.Key(), Variant: v.ID.Name, Reason: wva.MetricsMissing, Message: problem})
			continue
		}
		f.variants = append(f.variants, v)
	}
	slices.SortStableFunc(f.variants, func(a, b wva.Variant) int { return a.ID.Compare(b.ID) })
	for i, v := range f.variants {
		f.index[v.ID] = i
		f.admit(v)
		if s.options.Retention != nil {
			if r := s.options.Retention(v.Key()); r.Enabled {
				f.retention[v.Key()] = cmp.Or(r.Period, wva.DefaultRetention)
			}
		}
	}
	slices.SortFunc(f.models, engineModel.compare)
	return f, nil
}

func (f *fleet) admit(v wva.Variant) {
	m := modelOf(v)
	if _, known := f.replicas[m]; !known {
		f.models = append(f.models, m)
		f.engines[m.ModelKey] = append(f.engines[m.ModelKey], m)
	}
	f.replicas[m] += expected(v)
	if keys := f.byName[v.Model]; !slices.Contains(keys, v.Key()) {
		f.byName[v.Model] = append(keys, v.Key())
	}
}

func modelOf(v wva.Variant) engineModel { return engineModel{cmp.Or(v.Engine, engineVLLM), v.Key()} }

// expected is how many replicas of a variant should report.
func expected(v wva.Variant) int {
	if v.TargetMissing {
		return 0
	}
	return max(0, v.Current-v.Pending)
}

// unaskable says why a variant cannot be asked for, where it cannot.
func (s *Source) unaskable(v wva.Variant) string {
	switch {
	case v.Model == "":
		return fmt.Sprintf("variant %s names no model: without it its metrics cannot be told from others", v.ID)
	case !utf8.ValidString(v.Model) || !utf8.ValidString(v.ID.Namespace):
		return fmt.Sprintf("variant %s: model %q in namespace %q is not UTF-8, as every label is: correct the name", v.ID, v.Model, v.ID.Namespace)
	}
	engine := cmp.Or(v.Engine, engineVLLM)
	if _, ok := s.options.Queries[engine]; !ok {
		return fmt.Sprintf("variant %s: no queries for its engine %q: add them to SourceOptions.Queries", v.ID, engine)
	}
	return ""
}

// chunk is so many models as one request asks for.
type chunk struct {
	models []engineModel // of one engine
	words  words
}

// chunkBytes bounds the names in one request; a request holds them a few times.
const chunkBytes = 128 << 10

// chunks divides models of one engine.
func (s *Source) chunks(models []engineModel) []chunk {
	var out []chunk
	for len(models) > 0 {
		n, size := 0, 0
		for n < len(models) && n < s.options.ChunkModels {
			size += len(models[n].Namespace) + len(models[n].Model)
			if n > 0 && size > chunkBytes {
				break
			}
			n++
		}
		c := chunk{models: models[:n:n]}
		var namespaces, names []string
		for _, m := range c.models {
			namespaces, names = append(namespaces, m.Namespace), append(names, m.Model)
		}
		c.words = s.words.with(s.options.Labels, distinct(namespaces), distinct(names))
		out = append(out, c)
		models = models[n:]
	}
	return out
}

func distinct(names []string) []string {
	slices.Sort(names)
	return slices.Compact(names)
}

// byEngine divides sorted models into those of each engine.
func byEngine(models []engineModel) [][]engineModel {
	var out [][]engineModel
	for len(models) > 0 {
		n := slices.IndexFunc(models, func(m engineModel) bool { return m.engine != models[0].engine })
		if n < 0 {
			n = len(models)
		}
		out = append(out, models[:n:n])
		models = models[n:]
	}
	return out
}
