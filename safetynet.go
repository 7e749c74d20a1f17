package wva

import "fmt"

// Rules of the safety net.
const (
	RuleSafetyNetPrevious Rule = "safety-net.previous-target"
	RuleSafetyNetCurrent  Rule = "safety-net.current-replicas"
)

// activateSafetyNet keeps every target of a model that could not be analyzed: the previous one, or the current replicas
// where there is none or where it is lower, since nothing shrinks while nobody can see what the servers do.
func (m *modelState) activateSafetyNet() {
	for _, v := range m.variants {
		rule, source := RuleSafetyNetCurrent, "current replicas"
		v.target = v.Current
		if v.known && v.previous >= v.Current {
			rule, source = RuleSafetyNetPrevious, "previous target"
			v.target = v.previous
		}
		v.override = &Override{Rule: rule, Wanted: v.target}
		v.say(rule, fmt.Sprintf("safety net activated: keep %d (%s), because %s", v.target, source, m.held),
			Number{"target", float64(v.target)}, Number{"current", float64(v.Current)})
	}
}
