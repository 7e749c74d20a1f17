package prometheus_test

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wva-go/wva"
	"github.com/wva-go/wva/adapters/prometheus"
	"github.com/wva-go/wva/internal/servers"
)

func write(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Certificates and tokens change in their files while the source runs, and it goes on without a restart. Each step changes one thing on the server, sees the source fail and
// say why, then changes the file, and sees it work again.
func TestSourceRotation(t *testing.T) {
	dir := t.TempDir()
	hour := time.Now().Add(time.Hour)
	first, second := servers.NewAuthority(t, "first"), servers.NewAuthority(t, "second")
	var serverCert, clients atomic.Value
	var token, client atomic.Value
	use := func(a *servers.Authority, until time.Time) {
		c := a.Issue(t, "prometheus.svc", until, "prometheus.svc").TLS(t)
		serverCert.Store(&c)
	}
	trust := func(a *servers.Authority) { clients.Store(a.Pool()) }
	use(first, hour)
	trust(first)
	token.Store("one")
	inner := newStandIn(t)
	inner.rows["kvUsage"], inner.rows["waiting"] = []string{pod(0.5, podOf("llama-a100", 0))}, []string{pod(0, podOf("llama-a100", 0))}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+token.Load().(string) {
			http.Error(w, "no", http.StatusUnauthorized)
			return
		}
		client.Store(r.TLS.PeerCertificates[0].Subject.CommonName)
		inner.ServeHTTP(w, r)
	}))
	server.Config.ErrorLog = quiet()
	server.Config.SetKeepAlivesEnabled(false) // so that every request shows certificates
	server.TLS = &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
		return &tls.Config{Certificates: []tls.Certificate{*serverCert.Load().(*tls.Certificate)}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: clients.Load().(*x509.CertPool)}, nil
	}}
	server.StartTLS()
	defer server.Close()

	certificate := first.Issue(t, "wva-1", hour)
	c, err := prometheus.ConfigFromEnvironment(environment(map[string]string{
		prometheus.EnvURL: server.URL, prometheus.EnvServerName: "prometheus.svc", prometheus.EnvCA: write(t, dir, "ca.pem", first.PEM),
		prometheus.EnvCert: write(t, dir, "cert.pem", certificate.PEM), prometheus.EnvKey: write(t, dir, "key.pem", certificate.Key), prometheus.EnvTokenPath: write(t, dir, "token", "one\n"),
	}))
	if err != nil {
		t.Fatal(err)
	}
	s, err := prometheus.NewSource(c, prometheus.SourceOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	v := deployment("llama-a100", 1)
	works := func(after string) {
		t.Helper()
		if m := collect(t, s, v); len(m.Problems) > 0 || len(m.Replicas) != 1 {
			t.Fatalf("after %s: %+v", after, m)
		}
	}
	fails := func(want string) {
		t.Helper()
		m := collect(t, s, v)
		held := heldBy(m, v.Key())
		if held == nil || held.Reason != wva.PrometheusError || !strings.Contains(held.Message, want) {
			t.Fatalf("%+v, want %q", m.Problems, want)
		}
	}
	works("the start")
	if client.Load() != "wva-1" {
		t.Errorf("the client is %v", client.Load())
	}

	token.Store("two")
	fails("401")
	write(t, dir, "token", "two")
	works("a new token")

	use(second, hour)
	fails("certificate signed by unknown authority")
	write(t, dir, "ca.pem", second.PEM)
	works("a new authority")

	trust(second)
	fails("check the client certificate, PROMETHEUS_CLIENT_CERT_PATH and PROMETHEUS_CLIENT_KEY_PATH")
	certificate = second.Issue(t, "wva-2", hour)
	write(t, dir, "cert.pem", certificate.PEM)
	write(t, dir, "key.pem", certificate.Key)
	works("a new client certificate")
	if client.Load() != "wva-2" {
		t.Errorf("the client is %v", client.Load())
	}

	use(second, time.Now().Add(-time.Minute))
	fails("certificate has expired or is not yet valid")
	use(second, hour)
	works("a server certificate that is valid")
}
