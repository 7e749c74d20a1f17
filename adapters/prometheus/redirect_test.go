package prometheus_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	promconfig "github.com/prometheus/common/config"

	"github.com/wva-go/wva"
	"github.com/wva-go/wva/adapters/prometheus"
)

// Where redirects are followed, they lead nowhere but to the server itself: what authenticates the client, be it a token or a header of one's own, is for nobody else, and not for a
// connection without TLS.
func TestRedirects(t *testing.T) {
	server, variants := well(t)
	strange := 0
	stranger := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { strange++ }))
	defer stranger.Close()
	to := ""
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/prometheus/") {
			server.ServeHTTP(w, r)
			return
		}
		http.Redirect(w, r, to+"/prometheus"+r.URL.Path, http.StatusPermanentRedirect)
	}))
	defer front.Close()
	h := promconfig.HTTPClientConfig{FollowRedirects: true, Authorization: &promconfig.Authorization{Credentials: "s3cret"}, HTTPHeaders: &promconfig.Headers{Headers: map[string]promconfig.Header{
		"X-Key": {Secrets: []promconfig.Secret{"s3cret"}},
	}}}
	s, err := prometheus.NewSource(prometheus.Config{URL: front.URL, HTTP: h, AllowHTTP: true}, prometheus.SourceOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if m := collect(t, s, variants...); len(m.Replicas) != 2 {
		t.Errorf("a redirect to the server itself: %+v", m)
	}
	to = stranger.URL
	m := collect(t, s, variants...)
	if held := heldBy(m, variants[0].Key()); held == nil || !strings.Contains(held.Message, "redirected to another server: "+stranger.URL) || strings.Contains(held.Message, "s3cret") {
		t.Errorf("a redirect elsewhere: %+v", m)
	}
	if strange > 0 {
		t.Errorf("the other server was asked %d times", strange)
	}

	// The same for pages that are scraped, and for a connection that would be one without TLS.
	secure := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://"+r.Host+r.URL.Path, http.StatusFound)
	}))
	defer secure.Close()
	h.TLSConfig.InsecureSkipVerify = true
	client, err := prometheus.NewClient(h)
	if err != nil {
		t.Fatal(err)
	}
	defer client.CloseIdleConnections()
	scraper := &prometheus.Scraper{Client: client, Endpoints: func(context.Context, []wva.Variant) ([]prometheus.Endpoint, error) {
		return []prometheus.Endpoint{{Variant: variants[0].ID, Replica: "a-0", URL: secure.URL}}, nil
	}}
	scraped, err := scraper.Collect(t.Context(), variants)
	if err != nil || len(scraped.Problems) != 1 || !strings.Contains(scraped.Problems[0].Message, "redirected to another server: http://") {
		t.Errorf("a redirect that gives up TLS: %+v, %v", scraped, err)
	}
}
