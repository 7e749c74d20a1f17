package kubernetes

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/wva-go/wva"
	"github.com/wva-go/wva/internal/document"
	"github.com/wva-go/wva/internal/resource"
	"github.com/wva-go/wva/saturation"
)

// configuration is the policy as the ConfigMaps refine it. Of every entry of every ConfigMap the last one that could be read is in force.
type configuration struct {
	base        wva.Policy
	environment func(string) (string, bool) // wins over the settings; nil = none
	namespace   string                      // of the ConfigMaps for the whole cluster
	settings    string                      // name of the ConfigMap of settings

	mu        sync.Mutex
	good      map[types.NamespacedName]map[string]string // entries that are in force
	cluster   *resource.Policy                           // of the documents for the whole cluster
	effective wva.Policy                                 // as last composed
}

// settingInterval is the setting that no policy holds.
const settingInterval = "GLOBAL_OPT_INTERVAL"

func newConfiguration(base wva.Policy, environment func(string) (string, bool)) *configuration {
	c := &configuration{base: base, environment: environment, good: map[types.NamespacedName]map[string]string{}}
	c.cluster = &resource.Policy{Policy: base}
	c.effective = base
	return c
}

// apply takes the data of a ConfigMap over, nil when it is gone. What cannot be read is returned; the entries that were in force stay.
func (c *configuration) apply(name types.NamespacedName, data map[string]string) []error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if data == nil {
		delete(c.good, name)
		c.rebuild()
		return nil
	}
	entries, problems := salvage(data, c.good[name], c.check(name))
	c.good[name] = entries
	c.rebuild()
	return problems
}

// check returns what tells whether the entries of a ConfigMap can be read.
func (c *configuration) check(name types.NamespacedName) func(map[string]string) error {
	if name == (types.NamespacedName{Namespace: c.namespace, Name: c.settings}) {
		return checkSettings
	}
	return func(data map[string]string) error {
		p := resource.Policy{Policy: c.base}
		return errors.Join(p.Apply(name.Name, data), p.Validate())
	}
}

// salvage returns the entries that are sound, those that are not in the form that was in force before, and what is wrong with those.
func salvage(data, before map[string]string, check func(map[string]string) error) (sound map[string]string, problems []error) {
	sound = maps.Clone(data)
	reverted := map[string]bool{}
	for {
		err := check(sound)
		if err == nil {
			return sound, problems
		}
		progress := false
		for _, e := range document.Errors(err) {
			text, present := sound[e.Entry]
			if !present {
				continue
			}
			problems = append(problems, e)
			progress = true
			if last, ok := before[e.Entry]; ok && last != text && !reverted[e.Entry] {
				sound[e.Entry] = last
			} else {
				delete(sound, e.Entry)
			}
			reverted[e.Entry] = true
			// An error may be the consequence of another: only one entry at a time is taken back.
			break
		}
		if !progress { // nobody knows which entry it is
			return before, append(problems, err)
		}
	}
}

// checkSettings reads the settings that are known; others are none of ours.
func checkSettings(data map[string]string) error {
	_, err := wva.Policy{}.WithEnvironment(lookup(data))
	errs := []error{}
	for _, name := range []string{"EXPERIMENTAL_PROACTIVE_MODEL", "WVA_SCALE_TO_ZERO"} {
		if _, err := (wva.Policy{}).WithEnvironment(lookup(map[string]string{name: data[name]})); err != nil {
			errs = append(errs, &document.Error{Entry: name, Value: data[name], Err: fmt.Errorf("%q: want true or false", data[name])})
		}
	}
	if text := data[settingInterval]; text != "" {
		if _, err := ParseInterval(text); err != nil {
			errs = append(errs, &document.Error{Entry: settingInterval, Value: text, Err: err})
		}
	}
	if len(errs) == 0 {
		return err
	}
	return errors.Join(errs...)
}

// ParseInterval reads GLOBAL_OPT_INTERVAL, the time between cycles: a duration such as 60s, from one second to a day.
func ParseInterval(text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if err != nil || d < time.Second || d > 24*time.Hour {
		return 0, fmt.Errorf("%s %.40q: want a duration from 1s to 24h, such as 60s", settingInterval, text)
	}
	return d, nil
}

func lookup(data map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		text, ok := data[name]
		return text, ok
	}
}

// rebuild reads the documents for the whole cluster again. They are sound.
func (c *configuration) rebuild() {
	p := &resource.Policy{Policy: c.base}
	for _, name := range resource.ConfigMaps() {
		if data, ok := c.good[types.NamespacedName{Namespace: c.namespace, Name: name}]; ok && len(data) > 0 {
			_ = p.Apply(name, data)
		}
	}
	c.cluster = p
}

// documents is the policy of the documents for the whole cluster.
func (c *configuration) documents() *resource.Policy {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.cluster
}

// setting returns a setting of the environment, or else of the ConfigMap.
func (c *configuration) setting(name string) (string, bool) {
	if c.environment != nil {
		if text, ok := c.environment(name); ok && text != "" {
			return text, true
		}
	}
	text, ok := c.good[types.NamespacedName{Namespace: c.namespace, Name: c.settings}][name]
	return text, ok
}

// interval returns the time between cycles.
func (c *configuration) interval(otherwise time.Duration) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	if text, ok := c.setting(settingInterval); ok && text != "" {
		if d, err := ParseInterval(text); err == nil {
			return d
		}
	}
	return otherwise
}

// compose returns the policy for these models: documents, those of single namespaces, then the environment.
func (c *configuration) compose(models []wva.ModelKey, configured func(namespace string) bool) (wva.Policy, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	p := c.cluster.Policy
	p.Saturation.Overrides = slices.Clone(p.Saturation.Overrides)
	p.ScaleToZero.Overrides = slices.Clone(p.ScaleToZero.Overrides)
	p, err := p.WithEnvironment(c.setting)
	local := map[string]*resource.Policy{}
	for _, key := range models {
		if _, seen := local[key.Namespace]; !seen {
			local[key.Namespace] = nil
			if key.Namespace != c.namespace && configured(key.Namespace) {
				local[key.Namespace] = c.localPolicy(key.Namespace, p)
			}
		}
		if l := local[key.Namespace]; l != nil {
			override(&p, key, l)
		}
	}
	if err := errors.Join(err, p.Validate()); err != nil {
		return c.effective, err
	}
	c.effective = p
	return p, nil
}

// localPolicy reads the thresholds and retentions of one namespace; what its documents leave out is as in the whole cluster.
func (c *configuration) localPolicy(namespace string, cluster wva.Policy) *resource.Policy {
	l := &resource.Policy{Policy: cluster}
	found := false
	for _, name := range namespaced() {
		data, ok := c.good[types.NamespacedName{Namespace: namespace, Name: name}]
		if !ok {
			continue
		}
		found = true
		if _, ok := data["default"]; !ok {
			if text, ok := c.good[types.NamespacedName{Namespace: c.namespace, Name: name}]["default"]; ok {
				data = maps.Clone(data)
				data["default"] = text
			}
		}
		_ = l.Apply(name, data)
	}
	if !found {
		return nil
	}
	return l
}

// namespaced are the ConfigMaps that a namespace may have of its own; prices and service classes are those of the cluster.
func namespaced() []string { return []string{resource.Saturation, resource.ScaleToZero} }

// override gives a model what the documents of its namespace say.
func override(p *wva.Policy, key wva.ModelKey, local *resource.Policy) {
	thresholds := saturation.Override{Namespace: key.Namespace, Model: key.Model, Config: local.Saturation.For(key.Namespace, key.Model)}
	i, found := slices.BinarySearchFunc(p.Saturation.Overrides, thresholds, func(a, b saturation.Override) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Model, b.Model))
	})
	if found {
		p.Saturation.Overrides[i] = thresholds
	} else {
		p.Saturation.Overrides = slices.Insert(p.Saturation.Overrides, i, thresholds)
	}
	retention := wva.RetentionOverride{ModelKey: key, Retention: local.ScaleToZero.For(key)}
	j, found := slices.BinarySearchFunc(p.ScaleToZero.Overrides, key, func(o wva.RetentionOverride, key wva.ModelKey) int { return o.ModelKey.Compare(key) })
	if found {
		p.ScaleToZero.Overrides[j] = retention
	} else {
		p.ScaleToZero.Overrides = slices.Insert(p.ScaleToZero.Overrides, j, retention)
	}
}

// retention is that of a model in the policy in force.
func (c *configuration) retention(key wva.ModelKey) wva.Retention {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.effective.ScaleToZero.For(key)
}
