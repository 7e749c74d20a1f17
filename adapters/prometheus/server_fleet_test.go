package prometheus_test

import (
	"bytes"
	"cmp"
	"crypto/tls"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wva-go/wva"
	"github.com/wva-go/wva/adapters/simulator"
	"github.com/wva-go/wva/internal/servers"
)

// fleet is a simulated cluster in wall-clock time whose servers answer on /metrics as vLLM does, to those who have a client certificate and the token.
type fleet struct {
	*simulator.Cluster
	url   string
	spoil func(w http.ResponseWriter, pod string, page []byte) // answers in place of the servers; nil = they answer themselves
	mu    sync.Mutex                                           // guards spoil

	ids     []wva.ID
	targets string      // the file in which Prometheus looks up whom to scrape
	twice   atomic.Bool // whether it has every replica a second time, as another job
}

// fleetToken is what the servers want to see beside the certificate.
const fleetToken = "token-of-the-model-servers"

// startFleet runs a cluster until the test ends.
func startFleet(t *testing.T, pki *pki, variants ...wva.Variant) *fleet {
	t.Helper()
	c, err := simulator.NewCluster(time.Now(), variants...)
	if err != nil {
		t.Fatal(err)
	}
	f := &fleet{Cluster: c, targets: filepath.Join(t.TempDir(), "targets.json")}
	for _, v := range variants {
		f.ids = append(f.ids, v.ID)
	}
	server := httptest.NewUnstartedServer(f)
	server.TLS = &tls.Config{Certificates: []tls.Certificate{pki.server.TLS(t)}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pki.authority.Pool()}
	server.StartTLS()
	f.url = server.URL
	f.publishTargets(t)
	done := make(chan struct{})
	var running sync.WaitGroup
	running.Go(func() { f.live(t, done) })
	t.Cleanup(func() {
		close(done)
		running.Wait()
		server.Close()
		c.Close()
	})
	return f
}

// live moves the cluster's time along with the wall clock, and tells Prometheus which replicas there are.
func (f *fleet) live(t *testing.T, done <-chan struct{}) {
	ticks := time.NewTicker(25 * time.Millisecond)
	defer ticks.Stop()
	for {
		select {
		case <-done:
			return
		case now := <-ticks.C:
			if d := now.Sub(f.Now()); d > 0 {
				f.Advance(d)
			}
			f.publishTargets(t)
		}
	}
}

// pods returns the replicas that answer, with the variant of each.
func (f *fleet) pods() map[string]wva.ID {
	pods := map[string]wva.ID{}
	for _, id := range f.ids {
		for _, name := range f.Replicas(id) {
			pods[name] = id
		}
	}
	return pods
}

// publishTargets writes the file of a file_sd_config, in place of what Prometheus finds out from Kubernetes.
func (f *fleet) publishTargets(t *testing.T) {
	type group struct {
		Targets []string          `json:"targets"`
		Labels  map[string]string `json:"labels"`
	}
	groups := []group{}
	for name, id := range f.pods() {
		jobs := []string{"vllm"}
		if f.twice.Load() {
			jobs = append(jobs, "again")
		}
		for _, job := range jobs {
			groups = append(groups, group{[]string{strings.TrimPrefix(f.url, "https://")}, map[string]string{
				"job": job, "namespace": id.Namespace, "pod": name, "instance": name + ":8000", "__metrics_path__": "/" + name,
			}})
		}
	}
	slices.SortFunc(groups, func(a, b group) int {
		return cmp.Or(cmp.Compare(a.Labels["pod"], b.Labels["pod"]), cmp.Compare(a.Labels["job"], b.Labels["job"]))
	})
	text, err := json.Marshal(groups)
	if err != nil {
		t.Error(err)
	}
	if before, _ := os.ReadFile(f.targets); bytes.Equal(before, text) {
		return
	}
	if err := os.WriteFile(f.targets+".new", text, 0o600); err != nil {
		t.Error(err)
	}
	if err := os.Rename(f.targets+".new", f.targets); err != nil {
		t.Error(err)
	}
}

// ServeHTTP answers with the page of the replica that the path names.
func (f *fleet) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Authorization") != "Bearer "+fleetToken {
		http.Error(w, "no", http.StatusUnauthorized)
		return
	}
	pod := strings.TrimPrefix(r.URL.Path, "/")
	var page bytes.Buffer
	if err := f.WriteMetrics(&page, f.pods()[pod], pod); err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	f.mu.Lock()
	spoil := f.spoil
	f.mu.Unlock()
	if spoil != nil {
		spoil(w, pod, page.Bytes())
		return
	}
	_, _ = w.Write(page.Bytes())
}

// Spoil has something else answer for the servers, from the next scrape on; nil ends it.
func (f *fleet) Spoil(with func(w http.ResponseWriter, pod string, page []byte)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.spoil = with
}

// pki is one authority with a certificate for servers and one for clients.
type pki struct {
	authority      *servers.Authority
	server, client servers.Certificate
}

func newPKI(t testing.TB) *pki {
	a, until := servers.NewAuthority(t, "test"), time.Now().Add(time.Hour)
	return &pki{authority: a, server: a.Issue(t, "server", until), client: a.Issue(t, "client", until)}
}

// tls returns what a client needs to be let in.
func (p *pki) tls(t testing.TB) *tls.Config {
	return &tls.Config{RootCAs: p.authority.Pool(), Certificates: []tls.Certificate{p.client.TLS(t)}}
}

// files returns the certificates under the names that configurations use here.
func (p *pki) files() map[string]string {
	return map[string]string{
		"ca.crt": p.authority.PEM, "server.crt": p.server.PEM, "server.key": p.server.Key, "client.crt": p.client.PEM, "client.key": p.client.Key,
	}
}

// key is the model of the fleet.
func (f *fleet) key() wva.ModelKey {
	return wva.ModelKey{Namespace: f.ids[0].Namespace, Model: hostile}
}
