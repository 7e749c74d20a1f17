package wva

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"
)

// ScaleToZero says which models may run without any replica. The zero value lets none.
type ScaleToZero struct {
	Default   Retention           `json:"default"`
	Overrides []RetentionOverride `json:"overrides,omitempty"` // at most one for each model
}

// Retention is how long a model keeps its replicas after the last request.
type Retention struct {
	Enabled bool          `json:"enabled"`
	Period  time.Duration `json:"period"` // 0 = DefaultRetention
}

// DefaultRetention is the retention period where none is given.
const DefaultRetention = 10 * time.Minute

// RetentionOverride is the Retention of one model; without a namespace, of the model in every namespace that has no
// override of its own.
type RetentionOverride struct {
	ModelKey
	Retention
}

// Rules of the scale-to-zero stage.
const (
	RuleScaleToZero   Rule = "scale-to-zero.idle"    // no requests within the retention period
	RuleScaleFromZero Rule = "scale-to-zero.wake"    // requests wait for a model without replicas
	RuleLastReplica   Rule = "scale-to-zero.keep"    // at least one replica stays
	RuleIdleUnknown   Rule = "scale-to-zero.unknown" // whether the model is idle could not be read
)

// For returns the retention of a model.
func (z ScaleToZero) For(key ModelKey) Retention {
	found := z.Default
	for _, o := range z.Overrides {
		if o.ModelKey == key {
			found = o.Retention
			break
		}
		if o.Model == key.Model && o.Namespace == "" {
			found = o.Retention
		}
	}
	if found.Period == 0 {
		found.Period = DefaultRetention
	}
	return found
}

// Validate refuses negative periods and overrides that are empty or occur twice.
func (z ScaleToZero) Validate() error {
	var errs []error
	if z.Default.Period < 0 {
		errs = append(errs, fmt.Errorf("scale to zero: default: retention period %v: want 0 or more", z.Default.Period))
	}
	seen := map[ModelKey]bool{}
	for _, o := range z.Overrides {
		switch {
		case o.Model == "":
			errs = append(errs, errors.New("scale to zero: an override has no model"))
		case seen[o.ModelKey]:
			errs = append(errs, fmt.Errorf("scale to zero: %s: more than one override", o.ModelKey))
		case o.Period < 0:
			errs = append(errs, fmt.Errorf("scale to zero: %s: retention period %v: want 0 or more", o.ModelKey, o.Period))
		}
		seen[o.ModelKey] = true
	}
	return errors.Join(errs...)
}

// settleZero sends an idle model to zero where that is enabled, wakes one that has requests waiting, and keeps one replica
// of every other.
func (c *cycle) settleZero(m *modelState) {
	retention := c.policy.ScaleToZero.For(m.key)
	total := 0
	for _, v := range m.variants {
		total += v.target
	}
	measured := c.front[m.key]
	switch {
	case len(m.variants) == 0:
	case total == 0 && measured.GatewayQueue.Or(0) > 0:
		c.raiseOne(m, RuleScaleFromZero, fmt.Sprintf("%g requests wait and no replica serves them: start one on the cheapest variant", measured.GatewayQueue.Value))
	case total == 0 && !retention.Enabled:
		c.raiseOne(m, RuleLastReplica, "keep one replica on the cheapest variant: scale to zero is not enabled for the model")
	case total > 0 && retention.Enabled && m.held == "":
		c.retire(m, retention, measured)
	}
}

// retire scales an idle model to zero.
func (c *cycle) retire(m *modelState, retention Retention, measured ModelMetrics) {
	if !measured.RequestsInRetention.Valid {
		for _, v := range m.variants {
			v.say(RuleIdleUnknown, "not scaled to zero: the requests of the retention period could not be read")
		}
		return
	}
	if measured.RequestsInRetention.Value > 0 || measured.GatewayQueue.Or(0) > 0 || !m.quiet() {
		return
	}
	for _, v := range m.variants {
		if v.target > 0 {
			v.target = 0
			v.say(RuleScaleToZero, fmt.Sprintf("scale to zero: no request in the last %v", retention.Period))
		}
	}
}

// quiet tells whether every replica is up, reports, and has nothing to do: a request that is still being served is not
// counted among the finished ones. Where a replica does not say how many it serves, a KV cache in use tells that it serves some.
func (m *modelState) quiet() bool {
	for _, v := range m.variants {
		if v.Pending > 0 || len(v.fresh) < v.Current {
			return false
		}
		for _, r := range v.fresh {
			if r.Running.Or(r.KVUsage.Value) > 0 || r.Waiting.Value > 0 {
				return false
			}
		}
	}
	return true
}

// raiseOne gives one replica to the cheapest variant that there are devices for; where there are none for any, to the
// cheapest, for the guard to refuse and say why.
func (c *cycle) raiseOne(m *modelState, rule Rule, message string) {
	cheapest := slices.MinFunc(m.variants, func(a, b *variantState) int {
		return cmp.Or(
			-cmp.Compare(min(1, c.devices.room(a)), min(1, c.devices.room(b))),
			cmp.Compare(a.Cost, b.Cost),
			a.ID.Compare(b.ID),
		)
	})
	cheapest.target = 1
	cheapest.say(rule, message)
}
