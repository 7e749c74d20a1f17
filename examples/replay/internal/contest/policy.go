package contest

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/wva-go/wva"
	"github.com/wva-go/wva/adapters/simulator"
)

// Policy is a way to decide how many replicas to run.
type Policy struct {
	Name   string
	About  string // how it decides, in a sentence or two
	Oracle bool   // it knows the future
	begin  func(c *Contest, cluster *simulator.Cluster) (decide, error)
}

// decide takes the decisions of one interval and carries them out.
type decide func(ctx context.Context) ([]wva.Decision, error)

// Policies returns those that there are, in the order in which they are shown.
func Policies() []Policy {
	return []Policy{
		{Name: "fixed", About: "The replicas that the fleet starts with, whatever comes.", begin: fixed},
		{Name: "HPA", About: "A HorizontalPodAutoscaler for each variant, on the mean KV-cache usage (target 60%) and the mean waiting requests (target 2) of its replicas: the larger " +
			"answer counts, within 10% nothing changes, and down only to the highest of the last five minutes.", begin: horizontal},
		{Name: "CAPACITY-ONLY", About: "wva's default mode: the saturation analysis alone.", begin: automatic(func(p *wva.Policy) { p.Mode = wva.CapacityOnly })},
		{Name: "HYBRID", About: "The saturation analysis and the cost optimizer, arbitrated, with the last demand taken to stay; down only to the highest target of as long as a start takes.",
			begin: automatic(func(p *wva.Policy) { p.Mode = wva.Hybrid })},
		{Name: "HYBRID steady", About: "HYBRID with a longer window: down only to the highest target of the last five minutes (behavior.scaleDown.stabilizationWindow).",
			begin: automatic(func(p *wva.Policy) {
				p.Mode = wva.Hybrid
				p.Behavior.ScaleDown.StabilizationWindow = 5 * time.Minute
			})},
		{Name: "HYBRID forecast", About: "HYBRID for the demand that Holt's smoothing does not expect to be exceeded, with 90% probability, when replicas started now will serve.",
			begin: automatic(func(p *wva.Policy) {
				p.Mode = wva.Hybrid
				p.Forecasting = wva.Forecasting{Forecaster: wva.Holt{}, Quantile: 0.9}
			})},
		{Name: "oracle", Oracle: true, About: "Knows the load. In every interval it runs the cheapest replicas that by the queueing model keep the SLO at the true rate and lengths, " +
			"started early enough to be ready, and kept where they would have to be started again."},
	}
}

// ParsePolicies finds policies by name, separated by commas, in any case; "all" is every one.
func ParsePolicies(names string) ([]Policy, error) {
	known := Policies()
	if strings.EqualFold(strings.TrimSpace(names), "all") {
		return known, nil
	}
	var chosen []Policy
	seen := map[string]bool{}
	for name := range strings.SplitSeq(names, ",") {
		name = strings.TrimSpace(name)
		found := false
		for _, p := range known {
			if !strings.EqualFold(p.Name, name) {
				continue
			}
			if seen[p.Name] {
				return nil, fmt.Errorf("policy %q is listed twice", p.Name)
			}
			chosen, found, seen[p.Name] = append(chosen, p), true, true
		}
		if !found {
			return nil, fmt.Errorf("policy %q: want some of %s, separated by commas, or all", name, policyNames(known))
		}
	}
	return chosen, nil
}

func policyNames(policies []Policy) string {
	names := make([]string, len(policies))
	for i, p := range policies {
		names[i] = p.Name
	}
	return strings.Join(names, ", ")
}

// play runs the policy through the contest.
func (p Policy) play(ctx context.Context, c *Contest, progress func(step, steps int)) (Run, error) {
	if p.Oracle {
		return c.playOracle(ctx, p, progress)
	}
	run, err := c.run(ctx, p.begin, progress)
	run.Policy, run.About = p.Name, p.About
	return run, err
}

// fixed leaves the fleet as it is.
func fixed(_ *Contest, cluster *simulator.Cluster) (decide, error) {
	return func(ctx context.Context) ([]wva.Decision, error) {
		variants, err := cluster.Variants(ctx)
		decisions := make([]wva.Decision, len(variants))
		for i, v := range variants {
			decisions[i] = decision(v, v.Current, "fixed", "the fleet is fixed")
		}
		return decisions, err
	}, nil
}

// automatic is wva's own loop with a policy.
func automatic(set func(*wva.Policy)) func(*Contest, *simulator.Cluster) (decide, error) {
	return func(c *Contest, cluster *simulator.Cluster) (decide, error) {
		policy := c.Policy
		set(&policy)
		autoscaler, err := wva.NewAutoscaler(cluster, cluster, cluster, policy)
		if err != nil {
			return nil, err
		}
		autoscaler.Clock = cluster.Now
		return func(ctx context.Context) ([]wva.Decision, error) {
			report, err := autoscaler.Step(ctx)
			return report.Decisions, err
		}, nil
	}
}

// decision is the one of a policy that is not wva's.
func decision(v wva.Variant, target int, rule wva.Rule, message string) wva.Decision {
	d := wva.Decision{
		Variant: v.ID, Model: v.Model, Accelerator: v.Accelerator, Scale: v.Target, Current: v.Current, Ready: v.Current - v.Pending, Target: target,
		Action: wva.NoChange, Reasons: []wva.Reason{{Rule: rule, Message: message}},
		Cost: float64(target) * v.Cost, CostDelta: float64(target-v.Current) * v.Cost,
	}
	switch {
	case target > v.Current:
		d.Action = wva.ScaleUp
	case target < v.Current:
		d.Action = wva.ScaleDown
	}
	return d
}
