package prometheus

import (
	"cmp"
	"slices"
)

// turns remembers in which Collect the models of a fleet were last asked for something that costs too much to ask of all at once.
type turns map[engineModel]int

// next returns the models whose turn it is, sorted: those that waited longest, until they have as many replicas as the budget, but at least one. Models that left the fleet are
// forgotten.
func (t turns) next(f *fleet, budget, round int) []engineModel {
	gone := func(m engineModel) bool { _, ok := f.replicas[m]; return !ok }
	for m := range t {
		if gone(m) {
			delete(t, m)
		}
	}
	var due []engineModel
	for _, m := range f.models {
		if f.replicas[m] > 0 {
			due = append(due, m)
		}
	}
	slices.SortStableFunc(due, func(a, b engineModel) int { return cmp.Compare(t[a], t[b]) })
	n := 0
	for n < len(due) && budget > 0 {
		budget -= f.replicas[due[n]]
		t[due[n]] = round
		n++
	}
	due = due[:n]
	slices.SortFunc(due, engineModel.compare)
	return due
}
