package optimizer

import "math"

// relaxation is a program in which an item may be split between its choices: the linear program
//
//	min Σ value_c·x_c  where  Σ_c amount_rc·x_c ≤ limit_r for every row r,  Σ_{c of i} x_c = 1 for every item i,  x ≥ 0
//
// All but as many items as there are rows are whole in its optimum. It is solved by the dual simplex method with generalized upper bounds (Dantzig and Van Slyke 1967):
// every item has a key, the choice that takes what its others leave of the item, so that the basis is no larger than the number of rows. A step goes as far as the
// Lagrangian bound rises, past the prices at which items change their key (the long step of Fourer 1994), so that large programs take few steps.
type relaxation struct {
	first  []int // column of the first choice of each item, and the number of columns
	item   []int // of each column
	value  []float64
	begin  []int // first entry of each column in row and amount, and the number of entries
	row    []int
	amount []float64
	limits []float64
	banned []bool // columns that may not be used

	key     []int // column that takes what the other basic columns of each item leave
	split   []int // number of other basic columns of each item
	basic   []int // for each place of the basis its column, or −1−row for what the row leaves unused
	inverse [][]float64
	price   []float64 // of each row
	level   []float64 // value of each place of the basis

	along     []float64 // direction of the prices in a step
	crossings crossings // on its way
	column    []float64 // space for a column, and for the inversion of the basis
	square    [][]float64
}

// tiny is what is taken for zero in the arithmetic of a relaxation, whose rows are scaled to amounts of at most 1.
const tiny = 1e-9

func newRelaxation(p *program) *relaxation {
	rows, scale := p.binding()
	m := len(scale)
	r := &relaxation{basic: make([]int, m), inverse: make([][]float64, m), price: make([]float64, m), level: make([]float64, m), along: make([]float64, m), column: make([]float64, m), square: make([][]float64, m),
		limits: make([]float64, m), key: make([]int, len(p.items)), split: make([]int, len(p.items))}
	for k, at := range rows {
		if at >= 0 {
			r.inverse[at], r.square[at] = make([]float64, m), make([]float64, 2*m)
			r.limits[at] = p.limits[k] / scale[at]
		}
	}
	for i, choices := range p.items {
		r.first = append(r.first, len(r.value))
		for _, c := range choices {
			r.item = append(r.item, i)
			r.value = append(r.value, c.value)
			r.begin = append(r.begin, len(r.row))
			for _, u := range c.uses {
				if at := rows[u.row]; at >= 0 {
					r.row, r.amount = append(r.row, at), append(r.amount, u.amount/scale[at])
				}
			}
		}
	}
	r.first, r.begin = append(r.first, len(r.value)), append(r.begin, len(r.row))
	r.banned = make([]bool, len(r.value))
	r.reset()
	return r
}

// binding numbers the rows that not every selection fits into, −1 for the others, and gives the largest amount in each.
func (p *program) binding() (rows []int, scale []float64) {
	most, sum := make([]float64, len(p.limits)), make([]float64, len(p.limits))
	here := make([]float64, len(p.limits))
	for _, choices := range p.items {
		clear(here)
		for _, c := range choices {
			for _, u := range c.uses {
				here[u.row] = max(here[u.row], u.amount)
			}
		}
		for k, v := range here {
			sum[k] += v
			most[k] = max(most[k], v)
		}
	}
	rows = make([]int, len(p.limits))
	for k := range rows {
		rows[k] = -1
		if sum[k] > p.limits[k] {
			rows[k] = len(scale)
			scale = append(scale, most[k])
		}
	}
	return rows, scale
}

// size is what a step takes, in columns.
func (r *relaxation) size() int { return len(r.value) + len(r.basic)*len(r.basic)*len(r.basic)/16 }

// ban leaves an item a single column.
func (r *relaxation) ban(all int) {
	i := r.item[all]
	for c := r.first[i]; c < r.first[i+1]; c++ {
		r.banned[c] = r.banned[c] || c != all
	}
}

// only leaves an item a single column, from where the relaxation is; false where that cannot be.
func (r *relaxation) only(c int) bool {
	r.ban(c)
	return r.split[r.item[c]] > 0 || r.rekey(r.item[c])
}

// priced returns the value of a column at the prices.
func (r *relaxation) priced(c int) float64 {
	v := r.value[c]
	for e := r.begin[c]; e < r.begin[c+1]; e++ {
		v += r.price[r.row[e]] * r.amount[e]
	}
	return v
}

// regret is what the second best choice of an item costs more than its key at the prices; infinite where there is none.
func (r *relaxation) regret(i int) float64 {
	second := math.Inf(1)
	for c := r.first[i]; c < r.first[i+1]; c++ {
		if c != r.key[i] && !r.banned[c] {
			second = min(second, r.priced(c))
		}
	}
	return second - r.priced(r.key[i])
}

// rekey gives an item that is whole the key that is cheapest at the prices; false where all of its choices are banned.
func (r *relaxation) rekey(i int) bool {
	least := math.Inf(1)
	for c := r.first[i]; c < r.first[i+1]; c++ {
		if v := r.priced(c); v < least && !r.banned[c] {
			least, r.key[i] = v, c
		}
	}
	return !math.IsInf(least, 1)
}

// splitColumn returns the largest part of a split item, −1 where none is split.
func (r *relaxation) splitColumn() int {
	at, most := -1, 0.0
	for _, c := range r.basic {
		if c < 0 {
			continue
		}
		i := r.item[c]
		if level := r.keyLevel(i); level < 1-1e-6 && level > most {
			at, most = r.key[i], level
		}
	}
	return at
}
