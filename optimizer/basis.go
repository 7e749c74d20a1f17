package optimizer

import "math"

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
	whole := r.square
	for k := range whole {
		clear(whole[k])
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
	rest := r.column
	copy(rest, r.limits)
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
