package kubernetes

import (
	"context"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/wva-go/wva"
)

// step runs one cycle and has the statuses written that it changes.
func (c *Controller) step(ctx context.Context) {
	if err := c.applyPolicy(ctx); err != nil {
		c.log.ErrorContext(ctx, "policy not usable, the last one stays", "error", err)
	}
	begun := time.Now()
	report, err := c.autoscaler.Step(ctx)
	took := time.Since(begun)
	if ctx.Err() != nil {
		return
	}
	c.report(ctx, report, err)
	notes, variants := c.fleet.lastReading()
	c.reconciler.outcomes.replace(collect(notes, variants, report, err))
	for id := range notes {
		c.look(types.NamespacedName{Namespace: id.Namespace, Name: id.Name})
	}
	if o, ok := c.options.Publisher.(observer); ok {
		o.Observe(report, err, took)
	}
	if c.options.OnStep != nil {
		c.options.OnStep(report, err)
	}
}

// observer is a publisher that also tells how cycles go.
type observer interface {
	Observe(report wva.Report, err error, took time.Duration)
}

// applyPolicy gives the autoscaler the policy as it is now for the models there are.
func (c *Controller) applyPolicy(ctx context.Context) error {
	resources, err := c.fleet.resources(ctx)
	if err != nil {
		return err
	}
	models := make([]wva.ModelKey, 0, len(resources))
	for i := range resources {
		models = append(models, wva.ModelKey{Namespace: resources[i].Namespace, Model: resources[i].Spec.Model()})
	}
	slices.SortFunc(models, wva.ModelKey.Compare)
	policy, err := c.fleet.config.compose(slices.Compact(models), func(ns string) bool { return c.fleet.configured(ctx, ns) })
	if err != nil {
		return err
	}
	return c.autoscaler.SetPolicy(policy)
}

// resume takes up what an earlier leader decided, as the statuses have it.
func (c *Controller) resume(ctx context.Context) error {
	resources, err := c.fleet.resources(ctx)
	if err != nil {
		return err
	}
	var h wva.History
	for i := range resources {
		if n := resources[i].Status.DesiredOptimizedAlloc.NumReplicas; n != nil {
			h.Variants = append(h.Variants, wva.VariantHistory{ID: idOf(&resources[i]), Target: int(*n)})
		}
	}
	slices.SortFunc(h.Variants, func(a, b wva.VariantHistory) int { return a.ID.Compare(b.ID) })
	c.autoscaler.SetHistory(h)
	return nil
}

// exists tells whether a variant still has a target that is not known to be gone.
func (c *Controller) exists(ctx context.Context, id wva.ID) bool { return c.fleet.exists(ctx, id) }

// report logs a cycle: what changes and what is wrong for everybody, the rest for those who look closely.
func (c *Controller) report(ctx context.Context, report wva.Report, err error) {
	for _, p := range report.Problems {
		c.log.WarnContext(ctx, p.Message, "kind", p.Kind, "variant", p.Variant.String(), "model", p.Model.String())
	}
	held := map[wva.ModelKey]string{}
	for _, m := range report.Models {
		if m.SafetyNet != "" {
			held[m.ModelKey] = m.SafetyNet
		}
	}
	for _, d := range report.Decisions {
		if cause, ok := held[wva.ModelKey{Namespace: d.Variant.Namespace, Model: d.Model}]; ok {
			source := ""
			if d.Override != nil { // by the safety net, or by the guard that had the last word
				source = strings.TrimPrefix(string(d.Override.Rule), "safety-net.")
			}
			c.log.WarnContext(ctx, "Safety net activated: emitted fallback metrics", "variant", d.Variant.String(), "currentReplicas", d.Current, "desiredReplicas", d.Target,
				"fallbackSource", source, "cause", cause)
			continue
		}
		if d.Action == wva.NoChange {
			c.log.DebugContext(ctx, "decision", "decision", d)
		} else {
			c.log.InfoContext(ctx, "decision", "decision", d)
		}
	}
	if err != nil {
		c.log.ErrorContext(ctx, "step failed", "error", err)
	}
}
