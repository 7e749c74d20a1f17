package wva

import (
	"fmt"

	"github.com/wva-go/wva/saturation"
)

// Rules of the capacity stage: "saturation." and the kind of the saturation reason.
const saturationRule = "saturation."

// analyze sets a model's targets from its saturation, or has the safety net hold them.
func (c *cycle) analyze(m *modelState) {
	if m.held == "" {
		if err := c.saturate(m); err != nil {
			m.hold(err.Error())
			c.problem(Problem{Model: m.key, Kind: AnalysisFailed, Message: err.Error()})
		}
	}
	if m.held != "" {
		m.activateSafetyNet()
	}
}

func (c *cycle) saturate(m *modelState) error {
	var replicas []saturation.Replica
	for _, v := range m.variants {
		for _, r := range v.fresh {
			replicas = append(replicas, saturation.Replica{Variant: v.ID.Name, KVUsage: r.KVUsage.Value, QueueLength: r.Waiting.Value})
		}
	}
	analysis, err := saturation.Analyze(replicas, c.policy.Saturation.For(m.key.Namespace, m.key.Model))
	if err != nil {
		return err
	}
	m.analysis = &analysis
	states := make([]saturation.VariantState, len(m.variants))
	for i, v := range m.variants {
		states[i] = saturation.VariantState{
			Variant: v.ID.Name, Cost: v.Cost, Current: v.Current, Ready: len(v.fresh), Pending: v.Pending,
			Desired: v.previous, Min: v.Min, Max: v.Max, Full: c.devices.room(v) == 0,
		}
	}
	targets, err := analysis.Targets(states)
	if err != nil {
		return err
	}
	if c.policy.Tokens != nil {
		if targets, err = c.tokens(m, states, targets); err != nil {
			return err
		}
	}
	for i, t := range targets { // both are in the order of names
		v := m.variants[i]
		v.target = t.Replicas
		if t.Reason.Kind != saturation.Transition {
			// A replica that does not report is missing, not given up: the change counts, not where it started.
			v.target = v.Current + t.Replicas - t.Start
		}
		v.say(Rule(saturationRule+t.Reason.Kind), t.Reason.String(), v.numbers(t.Reason)...)
		if t.Reason.Kind == saturation.NoRoom && states[i].Full {
			kind, cause := c.devices.refusal(v)
			v.say(RuleGuardInventory, cause)
			c.problem(Problem{Variant: v.ID, Model: m.key, Kind: kind, Message: fmt.Sprintf("variant %s cannot grow: %s", v.ID, cause)})
		}
		c.devices.take(v, v.target-v.Current)
	}
	return nil
}

// tokens runs the token-based analysis beside the other one; of each variant the larger target counts.
func (c *cycle) tokens(m *modelState, states []saturation.VariantState, targets []saturation.Target) ([]saturation.Target, error) {
	var replicas []saturation.TokenReplica
	for _, v := range m.variants {
		for _, r := range v.fresh {
			if !r.KVCapacity.Valid || r.KVCapacity.Value < 0 {
				v.say(RuleTokens, "no token-based analysis: the size of a KV cache is not reported")
				return targets, nil
			}
			replica := saturation.TokenReplica{
				Variant: v.ID.Name, Accelerator: v.Accelerator, TokensInUse: r.KVUsage.Value * r.KVCapacity.Value, KVTokens: r.KVCapacity.Value,
				QueueLength: r.Waiting.Value, Input: max(0, r.Input.Mean.Or(0)), Output: max(0, r.Output.Mean.Or(0)), PrefixHit: min(max(0, r.PrefixHitRate.Or(0)), 1),
			}
			if v.Server != nil {
				replica.MaxBatch = v.Server.MaxBatch
			}
			replicas = append(replicas, replica)
		}
	}
	past, _ := c.history.Model(m.key)
	gateway := saturation.GatewayQueue{Requests: max(0, c.front[m.key].GatewayQueue.Or(0))}
	analysis, err := saturation.AnalyzeTokens(replicas, states, gateway, c.tokenConfig(m), past.Observed)
	if err != nil {
		return nil, err
	}
	m.tokens, m.remembered.Observed = &analysis, analysis.Observed
	more, err := analysis.Targets(states)
	if err != nil {
		return nil, err
	}
	return saturation.Cautious(targets, more), nil
}

// tokenConfig returns the token thresholds of a model: the policy's, where the model's document does not set them.
func (c *cycle) tokenConfig(m *modelState) saturation.TokenConfig {
	cfg := *c.policy.Tokens
	set := c.policy.Saturation.For(m.key.Namespace, m.key.Model)
	if set.ScaleUpThreshold > 0 {
		cfg.ScaleUpThreshold = set.ScaleUpThreshold
	}
	if set.ScaleDownBoundary > 0 {
		cfg.ScaleDownBoundary = set.ScaleDownBoundary
	}
	return cfg
}

// RuleTokens marks what keeps the token-based analysis from running.
const RuleTokens Rule = "saturation.tokens"

// numbers are those that a saturation reason rests on.
func (v *variantState) numbers(r saturation.Reason) []Number {
	switch r.Kind {
	case saturation.Transition, saturation.Waiting, saturation.NoMetrics:
		return nil
	case saturation.TokensUp, saturation.TokensDown, saturation.TokensSteady:
		return []Number{{"requiredTokens", r.Required}, {"spareTokens", r.Spare}}
	}
	return []Number{{"spareKV", r.SpareKV}, {"spareQueue", r.SpareQueue}, {"remainingKV", r.RemainingKV}, {"remainingQueue", r.RemainingQueue}}
}

// RuleArchitecture marks the warning about a model that is not a dense transformer.
const RuleArchitecture Rule = "model.architecture"
