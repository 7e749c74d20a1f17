package prometheus_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
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
)

var silent = log.New(io.Discard, "", 0)

// authority signs certificates.
type authority struct {
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
	pem  []byte
}

func newAuthority(t *testing.T, name string) authority {
	t.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	key, cert, encoded := certify(t, template, nil, nil)
	return authority{key, cert, encoded}
}

func certify(t *testing.T, template, parent *x509.Certificate, signer *ecdsa.PrivateKey) (*ecdsa.PrivateKey, *x509.Certificate, []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if parent == nil {
		parent, signer = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return key, cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// issue returns a certificate for loopback, as a server or a client shows it, and its key.
func (a authority) issue(t *testing.T, name string, until time.Time) (cert, key []byte) {
	t.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, NotAfter: until,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}}
	k, _, cert := certify(t, template, a.cert, a.key)
	der, err := x509.MarshalECPrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	return cert, pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der})
}

func write(t *testing.T, dir, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Certificates and tokens change in their files while the source runs, and it goes on without a restart. Each step changes one thing on the server, sees the source fail and
// say why, then changes the file, and sees it work again.
func TestSourceRotation(t *testing.T) {
	dir := t.TempDir()
	hour := time.Now().Add(time.Hour)
	first, second := newAuthority(t, "first"), newAuthority(t, "second")
	var serverCert, clients atomic.Value
	var token, client atomic.Value
	use := func(a authority, until time.Time) {
		cert, key := a.issue(t, "prometheus.svc", until)
		c, err := tls.X509KeyPair(cert, key)
		if err != nil {
			t.Fatal(err)
		}
		serverCert.Store(&c)
	}
	trust := func(a authority) {
		pool := x509.NewCertPool()
		pool.AddCert(a.cert)
		clients.Store(pool)
	}
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
	server.Config.ErrorLog = silent
	server.Config.SetKeepAlivesEnabled(false) // so that every request shows certificates
	server.TLS = &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
		return &tls.Config{Certificates: []tls.Certificate{*serverCert.Load().(*tls.Certificate)}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: clients.Load().(*x509.CertPool)}, nil
	}}
	server.StartTLS()
	defer server.Close()

	cert, key := first.issue(t, "wva-1", hour)
	c, err := prometheus.ConfigFromEnvironment(environment(map[string]string{
		prometheus.EnvURL: server.URL, prometheus.EnvServerName: "prometheus.svc", prometheus.EnvCA: write(t, dir, "ca.pem", first.pem),
		prometheus.EnvCert: write(t, dir, "cert.pem", cert), prometheus.EnvKey: write(t, dir, "key.pem", key), prometheus.EnvTokenPath: write(t, dir, "token", []byte("one\n")),
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
	write(t, dir, "token", []byte("two"))
	works("a new token")

	use(second, hour)
	fails("certificate signed by unknown authority")
	write(t, dir, "ca.pem", second.pem)
	works("a new authority")

	trust(second)
	fails("check the client certificate, PROMETHEUS_CLIENT_CERT_PATH and PROMETHEUS_CLIENT_KEY_PATH")
	cert, key = second.issue(t, "wva-2", hour)
	write(t, dir, "cert.pem", cert)
	write(t, dir, "key.pem", key)
	works("a new client certificate")
	if client.Load() != "wva-2" {
		t.Errorf("the client is %v", client.Load())
	}

	use(second, time.Now().Add(-time.Minute))
	fails("certificate has expired or is not yet valid")
	use(second, hour)
	works("a server certificate that is valid")
}
