package optimizer

import (
	"slices"
)

// program is a multiple-choice program: of every item one choice, the sum of values as small as possible, the sum of uses of every row within its
// limit. Choices come in order of preference: of equal values the first is taken.
type program struct {
	items  [][]choice
	limits []float64
	least  float64 // the smallest difference of values that matters
	counts bool    // whether values are whole numbers, but for fractions that sum up to less than blur
}

// blur is what the fractions of a program that counts sum up to at most.
const blur = 0.01

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
	bound    float64 // no selection has a smaller value
	nodes    int
	proven   bool // that no selection is better by what matters
}

// solve improves on a feasible selection, up to the best where the nodes suffice: a tree that hopes for the best there can be finds it where that
// is possible at all, ripples improve what there is, and a tree without hope proves it.
func (p *program) solve(nodes int, start []int) solution {
	r := newRelaxation(p)
	t := newTree(p, r, start)
	if !t.closed() {
		t.fill()
	}
	for _, stage := range []struct {
		upTo float64 // which part of the nodes may be spent by then
		run  func()
	}{
		{0.4, t.hopefully}, {0.8, t.ripple}, {1, t.search},
	} {
		t.budget = int(stage.upTo * float64(nodes))
		stage.run()
	}
	s := solution{selected: t.best, bound: t.bound, nodes: t.nodes, proven: t.closed()}
	if s.proven && !p.counts {
		s.bound = t.value
	}
	return s
}

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
		p.items[i][j].take(room, 1)
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
