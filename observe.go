package wva

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// observe gives every variant the replicas that report fresh and possible metrics, and every model the state of its
// metrics.
func (c *cycle) observe() {
	byID := make(map[ID]*variantState, len(c.variants))
	for _, v := range c.variants {
		byID[v.ID] = v
	}
	stale := map[*variantState]int{}
	for _, r := range c.snapshot.Metrics.Replicas {
		v := byID[r.Variant]
		if v == nil {
			continue // a variant without a target, or one that nobody configured: said below
		}
		switch {
		case !fresh(r.At, c.snapshot.At, c.policy.StaleAfter):
			stale[v]++
		case possible(r):
			v.fresh = append(v.fresh, r)
		}
	}
	for _, v := range c.variants {
		v.fresh = mergeReplicas(v.fresh)
		if extra := len(v.fresh) - v.Current; extra > 0 {
			v.fresh = busiest(v.fresh, v.Current)
			c.problem(Problem{Variant: v.ID, Model: v.model.key, Kind: MetricsIgnored, Message: fmt.Sprintf(
				"%d more replicas report for %s than the %d that it asks for: the least busy are left out, as pods that are going; if they are not, check which variant they belong to", extra, v.ID, v.Current)})
		}
	}
	failures := map[ModelKey][]MetricsProblem{}
	for _, p := range c.snapshot.Metrics.Problems {
		switch {
		case p.ModelKey == (ModelKey{}): // the source as a whole: what it costs shows in the models
			c.problem(Problem{Kind: MetricsLost, Message: p.Message})
		case p.Reason == MetricsFound: // nothing is missing, but something is odd
			c.problem(Problem{Model: p.ModelKey, Kind: MetricsIgnored, Message: p.Message})
		default:
			failures[p.ModelKey] = append(failures[p.ModelKey], p)
		}
	}
	for _, m := range c.models {
		m.judge(failures[m.key], stale)
		if !m.complete {
			c.problem(Problem{Model: m.key, Kind: MetricsLost, Message: m.message})
		}
	}
	c.reportStrangers()
}

// fresh tells whether a sample may be believed: not older than the limit, and not further in the future either, as
// after a jump of a clock.
func fresh(at, now time.Time, limit time.Duration) bool {
	return now.Sub(at).Abs() <= limit
}

// possible tells whether a replica reports what the saturation analysis needs, within what can be true.
func possible(r ReplicaMetrics) bool {
	return r.KVUsage.Valid && r.KVUsage.Value >= 0 && r.KVUsage.Value <= 1 &&
		r.Waiting.Valid && r.Waiting.Value >= 0
}

// mergeReplicas orders the samples by replica and keeps one for each: the newest, and of equally old ones the busier,
// so that a pod seen twice counts once and never looks idler than it is.
func mergeReplicas(samples []ReplicaMetrics) []ReplicaMetrics {
	slices.SortStableFunc(samples, func(a, b ReplicaMetrics) int {
		return cmp.Or(
			cmp.Compare(a.Replica, b.Replica),
			b.At.Compare(a.At),
			cmp.Compare(b.KVUsage.Value, a.KVUsage.Value),
			cmp.Compare(b.Waiting.Value, a.Waiting.Value),
		)
	})
	return slices.CompactFunc(samples, func(a, b ReplicaMetrics) bool { return a.Replica == b.Replica })
}

// busiest keeps so many samples, in the order of replicas. Those that are left out are most likely of pods that take no more requests, and would make the others' load look
// like less than it is.
func busiest(samples []ReplicaMetrics, n int) []ReplicaMetrics {
	slices.SortStableFunc(samples, func(a, b ReplicaMetrics) int {
		return cmp.Or(cmp.Compare(b.Waiting.Value, a.Waiting.Value), cmp.Compare(b.KVUsage.Value, a.KVUsage.Value))
	})
	samples = samples[:n]
	slices.SortFunc(samples, func(a, b ReplicaMetrics) int { return cmp.Compare(a.Replica, b.Replica) })
	return samples
}

// judge settles what is known about a model's metrics from the failures that its source reported and from what is missing.
func (m *modelState) judge(failures []MetricsProblem, stale map[*variantState]int) {
	m.metrics, m.complete = MetricsFound, true
	var reporting, expected, old int
	var gaps []string
	for _, v := range m.variants {
		reporting += len(v.fresh)
		expected += v.Current - v.Pending
		old += stale[v]
		if have, want := len(v.fresh), v.Current-v.Pending; have < want {
			m.complete = false
			gaps = append(gaps, fmt.Sprintf("%s %d of %d", v.ID.Name, have, want))
		}
	}
	slices.SortFunc(failures, func(a, b MetricsProblem) int {
		return cmp.Or(cmp.Compare(a.Variant, b.Variant), cmp.Compare(a.Reason, b.Reason), cmp.Compare(a.Message, b.Message))
	})
	for _, f := range failures {
		m.complete = false
		m.metrics, m.message = f.Reason, f.Message
		if f.Variant == "" {
			m.hold(f.Message)
		}
	}
	switch {
	case len(failures) > 0:
	case m.complete:
		m.message = fmt.Sprintf("%d replicas report", reporting)
	case old > 0:
		m.metrics = MetricsStale
		m.message = fmt.Sprintf("metrics too old on %d replicas (%s report): check that the servers are scraped", old, strings.Join(gaps, ", "))
	default:
		m.metrics = MetricsMissing
		m.message = fmt.Sprintf("metrics missing (%s report): check that the servers are up and scraped", strings.Join(gaps, ", "))
	}
	if expected > 0 && reporting == 0 {
		m.hold(m.message)
	}
}

// hold asks the safety net to keep the model's targets; the first cause stays.
func (m *modelState) hold(cause string) {
	if m.held == "" {
		m.held = cause
	}
}

// reportStrangers tells of metrics that belong to nobody, which is how a wrong mapping of pods to variants shows.
func (c *cycle) reportStrangers() {
	configured := make(map[ID]bool, len(c.snapshot.Variants))
	for _, v := range c.snapshot.Variants {
		configured[v.ID] = true
	}
	strangers := map[ID]int{}
	for _, r := range c.snapshot.Metrics.Replicas {
		if !configured[r.Variant] {
			strangers[r.Variant]++
		}
	}
	for id, n := range strangers {
		c.problem(Problem{Variant: id, Kind: MetricsIgnored,
			Message: fmt.Sprintf("%d replicas report for %s, which is no variant of the fleet", n, id)})
	}
}
