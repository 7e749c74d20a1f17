package prometheus

import (
	"cmp"
	"slices"
	"strconv"

	"github.com/wva-go/wva"
	"github.com/wva-go/wva/model"
)

// shape is how widely the lengths of a model's prompts and answers are spread, as last read from its histograms. Buckets are by far the most series that a server has, and the
// spread of lengths changes slowly: each Collect reads them for a part of the fleet in turn, and the rest keeps what it had.
type shape struct {
	input, output wva.Reading // coefficients of variation
	asked         int         // in which round
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

// shapeQuestions asks for the models that waited longest, up to the budget of replicas.
func (r *round) shapeQuestions() []question {
	s := r.source
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rounds++
	due := slices.Clone(r.fleet.models)
	slices.SortStableFunc(due, func(a, b engineModel) int { return cmp.Compare(s.shapes[a].asked, s.shapes[b].asked) })
	left := s.options.ShapeBudget
	kept := map[engineModel]shape{}
	var now []engineModel
	for _, m := range due {
		known := s.shapes[m]
		if n := r.fleet.replicas[m]; n > 0 && left > 0 {
			left -= n
			known.asked = s.rounds
			now = append(now, m)
		}
		kept[m] = known
	}
	s.shapes = kept // models that left the fleet are forgotten
	slices.SortFunc(now, engineModel.compare)
	var all []question
	for _, models := range byEngine(now) {
		for _, c := range s.chunks(models) {
			all = append(all, c.questions(s.options.Queries[models[0].engine].shape())...)
		}
	}
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
	for key, h := range r.spreads {
		known, ok := s.shapes[key.engineModel]
		cv := h.cv()
		if !ok || !cv.Valid {
			continue
		}
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
