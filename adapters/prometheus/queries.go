package prometheus

import (
	"errors"
	"fmt"
	"slices"
)

// Queries are the PromQL templates for the servers of one engine: [VLLM], [SGLang], or yours. They are data: unmarshalling JSON or YAML onto a ready set overrides the
// templates that it names, and an empty one is not asked.
//
// In a template, $match stands for the matchers of the wanted namespaces and models (between the braces of a selector), $inNamespace for those of the namespaces alone and
// $models for a quoted regular expression of the models; $namespace, $pod and $model for the names of the labels; $peak, $rate, $mean, $shape, $last, $step and $retention
// for windows.
//
// A template yields an instant vector whose series have the labels $namespace, $model and, where they are about one replica, $pod. Where several series name the same pod,
// as when two jobs scrape it, the largest value counts. A series without the pod counts for every replica of its model, and one without the model for the pod alone. NaN
// and infinite values count as absent. A variant without a namespace is one whose series have no label $namespace.
type Queries struct {
	// KVUsage and Waiting are required. When one of them fails, its models are held.
	KVUsage string `json:"kvUsage" yaml:"kvUsage"` // fraction of the KV cache in use, peak
	Waiting string `json:"waiting" yaml:"waiting"` // requests in the queue, peak

	Sampled     string `json:"sampled,omitempty" yaml:"sampled,omitempty"`         // Unix time of the last sample, of servers that are being scraped
	Running     string `json:"running,omitempty" yaml:"running,omitempty"`         // requests in the batch
	KVCapacity  string `json:"kvCapacity,omitempty" yaml:"kvCapacity,omitempty"`   // tokens; with the labels num_gpu_blocks and block_size, the value times both
	Completions string `json:"completions,omitempty" yaml:"completions,omitempty"` // requests finished per second
	Input       string `json:"input,omitempty" yaml:"input,omitempty"`             // mean prompt tokens
	Output      string `json:"output,omitempty" yaml:"output,omitempty"`           // mean answer tokens
	TTFT        string `json:"ttft,omitempty" yaml:"ttft,omitempty"`               // mean, seconds
	ITL         string `json:"itl,omitempty" yaml:"itl,omitempty"`                 // mean, seconds
	PrefixHits  string `json:"prefixHits,omitempty" yaml:"prefixHits,omitempty"`   // fraction of prompt tokens found in the prefix cache

	// InputShape and OutputShape are cumulative buckets with the label le, by model, and their sum as a series without it.
	InputShape  string `json:"inputShape,omitempty" yaml:"inputShape,omitempty"`
	OutputShape string `json:"outputShape,omitempty" yaml:"outputShape,omitempty"`

	Requests string `json:"requests,omitempty" yaml:"requests,omitempty"` // requests finished within $retention, by model
	// FirstRequests are those that a server had finished when it was first scraped, which no increase tells, of servers that were first scraped within $retention, by model. They are
	// asked only for models without any others.
	FirstRequests string `json:"firstRequests,omitempty" yaml:"firstRequests,omitempty"`

	LastSeen string `json:"lastSeen,omitempty" yaml:"lastSeen,omitempty"` // Unix time of the last sample within $last; asked only for models that do not all report
}

// GatewayQueries are the templates for what is measured in front of the servers. They mean what [Queries] says; series need no label $pod, and one without the label
// $namespace, or with that of a gateway elsewhere, counts for the one model of its name. Several series of a model are added.
type GatewayQueries struct {
	Queue    string `json:"queue,omitempty" yaml:"queue,omitempty"`       // requests held back
	Arrivals string `json:"arrivals,omitempty" yaml:"arrivals,omitempty"` // requests per second
}

// asked names the fields of Queries and GatewayQueries, as JSON spells them.
type asked string

const (
	askKVUsage     asked = "kvUsage"
	askWaiting     asked = "waiting"
	askSampled     asked = "sampled"
	askRunning     asked = "running"
	askKVCapacity  asked = "kvCapacity"
	askCompletions asked = "completions"
	askInput       asked = "input"
	askOutput      asked = "output"
	askTTFT        asked = "ttft"
	askITL         asked = "itl"
	askPrefixHits  asked = "prefixHits"
	askInputShape  asked = "inputShape"
	askOutputShape asked = "outputShape"
	askRequests    asked = "requests"
	askFirst       asked = "firstRequests"
	askLastSeen    asked = "lastSeen"
	askQueue       asked = "queue"
	askArrivals    asked = "arrivals"
)

// template is one of the Queries with its name.
type template struct {
	name asked
	text string
}

// replica returns the templates that are asked for every replica in every Collect, the required ones first.
func (q Queries) replica() []template {
	return present(
		template{askKVUsage, q.KVUsage}, template{askWaiting, q.Waiting}, template{askSampled, q.Sampled}, template{askRunning, q.Running}, template{askCompletions, q.Completions},
	)
}

// detail returns those that are asked for so many replicas at a time.
func (q Queries) detail() []template {
	return present(
		template{askInput, q.Input}, template{askOutput, q.Output}, template{askKVCapacity, q.KVCapacity}, template{askPrefixHits, q.PrefixHits}, template{askTTFT, q.TTFT},
		template{askITL, q.ITL},
	)
}

func (q Queries) shape() []template {
	return present(template{askInputShape, q.InputShape}, template{askOutputShape, q.OutputShape})
}

// retained returns those that look back for the retention period.
func (q Queries) retained() []template {
	return present(template{askRequests, q.Requests}, template{askFirst, q.FirstRequests})
}

func (g GatewayQueries) all() []template {
	return present(template{askQueue, g.Queue}, template{askArrivals, g.Arrivals})
}

func present(all ...template) []template {
	return slices.DeleteFunc(all, func(t template) bool { return t.text == "" })
}

func (n asked) required() bool { return n == askKVUsage || n == askWaiting }

// Validate reports every template that cannot work: a missing one that is required, unbalanced brackets or quotes, unknown or misplaced placeholders.
func (q Queries) Validate() error {
	var errs []error
	if q.KVUsage == "" {
		errs = append(errs, errors.New("prometheus: query kvUsage is missing: without it no replica reports"))
	}
	if q.Waiting == "" {
		errs = append(errs, errors.New("prometheus: query waiting is missing: without it no replica reports"))
	}
	errs = append(errs, check(q.replica(), ""), check(q.detail(), ""), check(q.shape(), ""), check(q.retained(), phRetention),
		check(present(template{askLastSeen, q.LastSeen}), ""))
	return errors.Join(errs...)
}

// Validate reports every template that cannot work.
func (g GatewayQueries) Validate() error { return check(g.all(), "") }

func check(all []template, also placeholder) error {
	allowed := slices.Concat(selectors, labelNames, windows)
	if also != "" {
		allowed = append(allowed, also)
	}
	var errs []error
	for _, t := range all {
		if err := checkTemplate(t.text, allowed); err != nil {
			errs = append(errs, fmt.Errorf("prometheus: query %s: %w", t.name, err))
		}
	}
	return errors.Join(errs...)
}
