package saturation

import (
	"cmp"
	"slices"
)

// Cautious combines the targets of several analyses of one model: of each variant the largest, with its reason; of equal ones
// that of the analysis named first. A variant that only some of them know counts with what those say.
func Cautious(analyses ...[]Target) []Target {
	combined := slices.Concat(analyses...)
	slices.SortStableFunc(combined, func(a, b Target) int {
		return cmp.Or(cmp.Compare(a.Variant, b.Variant), cmp.Compare(b.Replicas, a.Replicas))
	})
	return slices.CompactFunc(combined, func(a, b Target) bool { return a.Variant == b.Variant })
}
