package manifest

import (
	"math"

	"github.com/wva-go/wva/internal/document"
	"github.com/wva-go/wva/internal/resource"
)

// readProfiles reads the entries that are sound.
func readProfiles(v document.Value) []resource.Profile {
	var profiles []resource.Profile
	fields := v.Map("accelerators")
	for _, entry := range fields.Get("accelerators").List() {
		fields := entry.Map("acc", "accCount", "maxBatchSize", "perfParms")
		fields.Require("acc")
		p := resource.Profile{Devices: 1}
		name, sound := fields.Get("acc").Name()
		p.Accelerator = name
		for _, f := range []struct {
			name string
			into *int
		}{{"accCount", &p.Devices}, {"maxBatchSize", &p.MaxBatch}} {
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
func readPerformance(v document.Value, p *resource.Profile) bool {
	sound := true
	parts := v.Map("decodeParms", "prefillParms")
	for _, part := range []struct {
		name  string
		names [2]string
		into  [2]*float64
	}{
		{"decodeParms", [2]string{"alpha", "beta"}, [2]*float64{&p.Alpha, &p.Beta}},
		{"prefillParms", [2]string{"gamma", "delta"}, [2]*float64{&p.Gamma, &p.Delta}},
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
