package optimizer

import (
	"cmp"
	"math"
	"slices"
)

// fill makes a selection from the root's prices: one item after the other takes the choice that is cheapest among those that still fit. Items that can go without anything
// come last, of these those first that it costs most to leave for their second best.
func (t *tree) fill() {
	r := t.relaxed
	t.restore(&t.root)
	type entry struct {
		item, turn int
		regret     float64
	}
	order := make([]entry, len(t.items))
	for i, choices := range t.items {
		e := entry{item: i, regret: r.regret(i)}
		switch {
		case slices.ContainsFunc(choices, func(c choice) bool { return len(c.uses) == 0 }):
			e.turn = 2
		case r.split[i] > 0:
			e.turn = 1
		}
		order[i] = e
	}
	slices.SortStableFunc(order, func(a, b entry) int { return cmp.Or(cmp.Compare(a.turn, b.turn), cmp.Compare(b.regret, a.regret)) })
	selected, room := make([]int, len(t.items)), slices.Clone(t.limits)
	for _, e := range order {
		least := math.Inf(1)
		for j := range t.items[e.item] {
			if v := r.priced(r.first[e.item] + j); v < least && t.items[e.item][j].fits(room) {
				selected[e.item], least = j, v
			}
		}
		if math.IsInf(least, 1) {
			return
		}
		t.items[e.item][selected[e.item]].take(room, 1)
	}
	if v := t.program.value(selected); v < t.cutoff() {
		t.best, t.value = selected, v
	}
}
