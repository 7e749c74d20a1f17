package optimizer

import (
	"cmp"
	"math"
	"slices"
)

// completion makes a whole selection of an optimum of the relaxation: the items that are split, and those that would change their choice most readily, are settled
// anew by branch and bound at the prices of the relaxation; all others keep their choice.
type completion struct {
	tree     *tree
	items    []unsettled
	selected []int
	room     []float64
	steps    int
}

// unsettled is an item that is settled anew.
type unsettled struct {
	item    int
	ranked  []int     // its choices, the best at the prices first
	reduced []float64 // what they cost more than the first
}

const (
	companions = 12   // items that are settled anew beside those that are split
	walkSteps  = 1000 // of one completion
)

// complete looks for a better selection near an optimum of the relaxation, which has a bound.
func (t *tree) complete(bound float64) {
	c := completion{tree: t, steps: walkSteps, selected: make([]int, len(t.items))}
	for i, k := range t.relaxed.key {
		c.selected[i] = k - t.relaxed.first[i]
	}
	c.room = t.room(c.selected)
	for _, i := range t.relaxed.readiest(companions, t.cutoff()-bound) {
		c.unsettle(i)
	}
	// Those that it costs most not to settle well come first.
	slices.SortStableFunc(c.items, func(a, b unsettled) int { return cmp.Compare(b.second(), a.second()) })
	c.walk(0, bound)
}

// readiest returns the items that are split, and so many others that would change their choice for less than a limit, those for the least.
func (r *relaxation) readiest(count int, limit float64) []int {
	var split []int
	var others []float64 // their regrets, from the least
	var items []int
	for i := range r.key {
		if r.split[i] > 0 {
			split = append(split, i)
			continue
		}
		regret := r.regret(i)
		if regret >= limit || len(others) == count && regret >= others[count-1] {
			continue
		}
		at, _ := slices.BinarySearch(others, regret)
		others, items = slices.Insert(others, at, regret), slices.Insert(items, at, i)
		others, items = others[:min(len(others), count)], items[:min(len(items), count)]
	}
	return append(split, items...)
}

// unsettle takes back what an item uses and ranks its choices.
func (c *completion) unsettle(i int) {
	r, choices := c.tree.relaxed, c.tree.items[i]
	choices[c.selected[i]].take(c.room, -1)
	x := unsettled{item: i, ranked: make([]int, 0, len(choices)), reduced: make([]float64, 0, len(choices))}
	key := r.priced(r.key[i])
	for j := range choices {
		if r.banned[r.first[i]+j] {
			continue
		}
		v := max(0, r.priced(r.first[i]+j)-key)
		at, equal := slices.BinarySearch(x.reduced, v)
		for equal && at < len(x.reduced) && x.reduced[at] == v {
			at++
		}
		x.ranked, x.reduced = slices.Insert(x.ranked, at, j), slices.Insert(x.reduced, at, v)
	}
	c.items = append(c.items, x)
}

func (x *unsettled) second() float64 {
	if len(x.reduced) < 2 {
		return math.Inf(1)
	}
	return x.reduced[1]
}

// walk settles the items from the depth on; false once the steps are spent.
func (c *completion) walk(depth int, bound float64) bool {
	t := c.tree
	if depth == len(c.items) {
		if slices.Min(append(c.room, 0)) < -slack {
			return true
		}
		if v := t.program.value(c.selected); v < t.cutoff() {
			t.best, t.value = slices.Clone(c.selected), v
		}
		return true
	}
	x := &c.items[depth]
	for k, j := range x.ranked {
		next := bound + x.reduced[k]
		if next >= t.cutoff() {
			return true // what follows is dearer still
		}
		if c.steps--; c.steps < 0 {
			return false
		}
		choice := &t.items[x.item][j]
		if !choice.fits(c.room) {
			continue
		}
		choice.take(c.room, 1)
		c.selected[x.item] = j
		whole := c.walk(depth+1, next)
		choice.take(c.room, -1)
		if !whole {
			return false
		}
	}
	return true
}
