package optimizer

import (
	"cmp"
	"slices"
)

// brancher is a depth-first branch and bound over the items of a program, guided by the reduced values of its relaxation. The items whose choice
// matters most come first, and each one's choices in order of their reduced values, so that a subtree is left as soon as one choice is too dear.
type brancher struct {
	program *program
	dual    dual

	order  []int   // items
	ranked [][]int // choices of each item by reduced value
	room   []float64
	now    []int

	best     []int
	value    float64
	budget   int
	nodes    int
	complete bool // the whole tree was searched
}

func (b *brancher) run() {
	p, d := b.program, b.dual
	b.room, b.now = slices.Clone(p.limits), make([]int, len(p.items))
	b.ranked = make([][]int, len(p.items))
	spread := make([]float64, len(p.items))
	for i := range p.items {
		ranked := make([]int, len(p.items[i]))
		for j := range ranked {
			ranked[j] = j
		}
		slices.SortStableFunc(ranked, func(x, y int) int { return cmp.Compare(d.reduced[i][x], d.reduced[i][y]) })
		b.ranked[i] = ranked
		if len(ranked) > 1 {
			spread[i] = d.reduced[i][ranked[1]] - d.reduced[i][ranked[0]]
		}
		b.order = append(b.order, i)
	}
	slices.SortStableFunc(b.order, func(x, y int) int { return cmp.Compare(spread[y], spread[x]) })
	b.complete = b.walk(0, d.bound)
}

// walk settles the items from the depth on; bound is the Lagrangian bound of what has been settled. It reports whether it saw everything.
func (b *brancher) walk(depth int, bound float64) bool {
	if depth == len(b.order) {
		if v := b.program.value(b.now); b.program.better(v, b.value) {
			b.value = v
			b.best = slices.Clone(b.now)
		}
		return true
	}
	i := b.order[depth]
	for _, j := range b.ranked[i] {
		next := bound + b.dual.reduced[i][j] - b.dual.least[i]
		if !b.program.better(next, b.value) {
			return true // the rest of the choices is dearer still
		}
		if b.nodes >= b.budget {
			return false
		}
		b.nodes++
		c := &b.program.items[i][j]
		if !c.fits(b.room) {
			continue
		}
		c.take(b.room, 1)
		b.now[i] = j
		whole := b.walk(depth+1, next)
		c.take(b.room, -1)
		if !whole {
			return false
		}
	}
	return true
}
