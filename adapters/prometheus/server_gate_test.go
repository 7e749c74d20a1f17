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
	bytes    atomic.Int64 // of the answers

	t       testing.TB
	pki     *pki
	forward http.Handler
	address string

	mu     sync.Mutex // guards what follows
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
	forward.Transport = transport
	g := &gate{t: t, pki: pki, forward: forward, address: "127.0.0.1:0", shown: pki.server.TLS(t)}
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

func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.requests.Add(1)
	if r.Header.Get("Authorization") != "Bearer "+gateToken {
		http.Error(w, "who are you?", http.StatusUnauthorized)
		return
	}
	g.mu.Lock()
	handler := g.fault
	g.mu.Unlock()
	if handler == nil {
		handler = g.forward
	}
	handler.ServeHTTP(&counting{w, &g.bytes}, r)
}

// counting adds up what is written.
type counting struct {
	http.ResponseWriter
	bytes *atomic.Int64
}

func (c *counting) Write(p []byte) (int, error) {
	n, err := c.ResponseWriter.Write(p)
	c.bytes.Add(int64(n))
	return n, err
}

func (c *counting) Unwrap() http.ResponseWriter { return c.ResponseWriter }

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
