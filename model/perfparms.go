package model

import (
	"errors"
	"fmt"
	"math"
	"strconv"
)

// ParsePerfParms reads the performance parameters as a VariantAutoscaling of WVA 0.4 carries them: strings, in milliseconds, decodeParms with
// alpha and beta and prefillParms with gamma and delta. Every parameter that is missing or cannot be is named in the error.
func ParsePerfParms(decode, prefill map[string]string) (PublishedParameters, error) {
	var p PublishedParameters
	var errs []error
	for _, f := range []struct {
		part, name string
		from       map[string]string
		to         *float64
	}{
		{"decodeParms", "alpha", decode, &p.Alpha}, {"decodeParms", "beta", decode, &p.Beta},
		{"prefillParms", "gamma", prefill, &p.Gamma}, {"prefillParms", "delta", prefill, &p.Delta},
	} {
		text, ok := f.from[f.name]
		if !ok {
			errs = append(errs, fmt.Errorf("%s.%s: missing", f.part, f.name))
			continue
		}
		ms, err := strconv.ParseFloat(text, 64)
		if err != nil || !(ms >= 0) || math.IsInf(ms, 0) {
			errs = append(errs, fmt.Errorf("%s.%s %q: want a finite number of milliseconds, 0 or more", f.part, f.name, text))
			continue
		}
		*f.to = ms / 1e3
	}
	if len(errs) > 0 {
		return PublishedParameters{}, fmt.Errorf("model: perfParms: %w", errors.Join(errs...))
	}
	return p, nil
}

// Profile converts the four parameters of WVA 0.4: a prompt token costs δ, and a request in a decode β, whatever its context. The base of the prefill, γ, is that of an
// iteration, α. A decode costs no less than a prompt token.
func (p PublishedParameters) Profile() Profile {
	return Profile{Alpha: p.Alpha, Beta: p.Delta, Request: max(0, p.Beta-p.Delta)}
}
