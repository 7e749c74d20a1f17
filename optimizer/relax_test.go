package optimizer

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// draw makes a program with several choices for each item, some of them equal, and rows that are too small for all.
func draw(r *rand.Rand, most int) *program {
	p := &program{least: 1e-9}
	items, rows := 1+r.IntN(most), r.IntN(6)
	for range rows {
		p.limits = append(p.limits, float64(r.IntN(4*items)))
	}
	for range items {
		choices := []choice{{value: float64(50 + r.IntN(50))}}
		for range r.IntN(6) {
			c := choice{value: float64(r.IntN(40))}
			for k := range rows {
				if r.IntN(3) == 0 {
					c.uses = append(c.uses, use{k, float64(1 + r.IntN(9))})
				}
			}
			choices = append(choices, c)
		}
		p.items = append(p.items, choices)
	}
	return p
}

// The relaxation proves itself: parts of choices that fit into every row and cost as much as the Lagrangian bound at its prices, which nothing can undercut.
func TestRelaxationIsOptimal(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 5))
	for n := range 3000 {
		p := draw(r, 30)
		relaxed := newRelaxation(p)
		s, bound := relaxed.solve(math.Inf(1))
		if s != optimal {
			t.Fatalf("program %d: status %d", n, s)
		}
		value, room := 0.0, slices.Clone(p.limits)
		part := func(column int, share float64) {
			if share < -1e-6 {
				t.Fatalf("program %d: a part of %g", n, share)
			}
			i := relaxed.item[column]
			c := p.items[i][column-relaxed.first[i]]
			value += share * c.value
			c.take(room, share)
		}
		relaxed.measure()
		for i, key := range relaxed.key {
			part(key, relaxed.keyLevel(i))
		}
		for k, column := range relaxed.basic {
			if column >= 0 {
				part(column, relaxed.level[k])
			}
		}
		if slices.Min(append(room, 0)) < -1e-5 {
			t.Fatalf("program %d: room %v", n, room)
		}
		if math.Abs(value-bound) > 1e-6*max(1, value) {
			t.Fatalf("program %d: the parts cost %g, the bound is %g", n, value, bound)
		}
	}
}

// The tree finds what trying everything finds, from its own decisions and bases.
func TestTreeAgainstEverything(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 5))
	for n := range 500 {
		p := draw(r, 6)
		least := math.Inf(1)
		selected, room := make([]int, len(p.items)), slices.Clone(p.limits)
		var try func(i int)
		try = func(i int) {
			if i == len(p.items) {
				least = min(least, p.value(selected))
				return
			}
			for j := range p.items[i] {
				if c := &p.items[i][j]; c.fits(room) {
					c.take(room, 1)
					selected[i] = j
					try(i + 1)
					c.take(room, -1)
				}
			}
		}
		try(0)
		s := p.solve(100_000, make([]int, len(p.items)))
		if got := p.value(s.selected); !s.proven || math.Abs(got-least) > 1e-6 || s.bound > least+1e-6 {
			t.Fatalf("program %d: %g with bound %g, proven %v; trying everything finds %g", n, got, s.bound, s.proven, least)
		}
		if slices.Min(append(p.room(s.selected), 0)) < -slack {
			t.Fatalf("program %d: over its limits", n)
		}
	}
}
