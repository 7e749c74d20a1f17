package optimizer

import (
	"container/heap"
	"math"
	"slices"
)

// tree is a branch and bound over the relaxation of a program (Land and Doig 1960). From an open node it dives: the largest part of a split item is made whole, and
// left open is that this choice is not used at all, until nothing is split or the bound reaches what is known.
type tree struct {
	*program
	relaxed *relaxation
	best    []int // the best selection that is known
	value   float64
	hope    float64 // only what is below is looked for
	root    node    // where the relaxation is solved
	bound   float64 // no selection has a smaller value
	nodes   int     // so far
	budget  int
	open    openNodes
	given   float64 // the least bound of the nodes that were given up
}

// node is a part of the tree: what was decided on the way to it, and the basis to go on from.
type node struct {
	parent *node
	column int  // of the last decision, −1 = none
	whole  bool // whether the column is used; otherwise it is banned
	bound  float64
	number int
	basic  []int
	keys   []int // of the items of the basic columns
}

// openNodes is a heap with the least bound on top, and of equal bounds the youngest.
type openNodes []*node

func (o openNodes) Len() int      { return len(o) }
func (o openNodes) Swap(i, j int) { o[i], o[j] = o[j], o[i] }
func (o openNodes) Less(i, j int) bool {
	return o[i].bound < o[j].bound || o[i].bound == o[j].bound && o[i].number > o[j].number
}
func (o *openNodes) Push(x any) { *o = append(*o, x.(*node)) }
func (o *openNodes) Pop() any {
	last := (*o)[len(*o)-1]
	*o = (*o)[:len(*o)-1]
	return last
}

func newTree(p *program, r *relaxation, start []int) *tree {
	t := &tree{program: p, relaxed: r, best: start, value: p.value(start), hope: math.Inf(1), bound: math.Inf(-1)}
	_, t.bound = r.solve(math.Inf(1))
	t.root = node{column: -1, bound: t.bound}
	t.save(&t.root)
	t.complete(t.bound)
	return t
}

// cutoff is the bound from which on there is nothing to be found.
func (t *tree) cutoff() float64 { return min(t.hope, t.value-t.least) }

// closed tells whether the best selection is proved to be that.
func (t *tree) closed() bool { return t.bound >= t.value-t.least }

// hopefully searches a program that counts for the count that the bound allows. Where there is none the bound rises; where half of the nodes find none, the others
// hope for less.
func (t *tree) hopefully() {
	end, less := t.budget, 0.0
	for t.counts && !t.closed() && end-t.nodes > 1 {
		t.hope = math.Ceil(t.bound-blur) + less + 1.5*blur
		if t.hope >= t.value {
			break
		}
		t.budget = t.nodes + (end-t.nodes)/2
		t.search()
		if t.value < t.hope {
			break
		}
		if less = 2*less + 1; t.bound >= t.hope {
			less = 0
		}
	}
	t.hope = math.Inf(1)
}

// search goes through the tree, from its root, until it is empty, what was hoped for is found or the nodes are spent.
func (t *tree) search() {
	t.open, t.given = t.open[:0], math.Inf(1)
	heap.Push(&t.open, &t.root)
	for turn := 1; len(t.open) > 0 && t.nodes < t.budget; turn++ {
		if n := t.next(turn); n.bound < t.cutoff() && t.restore(n) {
			t.dive(n)
		}
	}
	least := min(t.given, t.cutoff())
	for _, n := range t.open {
		least = min(least, n.bound)
	}
	t.bound = max(t.bound, least)
}

// burst is how many dives in a row start from the youngest open node, near to where the last one ended, before one starts from that with the least bound.
const burst = 200

func (t *tree) next(turn int) *node {
	if turn%burst == 0 {
		return heap.Pop(&t.open).(*node)
	}
	youngest := 0
	for k, n := range t.open {
		if n.number > t.open[youngest].number {
			youngest = k
		}
	}
	return heap.Remove(&t.open, youngest).(*node)
}

// dive goes down from a node that the relaxation is at.
func (t *tree) dive(n *node) {
	r := t.relaxed
	for {
		t.nodes += 1 + r.size()/1000
		s, bound := r.solve(t.cutoff())
		n.bound = max(n.bound, bound)
		if s == cutOff || n.bound >= t.cutoff() {
			return
		}
		c := r.splitColumn()
		if s == optimal {
			t.complete(n.bound)
		}
		switch {
		case n.bound >= t.cutoff():
			return
		case s == unfinished || c < 0 || t.nodes >= t.budget: // without a split, complete has taken it but for rounding
			t.given = min(t.given, n.bound)
			return
		}
		other := &node{parent: n, column: c, bound: n.bound, number: t.nodes}
		t.save(other)
		heap.Push(&t.open, other)
		n = &node{parent: n, column: c, whole: true, bound: n.bound}
		if !r.only(c) {
			return
		}
	}
}

// save notes the basis.
func (t *tree) save(n *node) {
	n.basic = slices.Clone(t.relaxed.basic)
	for _, c := range n.basic {
		if c >= 0 {
			n.keys = append(n.keys, t.relaxed.key[t.relaxed.item[c]])
		}
	}
}

// restore takes the relaxation to a node; false where there is nothing below it.
func (t *tree) restore(n *node) bool {
	r := t.relaxed
	clear(r.banned)
	for m := n; m.column >= 0; m = m.parent {
		if m.whole {
			r.ban(m.column)
		} else {
			r.banned[m.column] = true
		}
	}
	if !r.rebase(n.basic, n.keys) {
		t.given = min(t.given, n.bound)
		return false
	}
	return r.rekeyAll()
}
