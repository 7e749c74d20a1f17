package contest

import (
	"math"
	"time"

	"github.com/wva-go/wva"
	"github.com/wva-go/wva/adapters/simulator"
	"github.com/wva-go/wva/model"
)

// floor is a bound on the cost of any policy that serves every request, whatever it knows and however it decides: the time that servers must at least
// spend on each request, at the price of the cheapest of them for it.
//
// A request of in prompt tokens and out answer tokens takes part in at least out iterations, which it shares with at most N − 1 others, computes
// in + out − 1 tokens, and reads its context for every token after the first:
//
//	seconds ≥ out·α/N + β·(in + out − 1) + γ·((out − 1)·in + out·(out − 1)/2)
//
// All of it is time in which a replica is busy, and replicas are paid for. It is no tight bound: it promises no latency, and lets replicas come and
// go in no time.
type floor struct {
	models map[wva.ModelKey][]wva.Variant
	total  float64
}

func newFloor(variants []wva.Variant) *floor {
	f := &floor{models: map[wva.ModelKey][]wva.Variant{}}
	for _, v := range variants {
		f.models[v.Key()] = append(f.models[v.Key()], v)
	}
	return f
}

// add counts a request, which every model gets. One that no server can hold is served by none.
func (f *floor) add(r simulator.Request) {
	for _, variants := range f.models {
		least := math.Inf(1)
		for _, v := range variants {
			if r.Input+max(r.Output, 1) <= v.Server.KVCapacity {
				least = min(least, leastSeconds(*v.Server, r)*v.Cost/time.Hour.Seconds())
			}
		}
		if !math.IsInf(least, 1) {
			f.total += least
		}
	}
}

func (f *floor) cost() float64 { return f.total }

// leastSeconds is the formula above.
func leastSeconds(s model.Server, r simulator.Request) float64 {
	batch := s.MaxBatch
	if s.MaxBatchedTokens > 0 {
		batch = min(batch, s.MaxBatchedTokens)
	}
	in, out := float64(max(r.Input, 0)), float64(max(r.Output, 1))
	p := s.Profile
	return out*p.Alpha/float64(batch) + p.Beta*(max(in, 1)+out-1) + p.Request*out + p.Gamma*((out-1)*in+out*(out-1)/2)
}
