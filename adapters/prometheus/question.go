package prometheus

import (
	"cmp"
	"slices"
	"time"

	"github.com/wva-go/wva"
)

// question is one query for one chunk.
type question struct {
	name   asked
	engine string
	text   string
	models []engineModel // sorted
}

// questions returns what is asked in every Collect, the required queries first: should the time run out, it is detail that goes missing.
func (r *round) questions() []question {
	var all []question
	for _, models := range byEngine(r.fleet.models) {
		queries := r.source.options.Queries[models[0].engine]
		for _, c := range r.source.chunks(models) {
			all = append(all, c.questions(queries.replica())...)
			if queries.Sampled == "" {
				r.unsampled(c.models)
			}
		}
		all = append(all, r.retentionQuestions(models, template{askRequests, queries.Requests})...)
	}
	all = append(all, r.gatewayQuestions()...)
	all = append(all, r.inTurn()...)
	slices.SortStableFunc(all, func(a, b question) int { return cmp.Compare(a.rank(), b.rank()) })
	return all
}

func (q question) rank() int {
	switch {
	case q.name.required():
		return 0
	case q.name == askSampled, q.name == askQueue, q.name == askRequests:
		return 1
	}
	return 2
}

func (c chunk) questions(templates []template) []question {
	all := make([]question, len(templates))
	for i, t := range templates {
		all[i] = question{name: t.name, engine: c.models[0].engine, text: c.words.render(t.text), models: c.models}
	}
	return all
}

// gatewayEngine stands for the engine in questions about models as a whole.
const gatewayEngine = ""

func (r *round) gatewayQuestions() []question {
	var models []engineModel
	for _, m := range r.fleet.models {
		models = append(models, engineModel{gatewayEngine, m.ModelKey})
	}
	slices.SortFunc(models, engineModel.compare)
	var all []question
	for _, c := range r.source.chunks(slices.Compact(models)) {
		all = append(all, c.questions(r.source.options.Gateway.all())...)
	}
	return all
}

// maxPeriods bounds the retention periods that are asked for apart; of more, neighbours share the longer one, which never calls a model idle too early.
const maxPeriods = 4

func (r *round) retentionQuestions(models []engineModel, of template) []question {
	templates := present(of)
	byPeriod := map[time.Duration][]engineModel{}
	var periods []time.Duration
	for _, m := range models {
		period, ok := r.fleet.retention[m.ModelKey]
		if !ok {
			continue
		}
		if byPeriod[period] == nil {
			periods = append(periods, period)
		}
		byPeriod[period] = append(byPeriod[period], m)
	}
	slices.Sort(periods)
	var all []question
	for group := range slices.Chunk(periods, max(1, (len(periods)+maxPeriods-1)/maxPeriods)) {
		var together []engineModel
		for _, period := range group {
			together = append(together, byPeriod[period]...)
		}
		slices.SortFunc(together, engineModel.compare)
		for _, c := range r.source.chunks(together) {
			c.words[phRetention] = window(group[len(group)-1])
			all = append(all, c.questions(templates)...)
		}
	}
	return all
}

// followUp asks when the servers that should report and do not were last seen, and whether the models that look idle have had requests that no increase tells.
func (r *round) followUp() []question {
	silent := map[engineModel]bool{}
	reporting := r.reporting()
	for i, v := range r.fleet.variants {
		if reporting[i] < expected(v) && r.failed[v.Key()] == "" {
			silent[modelOf(v)] = true
		}
	}
	var models []engineModel
	for _, m := range r.fleet.models {
		if silent[m] {
			models = append(models, m)
		}
	}
	var all []question
	for _, models := range byEngine(models) {
		templates := present(template{askLastSeen, r.source.options.Queries[models[0].engine].LastSeen})
		for _, c := range r.source.chunks(models) {
			all = append(all, c.questions(templates)...)
		}
	}
	idle := slices.DeleteFunc(slices.Clone(r.fleet.models), func(m engineModel) bool {
		n := r.requests[m]
		return !n.Valid || n.Value > 0 || r.unsure[m]
	})
	for _, models := range byEngine(idle) {
		all = append(all, r.retentionQuestions(models, template{askFirst, r.source.options.Queries[models[0].engine].FirstRequests})...)
	}
	return all
}

// possible tells whether a replica reports what the saturation analysis needs, within what can be true.
func (p *replica) possible() bool {
	return p.KVUsage.Valid && p.KVUsage.Value >= 0 && p.KVUsage.Value <= 1 && p.Waiting.Valid && p.Waiting.Value >= 0
}

// reporting counts the replicas that report, by variant.
func (r *round) reporting() []int {
	counts := make([]int, len(r.fleet.variants))
	for _, p := range r.replicas {
		if p != nil && p.possible() {
			counts[p.variant]++
		}
	}
	return counts
}

// unsampled notes models for which nobody says when they were sampled.
func (r *round) unsampled(models []engineModel) {
	for _, m := range models {
		r.noSamples[m] = true
	}
}

// settle applies what counts for all replicas of a model and drops servers that are gone: one without a current sample counts only while its variant has too few that have.
func (r *round) settle() {
	var gone []*replica
	current := make([]int, len(r.fleet.variants))
	for _, p := range r.replicas {
		if p == nil {
			continue
		}
		for key := range sharedNames {
			if reading := p.reading(key); !reading.Valid {
				*reading = r.shared[sharedReading{p.model, key}]
			}
		}
		if p.sampled.Valid || r.noSamples[p.model] {
			if p.possible() {
				current[p.variant]++
			}
			continue
		}
		gone = append(gone, p)
	}
	slices.SortFunc(gone, func(a, b *replica) int { return cmp.Compare(a.Replica, b.Replica) })
	for _, p := range gone {
		if p.possible() && current[p.variant] < expected(r.fleet.variants[p.variant]) {
			current[p.variant]++
			continue
		}
		p.KVUsage, p.Waiting = wva.Reading{}, wva.Reading{}
	}
}

// sharedNames are the numbers that may count for every replica of a model: not those that tell whether a replica reports.
var sharedNames = map[asked]bool{
	askRunning: true, askKVCapacity: true, askCompletions: true, askInput: true, askOutput: true, askTTFT: true, askITL: true, askPrefixHits: true,
}
