package wva

import (
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/wva-go/wva/internal/document"
)

// ParseScaleToZero reads the data of a model-scale-to-zero document: entry name → YAML text, as in a ConfigMap. The entry
// "default" sets what every other entry inherits; the others name a model:
//
//	default: |
//	  enable_scale_to_zero: false
//	  retention_period: 10m
//	llama: |
//	  model_id: meta/llama-3.1-8b
//	  namespace: llm-inference      # optional: every namespace
//	  enable_scale_to_zero: true
//
// The sound entries count even when the error is not nil: it joins one failure for each thing wrong, and names its entry,
// line, field and value. Of two entries for the same model the first by name stands.
func ParseScaleToZero(data map[string]string) (ScaleToZero, error) {
	var z ScaleToZero
	var errs []error
	if text, ok := data["default"]; ok {
		r, root := document.Read("default", text)
		fields := root.Map("enable_scale_to_zero", "retention_period")
		retention := readRetention(fields, Retention{})
		if r.Failures() == 0 {
			z.Default = retention
		}
		errs = append(errs, r.Err())
	}
	places := map[ModelKey]string{}
	for _, entry := range slices.Sorted(maps.Keys(data)) {
		if entry == "default" {
			continue
		}
		r, root := document.Read(entry, data[entry])
		root = root.NamedBy("model_id")
		fields := root.Map("model_id", "namespace", "enable_scale_to_zero", "retention_period")
		if root.Present() {
			fields.Require("model_id")
		}
		o := RetentionOverride{Retention: readRetention(fields, z.Default)}
		o.Model, _ = fields.Get("model_id").Name()
		o.Namespace, _ = fields.Get("namespace").Text()
		if first, twice := places[o.ModelKey]; twice && r.Failures() == 0 {
			root.Fail("the model has an entry already, %q: want one", first)
		}
		if r.Failures() == 0 {
			places[o.ModelKey] = entry
			z.Overrides = append(z.Overrides, o)
		}
		errs = append(errs, r.Err())
	}
	slices.SortFunc(z.Overrides, func(a, b RetentionOverride) int { return a.ModelKey.Compare(b.ModelKey) })
	return z, errors.Join(errs...)
}

func readRetention(fields document.Fields, inherited Retention) Retention {
	retention := inherited
	if on, ok := fields.Get("enable_scale_to_zero").Bool(); ok {
		retention.Enabled = on
	}
	period := fields.Get("retention_period")
	if text, ok := period.Text(); ok {
		d, err := time.ParseDuration(text)
		switch {
		case err != nil:
			period.Fail("want a duration such as 10m or 1h30m")
		case d <= 0:
			period.Fail("want a positive duration")
		default:
			retention.Period = d
		}
	}
	return retention
}
