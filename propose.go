package wva

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/wva-go/wva/model"
	"github.com/wva-go/wva/optimizer"
)

// Rules of the model-based stage.
const (
	RuleModel        Rule = "model.plan"          // the optimizer's choice
	RuleModelSilent  Rule = "model.no-opinion"    // why there is none
	RuleCostFallback Rule = "model.cost-fallback" // no unit cost for the accelerator
)

// propose asks the optimizer for model-based targets: a workload for each model whose demand is known, its variants as candidates.
func (c *cycle) propose() {
	problem := optimizer.Problem{Capacity: c.capacity(), Quotas: c.policy.Quotas, Budgets: c.policy.Budgets}
	byName := map[string]*modelState{}
	for _, m := range c.models {
		c.estimateDemand(m)
		if w, ok := c.workload(m); ok {
			byName[w.Name] = m
			problem.Workloads = append(problem.Workloads, w)
		}
	}
	if len(byName) == 0 {
		return
	}
	options := c.policy.Optimizer
	options.Partial = true
	plan, err := optimizer.Optimize(problem, options)
	if err != nil {
		c.problem(Problem{Kind: AnalysisFailed, Message: err.Error()})
	}
	for i := range plan.Workloads {
		byName[plan.Workloads[i].Workload].adopt(&plan.Workloads[i], options.Policy)
	}
}

// adopt takes a model's assignment as the model-based targets of its candidates. Where it is not served in full and nothing was shared out, the plan has no
// use for the model's replicas elsewhere and no opinion on them.
func (m *modelState) adopt(a *optimizer.Assignment, policy optimizer.Policy) {
	m.plan = a
	for _, v := range m.variants {
		if v.queue == nil {
			continue
		}
		if a.Served < 1 && policy == optimizer.None {
			v.say(RuleModelSilent, "no model-based target: "+a.Reason.Message)
			continue
		}
		v.wanted, v.hasModel = a.Replicas(v.ID.Name), true
		v.say(RuleModel, fmt.Sprintf("model-based target %d (%s)", v.wanted, a.Reason.Message), Number{"capacity", v.capacity.Rate})
	}
}

// workload states a model's demand and what its variants can carry of it. It is false, and the variants say why, where there is no opinion.
func (c *cycle) workload(m *modelState) (optimizer.Workload, bool) {
	silent := func(format string, args ...any) (optimizer.Workload, bool) {
		for _, v := range m.variants {
			v.say(RuleModelSilent, fmt.Sprintf("no model-based target: "+format, args...))
		}
		return optimizer.Workload{}, false
	}
	switch {
	case m.held != "":
		return optimizer.Workload{}, false
	case m.demand == nil:
		return silent("the demand is not known: the servers do not all report what they complete")
	case m.class == "":
		return silent("no service class lists the model, so that it has no SLO")
	}
	w := optimizer.Workload{Name: m.key.String(), Namespace: m.key.Namespace, Class: m.class, Priority: m.priority, Rate: m.demand.Forecast}
	if !c.policy.ScaleToZero.For(m.key).Enabled {
		w.Min = 1
	}
	for _, v := range m.variants {
		candidate, ok := c.candidate(m, v)
		if !ok {
			continue
		}
		w.Candidates = append(w.Candidates, candidate)
		if v.Current > 0 {
			w.Current = append(w.Current, optimizer.Allocation{Candidate: v.ID.Name, Replicas: v.Current})
		}
	}
	return w, len(w.Candidates) > 0
}

// candidate sizes a variant: the rate that one replica carries within the SLO.
func (c *cycle) candidate(m *modelState, v *variantState) (optimizer.Candidate, bool) {
	if v.Server == nil {
		v.say(RuleModelSilent, "no model-based target: the variant has no performance profile")
		return optimizer.Candidate{}, false
	}
	output := m.demand.Output
	output.Mean = max(output.Mean, 1)
	q, err := model.NewQueue(*v.Server, m.demand.Input, output)
	if err == nil {
		v.capacity, err = q.MaxRate(m.slo)
	}
	if err != nil {
		kind := "the variant cannot be sized"
		if errors.Is(err, model.ErrInfeasible) {
			kind = "the accelerator cannot meet the SLO"
		}
		v.say(RuleModelSilent, fmt.Sprintf("no model-based target: %s: %v", kind, err))
		return optimizer.Candidate{}, false
	}
	v.queue = q
	if !v.priced {
		v.say(RuleCostFallback, fmt.Sprintf("no unit cost for accelerator %q: its variant cost of %g counts", v.Accelerator, v.Cost))
	}
	return optimizer.Candidate{
		Name: v.ID.Name, Type: c.devices.typeOf(v), Devices: v.DevicesPerReplica(), Cost: v.price, Rate: v.capacity.Rate,
		Min: v.Min, Max: v.Max, Binding: string(v.capacity.Binding),
	}, true
}

// capacity is the devices that the optimizer may hand out: all there are, less those of variants that it has no say over. With an unknown inventory
// they are what is in use.
func (c *cycle) capacity() optimizer.Capacity {
	if c.snapshot.Inventory.Limit == InventoryUnlimited {
		return optimizer.Capacity{Unlimited: true}
	}
	counts := map[string]int{}
	if c.snapshot.Inventory.Limit == InventoryLimited {
		for _, d := range c.snapshot.Inventory.Devices {
			counts[c.deviceType(d.Type)] += d.Count
		}
	}
	for _, v := range c.variants {
		kind := c.devices.typeOf(v)
		devices := v.Current * v.DevicesPerReplica()
		if c.snapshot.Inventory.Limit == InventoryUnknown {
			counts[kind] += devices
		}
		if v.Server == nil || v.model.held != "" {
			counts[kind] = max(0, counts[kind]-devices)
		}
	}
	var capacity optimizer.Capacity
	for kind, n := range counts {
		capacity.Devices = append(capacity.Devices, optimizer.Devices{Type: kind, Count: n})
	}
	slices.SortFunc(capacity.Devices, func(a, b optimizer.Devices) int { return cmp.Compare(a.Type, b.Type) })
	return capacity
}

// combine settles the targets of a model from the two analyses. Unless arbitration is as published, nothing shrinks by the model while a replica is
// saturated: its queue is demand that no rate shows.
func (c *cycle) combine(m *modelState) {
	if m.held != "" {
		return
	}
	for _, v := range m.variants {
		if c.policy.Mode == ModelOnly {
			v.target = v.Current
			if v.hasModel {
				v.target = v.wanted
			}
			continue
		}
		o := opinion{
			current: v.Current, saturation: v.target, model: v.wanted, hasModel: v.hasModel,
			analyzed: m.analysis != nil && m.analysis.Replicas > 0, safe: m.analysis != nil && m.analysis.ScaleDownSafe && (c.policy.PublishedArbitration || m.analysis.NonSaturated == m.analysis.Replicas),
		}
		verdict := arbitrate(o, c.policy.PublishedArbitration)
		if verdict.safety {
			v.override = &Override{Rule: verdict.rule, Wanted: v.wanted}
		}
		v.target = verdict.target
		v.say(verdict.rule, verdict.message(o))
	}
}

// predict works out what requests will experience at a model's targets, each variant carrying its part of the demand by what it can carry.
func (m *modelState) predict() {
	if m.demand == nil {
		return
	}
	total := 0.0
	for _, v := range m.variants {
		total += float64(v.target) * v.capacity.Rate
	}
	for _, v := range m.variants {
		if v.queue == nil || v.target == 0 || total <= 0 {
			continue
		}
		rate := m.demand.Forecast * v.capacity.Rate / total
		v.predicted.Rate = Read(rate)
		if p, err := v.queue.Analyze(rate); err == nil {
			v.predicted.TTFT, v.predicted.ITL = Read(p.TTFT.Mean), Read(p.ITL.Mean)
		}
	}
}
