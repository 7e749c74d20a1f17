package wva

import (
	"time"

	"github.com/wva-go/wva/optimizer"
	"github.com/wva-go/wva/saturation"
)

// Report is the outcome of one cycle.
type Report struct {
	At        time.Time     `json:"at"`
	Mode      Mode          `json:"mode"`
	Decisions []Decision    `json:"decisions"`          // one for each variant with a scale target, by ID
	Models    []ModelReport `json:"models"`             // by key
	Problems  []Problem     `json:"problems,omitempty"` // what the operator should look at
	Cost      float64       `json:"cost"`               // per hour, of all targets
	CostDelta float64       `json:"costDelta"`          // per hour, against the current replicas
}

// ModelReport is what a cycle found out about one model.
type ModelReport struct {
	ModelKey
	Metrics    MetricsReason             `json:"metrics"`              // state of the model's metrics
	Message    string                    `json:"message"`              // the same as a sentence, with what to check
	Saturation *saturation.Analysis      `json:"saturation,omitempty"` // nil where the analysis did not run
	Tokens     *saturation.TokenAnalysis `json:"tokens,omitempty"`     // nil where it was not asked for, or a KV cache's size is not known
	Demand     *Demand                   `json:"demand,omitempty"`     // nil where it is not known, or not asked for
	Plan       *optimizer.Assignment     `json:"plan,omitempty"`       // of the optimizer; nil where it was not asked
	SafetyNet  string                    `json:"safetyNet,omitempty"`  // why the model's targets were held, where they were
}

// Problem is something that a cycle met and an operator should know. It never stops the cycle.
type Problem struct {
	Variant ID          `json:"variant,omitzero"` // zero where it is about a model or the fleet
	Model   ModelKey    `json:"model,omitzero"`   // zero where it is about the fleet
	Kind    ProblemKind `json:"kind"`
	Message string      `json:"message"`
}

// ProblemKind classifies a Problem: stable text, fit for a metric label.
type ProblemKind string

// The kinds of Problem.
const (
	TargetNotFound   ProblemKind = "TargetNotFound"   // the scale target does not exist; the variant starts by itself when it appears
	InvalidVariant   ProblemKind = "InvalidVariant"   // the variant cannot be right; its model is held
	MetricsIgnored   ProblemKind = "MetricsIgnored"   // metrics that belong to no variant or cannot be true
	MetricsLost      ProblemKind = "MetricsLost"      // metrics that should be there are missing or stale
	AnalysisFailed   ProblemKind = "AnalysisFailed"   // the safety net holds the model's targets
	InventoryStale   ProblemKind = "InventoryStale"   // an earlier inventory is in force
	InventoryMissing ProblemKind = "InventoryMissing" // nobody knows the devices there are: nothing grows
	InventoryShort   ProblemKind = "InventoryShort"   // there are not enough devices for what is wanted
	BudgetShort      ProblemKind = "BudgetShort"      // a budget has no room for what is wanted
)

// Decision returns the decision for a variant.
func (r Report) Decision(id ID) (Decision, bool) {
	for _, d := range r.Decisions {
		if d.Variant == id {
			return d, true
		}
	}
	return Decision{}, false
}

// Changes yields the decisions that change something.
func (r Report) Changes() []Decision {
	var changes []Decision
	for _, d := range r.Decisions {
		if d.Action != NoChange {
			changes = append(changes, d)
		}
	}
	return changes
}
