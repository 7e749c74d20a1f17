package resource

import (
	"github.com/wva-go/wva/cost"
	"github.com/wva-go/wva/model"
)

// Profile is an entry of a 0.4 resource's modelProfile: how the model runs on one accelerator.
type Profile struct {
	Accelerator string
	Devices     int // per replica
	MaxBatch    int // 0 = not given
	// Milliseconds: a decoding step of a batch of n takes Alpha + Beta·n, prefill of prompts of k tokens
	// Gamma + Delta·k·n.
	Alpha, Beta, Gamma, Delta float64
}

// SelectProfile returns the entry for an accelerator, or the only one where the accelerator is not known.
func SelectProfile(profiles []Profile, accelerator string, costs cost.UnitCosts) (Profile, bool) {
	if accelerator == "" && len(profiles) == 1 {
		return profiles[0], true
	}
	unit, priced := costs.Lookup(accelerator)
	for _, p := range profiles {
		if p.Accelerator == accelerator || priced && (p.Accelerator == unit.Accelerator || p.Accelerator == unit.Type) {
			return p, true
		}
	}
	return Profile{}, false
}

// Server is the performance that the entry describes; nil where it does not say enough.
func (p Profile) Server() *model.Server {
	parameters := model.PublishedParameters{Alpha: p.Alpha / 1e3, Beta: p.Beta / 1e3, Gamma: p.Gamma / 1e3, Delta: p.Delta / 1e3}
	s := model.Server{Profile: parameters.Profile(), MaxBatch: p.MaxBatch}
	if s.Validate() != nil {
		return nil
	}
	return &s
}
