package prometheus

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/common/expfmt"

	"github.com/wva-go/wva"
)

// Endpoint is the metrics page of one replica.
type Endpoint struct {
	Variant wva.ID
	Replica string // pod name; unique within the variant
	URL     string
}

// Scraper is a metrics source that reads the pages of the replicas themselves. Set its fields before first use; it is safe for concurrent use.
type Scraper struct {
	// Endpoints lists the replicas that should answer.
	Endpoints func(ctx context.Context, variants []wva.Variant) ([]Endpoint, error)

	// Client fetches the pages; nil = http.DefaultClient. [NewClient] makes one that authenticates itself and trusts a given authority.
	Client      *http.Client
	Timeout     time.Duration    // for each page; 0 = 5 s
	Concurrency int              // pages read at once; 0 = 16
	Clock       func() time.Time // nil = time.Now

	mu   sync.Mutex
	last map[Endpoint]scrape
}

// scrape is a page and when it was read.
type scrape struct {
	at   time.Time
	page Page
}

// Collect implements [wva.MetricsSource]. A replica that does not answer, or not with metrics, is a problem of its variant; an error means that the replicas could not be
// listed.
func (s *Scraper) Collect(ctx context.Context, variants []wva.Variant) (wva.Metrics, error) {
	if err := s.validate(); err != nil {
		return wva.Metrics{}, err
	}
	endpoints, err := s.Endpoints(ctx, variants)
	if err != nil {
		return wva.Metrics{}, fmt.Errorf("prometheus: list replicas: %w", err)
	}
	keys := make(map[wva.ID]wva.ModelKey, len(variants))
	for _, v := range variants {
		keys[v.ID] = v.Key()
	}
	endpoints = slices.DeleteFunc(slices.Clone(endpoints), func(e Endpoint) bool { _, ok := keys[e.Variant]; return !ok })
	slices.SortFunc(endpoints, func(a, b Endpoint) int {
		return cmp.Or(a.Variant.Compare(b.Variant), cmp.Compare(a.Replica, b.Replica), cmp.Compare(a.URL, b.URL))
	})
	pages, failures := s.read(ctx, endpoints)
	if err := ctx.Err(); err != nil {
		return wva.Metrics{}, err
	}
	var m wva.Metrics
	now := make(map[Endpoint]scrape, len(endpoints))
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, e := range endpoints {
		if failures[i] != nil {
			m.Problems = append(m.Problems, wva.MetricsProblem{ModelKey: keys[e.Variant], Variant: e.Variant.Name, Reason: wva.MetricsMissing,
				Message: fmt.Sprintf("replica %s: %s: check that it is up and serves /metrics", e.Replica, printable(withoutAddress(failures[i]).Error()))})
			continue
		}
		now[e] = pages[i]
		m.Replicas = append(m.Replicas, pages[i].metrics(e, s.last[e]))
	}
	s.last = now
	return m, nil
}

func (s *Scraper) validate() error {
	switch {
	case s.Endpoints == nil:
		return errors.New("prometheus: scraper: no Endpoints: give the function that lists the replicas")
	case s.Concurrency < 0:
		return fmt.Errorf("prometheus: scraper: concurrency %d: want a positive number, or 0 for the default", s.Concurrency)
	case s.Timeout < 0:
		return fmt.Errorf("prometheus: scraper: timeout %v: want a positive duration, or 0 for the default", s.Timeout)
	}
	return nil
}

// read gets all pages, so many at once.
func (s *Scraper) read(ctx context.Context, endpoints []Endpoint) ([]scrape, []error) {
	pages, failures := make([]scrape, len(endpoints)), make([]error, len(endpoints))
	places := make(chan struct{}, cmp.Or(s.Concurrency, 16))
	var group sync.WaitGroup
	for i, e := range endpoints {
		select {
		case places <- struct{}{}:
		case <-ctx.Done():
			failures[i] = ctx.Err()
			continue
		}
		group.Go(func() {
			defer func() { <-places }()
			pages[i].page, failures[i] = s.get(ctx, e.URL)
			pages[i].at = s.now()
		})
	}
	group.Wait()
	return pages, failures
}

// withoutAddress leaves out the address that a request failed for: it may carry what authenticates the client.
func withoutAddress(err error) error {
	if failed, ok := errors.AsType[*url.Error](err); ok {
		return failed.Err
	}
	return err
}

func (s *Scraper) get(ctx context.Context, address string) (Page, error) {
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(s.Timeout, 5*time.Second))
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return Page{}, err
	}
	request.Header.Set("Accept", "text/plain; version=0.0.4, */*; q=0.1") // OpenMetrics says nothing more that counts here
	client := s.Client
	if client == nil {
		client = http.DefaultClient
	}
	response, err := client.Do(request)
	if err != nil {
		return Page{}, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, 4096)) // so that the connection can be used again
		return Page{}, fmt.Errorf("GET /metrics: %s", response.Status)
	}
	switch kind, _, _ := mime.ParseMediaType(response.Header.Get("Content-Type")); kind {
	case "text/plain":
		return ParsePage(response.Body)
	case expfmt.OpenMetricsType:
		return ParseOpenMetrics(response.Body)
	}
	return Page{}, fmt.Errorf("GET /metrics: content type %.100q: want text/plain or %s", response.Header.Get("Content-Type"), expfmt.OpenMetricsType)
}

func (s *Scraper) now() time.Time {
	if s.Clock != nil {
		return s.Clock()
	}
	return time.Now()
}

// metrics are a page as wva wants it, with rates and means since the page before.
func (s scrape) metrics(e Endpoint, before scrape) wva.ReplicaMetrics {
	m := wva.ReplicaMetrics{Variant: e.Variant, Replica: e.Replica, At: s.at,
		KVUsage: s.page.KVUsage, Waiting: s.page.Waiting, Running: s.page.Running, KVCapacity: s.page.KVCapacity}
	elapsed := s.at.Sub(before.at).Seconds()
	if before.at.IsZero() || elapsed <= 0 {
		return m
	}
	if n := grown(before.page.Finished, s.page.Finished); n.Valid {
		m.CompletionRate = wva.Read(n.Value / elapsed)
	}
	hits, queries := grown(before.page.PrefixHits, s.page.PrefixHits), grown(before.page.PrefixQueries, s.page.PrefixQueries)
	if hits.Valid && queries.Value > 0 {
		m.PrefixHitRate = wva.Read(min(hits.Value/queries.Value, 1))
	}
	m.Input = s.page.Input.since(before.page.Input).lengths()
	m.Output = s.page.Output.since(before.page.Output).lengths()
	m.TTFT = s.page.TTFT.since(before.page.TTFT).mean()
	m.ITL = s.page.ITL.since(before.page.ITL).mean()
	return m
}

// grown is by how much a counter grew; absent where it was reset in between.
func grown(then, now wva.Reading) wva.Reading {
	if !now.Valid || !then.Valid || now.Value < then.Value {
		return wva.Reading{}
	}
	return wva.Read(now.Value - then.Value)
}
