package saturation

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/wva-go/wva/internal/document"
)

// Configs are the thresholds of a fleet: a default, and overrides for single models.
type Configs struct {
	Default   Config     `json:"default"`
	Overrides []Override `json:"overrides,omitempty"` // by namespace and model, each pair once
}

// Override holds the thresholds of one model in one namespace.
type Override struct {
	Namespace string `json:"namespace,omitempty"`
	Model     string `json:"model"`
	Config
}

func (o Override) compare(namespace, model string) int {
	return cmp.Or(cmp.Compare(o.Namespace, namespace), cmp.Compare(o.Model, model))
}

// For returns the thresholds of a model.
func (c Configs) For(namespace, model string) Config {
	for _, o := range c.Overrides {
		if o.Model == model && o.Namespace == namespace {
			return o.Config
		}
	}
	return c.Default
}

// Validate joins everything that is wrong with the default and the overrides.
func (c Configs) Validate() error {
	var errs []error
	if err := c.Default.Validate(); err != nil {
		errs = append(errs, fmt.Errorf("saturation: default: %w", err))
	}
	seen := map[[2]string]bool{}
	for _, o := range c.Overrides {
		key := [2]string{o.Namespace, o.Model}
		switch err := o.Config.Validate(); {
		case o.Model == "":
			errs = append(errs, errors.New("saturation: an override has no model"))
		case seen[key]:
			errs = append(errs, fmt.Errorf("saturation: model %q in namespace %q: more than one override", o.Model, o.Namespace))
		case err != nil:
			errs = append(errs, fmt.Errorf("saturation: model %q in namespace %q: %w", o.Model, o.Namespace, err))
		}
		seen[key] = true
	}
	return errors.Join(errs...)
}

// ParseConfigs reads the data of a capacity-scaling-config document: entry name → YAML text, as in a ConfigMap. The entry
// "default" sets what every other entry inherits; the others name a model and its namespace:
//
//	default: |
//	  kvCacheThreshold: 0.80
//	  queueLengthThreshold: 5
//	  kvSpareTrigger: 0.10
//	  queueSpareTrigger: 3
//	llama-production: |
//	  model_id: meta/llama-3.1-8b
//	  namespace: production
//	  kvCacheThreshold: 0.70
//
// A field that default leaves out has the value of [DefaultConfig]; scaleUpThreshold and scaleDownBoundary are read too, for the
// token-based analysis. The field transition (perModel, perVariant), which WVA does
// not have, sets Config.Transition.
//
// The result is always fit for use: an invalid entry is reported and skipped, an invalid default replaced by
// DefaultConfig, and the rest stays in force. The error joins one failure for each thing wrong and names its entry, line, field
// and value. Of two entries for the same model and namespace the first by name stands.
func ParseConfigs(data map[string]string) (Configs, error) {
	c := Configs{Default: DefaultConfig()}
	var errs []error
	if text, ok := data["default"]; ok {
		r, root := document.Read("default", text)
		if cfg := readConfig(root, root.Map(configFields...), c.Default); r.Failures() == 0 {
			c.Default = cfg
		}
		errs = append(errs, r.Err())
	}
	places := map[[2]string]string{}
	for _, entry := range slices.Sorted(maps.Keys(data)) {
		if entry == "default" {
			continue
		}
		r, root := document.Read(entry, data[entry])
		root = root.NamedBy("model_id")
		fields := root.Map(append([]string{"model_id", "namespace"}, configFields...)...)
		if root.Present() {
			fields.Require("model_id", "namespace")
		}
		o := Override{Config: readConfig(root, fields, c.Default)}
		o.Model, _ = fields.Get("model_id").Name()
		o.Namespace, _ = fields.Get("namespace").Name()
		key := [2]string{o.Namespace, o.Model}
		if first, twice := places[key]; twice && r.Failures() == 0 {
			root.Fail("the model has an entry for namespace %q already, %q: want one", o.Namespace, first)
		}
		if r.Failures() == 0 {
			places[key] = entry
			c.Overrides = append(c.Overrides, o)
		}
		errs = append(errs, r.Err())
	}
	slices.SortFunc(c.Overrides, func(a, b Override) int { return a.compare(b.Namespace, b.Model) })
	return c, errors.Join(errs...)
}

var configFields = []string{"kvCacheThreshold", "queueLengthThreshold", "kvSpareTrigger", "queueSpareTrigger",
	"scaleUpThreshold", "scaleDownBoundary", "transition"}

// readConfig reads the thresholds that are set and inherits the others.
func readConfig(root document.Value, fields document.Fields, inherited Config) Config {
	cfg := inherited
	read := func(field string, to *float64) {
		if v, ok := fields.Get(field).NonNegative(); ok {
			*to = v
		}
	}
	read("kvCacheThreshold", &cfg.KVCacheThreshold)
	read("queueLengthThreshold", &cfg.QueueLengthThreshold)
	read("kvSpareTrigger", &cfg.KVSpareTrigger)
	read("queueSpareTrigger", &cfg.QueueSpareTrigger)
	above := func(field string, to *float64) {
		if v, ok := fields.Get(field).NonNegative(); ok {
			if *to = v; v == 0 {
				fields.Get(field).Fail("want a number above 0, at most 1")
			}
		}
	}
	above("scaleUpThreshold", &cfg.ScaleUpThreshold)
	above("scaleDownBoundary", &cfg.ScaleDownBoundary)
	if text, ok := fields.Get("transition").Text(); ok {
		if cfg.Transition.UnmarshalText([]byte(text)) != nil {
			fields.Get("transition").Fail("want perModel or perVariant")
		}
	}
	if root.IsMap() {
		if err := cfg.Validate(); err != nil {
			root.Fail("%w", err)
		}
	}
	return cfg
}
