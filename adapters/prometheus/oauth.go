package prometheus

import (
	"net/http"
	"sync"
	"sync/atomic"

	promconfig "github.com/prometheus/common/config"
)

// oneAtATime lets a request through when the one before it has been answered. The OAuth 2.0 transport of prometheus/common replaces its source of tokens, with the first request
// and whenever the secret changes, while other requests may be reading it. Where the secret cannot change, the requests after the first that is answered need not wait.
type oneAtATime struct {
	next    http.RoundTripper
	fixed   bool // whether the secret cannot change
	mu      sync.Mutex
	settled atomic.Bool
}

// safely returns the transport of a client with this configuration, safe for several requests at once.
func safely(next http.RoundTripper, o *promconfig.OAuth2) http.RoundTripper {
	if o == nil {
		return next
	}
	fixed := o.ClientSecretFile == "" && o.ClientSecretRef == "" && o.ClientCertificateKeyFile == "" && o.ClientCertificateKeyRef == ""
	return &oneAtATime{next: next, fixed: fixed}
}

func (t *oneAtATime) RoundTrip(request *http.Request) (*http.Response, error) {
	if t.settled.Load() {
		return t.next.RoundTrip(request)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	response, err := t.next.RoundTrip(request)
	if err == nil && t.fixed {
		t.settled.Store(true)
	}
	return response, err
}

// CloseIdleConnections lets http.Client's method reach the transport.
func (t *oneAtATime) CloseIdleConnections() {
	t.mu.Lock()
	defer t.mu.Unlock()
	closeIdle(t.next)
}
