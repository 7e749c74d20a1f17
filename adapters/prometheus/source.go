package prometheus

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/api"

	"github.com/wva-go/wva"
)

// SourceOptions say what a [Source] asks and how. The zero value is for vLLM and SGLang in Kubernetes with the usual labels.
type SourceOptions struct {
	// Queries are the templates by Variant.Engine; those of an empty engine are vllm's. nil = vllm: [VLLM], sglang: [SGLang].
	Queries map[string]Queries
	// Gateway are the templates for what is measured in front of the servers; nil = [InferenceGateway].
	Gateway *GatewayQueries
	Labels  Labels
	Windows Windows

	// Owners maps pods to variants; nil = [OwnersByName].
	Owners Owners
	// Retention says how long a model must be without requests before it may go to zero; the method For of the policy's ScaleToZero is one. It is asked in every Collect.
	// nil = the requests of the retention period are not counted.
	Retention func(wva.ModelKey) wva.Retention
	// StaleAfter is the age from which the last sample of a silent server is called stale; 0 = 5 min.
	StaleAfter time.Duration

	Timeout     time.Duration    // of one Collect; 0 = 15 s
	Concurrency int              // requests at once; 0 = 4
	ChunkModels int              // models in one request; 0 = 1000
	Clock       func() time.Time // the instant that queries are about; nil = the server's present

	// What costs a server many series to compute is read for so many replicas in one Collect, whole models in turn. TTFT and ITL are absent of the others in that Collect; the
	// spread of token lengths keeps what was read last.
	LatencyBudget int // 0 = 2,500
	ShapeBudget   int // 0 = 250
}

// Source is a metrics source that asks a Prometheus server, a bounded number of queries for the whole fleet. It is safe for concurrent use.
type Source struct {
	client     api.Client
	http       *http.Client
	address    string
	options    SourceOptions
	words      words
	vocabulary vocabulary

	mu           sync.Mutex
	shapes       map[engineModel]shape
	shapeTurns   turns
	latencyTurns turns
	rounds       int // Collects begun
}

var _ wva.MetricsSource = (*Source)(nil)

// NewSource returns a Source for the server of the configuration. It fails where the configuration, a query or a setting cannot work, or a certificate file cannot be read; it
// does not ask the server.
func NewSource(c Config, o SourceOptions) (*Source, error) {
	if err := errors.Join(c.Validate(), o.Validate()); err != nil {
		return nil, err
	}
	client, err := NewClient(c.HTTP)
	if err != nil {
		return nil, err
	}
	client.Transport = guard{next: client.Transport, limit: c.MaxResponse}
	a, err := api.NewClient(api.Config{Address: c.URL, Client: client})
	if err != nil {
		return nil, fmt.Errorf("prometheus: %w", err)
	}
	o = o.withDefaults()
	return &Source{
		client: a, http: client, address: c.URL, options: o, words: newWords(o.Labels, o.Windows), vocabulary: newVocabulary(o.Labels),
		shapes: map[engineModel]shape{}, shapeTurns: turns{}, latencyTurns: turns{},
	}, nil
}

func (o SourceOptions) withDefaults() SourceOptions {
	if o.Queries == nil {
		o.Queries = map[string]Queries{engineVLLM: VLLM(), "sglang": SGLang()}
	}
	if o.Gateway == nil {
		g := InferenceGateway()
		o.Gateway = &g
	}
	o.Labels.Namespace = cmp.Or(o.Labels.Namespace, "namespace")
	o.Labels.Pod = cmp.Or(o.Labels.Pod, "pod")
	o.Labels.Model = cmp.Or(o.Labels.Model, "model_name")
	o.Windows.Peak = cmp.Or(o.Windows.Peak, time.Minute)
	o.Windows.Rate = cmp.Or(o.Windows.Rate, 2*time.Minute)
	o.Windows.Mean = cmp.Or(o.Windows.Mean, 5*time.Minute)
	o.Windows.Shape = cmp.Or(o.Windows.Shape, 30*time.Minute)
	o.Windows.Last = cmp.Or(o.Windows.Last, time.Hour)
	if o.Owners == nil {
		o.Owners = OwnersByName
	}
	o.StaleAfter = cmp.Or(o.StaleAfter, 5*time.Minute)
	o.Timeout = cmp.Or(o.Timeout, 15*time.Second)
	o.Concurrency = cmp.Or(o.Concurrency, 4)
	o.ChunkModels = cmp.Or(o.ChunkModels, 1000)
	o.LatencyBudget = cmp.Or(o.LatencyBudget, 2500)
	o.ShapeBudget = cmp.Or(o.ShapeBudget, 250)
	return o
}

// labelName is what label names may be, so that none of them changes a query.
var labelName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// Validate reports everything that makes the options unusable.
func (o SourceOptions) Validate() error {
	o = o.withDefaults()
	var errs []error
	for _, engine := range slices.Sorted(maps.Keys(o.Queries)) {
		if err := o.Queries[engine].Validate(); err != nil {
			errs = append(errs, fmt.Errorf("prometheus: engine %q: %w", engine, err))
		}
	}
	errs = append(errs, o.Gateway.Validate())
	for _, l := range []struct{ field, name string }{{"namespace", o.Labels.Namespace}, {"pod", o.Labels.Pod}, {"model", o.Labels.Model}} {
		if !labelName.MatchString(l.name) {
			errs = append(errs, fmt.Errorf("prometheus: label for the %s %q: want letters, digits and _", l.field, l.name))
		}
	}
	for _, d := range []struct {
		field string
		value time.Duration
	}{
		{"peak window", o.Windows.Peak}, {"rate window", o.Windows.Rate}, {"mean window", o.Windows.Mean}, {"shape window", o.Windows.Shape}, {"last window", o.Windows.Last},
		{"stale after", o.StaleAfter}, {"timeout", o.Timeout},
	} {
		if d.value < time.Millisecond {
			errs = append(errs, fmt.Errorf("prometheus: %s %v: want a millisecond or more, or 0 for the default", d.field, d.value))
		}
	}
	for _, n := range []struct {
		field string
		value int
	}{{"concurrency", o.Concurrency}, {"models in a chunk", o.ChunkModels}, {"latency budget", o.LatencyBudget}, {"shape budget", o.ShapeBudget}} {
		if n.value < 0 {
			errs = append(errs, fmt.Errorf("prometheus: %s %d: want a positive number, or 0 for the default", n.field, n.value))
		}
	}
	return errors.Join(errs...)
}

// engineVLLM is the engine of variants that name none.
const engineVLLM = "vllm"

// Collect implements [wva.MetricsSource]. A model whose required queries failed, and a variant with replicas that do not report, is a problem that says what to check; so is,
// without a model, a query that only costs detail. An error means that the pods could not be mapped to variants, or that the context ended.
func (s *Source) Collect(ctx context.Context, variants []wva.Variant) (wva.Metrics, error) {
	f, err := s.survey(ctx, variants)
	if err != nil {
		return wva.Metrics{}, err
	}
	bounded, cancel := context.WithTimeout(ctx, s.options.Timeout)
	defer cancel()
	r := newRound(s, f)
	r.ask(bounded, r.questions())
	r.learnShapes()
	r.settle()
	r.ask(bounded, r.followUp())
	if err := ctx.Err(); err != nil {
		return wva.Metrics{}, fmt.Errorf("prometheus: %w", err)
	}
	return r.metrics(), nil
}

// Close closes connections that are idle.
func (s *Source) Close() { s.http.CloseIdleConnections() }

// String names the server.
func (s *Source) String() string { return "Prometheus at " + s.address }
