package optimizer

import (
	"math"
	"slices"
)

// program is a multiple-choice program: of every item one choice, the sum of values as small as possible, the sum of uses of every row within its
// limit. Choices come in order of preference: of equal values the first is taken.
type program struct {
	items  [][]choice
	limits []float64
	rank   []int   // of each item: a lower one is settled first where not all fit
	eps    float64 // values closer than this are the same
}

// choice is one way to settle an item.
type choice struct {
	value float64
	uses  []use // by row
}

type use struct {
	row    int
	amount float64
}

// solution is a selection of choices and what is known of it.
type solution struct {
	selected []int
	value    float64
	bound    float64 // no selection has a smaller value
	nodes    int
	proven   bool
}

// solve finds the best selection, or a good one where the nodes do not suffice. start, where it is not nil, is a feasible selection to improve on.
func (p *program) solve(nodes int, start []int) solution {
	best := solution{selected: start, value: math.Inf(1)}
	if start != nil {
		best.value = p.value(start)
	}
	d := p.relax(best.value)
	best.bound = d.bound
	for _, candidate := range d.primal {
		if v := p.value(candidate); p.better(v, best.value) {
			best.selected, best.value = candidate, v
		}
	}
	if best.selected == nil {
		return best
	}
	best.selected = p.improve(slices.Clone(best.selected), 20*nodes)
	best.value = p.value(best.selected)
	if p.closed(best.value, d.bound) {
		best.proven, best.bound = true, best.value
		return best
	}
	b := newBrancher(p, d)
	best.nodes = b.polish(best.selected, nodes)
	all := make([]int, len(p.items))
	for i := range all {
		all[i] = i
	}
	best.proven = b.search(all, best.selected, p.room(best.selected), nodes)
	best.nodes += b.nodes
	if b.best != nil {
		best.selected = slices.Clone(b.best)
	}
	best.value = p.value(best.selected)
	if best.proven || p.closed(best.value, d.bound) {
		best.proven, best.bound = true, best.value
	}
	return best
}

func (p *program) better(a, b float64) bool { return a < b-p.eps }

// closed tells whether a bound proves a value.
func (p *program) closed(value, bound float64) bool { return value-bound <= p.eps }

func (p *program) value(selected []int) float64 {
	sum := 0.0
	for i, j := range selected {
		sum += p.items[i][j].value
	}
	return sum
}

// room returns what a selection leaves of the limits.
func (p *program) room(selected []int) []float64 {
	room := slices.Clone(p.limits)
	for i, j := range selected {
		for _, u := range p.items[i][j].uses {
			room[u.row] -= u.amount
		}
	}
	return room
}

// fits tells whether a choice fits into the room that there is.
func (c *choice) fits(room []float64) bool {
	for _, u := range c.uses {
		if u.amount > room[u.row]+slack {
			return false
		}
	}
	return true
}

// slack is the rounding error that a sum of costs may exceed a budget by.
const slack = 1e-9

func (c *choice) take(room []float64, sign float64) {
	for _, u := range c.uses {
		room[u.row] -= sign * u.amount
	}
}

// improve switches single items to better choices, and pairs of items where one makes room for the other, until none helps or the effort is spent.
func (p *program) improve(selected []int, effort int) []int {
	b := betterer{program: p, selected: selected, room: p.room(selected), users: make([][]int, len(p.limits)), effort: effort}
	for i := range p.items {
		for _, u := range p.items[i][selected[i]].uses {
			b.users[u.row] = append(b.users[u.row], i)
		}
	}
	for changed := true; changed && b.effort > 0; {
		changed = false
		for i := range p.items {
			if b.one(i) || b.pair(i) {
				changed = true
			}
		}
	}
	return b.selected
}

// betterer is a selection that is being improved.
type betterer struct {
	*program
	selected []int
	room     []float64
	users    [][]int // items that used a row when it was last looked at, and perhaps still do
	effort   int
}

func (b *betterer) choice(i int) *choice { return &b.items[i][b.selected[i]] }

// switchTo gives item i another choice.
func (b *betterer) switchTo(i, j int) {
	b.choice(i).take(b.room, -1)
	b.selected[i] = j
	b.choice(i).take(b.room, 1)
	for _, u := range b.choice(i).uses {
		b.users[u.row] = append(b.users[u.row], i)
	}
}

// one moves an item to its best choice that fits.
func (b *betterer) one(i int) bool {
	now := b.choice(i)
	now.take(b.room, -1)
	best, value := -1, now.value
	for j := range b.items[i] {
		if c := &b.items[i][j]; b.better(c.value, value) && c.fits(b.room) {
			best, value = j, c.value
		}
	}
	now.take(b.room, 1)
	if best < 0 {
		return false
	}
	b.switchTo(i, best)
	return true
}

// pair moves an item to a better choice that does not fit, where another item can make room for less than that saves.
func (b *betterer) pair(i int) bool {
	now := b.choice(i)
	for j := range b.items[i] {
		c := &b.items[i][j]
		if !b.better(c.value, now.value) || b.effort <= 0 {
			continue
		}
		now.take(b.room, -1)
		c.take(b.room, 1)
		k, l := b.makeRoom(i, now.value-c.value)
		c.take(b.room, -1)
		now.take(b.room, 1)
		if k >= 0 {
			b.switchTo(k, l)
			b.switchTo(i, j)
			return true
		}
	}
	return false
}

// makeRoom finds the cheapest switch of another item that brings an overdrawn room back within the limits for less than it may cost; −1 where there is
// none. It has to be one that uses a row that is overdrawn.
func (b *betterer) makeRoom(not int, most float64) (item, choice int) {
	over := slices.IndexFunc(b.room, func(r float64) bool { return r < -slack })
	if over < 0 {
		return -1, 0
	}
	item = -1
	least := most - b.eps
	kept := b.users[over][:0]
	for _, k := range b.users[over] {
		now := b.choice(k)
		if !now.usesRow(over) {
			continue // it has moved since
		}
		kept = append(kept, k)
		b.effort--
		if k == not {
			continue
		}
		for l := range b.items[k] {
			c := &b.items[k][l]
			if cost := c.value - now.value; cost < least && l != b.selected[k] && b.frees(now, c, b.room) {
				item, choice, least = k, l, cost
			}
		}
	}
	b.users[over] = slices.Compact(kept)
	return item, choice
}

func (c *choice) usesRow(row int) bool {
	return slices.ContainsFunc(c.uses, func(u use) bool { return u.row == row })
}

// frees tells whether switching from one choice to another brings every row within its limit.
func (p *program) frees(from, to *choice, room []float64) bool {
	for _, u := range from.uses {
		room[u.row] += u.amount
	}
	fits := to.fits(room)
	for row, r := range room {
		if fits && r < -slack && !to.usesRow(row) {
			fits = false
		}
	}
	for _, u := range from.uses {
		room[u.row] -= u.amount
	}
	return fits
}
