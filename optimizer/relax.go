package optimizer

import (
	"math"
	"slices"
)

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

	crossings crossings // space for ascend
	along     []float64
	column    []float64
}

// tiny is what is taken for zero in the arithmetic of a relaxation, whose rows are scaled to amounts of at most 1.
const tiny = 1e-9

func newRelaxation(p *program) *relaxation {
	rows, scale := p.binding()
	m := len(scale)
	r := &relaxation{basic: make([]int, m), inverse: make([][]float64, m), price: make([]float64, m), level: make([]float64, m), along: make([]float64, m), column: make([]float64, m),
		limits: make([]float64, m), key: make([]int, len(p.items)), split: make([]int, len(p.items))}
	for k, at := range rows {
		if at >= 0 {
			r.inverse[at] = make([]float64, m)
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

// reset makes the cheapest choices the keys, and everything else what the rows leave: no prices.
func (r *relaxation) reset() {
	clear(r.banned)
	basic := make([]int, len(r.basic))
	for k := range basic {
		basic[k] = -1 - k
	}
	r.rebase(basic, nil)
	r.rekeyAll()
}

// rebase takes a basis, with the keys of its columns' items; false where it is singular.
func (r *relaxation) rebase(basic, keys []int) bool {
	copy(r.basic, basic)
	clear(r.split)
	for _, c := range basic {
		if c >= 0 {
			r.key[r.item[c]], keys = keys[0], keys[1:]
			r.split[r.item[c]]++
		}
	}
	return r.refactor()
}

// rekeyAll gives every item that is whole the key that is cheapest at the prices; false where all choices of one are banned.
func (r *relaxation) rekeyAll() bool {
	for i, split := range r.split {
		if split == 0 && !r.rekey(i) {
			return false
		}
	}
	return true
}

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

// spread adds a multiple of a column to a vector over the rows.
func (r *relaxation) spread(c int, by float64, to []float64) {
	for e := r.begin[c]; e < r.begin[c+1]; e++ {
		to[r.row[e]] += by * r.amount[e]
	}
}

// basisColumn is the column of a place of the basis: what it uses more than the key of its item.
func (r *relaxation) basisColumn(c int) []float64 {
	clear(r.column)
	if c < 0 {
		r.column[-1-c] = 1
		return r.column
	}
	r.spread(c, 1, r.column)
	r.spread(r.key[r.item[c]], -1, r.column)
	return r.column
}

// refactor works out the inverse of the basis and the prices anew; false where it is singular.
func (r *relaxation) refactor() bool {
	m := len(r.basic)
	whole := make([][]float64, m)
	for k := range whole {
		whole[k] = make([]float64, 2*m)
		whole[k][m+k] = 1
	}
	for k, c := range r.basic {
		for row, v := range r.basisColumn(c) {
			whole[row][k] = v
		}
	}
	for k := range m {
		at := k
		for row := k + 1; row < m; row++ {
			if math.Abs(whole[row][k]) > math.Abs(whole[at][k]) {
				at = row
			}
		}
		whole[k], whole[at] = whole[at], whole[k]
		pivot := whole[k][k]
		if math.Abs(pivot) < tiny {
			return false
		}
		for x := range whole[k] {
			whole[k][x] /= pivot
		}
		for row := range m {
			if f := whole[row][k]; row != k && f != 0 {
				for x := k; x < 2*m; x++ {
					whole[row][x] -= f * whole[k][x]
				}
			}
		}
	}
	clear(r.price)
	for k, c := range r.basic {
		copy(r.inverse[k], whole[k][m:])
		if c >= 0 {
			extra := r.value[c] - r.value[r.key[r.item[c]]]
			for row, v := range r.inverse[k] {
				r.price[row] -= extra * v
			}
		}
	}
	return true
}

// measure works out the level of every place of the basis.
func (r *relaxation) measure() {
	rest := slices.Clone(r.limits)
	for _, c := range r.key {
		r.spread(c, -1, rest)
	}
	for k, row := range r.inverse {
		sum := 0.0
		for x, v := range row {
			sum += v * rest[x]
		}
		r.level[k] = sum
	}
}

// keyLevel is what the other basic columns of an item leave for its key.
func (r *relaxation) keyLevel(i int) float64 {
	rest := 1.0
	if r.split[i] > 0 {
		for k, c := range r.basic {
			if c >= 0 && r.item[c] == i {
				rest -= r.level[k]
			}
		}
	}
	return rest
}

// centre makes the largest part of every split item its key, among those that are not banned where there are such.
func (r *relaxation) centre() {
	for k, c := range r.basic {
		if c < 0 || r.banned[c] {
			continue
		}
		i := r.item[c]
		if level := r.keyLevel(i); r.banned[r.key[i]] || r.level[k] > level+tiny {
			r.swap(k, level)
		}
	}
}

// swap exchanges the column at a place with the key of its item, which has a level.
func (r *relaxation) swap(at int, level float64) {
	c := r.basic[at]
	i := r.item[c]
	row := r.inverse[at]
	for x := range row {
		row[x] = -row[x]
	}
	for k, other := range r.basic {
		if k != at && other >= 0 && r.item[other] == i {
			for x, v := range r.inverse[k] {
				row[x] -= v
			}
		}
	}
	r.basic[at], r.key[i] = r.key[i], c
	r.level[at] = level
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
