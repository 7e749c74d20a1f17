package simulator

// Routing is how a request finds one of the servers of its model.
type Routing uint8

// The ways of routing.
const (
	LeastLoaded Routing = iota // fewest requests for the batch limit
	KVAware                    // least KV cache in use, counting what waits
	RoundRobin                 // each in turn
)

// route sends a request to a server, or leaves it with the gateway where none is up.
func (c *Cluster) route(t *traffic, r Request) {
	ready := c.ready[:0]
	for _, v := range c.variants {
		if v.Key() != t.key {
			continue
		}
		for _, candidate := range v.replicas {
			if candidate.ready && !candidate.draining {
				candidate.server.AdvanceTo(r.At)
				ready = append(ready, candidate)
			}
		}
	}
	c.ready = ready
	if len(ready) == 0 {
		t.gateway = append(t.gateway, r)
		return
	}
	t.turn++
	best := ready[t.turn%len(ready)]
	if c.routing != RoundRobin {
		best = ready[0]
		least := c.load(best)
		for _, candidate := range ready[1:] {
			if load := c.load(candidate); load < least {
				best, least = candidate, load
			}
		}
	}
	best.server.Submit(r)
}

// load is what a server is chosen by, the least first.
func (c *Cluster) load(r *replica) float64 {
	s := r.server
	if c.routing == KVAware {
		return s.KVUsage() + float64(s.Waiting())
	}
	return float64(s.Running()+s.Waiting()) / float64(s.batch)
}
