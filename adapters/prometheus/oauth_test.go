package prometheus_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	promconfig "github.com/prometheus/common/config"

	"github.com/wva-go/wva/adapters/prometheus"
)

// Requests begin all at once, and a secret in a file may change while they are on their way: each gets a token of a secret that was in force.
func TestTokensForManyRequests(t *testing.T) {
	tokens := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, secret, _ := r.BasicAuth()
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"access_token":"for-%s","token_type":"Bearer","expires_in":3600}`, secret)
	}))
	defer tokens.Close()
	pages := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.Header.Get("Authorization"))
	}))
	defer pages.Close()
	file := filepath.Join(t.TempDir(), "secret")
	write := func(secret string) { // at once, as Kubernetes replaces files
		if err := errors.Join(os.WriteFile(file+".new", []byte(secret), 0o600), os.Rename(file+".new", file)); err != nil {
			t.Error(err)
		}
	}
	write("first")
	for name, o := range map[string]promconfig.OAuth2{
		"a secret that stays": {ClientID: "me", ClientSecret: "first", TokenURL: tokens.URL},
		"a secret in a file":  {ClientID: "me", ClientSecretFile: file, TokenURL: tokens.URL},
	} {
		t.Run(name, func(t *testing.T) {
			client, err := prometheus.NewClient(promconfig.HTTPClientConfig{OAuth2: &o})
			if err != nil {
				t.Fatal(err)
			}
			defer client.CloseIdleConnections()
			get := func() string {
				response, err := client.Get(pages.URL)
				if err != nil {
					return err.Error()
				}
				defer response.Body.Close()
				text, err := io.ReadAll(response.Body)
				if err != nil {
					return err.Error()
				}
				return strings.TrimPrefix(string(text), "Bearer ")
			}
			var all sync.WaitGroup
			for i := range 16 {
				all.Go(func() {
					if i == 8 && o.ClientSecretFile != "" {
						write("second")
					}
					if token := get(); token != "for-first" && token != "for-second" {
						t.Errorf("request %d has %q", i, token)
					}
				})
			}
			all.Wait()
			want := "for-first"
			if o.ClientSecretFile != "" {
				want = "for-second"
			}
			if token := get(); token != want {
				t.Errorf("after all of them %q, want %q", token, want)
			}
		})
	}
}

// What a token server says when it refuses may repeat what was sent to it.
func TestTokenServerRefuses(t *testing.T) {
	for name, say := range map[string]func(w http.ResponseWriter, secret string){
		"in words": func(w http.ResponseWriter, secret string) {
			http.Error(w, "no such client: "+secret, http.StatusUnauthorized)
		},
		"as the standard wants it": func(w http.ResponseWriter, secret string) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusUnauthorized)
			fmt.Fprintf(w, `{"error":"401_invalid_client","error_description":%q}`, secret)
		},
	} {
		tokens := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, secret, _ := r.BasicAuth()
			say(w, secret+r.FormValue("client_secret"))
		}))
		defer tokens.Close()
		server, variants := well(t)
		c := prometheus.Config{URL: server.URL, AllowHTTP: true, HTTP: promconfig.HTTPClientConfig{OAuth2: &promconfig.OAuth2{ClientID: "me", ClientSecret: "s3cret", TokenURL: tokens.URL}}}
		s, err := prometheus.NewSource(c, prometheus.SourceOptions{})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		held := heldBy(collect(t, s, variants...), variants[0].Key())
		if held == nil || strings.Contains(held.Message, "s3cret") || !strings.Contains(held.Message, "401") || !strings.Contains(held.Message, "check the token server") {
			t.Errorf("%s: %s", name, held.Message)
		}
	}
}
