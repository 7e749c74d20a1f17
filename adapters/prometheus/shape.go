package prometheus

import (
	"cmp"
	"maps"
	"slices"
	"strconv"

	"github.com/wva-go/wva"
	"github.com/wva-go/wva/model"
)

// shape is how widely the lengths of a model's prompts and answers are spread, as last read from its histograms. Buckets are by far the most series that a server has, and the
// spread of lengths changes slowly: each Collect reads them for a part of the fleet in turn, and the rest keeps what it had.
type shape struct {
	input, output wva.Reading // coefficients of variation
}

// spreadOf is one histogram of one model.
type spreadOf struct {
	engineModel
	name asked
}

// spread is a histogram on its way in.
type spread struct {
	buckets []model.Bucket
	sum     wva.Reading
}

// inTurn asks for what is read of a part of the fleet at a time: latencies and shapes.
func (r *round) inTurn() []question {
	s := r.source
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rounds++
	var all []question
	ask := func(models []engineModel, templates func(Queries) []template) {
		for _, models := range byEngine(models) {
			for _, c := range s.chunks(models) {
				all = append(all, c.questions(templates(s.options.Queries[models[0].engine]))...)
			}
		}
	}
	ask(s.latencyTurns.next(r.fleet, s.options.LatencyBudget, s.rounds), Queries.latency)
	ask(s.shapeTurns.next(r.fleet, s.options.ShapeBudget, s.rounds), Queries.shape)
	return all
}

// takeBucket takes in a bucket, or the sum, of a histogram.
func (r *round) takeBucket(q question, s *series) {
	m, ok := s.model(q)
	if !ok {
		return
	}
	key := spreadOf{m, q.name}
	h := r.spreads[key]
	if h == nil {
		h = &spread{}
		r.spreads[key] = h
	}
	if !s.has[labelBucket] {
		h.sum = wva.Read(s.value)
		return
	}
	if bound, err := strconv.ParseFloat(s.labels[labelBucket], 64); err == nil && bound == bound {
		h.buckets = append(h.buckets, model.Bucket{UpperBound: bound, Count: s.value})
	}
}

// learnShapes remembers the spreads that were read.
func (r *round) learnShapes() {
	s := r.source
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.shapes, func(m engineModel, _ shape) bool { _, ok := s.shapeTurns[m]; return !ok })
	for key, h := range r.spreads {
		cv := h.cv()
		if !cv.Valid {
			continue
		}
		known := s.shapes[key.engineModel]
		if key.name == askInputShape {
			known.input = cv
		} else {
			known.output = cv
		}
		s.shapes[key.engineModel] = known
	}
}

// cv is absent where nothing was observed. Rates of neighbouring buckets are extrapolated apart, so that a bucket may seem to have a little less than the one below: it counts
// as having as much.
func (h *spread) cv() wva.Reading {
	slices.SortFunc(h.buckets, func(a, b model.Bucket) int { return cmp.Compare(a.UpperBound, b.UpperBound) })
	var count float64
	for i := range h.buckets {
		count = max(count, h.buckets[i].Count)
		h.buckets[i].Count = count
	}
	l, err := model.LengthsOfHistogram(h.buckets, h.sum.Value, count)
	if err != nil || !h.sum.Valid {
		return wva.Reading{}
	}
	return wva.Read(l.CV)
}

// secondMoments gives a replica's lengths the spread of its model.
func (p *replica) secondMoments(s shape) {
	moment := func(l *wva.LengthReadings, cv wva.Reading) {
		if l.Mean.Valid && cv.Valid {
			l.SecondMoment = wva.Read(model.TokenLengths{Mean: l.Mean.Value, CV: cv.Value}.SecondMoment())
		}
	}
	moment(&p.Input, s.input)
	moment(&p.Output, s.output)
}

// positive reads a label that holds a number.
func positive(text string) wva.Reading {
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || !(n > 0) {
		return wva.Reading{}
	}
	return wva.Read(n)
}
