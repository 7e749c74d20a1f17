package wva

import "strings"

// Decision is the answer for one variant.
type Decision struct {
	Variant     ID        `json:"variant"`
	Model       string    `json:"model"`
	Accelerator string    `json:"accelerator,omitempty"`
	Scale       TargetRef `json:"scale,omitzero"` // what to scale
	Current     int       `json:"current"`
	Ready       int       `json:"ready"` // replicas that report fresh metrics
	Target      int       `json:"target"`
	Action      Action    `json:"action"`
	// Reasons tell how Target came about, in the order in which the stages spoke; the last one that changed it decided.
	Reasons []Reason `json:"reasons"`
	// Override is set where a safety rule replaced what the analysis wanted.
	Override *Override `json:"override,omitempty"`

	// Cost is per hour, of Target replicas: the unit cost of their accelerator times their devices or, where it has no unit cost, their variant cost.
	Cost      float64    `json:"cost"`
	CostDelta float64    `json:"costDelta"` // per hour, against Current
	Predicted Prediction `json:"predicted,omitzero"`
}

// Why returns the reasons as one line for a log.
func (d Decision) Why() string {
	sentences := make([]string, len(d.Reasons))
	for i, r := range d.Reasons {
		sentences[i] = r.Message
	}
	return strings.Join(sentences, "; ")
}

// Action is the direction of a decision.
type Action string

// The actions, as WVA names them.
const (
	ScaleUp   Action = "scale-up"
	ScaleDown Action = "scale-down"
	NoChange  Action = "no-change"
)

func action(current, target int) Action {
	switch {
	case target > current:
		return ScaleUp
	case target < current:
		return ScaleDown
	}
	return NoChange
}

// Reason is one step of the way to a target: which rule spoke, with which numbers, and the sentence to log.
type Reason struct {
	Rule    Rule     `json:"rule"`
	Message string   `json:"message"`
	Numbers []Number `json:"numbers,omitempty"`
}

// Number is a quantity that a reason rests on.
type Number struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
}

// Rule identifies what made a Reason: stable text, fit for a metric label.
type Rule string

// Override says that a safety rule replaced the wanted target.
type Override struct {
	Rule   Rule `json:"rule"`
	Wanted int  `json:"wanted"` // the target that it replaced
}

// Prediction is the performance expected after the change, where the variant's servers have a profile and the load is
// known. Absent readings could not be predicted.
type Prediction struct {
	Rate Reading `json:"rate,omitzero"` // requests per second for each replica
	TTFT Reading `json:"ttft,omitzero"` // mean, seconds
	ITL  Reading `json:"itl,omitzero"`  // mean, seconds
}
