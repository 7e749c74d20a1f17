package wva_test

import (
	"strings"
	"testing"

	"github.com/wva-go/wva"
)

func TestWithEnvironment(t *testing.T) {
	env := func(pairs ...string) func(string) (string, bool) {
		return func(name string) (string, bool) {
			for i := 0; i < len(pairs); i += 2 {
				if pairs[i] == name {
					return pairs[i+1], true
				}
			}
			return "", false
		}
	}
	p, err := wva.DefaultPolicy().WithEnvironment(env("EXPERIMENTAL_PROACTIVE_MODEL", "true", "WVA_SCALE_TO_ZERO", "true"))
	if err != nil || p.Mode != wva.Hybrid || !p.ScaleToZero.Default.Enabled {
		t.Errorf("%+v, %v", p, err)
	}
	p, err = wva.DefaultPolicy().WithEnvironment(env())
	if err != nil || p.Mode != wva.CapacityOnly || p.ScaleToZero.Default.Enabled {
		t.Errorf("nothing set: %+v, %v", p, err)
	}
	if _, err = wva.DefaultPolicy().WithEnvironment(env("EXPERIMENTAL_PROACTIVE_MODEL", "maybe")); err == nil || !strings.Contains(err.Error(), `EXPERIMENTAL_PROACTIVE_MODEL "maybe"`) {
		t.Errorf("error = %v", err)
	}
}
