package optimizer

import (
	"cmp"
	"math/rand/v2"
	"slices"
)

// brancher is a depth-first branch and bound over the items of a program, guided by the reduced values of its relaxation. The items whose choice
// matters most come first, and each one's choices in order of their reduced values, so that a subtree is left as soon as one choice is too dear.
type brancher struct {
	program *program
	dual    dual

	ranked [][]int   // choices of each item by reduced value
	spread []float64 // what the second of them costs more than the first

	order  []int // items that are being settled
	room   []float64
	now    []int
	best   []int   // nil until something better than value was found
	value  float64 // of the best, over the items that are being settled
	budget int
	nodes  int
}

// search runs over some items of a selection, the others staying as they are, within a number of nodes. It reports whether it saw everything.
func (b *brancher) search(items []int, selected []int, room []float64, nodes int) bool {
	p, d := b.program, b.dual
	b.now, b.best, b.value = b.now[:0], nil, 0
	b.now = append(b.now, selected...)
	b.room = append(b.room[:0], room...)
	bound := 0.0
	for _, i := range items {
		c := &p.items[i][selected[i]]
		c.take(b.room, -1)
		b.value += c.value
		bound += d.least[i]
	}
	for r, price := range d.price {
		bound -= price * b.room[r]
	}
	b.order = append(b.order[:0], items...)
	slices.SortStableFunc(b.order, func(x, y int) int { return cmp.Compare(b.spread[y], b.spread[x]) })
	b.nodes, b.budget = 0, nodes
	return b.walk(0, bound, 0)
}

func newBrancher(p *program, d dual) *brancher {
	b := &brancher{program: p, dual: d, ranked: make([][]int, len(p.items)), spread: make([]float64, len(p.items))}
	for i := range p.items {
		ranked := make([]int, len(p.items[i]))
		for j := range ranked {
			ranked[j] = j
		}
		slices.SortStableFunc(ranked, func(x, y int) int { return cmp.Compare(d.reduced[i][x], d.reduced[i][y]) })
		b.ranked[i] = ranked
		if len(ranked) > 1 {
			b.spread[i] = d.reduced[i][ranked[1]] - d.reduced[i][ranked[0]]
		}
	}
	return b
}

// neighbourhood is the number of items that are settled anew together.
const neighbourhood = 10

// polish settles small groups of items anew, all else as it is, until the nodes are spent or a whole round brings nothing: first those that are
// furthest from their best choice at the prices of the relaxation, each with a few others drawn from a fixed sequence (large neighbourhood search,
// Shaw 1998). It returns the nodes that it took.
func (b *brancher) polish(selected []int, nodes int) int {
	p := b.program
	if len(p.items) <= neighbourhood {
		return 0
	}
	room := p.room(selected)
	draw := rand.New(rand.NewPCG(1, uint64(len(p.items))))
	order := make([]int, len(p.items))
	for i := range order {
		order[i] = i
	}
	spent, idle := 0, 0
	for spent < nodes && idle < 3*len(order) {
		regret := func(i int) float64 { return b.dual.reduced[i][selected[i]] - b.dual.least[i] }
		slices.SortStableFunc(order, func(x, y int) int { return cmp.Compare(regret(y), regret(x)) })
		for _, seed := range order {
			if spent >= nodes || idle >= 3*len(order) {
				break
			}
			group := append(make([]int, 0, neighbourhood), seed)
			for len(group) < neighbourhood {
				if i := draw.IntN(len(order)); !slices.Contains(group, i) {
					group = append(group, i)
				}
			}
			b.search(group, selected, room, 1000)
			spent += b.nodes
			idle++
			if b.best == nil {
				continue
			}
			idle = 0
			for _, i := range group {
				p.items[i][selected[i]].take(room, -1)
				selected[i] = b.best[i]
				p.items[i][selected[i]].take(room, 1)
			}
		}
	}
	return spent
}

// walk settles the items from the depth on; bound is the Lagrangian bound of what has been settled and value what that costs. It reports whether it
// saw everything.
func (b *brancher) walk(depth int, bound, value float64) bool {
	if depth == len(b.order) {
		if b.program.better(value, b.value) {
			b.value = value
			b.best = append(b.best[:0], b.now...)
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
		whole := b.walk(depth+1, next, value+c.value)
		c.take(b.room, -1)
		if !whole {
			return false
		}
	}
	return true
}
