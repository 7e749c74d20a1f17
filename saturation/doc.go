// Package saturation decides from live metrics alone whether a model is short of KV cache or queue headroom, and which
// of its variants should grow or shrink.
//
// [Analyze] looks at every replica of one model. A replica is saturated when its KV-cache usage or its queue reaches a
// threshold. What the others have left below the thresholds, on average, is the model's spare capacity: when it falls
// below a trigger the model needs one more replica, and when it would stay above the triggers with the load on one
// replica fewer, one may go. [Analysis.Targets] then picks the variant: the cheapest grows, the most expensive shrinks,
// one replica at a time, and nobody moves while an earlier move is still under way.
//
// [AnalyzeTokens] asks the same in tokens: what the servers can hold and compute against what is in use and waits. It knows how
// much is missing, so that its targets may change by several replicas at once, and counts replicas that are starting instead of
// waiting for them. [Cautious] combines the targets of both: the larger counts.
//
// The rules are those of the Workload-Variant-Autoscaler; [ParseConfigs] reads its capacity-scaling-config document.
// Everything here is a value or a pure function, and the order of replicas and states never matters.
package saturation
