package wva_test

import (
	"fmt"

	"github.com/wva-go/wva"
)

// What would a dearer A100 and one more waiting request have changed? Edit the snapshot and decide again.
func ExampleDiff() {
	s := snapshot([]wva.Variant{variant("a", 5, 1), variant("b", 20, 1)}, reports("a", [2]float64{0.75, 0}), reports("b", [2]float64{0.75, 0}))
	before, _, err := wva.Decide(s, wva.DefaultPolicy(), wva.History{})
	if err != nil {
		fmt.Println(err)
		return
	}
	s.Variants[0].Cost = 50
	after, _, err := wva.Decide(s, wva.DefaultPolicy(), wva.History{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(wva.Diff(before, after))
	// Output:
	// ns/a: 1 rather than 2: stay at 1: spare KV cache 0.050 is below 0.100, and b grows
	// ns/b: 2 rather than 1: grow to 2: spare KV cache 0.050 is below 0.100; cheapest variant that may grow, at 20 a replica
	// +60.00 an hour
}
