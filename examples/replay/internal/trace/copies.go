package trace

import (
	"container/heap"
	"iter"
	"math/rand/v2"

	"github.com/wva-go/wva/adapters/simulator"
)

// spread is the time within which the copies of a request follow it, in seconds of the trace: more users who do the same, not the same
// user many times at once.
const spread = 10.0

// copies yields every request as often as the scale says, a fraction by chance. The first of them comes at its own time and the others within
// spread of it. Only the copies that are still to come are held.
func copies(requests iter.Seq2[simulator.Request, error], o Options) iter.Seq2[simulator.Request, error] {
	if o.Scale == 1 {
		return requests
	}
	return func(yield func(simulator.Request, error) bool) {
		chance := rand.New(rand.NewPCG(o.Seed, 1))
		var waiting byTime
		for r, err := range requests {
			if err != nil {
				yield(simulator.Request{}, err)
				return
			}
			for len(waiting) > 0 && waiting[0].At <= r.At {
				if !yield(heap.Pop(&waiting).(simulator.Request), nil) {
					return
				}
			}
			n := int(o.Scale)
			if chance.Float64() < o.Scale-float64(n) {
				n++
			}
			if n > 0 && !yield(r, nil) {
				return
			}
			for range n - 1 {
				c := r
				c.At += spread / o.Speed * chance.Float64()
				heap.Push(&waiting, c)
			}
		}
		for len(waiting) > 0 {
			if !yield(heap.Pop(&waiting).(simulator.Request), nil) {
				return
			}
		}
	}
}

// byTime is a heap of requests, the earliest first.
type byTime []simulator.Request

func (b byTime) Len() int           { return len(b) }
func (b byTime) Less(i, j int) bool { return b[i].At < b[j].At }
func (b byTime) Swap(i, j int)      { b[i], b[j] = b[j], b[i] }
func (b *byTime) Push(x any)        { *b = append(*b, x.(simulator.Request)) }
func (b *byTime) Pop() any {
	old := *b
	last := old[len(old)-1]
	*b = old[:len(old)-1]
	return last
}
