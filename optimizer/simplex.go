package optimizer

import (
	"container/heap"
	"math"
)

// status is how far a relaxation has been solved.
type status int

const (
	optimal    status = iota
	cutOff            // its bound is not below what was asked for, or it has no solution
	unfinished        // the steps or the digits did not suffice; its bound holds all the same
)

// solve climbs to the optimum, or until the bound reaches the cutoff. It returns the bound.
func (r *relaxation) solve(cutoff float64) (status, float64) {
	bound := math.Inf(-1)
	for step := range 2000 + 10*len(r.basic) {
		if step%64 == 63 && !r.refactor() {
			return unfinished, bound
		}
		r.measure()
		r.centre()
		at, sign := r.leaving()
		if at < 0 {
			return optimal, r.bound()
		}
		var s status
		if s, bound = r.ascend(at, sign); s != optimal {
			return s, bound
		}
		if bound >= cutoff {
			return cutOff, bound
		}
	}
	return unfinished, bound
}

// bound is the Lagrangian bound at the prices.
func (r *relaxation) bound() float64 {
	sum := 0.0
	for row, price := range r.price {
		sum -= max(price, 0) * r.limits[row]
	}
	for _, c := range r.key {
		sum += r.priced(c)
	}
	return sum
}

// leaving chooses the place of the basis that is furthest from what it may be, by the steepest edge, and whether it has to rise (1) or to fall (−1).
func (r *relaxation) leaving() (at int, sign float64) {
	at = -1
	most := 0.0
	for k, c := range r.basic {
		wrong, s := -r.level[k], 1.0
		if c >= 0 && r.banned[c] && r.level[k] > 0 {
			wrong, s = r.level[k], -1
		}
		if wrong <= 1e-7 {
			continue
		}
		norm := 0.0
		for _, v := range r.inverse[k] {
			norm += v * v
		}
		if steep := wrong * wrong / norm; steep > most {
			at, sign, most = k, s, steep
		}
	}
	return at, sign
}

// crossing is where, along a direction of the prices, a column becomes as cheap as the key of its item, or a price zero.
type crossing struct {
	at     float64
	column int
	slope  float64 // of the column's value less that of the key
}

type crossings []crossing

func (c crossings) Len() int { return len(c) }
func (c crossings) Less(i, j int) bool {
	return c[i].at < c[j].at || c[i].at == c[j].at && c[i].column < c[j].column
}
func (c crossings) Swap(i, j int) { c[i], c[j] = c[j], c[i] }
func (c *crossings) Push(x any)   { *c = append(*c, x.(crossing)) }
func (c *crossings) Pop() any {
	last := (*c)[len(*c)-1]
	*c = (*c)[:len(*c)-1]
	return last
}

// ascend lets a place leave the basis: prices move in the direction that makes it dear, as far as the bound rises. It returns the bound before the move.
func (r *relaxation) ascend(at int, sign float64) (status, float64) {
	for x, v := range r.inverse[at] {
		r.along[x] = sign * v
	}
	slope := math.Abs(r.level[at])
	r.crossings = r.crossings[:0]
	bound := 0.0
	for row, d := range r.along {
		bound -= max(r.price[row], 0) * r.limits[row]
		if d < -tiny {
			r.crossings = append(r.crossings, crossing{max(r.price[row], 0) / -d, -1 - row, 0})
		}
	}
	for i := range r.key {
		key, x := r.next(i, 0)
		bound += key
		if x.column >= 0 {
			r.crossings = append(r.crossings, x)
		}
	}
	heap.Init(&r.crossings)
	for len(r.crossings) > 0 {
		x := heap.Pop(&r.crossings).(crossing)
		i := -1
		if x.column >= 0 {
			i = r.item[x.column]
		}
		if i >= 0 && r.split[i] == 0 && slope+x.slope > tiny {
			slope += x.slope
			r.key[i] = x.column
			if _, y := r.next(i, x.at); y.column >= 0 {
				heap.Push(&r.crossings, y)
			}
			continue
		}
		for row, d := range r.along {
			r.price[row] += x.at * d
		}
		if !r.pivot(at, x.column) {
			return unfinished, bound
		}
		return optimal, bound
	}
	return cutOff, math.Inf(1)
}

// next finds the first crossing of an item's key from a point on, column −1 where there is none, and the key's value at the prices.
func (r *relaxation) next(i int, from float64) (float64, crossing) {
	k := r.key[i]
	key, keySlope := r.both(k)
	x := crossing{math.Inf(1), -1, 0}
	for c := r.first[i]; c < r.first[i+1]; c++ {
		if r.banned[c] || c == k {
			continue
		}
		v, s := r.both(c)
		if d := s - keySlope; d < -tiny {
			if t := max(from, (v-key)/-d); t < x.at {
				x = crossing{t, c, d}
			}
		}
	}
	return key, x
}

// both returns the value of a column at the prices and its slope along the direction.
func (r *relaxation) both(c int) (v, slope float64) {
	v = r.value[c]
	for e := r.begin[c]; e < r.begin[c+1]; e++ {
		v += r.price[r.row[e]] * r.amount[e]
		slope += r.along[r.row[e]] * r.amount[e]
	}
	return v, slope
}

// pivot puts a column, or what a row leaves, at a place of the basis; false where that would make it singular.
func (r *relaxation) pivot(at, enter int) bool {
	column := r.basisColumn(enter)
	apply := func(row []float64) (sum float64) {
		for x, v := range row {
			sum += v * column[x]
		}
		return sum
	}
	pivot := apply(r.inverse[at])
	if math.Abs(pivot) < tiny {
		return false
	}
	old := r.inverse[at]
	for x := range old {
		old[x] /= pivot
	}
	for k, row := range r.inverse {
		if k == at {
			continue
		}
		if f := apply(row); f != 0 {
			for x := range row {
				row[x] -= f * old[x]
			}
		}
	}
	left := r.basic[at]
	r.basic[at] = enter
	if enter >= 0 {
		r.split[r.item[enter]]++
	}
	if left >= 0 {
		i := r.item[left]
		r.split[i]--
		if r.split[i] == 0 && r.banned[r.key[i]] {
			return r.rekey(i)
		}
	}
	return true
}
