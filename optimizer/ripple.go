package optimizer

import (
	"cmp"
	"math/rand/v2"
	"slices"
)

const (
	neighbours  = 40  // items that are settled anew together
	rippleNodes = 50  // of the tree over them
	idleRipples = 200 // and one more for ten items: so many that bring nothing, one after the other, end it
)

// ripple settles small groups of items anew, each with a tree of its own, all else as it is (large neighbourhood search, Shaw 1998). The groups are drawn from a fixed
// sequence; most likely are items that would change their choice readily at the prices of the whole relaxation.
func (t *tree) ripple() {
	n := len(t.items)
	if n <= neighbours || t.closed() {
		return
	}
	r := t.relaxed
	t.restore(&t.root)
	regret := make([]float64, n)
	for i := range regret {
		regret[i] = max(0, r.regret(i))
	}
	sorted := slices.Sorted(slices.Values(regret))
	draw := rand.New(rand.NewPCG(1, uint64(n)))
	order, weight := make([]int, n), make([]float64, n)
	for idle := 0; t.nodes < t.budget && idle < idleRipples+n/10 && !t.closed(); idle++ {
		typical := sorted[min(n-1, draw.IntN(3*neighbours))]
		for i := range order {
			order[i] = i
			weight[i] = draw.ExpFloat64() * (typical + regret[i])
			if off := r.priced(r.first[i]+t.best[i]) - r.priced(r.key[i]); off > 0 {
				weight[i] = draw.ExpFloat64() * typical * typical / (typical + off)
			}
		}
		slices.SortFunc(order, func(a, b int) int { return cmp.Or(cmp.Compare(weight[a], weight[b]), cmp.Compare(a, b)) })
		if t.anew(order[:neighbours]) {
			idle = 0
		}
	}
}

// anew settles some items anew and tells whether that brought anything.
func (t *tree) anew(items []int) bool {
	group := &program{limits: t.room(t.best), least: t.least}
	if t.counts {
		group.least = 1e-6 * blur // what serves no more, but uses less, makes room
	}
	now := make([]int, len(items))
	for k, i := range items {
		now[k] = t.best[i]
		t.items[i][now[k]].take(group.limits, -1)
		group.items = append(group.items, t.items[i])
	}
	sub := newTree(group, newRelaxation(group), now)
	sub.budget = rippleNodes
	sub.search()
	t.nodes += sub.nodes
	if slices.Equal(sub.best, now) {
		return false
	}
	t.best = slices.Clone(t.best)
	for k, i := range items {
		t.best[i] = sub.best[k]
	}
	t.value = t.program.value(t.best)
	return true
}
