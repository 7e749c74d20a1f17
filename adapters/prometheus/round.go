package prometheus

import (
	"context"
	"slices"
	"strings"
	"time"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	promodel "github.com/prometheus/common/model"

	"github.com/wva-go/wva"
)

// round is one Collect: what was asked and what was learnt.
type round struct {
	source    *Source
	fleet     *fleet
	replicas  map[pod]*replica
	shared    map[sharedReading]wva.Reading
	spreads   map[spreadOf]*spread
	requests  map[engineModel]wva.Reading
	unsure    map[engineModel]bool    // models whose requests could not be counted
	failed    map[wva.ModelKey]string // why a model is held
	noSamples map[engineModel]bool    // models for which nobody said when they were sampled
	detailed  map[engineModel]bool    // models whose turn it is to have their details read
	front     map[asked]map[wva.ModelKey]wva.Reading
	strangers map[wva.ModelKey]*strangers
	partial   map[wva.ModelKey]bool // models of which the gateways may not have told all
	remarks   map[string]bool
	at        promodel.Time // the instant that the queries were about
}

// pod names a pod.
type pod struct{ namespace, name string }

// replica is what was learnt of one pod of the fleet.
type replica struct {
	wva.ReplicaMetrics
	model    engineModel
	variant  int
	sampled  wva.Reading // Unix time of the last sample, where the server is being scraped
	lastSeen wva.Reading // the same of a silent one
}

// sharedReading is a number that counts for every replica of a model.
type sharedReading struct {
	engineModel
	name asked
}

// strangers are pods that serve a model of the fleet and belong to no variant.
type strangers struct {
	count int
	first string
}

func newRound(s *Source, f *fleet) *round {
	return &round{
		source: s, fleet: f, replicas: map[pod]*replica{}, shared: map[sharedReading]wva.Reading{}, spreads: map[spreadOf]*spread{},
		requests: map[engineModel]wva.Reading{}, unsure: map[engineModel]bool{}, failed: map[wva.ModelKey]string{}, noSamples: map[engineModel]bool{}, detailed: map[engineModel]bool{},
		front: map[asked]map[wva.ModelKey]wva.Reading{askQueue: {}, askArrivals: {}}, strangers: map[wva.ModelKey]*strangers{}, partial: map[wva.ModelKey]bool{}, remarks: map[string]bool{},
	}
}

// answer is what came back to a question.
type answer struct {
	question
	all      []series
	warnings v1.Warnings
	err      error
}

// ask sends the questions in their order, so many at once, and takes in the answers as they come. What is taken in does not depend on that. It is taken in by the caller's
// goroutine, so that a panic of Owners can be recovered where every other panic is.
func (r *round) ask(ctx context.Context, questions []question) {
	var at time.Time
	if r.source.options.Clock != nil {
		at = r.source.options.Clock()
	}
	queue, answers := make(chan question, len(questions)), make(chan answer, len(questions))
	for _, q := range questions {
		queue <- q
	}
	close(queue)
	for range min(r.source.options.Concurrency, len(questions)) {
		go func() {
			for q := range queue {
				all, warnings, err := r.source.query(ctx, q.text, at)
				answers <- answer{q, all, warnings, err}
			}
		}()
	}
	for range questions {
		r.hear(<-answers)
	}
}

func (r *round) hear(a answer) {
	if a.err != nil {
		r.fail(a.question, explain(a.err))
		return
	}
	r.warn(a.question, a.warnings)
	r.take(a.question, a.all)
}

// take takes in the series of an answer.
func (r *round) take(q question, all []series) {
	for i := range all {
		s := &all[i]
		if !s.finite() {
			continue
		}
		r.at = max(r.at, s.at)
		switch q.name {
		case askInputShape, askOutputShape:
			r.takeBucket(q, s)
		case askRequests, askFirst:
			if m, ok := s.model(q); ok {
				r.requests[m] = wva.Read(r.requests[m].Value + s.value)
			}
		case askQueue, askArrivals:
			r.takeFront(q, s)
		default:
			r.takeReplica(q, s)
		}
	}
}

// model returns the model of the question that a series is about.
func (s *series) model(q question) (engineModel, bool) {
	key := engineModel{q.engine, wva.ModelKey{Namespace: s.labels[labelNamespace], Model: s.labels[labelModel]}}
	_, ok := slices.BinarySearchFunc(q.models, key, engineModel.compare)
	return key, ok
}

// takeReplica takes in a number about a replica, or about all of a model.
func (r *round) takeReplica(q question, s *series) {
	value := wva.Read(s.value)
	if q.name == askKVCapacity {
		value = capacity(s)
	}
	if !s.has[labelPod] {
		if m, ok := s.model(q); ok {
			key := sharedReading{m, q.name}
			r.shared[key] = busier(r.shared[key], value)
		}
		return
	}
	whose := pod{s.labels[labelNamespace], s.labels[labelPod]}
	p := r.replica(whose)
	if p == nil {
		if m, ok := s.model(q); ok && q.name == askKVUsage {
			r.meet(m.ModelKey, whose)
		}
		return
	}
	if s.has[labelModel] && s.labels[labelModel] != p.model.Model {
		return
	}
	reading := p.reading(q.name)
	*reading = busier(*reading, value)
}

// replica returns what is known of a pod; nil where it is none of the fleet's.
func (r *round) replica(key pod) *replica {
	p, known := r.replicas[key]
	if known {
		return p
	}
	key = pod{strings.Clone(key.namespace), strings.Clone(key.name)} // what stays does not keep the whole answer
	if id, ok := r.fleet.owner(key.namespace, key.name); ok {
		if i, ok := r.fleet.index[id]; ok && id.Namespace == key.namespace {
			p = &replica{ReplicaMetrics: wva.ReplicaMetrics{Variant: id, Replica: key.name}, model: modelOf(r.fleet.variants[i]), variant: i}
		}
	}
	r.replicas[key] = p
	return p
}

// meet notes a pod that serves a model of the fleet, unless it belongs to a variant that just is not asked for.
func (r *round) meet(key wva.ModelKey, whose pod) {
	if _, owned := r.fleet.owner(whose.namespace, whose.name); owned {
		return
	}
	s := r.strangers[key]
	if s == nil {
		s = &strangers{first: strings.Clone(whose.name)}
		r.strangers[key] = s
	}
	s.count++
	s.first = strings.Clone(min(s.first, whose.name))
}

// reading returns the place of a query's number.
func (p *replica) reading(name asked) *wva.Reading {
	switch name {
	case askKVUsage:
		return &p.KVUsage
	case askWaiting:
		return &p.Waiting
	case askSampled:
		return &p.sampled
	case askLastSeen:
		return &p.lastSeen
	case askRunning:
		return &p.Running
	case askKVCapacity:
		return &p.KVCapacity
	case askCompletions:
		return &p.CompletionRate
	case askInput:
		return &p.Input.Mean
	case askOutput:
		return &p.Output.Mean
	case askTTFT:
		return &p.TTFT
	case askITL:
		return &p.ITL
	default:
		return &p.PrefixHitRate
	}
}

// capacity multiplies a KV cache's blocks with their size where both are labels.
func capacity(s *series) wva.Reading {
	if !s.has[labelBlocks] && !s.has[labelBlockSize] {
		return wva.Read(s.value)
	}
	blocks, size := positive(s.labels[labelBlocks]), positive(s.labels[labelBlockSize])
	if !blocks.Valid || !size.Valid {
		return wva.Reading{}
	}
	return wva.Read(s.value * blocks.Value * size.Value)
}

// takeFront adds a number measured in front of the servers to the model that it is about.
func (r *round) takeFront(q question, s *series) {
	m, ok := s.model(q)
	key := m.ModelKey
	if !ok {
		keys := r.fleet.byName[m.Model]
		if len(keys) != 1 || !slices.ContainsFunc(q.models, func(e engineModel) bool { return e.ModelKey == keys[0] }) {
			return
		}
		key = keys[0]
	}
	r.front[q.name][key] = wva.Read(r.front[q.name][key].Value + s.value)
}

// busier is the larger of two readings.
func busier(a, b wva.Reading) wva.Reading {
	if !a.Valid || b.Valid && b.Value > a.Value {
		return b
	}
	return a
}
