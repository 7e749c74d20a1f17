package optimizer

import (
	"cmp"
	"math"
	"slices"
)

// dual is the Lagrangian relaxation of a program at its best multipliers: every unit of a row costs price, and what the limits are worth is subtracted.
//
//	L(price) = Σ_i min_j (value_ij + price·uses_ij) − price·limits ≤ the value of any selection
type dual struct {
	price   []float64
	bound   float64
	reduced [][]float64 // value + price·uses, by item and choice
	least   []float64   // the smallest reduced value of each item
	primal  [][]int     // feasible selections found on the way
}

// dualSteps is how many subgradient steps are taken; the bound rarely moves in the last third.
const dualSteps = 5000

// relax maximizes the Lagrangian bound by subgradient steps of Polyak's length (Held, Wolfe and Crowder 1974), halved while they do not help, and
// makes the relaxed selections feasible on the way. upper is the value of a selection that is known already, or infinite.
func (p *program) relax(upper float64) dual {
	rows := len(p.limits)
	d := dual{price: make([]float64, rows), bound: math.Inf(-1)}
	price, gradient := make([]float64, rows), make([]float64, rows)
	pace, stalled := 2.0, 0
	for step := range dualSteps {
		bound := p.lagrangian(price, gradient)
		if bound > d.bound+p.eps || step == 0 {
			d.bound, stalled = bound, 0
			copy(d.price, price)
		} else if stalled++; stalled >= 12 {
			pace, stalled = pace/2, 0
			copy(price, d.price)
			p.lagrangian(price, gradient)
		}
		if step%20 == 0 {
			if selected := p.repair(price); selected != nil {
				d.primal = append(d.primal, selected)
				upper = min(upper, p.value(selected))
			}
		}
		norm := 0.0
		for r, g := range gradient {
			if g > 0 || price[r] > 0 {
				norm += g * g
			}
		}
		if norm == 0 || p.closed(upper, d.bound) || pace < 1e-4 {
			break
		}
		target := upper
		if math.IsInf(target, 1) {
			target = bound + max(1, math.Abs(bound))
		}
		length := pace * max(target-bound, p.eps) / norm
		for r := range price {
			price[r] = max(0, price[r]+length*gradient[r])
		}
	}
	if selected := p.repair(d.price); selected != nil {
		d.primal = append(d.primal, selected)
	}
	d.settle(p)
	return d
}

// lagrangian evaluates the bound at some prices; gradient becomes by how much the relaxed selection exceeds each limit.
func (p *program) lagrangian(price, gradient []float64) float64 {
	bound := 0.0
	for r, limit := range p.limits {
		bound -= price[r] * limit
		gradient[r] = -limit
	}
	for _, choices := range p.items {
		best, at := math.Inf(1), 0
		for j := range choices {
			if v := choices[j].priced(price); v < best {
				best, at = v, j
			}
		}
		bound += best
		for _, u := range choices[at].uses {
			gradient[u.row] += u.amount
		}
	}
	return bound
}

func (c *choice) priced(price []float64) float64 {
	v := c.value
	for _, u := range c.uses {
		v += price[u.row] * u.amount
	}
	return v
}

// repair makes a feasible selection from prices: items by rank, and within it those first that it costs most to leave for the second best, each
// with the cheapest choice that still fits. It is nil where an item has none.
func (p *program) repair(price []float64) []int {
	type entry struct {
		item, rank int
		regret     float64
	}
	order := make([]entry, len(p.items))
	for i, choices := range p.items {
		best, second := math.Inf(1), math.Inf(1)
		for j := range choices {
			switch v := choices[j].priced(price); {
			case v < best:
				best, second = v, best
			case v < second:
				second = v
			}
		}
		order[i] = entry{i, p.rank[i], second - best}
	}
	slices.SortStableFunc(order, func(a, b entry) int { return cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(b.regret, a.regret)) })
	room := slices.Clone(p.limits)
	selected := make([]int, len(p.items))
	for _, e := range order {
		at, best := -1, math.Inf(1)
		for j := range p.items[e.item] {
			c := &p.items[e.item][j]
			if v := c.priced(price); v < best && c.fits(room) {
				at, best = j, v
			}
		}
		if at < 0 {
			return nil
		}
		selected[e.item] = at
		p.items[e.item][at].take(room, 1)
	}
	return selected
}

// settle works out the reduced values at the best prices.
func (d *dual) settle(p *program) {
	d.reduced, d.least = make([][]float64, len(p.items)), make([]float64, len(p.items))
	for i, choices := range p.items {
		d.reduced[i] = make([]float64, len(choices))
		d.least[i] = math.Inf(1)
		for j := range choices {
			d.reduced[i][j] = choices[j].priced(d.price)
			d.least[i] = min(d.least[i], d.reduced[i][j])
		}
	}
}
