package wva

import (
	"errors"
	"fmt"
	"strconv"
)

// WithEnvironment returns the policy as the guide's environment variables set it: EXPERIMENTAL_PROACTIVE_MODEL chooses between HYBRID (true) and CAPACITY-ONLY
// (false), and WVA_SCALE_TO_ZERO lets models run without replicas where no document says otherwise. lookup is os.LookupEnv, or a map. A variable that is not set,
// or empty, changes nothing; one that cannot be read is named in the error, and the others count all the same.
func (p Policy) WithEnvironment(lookup func(string) (string, bool)) (Policy, error) {
	var errs []error
	read := func(name string) (value, set bool) {
		text, ok := lookup(name)
		if !ok || text == "" {
			return false, false
		}
		value, err := strconv.ParseBool(text)
		if err != nil {
			errs = append(errs, fmt.Errorf("wva: %s %q: want true or false", name, text))
			return false, false
		}
		return value, true
	}
	if proactive, ok := read("EXPERIMENTAL_PROACTIVE_MODEL"); ok {
		p.Mode = CapacityOnly
		if proactive {
			p.Mode = Hybrid
		}
	}
	if zero, ok := read("WVA_SCALE_TO_ZERO"); ok && p.ScaleToZero.Default == (Retention{}) {
		p.ScaleToZero.Default.Enabled = zero
	}
	return p, errors.Join(errs...)
}
