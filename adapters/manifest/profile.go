package manifest

import (
	"math"

	"github.com/wva-go/wva/internal/document"
	"github.com/wva-go/wva/model"
)

// acceleratorProfile is an entry of a 0.4 resource's modelProfile: how the model runs on one accelerator.
type acceleratorProfile struct {
	accelerator string
	devices     int // per replica
	maxBatch    int // 0 = not given
	// Milliseconds: a decoding step of a batch of n takes alpha + beta·n, prefill of prompts of k tokens
	// gamma + delta·k·n.
	alpha, beta, gamma, delta float64
}

// readProfiles reads the entries that are sound.
func readProfiles(v document.Value) []acceleratorProfile {
	var profiles []acceleratorProfile
	fields := v.Map("accelerators")
	for _, entry := range fields.Get("accelerators").List() {
		fields := entry.Map("acc", "accCount", "maxBatchSize", "perfParms")
		fields.Require("acc")
		p := acceleratorProfile{devices: 1}
		name, sound := fields.Get("acc").Name()
		p.accelerator = name
		for _, f := range []struct {
			name string
			into *int
		}{{"accCount", &p.devices}, {"maxBatchSize", &p.maxBatch}} {
			if count := fields.Get(f.name); count.Present() {
				n, ok := count.Int()
				if ok && (n < 1 || n > math.MaxInt32) {
					count.Fail("want a whole number, 1 or more")
					ok = false
				}
				*f.into = n
				sound = sound && ok
			}
		}
		if sound = readPerformance(fields.Get("perfParms"), &p) && sound; sound {
			profiles = append(profiles, p)
		}
	}
	return profiles
}

// readPerformance reads the parameters, which the resource has as strings; all of them may be missing.
func readPerformance(v document.Value, p *acceleratorProfile) bool {
	sound := true
	parts := v.Map("decodeParms", "prefillParms")
	for _, part := range []struct {
		name  string
		names [2]string
		into  [2]*float64
	}{
		{"decodeParms", [2]string{"alpha", "beta"}, [2]*float64{&p.alpha, &p.beta}},
		{"prefillParms", [2]string{"gamma", "delta"}, [2]*float64{&p.gamma, &p.delta}},
	} {
		fields := parts.Get(part.name).Map(part.names[:]...)
		for i, name := range part.names {
			parameter := fields.Get(name)
			if !parameter.Present() {
				continue
			}
			ms, ok := parameter.NonNegative()
			*part.into[i] = ms
			sound = sound && ok
		}
	}
	return sound
}

// The lengths for which the four parameters of 0.4 are turned into the three of [model.Profile]: an ordinary chat request.
const (
	typicalInput  = 512
	typicalOutput = 256
)

// server is the performance that the entry describes; nil where it does not say enough.
func (p acceleratorProfile) server() *model.Server {
	parameters := model.PublishedParameters{Alpha: p.alpha / 1e3, Beta: p.beta / 1e3, Gamma: p.gamma / 1e3, Delta: p.delta / 1e3}
	s := model.Server{Profile: parameters.Profile(typicalInput, typicalOutput), MaxBatch: p.maxBatch}
	if s.Validate() != nil {
		return nil
	}
	return &s
}
