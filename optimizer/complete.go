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
	items    []ready
	selected []int
	room     []float64
	steps    int
}

// ready is an item that may be settled anew.
type ready struct {
	item    int
	regret  float64 // what its second best choice costs more at the prices; −∞ where it is split
	ranked  []int
	reduced []float64 // what they cost more than the best
}

const (
	companions = 12   // items that are settled anew beside those that are split
	walkSteps  = 1000 // of one completion
)

// complete looks for a better selection near an optimum of the relaxation, which has a bound.
func (t *tree) complete(bound float64) {
	r := t.relaxed
	c := completion{tree: t, steps: walkSteps, selected: make([]int, len(t.items))}
	split := 0
	for i, k := range r.key {
		c.selected[i] = k - r.first[i]
		regret := math.Inf(-1)
		if r.split[i] > 0 {
			split++
		} else if regret = r.regret(i); bound+regret >= t.cutoff() {
			continue
		}
		c.items = append(c.items, ready{item: i, regret: regret})
	}
	slices.SortFunc(c.items, func(a, b ready) int { return cmp.Or(cmp.Compare(a.regret, b.regret), cmp.Compare(a.item, b.item)) })
	c.items = c.items[:min(len(c.items), split+companions)]
	c.room = t.room(c.selected)
	for k := range c.items {
		c.rank(&c.items[k])
	}
	// Those that it costs most not to settle well come first.
	slices.SortStableFunc(c.items, func(a, b ready) int { return cmp.Compare(b.second(), a.second()) })
	c.walk(0, bound)
}

// rank orders the choices of an item that is settled anew, and takes back what it uses.
func (c *completion) rank(x *ready) {
	t, r := c.tree, c.tree.relaxed
	t.items[x.item][c.selected[x.item]].take(c.room, -1)
	key := r.priced(r.key[x.item])
	value := make([]float64, len(t.items[x.item]))
	for j := range value {
		if column := r.first[x.item] + j; !r.banned[column] {
			value[j] = r.priced(column) - key
			x.ranked = append(x.ranked, j)
		}
	}
	slices.SortStableFunc(x.ranked, func(a, b int) int { return cmp.Compare(value[a], value[b]) })
	for _, j := range x.ranked {
		x.reduced = append(x.reduced, max(0, value[j]))
	}
}

func (x *ready) second() float64 {
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
