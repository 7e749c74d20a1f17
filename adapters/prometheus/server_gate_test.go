package prometheus_test

import (
	"crypto/tls"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wva-go/wva/internal/servers"
)

// gate stands in front of a Prometheus server as the proxies do that give it authentication: it wants a client certificate and a token. Everything that can go wrong on
// the way goes wrong in it.
type gate struct {
	url      string
	requests atomic.Int64

	t       testing.TB
	pki     *pki
	forward http.Handler
	address string

	mu     sync.Mutex // guards what follows
	token  string
	fault  http.Handler
	shown  tls.Certificate
	server *http.Server
}

// gateToken is what the gate wants to see beside the certificate.
const gateToken = "token-of-the-monitoring"

// startGate puts a gate in front of a server until the test ends.
func startGate(t testing.TB, pki *pki, server *servers.Prometheus) *gate {
	t.Helper()
	target, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{TLSClientConfig: pki.tls(t)}
	forward := httputil.NewSingleHostReverseProxy(target)
	forward.Transport, forward.ErrorLog = transport, quiet()
	g := &gate{t: t, pki: pki, forward: forward, address: "127.0.0.1:0", shown: pki.server.TLS(t), token: gateToken}
	g.Open()
	t.Cleanup(func() {
		g.Shut()
		transport.CloseIdleConnections()
	})
	return g
}

// Open lets requests in, at the address of before.
func (g *gate) Open() {
	g.t.Helper()
	listener, err := net.Listen("tcp", g.address)
	if err != nil {
		g.t.Fatal(err)
	}
	g.address = listener.Addr().String()
	g.url = "https://" + g.address
	server := &http.Server{Handler: g, ErrorLog: quiet(), TLSConfig: &tls.Config{
		ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: g.pki.authority.Pool(),
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			g.mu.Lock()
			defer g.mu.Unlock()
			return &g.shown, nil
		},
	}}
	g.mu.Lock()
	g.server = server
	g.mu.Unlock()
	go func() { _ = server.ServeTLS(listener, "", "") }() // ends with Shut
}

// Shut refuses connections and breaks those that there are.
func (g *gate) Shut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	_ = g.server.Close()
}

// Show has the gate identify itself by this certificate, on connections of which there are none yet.
func (g *gate) Show(c tls.Certificate) {
	g.mu.Lock()
	g.shown = c
	g.mu.Unlock()
	g.Shut()
	g.Open()
}

// Fail has a handler answer in place of the server; nil ends it.
func (g *gate) Fail(with http.Handler) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.fault = with
}

// Want changes the token.
func (g *gate) Want(token string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.token = token
}

// next returns who answers a request with this authorization; nil = nobody.
func (g *gate) next(authorization string) http.Handler {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case authorization != "Bearer "+g.token:
		return nil
	case g.fault != nil:
		return g.fault
	}
	return g.forward
}

func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.requests.Add(1)
	handler := g.next(r.Header.Get("Authorization"))
	if handler == nil {
		http.Error(w, "who are you?", http.StatusUnauthorized)
		return
	}
	handler.ServeHTTP(w, r)
}

// eventually asks until the answer is yes, and gives up with what the answer was last.
func eventually(t *testing.T, within time.Duration, what string, ask func() (yes bool, last any)) {
	t.Helper()
	deadline := time.Now().Add(within)
	for {
		yes, last := ask()
		if yes {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within %v; last seen: %+v", what, within, last)
		}
		time.Sleep(50 * time.Millisecond) // real servers tell nobody when they have changed
	}
}
