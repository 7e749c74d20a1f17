package prometheus

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	promodel "github.com/prometheus/common/model"

	"github.com/wva-go/wva"
)

// round is one Collect: what was asked and what was learnt.
type round struct {
	source *Source
	fleet  *fleet

	mu        sync.Mutex // guards what follows while questions are being answered
	replicas  map[pod]*replica
	shared    map[sharedReading]wva.Reading
	spreads   map[spreadOf]*spread
	requests  map[engineModel]wva.Reading
	unsure    map[engineModel]bool    // models whose requests could not be counted
	failed    map[wva.ModelKey]string // why a model is held
	noSamples map[engineModel]bool    // models for which nobody said when they were sampled
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
		requests: map[engineModel]wva.Reading{}, unsure: map[engineModel]bool{}, failed: map[wva.ModelKey]string{}, noSamples: map[engineModel]bool{},
		front: map[asked]map[wva.ModelKey]wva.Reading{askQueue: {}, askArrivals: {}}, strangers: map[wva.ModelKey]*strangers{}, partial: map[wva.ModelKey]bool{}, remarks: map[string]bool{},
	}
}

// ask sends the questions, so many at once, and takes in the answers as they come. What is taken in does not depend on their order.
func (r *round) ask(ctx context.Context, questions []question) {
	var at time.Time
	if r.source.options.Clock != nil {
		at = r.source.options.Clock()
	}
	places := make(chan struct{}, r.source.options.Concurrency)
	var group sync.WaitGroup
	for _, q := range questions {
		places <- struct{}{}
		group.Go(func() {
			defer func() { <-places }()
			value, warnings, infos, err := r.source.query(ctx, q.text, at)
			_ = infos
			r.mu.Lock()
			defer r.mu.Unlock()
			vector, ok := value.(promodel.Vector)
			switch {
			case err != nil:
				r.fail(q, explain(err))
			case !ok:
				r.fail(q, fmt.Sprintf("the answer is a %s, not an instant vector: correct the template", kind(value)))
			default:
				r.warn(q, warnings)
				r.take(q, vector)
			}
		})
	}
	group.Wait()
}

func kind(v promodel.Value) string {
	if v == nil {
		return "void"
	}
	return v.Type().String()
}

// take takes in the samples of an answer.
func (r *round) take(q question, vector promodel.Vector) {
	for _, s := range vector {
		if s == nil || s.Histogram != nil || math.IsNaN(float64(s.Value)) || math.IsInf(float64(s.Value), 0) {
			continue
		}
		r.at = max(r.at, s.Timestamp)
		switch q.name {
		case askInputShape, askOutputShape:
			r.takeBucket(q, s)
		case askRequests:
			if m, ok := r.modelOf(q, s.Metric); ok {
				r.requests[m] = wva.Read(r.requests[m].Value + float64(s.Value))
			}
		case askQueue, askArrivals:
			r.takeFront(q, s)
		default:
			r.takeReplica(q, s)
		}
	}
}

// modelOf returns the model of the question that a series is about.
func (r *round) modelOf(q question, m promodel.Metric) (engineModel, bool) {
	key := engineModel{q.engine, wva.ModelKey{Namespace: string(m[r.namespaceLabel()]), Model: string(m[r.modelLabel()])}}
	_, ok := slices.BinarySearchFunc(q.models, key, engineModel.compare)
	return key, ok
}

func (r *round) namespaceLabel() promodel.LabelName {
	return promodel.LabelName(r.source.options.Labels.Namespace)
}
func (r *round) podLabel() promodel.LabelName { return promodel.LabelName(r.source.options.Labels.Pod) }
func (r *round) modelLabel() promodel.LabelName {
	return promodel.LabelName(r.source.options.Labels.Model)
}

// takeReplica takes in a number about a replica, or about all of a model.
func (r *round) takeReplica(q question, s *promodel.Sample) {
	value := wva.Read(float64(s.Value))
	if q.name == askKVCapacity {
		value = capacity(s)
	}
	name, ok := s.Metric[r.podLabel()]
	if !ok {
		if m, ok := r.modelOf(q, s.Metric); ok {
			key := sharedReading{m, q.name}
			r.shared[key] = busier(r.shared[key], value)
		}
		return
	}
	whose := pod{string(s.Metric[r.namespaceLabel()]), string(name)}
	p := r.replica(whose)
	if p == nil {
		if m, ok := r.modelOf(q, s.Metric); ok && q.name == askKVUsage {
			r.meet(m.ModelKey, whose)
		}
		return
	}
	if model, ok := s.Metric[r.modelLabel()]; ok && string(model) != p.model.Model {
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
		s = &strangers{first: whose.name}
		r.strangers[key] = s
	}
	s.count++
	s.first = min(s.first, whose.name)
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
func capacity(s *promodel.Sample) wva.Reading {
	blocks, ok := s.Metric["num_gpu_blocks"]
	size, also := s.Metric["block_size"]
	if !ok && !also {
		return wva.Read(float64(s.Value))
	}
	b, s1 := positive(string(blocks)), positive(string(size))
	if !b.Valid || !s1.Valid {
		return wva.Reading{}
	}
	return wva.Read(float64(s.Value) * b.Value * s1.Value)
}

// takeFront adds a number measured in front of the servers to the model that it is about.
func (r *round) takeFront(q question, s *promodel.Sample) {
	m, ok := r.modelOf(q, s.Metric)
	key := m.ModelKey
	if !ok {
		keys := r.fleet.byName[m.Model]
		if len(keys) != 1 || !slices.ContainsFunc(q.models, func(e engineModel) bool { return e.ModelKey == keys[0] }) {
			return
		}
		key = keys[0]
	}
	r.front[q.name][key] = wva.Read(r.front[q.name][key].Value + float64(s.Value))
}

// busier is the larger of two readings.
func busier(a, b wva.Reading) wva.Reading {
	if !a.Valid || b.Valid && b.Value > a.Value {
		return b
	}
	return a
}
