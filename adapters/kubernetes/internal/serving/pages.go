package serving

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/wva-go/wva"
)

// listen serves the page of each pod, and the list of them.
func (b *Bridge) listen(t testing.TB) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /pods/{pod}/metrics", b.page)
	mux.HandleFunc("GET /targets", b.targets)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	b.URL = server.URL
}

func (b *Bridge) page(w http.ResponseWriter, r *http.Request) {
	pod := r.PathValue("pod")
	b.mu.Lock()
	id, ok := b.owners[pod]
	b.mu.Unlock()
	var page bytes.Buffer
	if err := b.Cluster.WriteMetrics(&page, id, pod); !ok || err != nil {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "text/plain; version=0.0.4")
	_, _ = page.WriteTo(w)
}

// targets answers as Prometheus's HTTP service discovery wants it.
func (b *Bridge) targets(w http.ResponseWriter, _ *http.Request) {
	type group struct {
		Targets []string          `json:"targets"`
		Labels  map[string]string `json:"labels"`
	}
	groups := []group{}
	for _, pod := range b.ready() {
		groups = append(groups, group{
			Targets: []string{strings.TrimPrefix(b.URL, "http://")},
			Labels:  map[string]string{"__metrics_path__": "/pods/" + pod + "/metrics", "namespace": b.namespace, "pod": pod},
		})
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(groups)
}

func (b *Bridge) ready() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Sorted(maps.Keys(b.owners))
}

// Owner returns the variant that a pod serves.
func (b *Bridge) Owner(pod string) (wva.ID, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	id, ok := b.owners[pod]
	return id, ok
}

// Scrape is the configuration of a Prometheus server that scrapes the pods' pages twice a second.
func (b *Bridge) Scrape() string {
	return fmt.Sprintf(`global: {scrape_interval: 500ms, scrape_timeout: 500ms}
scrape_configs:
- job_name: vllm
  http_sd_configs: [{url: "%s/targets", refresh_interval: 500ms}]
`, b.URL)
}
