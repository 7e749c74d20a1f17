package simulator

import "container/heap"

// finishing is a heap of decoding requests by the iteration of their last token.
type finishing []*sequence

func (f finishing) Len() int           { return len(f) }
func (f finishing) Less(i, j int) bool { return f[i].last < f[j].last }
func (f finishing) Swap(i, j int)      { f[i], f[j] = f[j], f[i] }
func (f *finishing) Push(x any)        { *f = append(*f, x.(*sequence)) }
func (f *finishing) Pop() any {
	old := *f
	last := len(old) - 1
	q := old[last]
	old[last] = nil
	*f = old[:last]
	return q
}

// remove takes one request out; it is rare enough for a search.
func (f *finishing) remove(q *sequence) {
	for i, other := range *f {
		if other == q {
			heap.Remove(f, i)
			return
		}
	}
}
