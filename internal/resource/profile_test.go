package resource_test

import (
	"math"
	"testing"

	"github.com/wva-go/wva/cost"
	"github.com/wva-go/wva/internal/resource"
)

// The entry for an accelerator is found by its name or its type in the unit costs, or as the only one where nobody says which accelerator it is.
func TestSelectProfile(t *testing.T) {
	costs, err := cost.ParseUnitCosts(map[string]string{"accelerators": "- name: A100\n  type: NVIDIA-A100-PCIE-80GB\n  cost: 40\n  memSize: 81920\n"})
	if err != nil {
		t.Fatal(err)
	}
	a100, byType, h100 := resource.Profile{Accelerator: "A100"}, resource.Profile{Accelerator: "NVIDIA-A100-PCIE-80GB"}, resource.Profile{Accelerator: "H100"}
	for name, test := range map[string]struct {
		profiles    []resource.Profile
		accelerator string
		want        string // empty = none
	}{
		"by name":                        {[]resource.Profile{h100, a100}, "A100", "A100"},
		"by type, listed by name":        {[]resource.Profile{h100, a100}, "NVIDIA-A100-PCIE-80GB", "A100"},
		"by name, listed by type":        {[]resource.Profile{h100, byType}, "A100", "NVIDIA-A100-PCIE-80GB"},
		"one without a price":            {[]resource.Profile{h100, a100}, "H100", "H100"},
		"none for it":                    {[]resource.Profile{h100, a100}, "B200", ""},
		"the only one":                   {[]resource.Profile{h100}, "", "H100"},
		"nobody knows which":             {[]resource.Profile{h100, a100}, "", ""},
		"the only one, for another":      {[]resource.Profile{h100}, "A100", ""},
		"without any":                    {nil, "A100", ""},
		"without any and nobody knowing": {nil, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got, ok := resource.SelectProfile(test.profiles, test.accelerator, costs); got.Accelerator != test.want || ok != (test.want != "") {
				t.Errorf("%q, %v, want %q", got.Accelerator, ok, test.want)
			}
		})
	}
}

// The published parameters, in milliseconds, become a server; those that describe none do not.
func TestProfileServer(t *testing.T) {
	if s := (resource.Profile{Alpha: 20.58, Beta: 0.41, Gamma: 5.2, Delta: 0.1, MaxBatch: 4}).Server(); s == nil || s.MaxBatch != 4 || s.Validate() != nil {
		t.Errorf("server %+v", s)
	}
	for name, p := range map[string]resource.Profile{"nothing": {MaxBatch: 4}, "no batch": {Alpha: 20, MaxBatch: -1}, "no number": {Alpha: math.NaN(), MaxBatch: 4}, "an infinity": {Beta: math.Inf(1), MaxBatch: 4}} {
		if s := p.Server(); s != nil {
			t.Errorf("%s: server %+v", name, s)
		}
	}
}
