package prometheus_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wva-go/wva"
	"github.com/wva-go/wva/adapters/prometheus"
)

// large is a fleet of 1,000 variants of 500 models with 10 replicas each, and a server that answers for it from memory, so that what is measured is the source.
func large(t testing.TB) (*prometheus.Source, []wva.Variant, *atomic.Int64) {
	t.Helper()
	var variants []wva.Variant
	var perPod, perModel strings.Builder
	for i := range 1000 {
		v := deployment(fmt.Sprintf("llama-%d", i), 10)
		v.Model = fmt.Sprintf("meta/llama-3.1-8b-instruct-%d", i/2)
		variants = append(variants, v)
		for n := range 10 {
			fmt.Fprintf(&perPod, `,{"metric":{"model_name":%q,"namespace":"ns","pod":"%s-7c9f8d7b4-x%c7hk"},"value":[%d.125,"0.5123456789"]}`, v.Model, v.ID.Name, "bcdfghjklm"[n], noon.Unix())
		}
		if i%2 == 0 {
			fmt.Fprintf(&perModel, `,{"metric":{"model_name":%q,"namespace":"ns"},"value":[%d,"12.5"]}`, v.Model, noon.Unix())
		}
	}
	answer := func(rows string) []byte {
		return []byte(`{"status":"success","data":{"resultType":"vector","result":[` + rows[1:] + `]}}`)
	}
	pods, models := answer(perPod.String()), answer(perModel.String())
	var requests atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		w.Header().Set("Content-Type", "application/json")
		switch nameOf(r.FormValue("query")) {
		case "requests", "queue", "arrivals", "inputShape", "outputShape":
			_, _ = w.Write(models)
		default:
			_, _ = w.Write(pods)
		}
	}))
	t.Cleanup(server.Close)
	s, err := prometheus.NewSource(prometheus.Config{URL: server.URL, AllowHTTP: true}, prometheus.SourceOptions{Timeout: time.Minute, Retention: wva.ScaleToZero{Default: wva.Retention{Enabled: true}}.For})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s, variants, &requests
}

// A Collect for 1,000 variants with 10,000 replicas takes at most 20 requests and, the stand-in server's share included, 200 MB.
func TestSourceOfALargeFleet(t *testing.T) {
	if testing.Short() {
		t.Skip("10,000 replicas")
	}
	s, variants, requests := large(t)
	collect(t, s, variants...)
	before := requests.Load()
	var a, b runtime.MemStats
	runtime.ReadMemStats(&a)
	m := collect(t, s, variants...)
	runtime.ReadMemStats(&b)
	n, mb := requests.Load()-before, float64(b.TotalAlloc-a.TotalAlloc)/1e6
	t.Logf("%d requests, %.0f MB", n, mb)
	if len(m.Replicas) != 10_000 || len(m.Models) != 500 || len(m.Problems) > 0 || n > 20 || mb > 200 {
		t.Errorf("%d replicas, %d models, %d problems, %d requests, %.0f MB", len(m.Replicas), len(m.Models), len(m.Problems), n, mb)
	}
	for _, r := range m.Replicas {
		if !r.KVUsage.Valid || !r.Waiting.Valid || !r.CompletionRate.Valid || !r.Input.Mean.Valid {
			t.Fatalf("%+v", r)
		}
	}
}

func BenchmarkCollect(b *testing.B) {
	s, variants, _ := large(b)
	collect(b, s, variants...)
	b.ReportAllocs()
	for b.Loop() {
		collect(b, s, variants...)
	}
	b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N), "ms/op")
}
