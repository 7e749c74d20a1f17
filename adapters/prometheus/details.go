package prometheus

import (
	"time"

	"github.com/wva-go/wva"
)

// details are the readings of a replica that change slowly, or on which no decision of the next minute rests. A server has to touch more series for them than for all the others:
// each Collect reads them for a part of a large fleet in turn, and the rest keeps what it had.
type details struct {
	at             time.Time
	input, output  wva.Reading // means
	capacity, hits wva.Reading
	ttft, itl      wva.Reading
}

// detailsOf are those of a replica as it was read.
func detailsOf(p *replica, at time.Time) details {
	return details{at, p.Input.Mean, p.Output.Mean, p.KVCapacity, p.PrefixHitRate, p.TTFT, p.ITL}
}

// recall gives a replica the details that were read earlier. The size of its KV cache may have been read along with those of others in its namespace.
func (p *replica) recall(d details) {
	if !p.KVCapacity.Valid {
		p.KVCapacity = d.capacity
	}
	p.Input.Mean, p.Output.Mean, p.PrefixHitRate, p.TTFT, p.ITL = d.input, d.output, d.hits, d.ttft, d.itl
}

// detail remembers what was read of the replicas whose models had their turn, and gives the others what is remembered of them, unless it is stale. A model with replicas of which
// nothing was ever read has its turn next. Replicas that are gone are forgotten.
func (r *round) detail(reporting []*replica) {
	s := r.source
	s.mu.Lock()
	defer s.mu.Unlock()
	now := r.at.Time()
	kept := make(map[pod]details, len(reporting))
	for _, p := range reporting {
		key := pod{p.Variant.Namespace, p.Replica}
		d, known := s.details[key]
		switch {
		case r.detailed[p.model]:
			d = detailsOf(p, now)
		case !known:
			s.detailTurns[p.model] = 0
			continue
		case now.Sub(d.at) <= s.options.StaleAfter:
			p.recall(d)
		}
		kept[key] = d
	}
	s.details = kept
}
