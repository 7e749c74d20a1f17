package model_test

import (
	"fmt"
	"testing"

	"github.com/wva-go/wva/model"
)

func ExampleLookupAccelerator() {
	a, _ := model.LookupAccelerator("AMD-MI300X-192GB")
	fmt.Printf("%s: %d MiB at %.1f TB/s\n", a.Name, a.Memory>>20, a.Bandwidth/1e12)
	// Output: MI300X: 196608 MiB at 5.3 TB/s
}

func TestAccelerators(t *testing.T) {
	for _, a := range model.Accelerators() {
		for _, name := range []string{a.Name, a.Type} {
			if found, ok := model.LookupAccelerator(name); !ok || found != a {
				t.Errorf("lookup of %q = %+v", name, found)
			}
		}
	}
	if _, ok := model.LookupAccelerator("TPU"); ok {
		t.Error("an unknown accelerator is found")
	}
}

func TestArchitecture(t *testing.T) {
	for a, warns := range map[model.Architecture]bool{"": false, model.Dense: false, model.MixtureOfExperts: true, model.HybridStateSpace: true} {
		if a.Validate() != nil || (a.Warning() != "") != warns {
			t.Errorf("%q: %v, warning %q", a, a.Validate(), a.Warning())
		}
	}
	if model.Architecture("rnn").Validate() == nil {
		t.Error("an unknown architecture is valid")
	}
}
