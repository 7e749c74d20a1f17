package kubernetes_test

import (
	"errors"
	"io"
	"maps"
	"net/http"
	"strings"
	"sync"
)

// wire is between a client and the API server: it counts the calls, and cuts watches and everything else.
type wire struct {
	next http.RoundTripper

	mu      sync.Mutex
	calls   map[string]int
	failed  map[string]int // of these, those that were answered with an error
	watches map[*watch]bool
	down    bool
}

var errCut = errors.New("the wire is cut")

func (w *wire) wrap(next http.RoundTripper) http.RoundTripper {
	w.next = next
	return w
}

// RoundTrip implements [http.RoundTripper].
func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	what := call(r)
	w.mu.Lock()
	if w.calls == nil {
		w.calls, w.failed, w.watches = map[string]int{}, map[string]int{}, map[*watch]bool{}
	}
	w.calls[what]++
	down := w.down
	w.mu.Unlock()
	if down {
		return nil, errCut
	}
	response, err := w.next.RoundTrip(r)
	if err == nil && response.StatusCode >= http.StatusBadRequest {
		w.mu.Lock()
		w.failed[what]++
		w.mu.Unlock()
	}
	if err == nil && strings.HasPrefix(what, "watch ") {
		body := &watch{ReadCloser: response.Body, wire: w}
		response.Body = body
		w.mu.Lock()
		w.watches[body] = true
		w.mu.Unlock()
	}
	return response, err
}

// call names what a request does as kubectl auth can-i does: "patch variantautoscalings.llmd.ai/status".
func call(r *http.Request) string {
	group, parts := "", strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	switch {
	case len(parts) > 2 && parts[0] == "api":
		parts = parts[2:]
	case len(parts) > 3 && parts[0] == "apis":
		group, parts = "."+parts[1], parts[3:]
	default:
		return "get discovery"
	}
	if len(parts) > 2 && parts[0] == "namespaces" {
		parts = parts[2:]
	}
	verb := verbs[r.Method]
	switch watching := r.URL.Query().Get("watch"); {
	case watching == "true" || watching == "1":
		verb = "watch"
	case r.Method == http.MethodGet && len(parts) == 1:
		verb = "list"
	}
	resource := parts[0] + group
	if len(parts) > 2 {
		resource += "/" + parts[2]
	}
	return verb + " " + resource
}

var verbs = map[string]string{http.MethodGet: "get", http.MethodPost: "create", http.MethodPut: "update", http.MethodPatch: "patch", http.MethodDelete: "delete"}

// watch is the answer to a watch.
type watch struct {
	io.ReadCloser
	wire *wire
}

// Close forgets the watch.
func (b *watch) Close() error {
	b.wire.mu.Lock()
	delete(b.wire.watches, b)
	b.wire.mu.Unlock()
	return b.ReadCloser.Close()
}

// cutWatches ends all watches in the middle, and tells how many there were.
func (w *wire) cutWatches() int {
	w.mu.Lock()
	cut := maps.Clone(w.watches)
	w.mu.Unlock()
	for b := range cut {
		_ = b.Close()
	}
	return len(cut)
}

// cut lets nothing through any more, or everything again.
func (w *wire) cut(down bool) {
	w.mu.Lock()
	w.down = down
	w.mu.Unlock()
	if down {
		w.cutWatches()
	}
}

// counts returns the calls so far.
func (w *wire) counts() map[string]int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return maps.Clone(w.calls)
}

// accepted returns how many calls so far changed a resource.
func (w *wire) accepted(resource string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return written(w.calls, resource) - written(w.failed, resource)
}

// since returns the calls that came after earlier counts.
func (w *wire) since(earlier map[string]int) map[string]int {
	calls := w.counts()
	for call, n := range earlier {
		if calls[call] -= n; calls[call] == 0 {
			delete(calls, call)
		}
	}
	return calls
}

// writes leaves only the calls that change something; the lease of the leader does not count.
func writes(calls map[string]int) map[string]int {
	calls = maps.Clone(calls)
	maps.DeleteFunc(calls, func(call string, _ int) bool {
		verb, resource, _ := strings.Cut(call, " ")
		return verb == "get" || verb == "list" || verb == "watch" || resource == "leases.coordination.k8s.io"
	})
	return calls
}

// written counts the calls that change a resource.
func written(calls map[string]int, resource string) int {
	n := 0
	for call, count := range writes(calls) {
		if strings.HasSuffix(call, " "+resource) {
			n += count
		}
	}
	return n
}

// What the tests count.
const (
	statuses = "variantautoscalings.llmd.ai/status"
	scales   = "deployments.apps/scale"
)
