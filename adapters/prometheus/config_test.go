package prometheus_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	promconfig "github.com/prometheus/common/config"
	"gopkg.in/yaml.v3"

	"github.com/wva-go/wva/adapters/prometheus"
)

func environment(values map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		v, ok := values[name]
		return v, ok
	}
}

func TestConfigFromEnvironment(t *testing.T) {
	token := func(t promconfig.Authorization) *promconfig.Authorization {
		t.Type = "Bearer"
		return &t
	}
	for _, tt := range []struct {
		name   string
		values map[string]string
		want   prometheus.Config
		err    string // empty = none
	}{
		{"the address alone", map[string]string{"PROMETHEUS_BASE_URL": "https://p:9090/prefix"}, prometheus.Config{URL: "https://p:9090/prefix"}, ""},
		{"everything", map[string]string{
			"PROMETHEUS_BASE_URL": "https://p", "PROMETHEUS_TLS_INSECURE_SKIP_VERIFY": "true", "PROMETHEUS_CA_CERT_PATH": "/ca", "PROMETHEUS_CLIENT_CERT_PATH": "/cert",
			"PROMETHEUS_CLIENT_KEY_PATH": "/key", "PROMETHEUS_SERVER_NAME": "prometheus.svc", "PROMETHEUS_BEARER_TOKEN": "s3cret\n",
		}, prometheus.Config{URL: "https://p", HTTP: promconfig.HTTPClientConfig{
			TLSConfig:     promconfig.TLSConfig{InsecureSkipVerify: true, CAFile: "/ca", CertFile: "/cert", KeyFile: "/key", ServerName: "prometheus.svc"},
			Authorization: token(promconfig.Authorization{Credentials: "s3cret"}),
		}}, ""},
		{"a token file", map[string]string{"PROMETHEUS_BASE_URL": "https://p", "PROMETHEUS_TOKEN_PATH": "/token"},
			prometheus.Config{URL: "https://p", HTTP: promconfig.HTTPClientConfig{Authorization: token(promconfig.Authorization{CredentialsFile: "/token"})}}, ""},
		{"the token wins", map[string]string{"PROMETHEUS_BASE_URL": "https://p", "PROMETHEUS_TOKEN_PATH": "/token", "PROMETHEUS_BEARER_TOKEN": "s3cret"},
			prometheus.Config{URL: "https://p", HTTP: promconfig.HTTPClientConfig{Authorization: token(promconfig.Authorization{Credentials: "s3cret"})}}, ""},
		{"empty is not set", map[string]string{"PROMETHEUS_BASE_URL": "https://p", "PROMETHEUS_BEARER_TOKEN": "", "PROMETHEUS_TLS_INSECURE_SKIP_VERIFY": " "}, prometheus.Config{URL: "https://p"}, ""},
		{"http by permission", map[string]string{"PROMETHEUS_BASE_URL": "http://p", "PROMETHEUS_ALLOW_HTTP": "true"}, prometheus.Config{URL: "http://p", AllowHTTP: true}, ""},
		{"nothing", nil, prometheus.Config{}, "PROMETHEUS_BASE_URL is not set: give the address"},
		{"http", map[string]string{"PROMETHEUS_BASE_URL": "http://p"}, prometheus.Config{}, "PROMETHEUS_BASE_URL: prometheus: url http://p: want https, or allow http explicitly (PROMETHEUS_ALLOW_HTTP=true allows http)"},
		{"no scheme", map[string]string{"PROMETHEUS_BASE_URL": "prometheus:9090"}, prometheus.Config{}, "the url is no address"},
		{"another scheme", map[string]string{"PROMETHEUS_BASE_URL": "ftp://p"}, prometheus.Config{}, `scheme "ftp": want https`},
		{"a query", map[string]string{"PROMETHEUS_BASE_URL": "https://p/?token=s3cret"}, prometheus.Config{}, "the url has a query or a fragment"},
		{"a password", map[string]string{"PROMETHEUS_BASE_URL": "https://me:s3cret@p"}, prometheus.Config{}, "the url carries credentials"},
		{"a password in what is no address", map[string]string{"PROMETHEUS_BASE_URL": "https://me:s3cret@p:99:99"}, prometheus.Config{}, "the url is no address"},
		{"neither true nor false", map[string]string{"PROMETHEUS_BASE_URL": "https://p", "PROMETHEUS_TLS_INSECURE_SKIP_VERIFY": "yes, please"}, prometheus.Config{}, `PROMETHEUS_TLS_INSECURE_SKIP_VERIFY "yes, please": want true or false`},
		{"a certificate without its key", map[string]string{"PROMETHEUS_BASE_URL": "https://p", "PROMETHEUS_CLIENT_CERT_PATH": "/cert"}, prometheus.Config{}, "PROMETHEUS_CLIENT_CERT_PATH and PROMETHEUS_CLIENT_KEY_PATH go together"},
		{"two tokens", map[string]string{"PROMETHEUS_BASE_URL": "https://p", "PROMETHEUS_BEARER_TOKEN": "s3cret\nX-Other: 1"}, prometheus.Config{}, "PROMETHEUS_BEARER_TOKEN has a control character"},
		{"several things at once", map[string]string{"PROMETHEUS_BASE_URL": "ftp://p", "PROMETHEUS_CLIENT_KEY_PATH": "/key"}, prometheus.Config{}, "go together"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := prometheus.ConfigFromEnvironment(environment(tt.values))
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) || strings.Contains(err.Error(), "s3cret") {
					t.Fatalf("error %v, want %q", err, tt.err)
				}
				return
			}
			if diff := cmp.Diff(tt.want.HTTP, got.HTTP, cmp.AllowUnexported(promconfig.ProxyConfig{})); err != nil || diff != "" || got.URL != tt.want.URL || got.AllowHTTP != tt.want.AllowHTTP {
				t.Errorf("%v, %v, (-want +got):\n%s", got, err, diff)
			}
			if err := got.Validate(); err != nil {
				t.Errorf("not valid: %v", err)
			}
		})
	}
}

func TestConfigValidate(t *testing.T) {
	for want, c := range map[string]prometheus.Config{
		"no url":                 {},
		"want a number of bytes": {URL: "https://p", MaxResponse: -1},
		"at most one of basic_auth, oauth2 & authorization": {URL: "https://p", HTTP: promconfig.HTTPClientConfig{
			BasicAuth: &promconfig.BasicAuth{Username: "me", Password: "s3cret"}, Authorization: &promconfig.Authorization{Credentials: "s3cret"}}},
		"client certificate and its key go together": {URL: "https://p", HTTP: promconfig.HTTPClientConfig{TLSConfig: promconfig.TLSConfig{KeyFile: "/key"}}},
	} {
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("error %v, want %q", err, want)
		}
		if _, err := prometheus.NewSource(c, prometheus.SourceOptions{}); err == nil {
			t.Errorf("a source without %q", want)
		}
	}
	// Validating changes nothing of the caller's.
	a := &promconfig.Authorization{Credentials: "s3cret"}
	if err := (prometheus.Config{URL: "https://p", HTTP: promconfig.HTTPClientConfig{Authorization: a}}).Validate(); err != nil || a.Type != "" {
		t.Errorf("%v, %q", err, a.Type)
	}
}

// However a configuration is shown, what it shows is no secret.
func TestConfigShowsNoSecret(t *testing.T) {
	header := promconfig.Header{Secrets: []promconfig.Secret{"s3cret"}}
	for _, h := range []promconfig.HTTPClientConfig{
		{Authorization: &promconfig.Authorization{Credentials: "s3cret"}},
		{BearerToken: "s3cret"},
		{BasicAuth: &promconfig.BasicAuth{Username: "me", Password: "s3cret"}},
		{OAuth2: &promconfig.OAuth2{ClientID: "me", ClientSecret: "s3cret", TokenURL: "https://t"}},
		{TLSConfig: promconfig.TLSConfig{Cert: "c", Key: "s3cret"}},
		{HTTPHeaders: &promconfig.Headers{Headers: map[string]promconfig.Header{"X-Key": header}}},
		{ProxyConfig: promconfig.ProxyConfig{ProxyConnectHeader: promconfig.ProxyHeader{"X-Key": {"s3cret"}}}},
	} {
		c := prometheus.Config{URL: "https://p", HTTP: h}
		var log bytes.Buffer
		logger := slog.New(slog.NewJSONHandler(&log, nil))
		logger.Info("config", "config", c, "pointer", &c, "within", struct{ C prometheus.Config }{c})
		slog.New(slog.NewTextHandler(&log, nil)).Info("config", "config", c)
		j, err := json.Marshal(map[string]any{"c": c, "p": &c})
		if err != nil {
			t.Fatal(err)
		}
		y, err := yaml.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		shown := []string{c.String(), log.String(), string(j), string(y)}
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x"} {
			shown = append(shown, fmt.Sprintf(verb, c), fmt.Sprintf(verb, &c), fmt.Sprintf(verb, struct{ C prometheus.Config }{c}), fmt.Sprintf(verb, []prometheus.Config{c}))
		}
		if s, err := prometheus.NewSource(c, prometheus.SourceOptions{}); err == nil {
			shown = append(shown, s.String(), fmt.Sprintf("%v %+v %#v", s, s, s))
		} else {
			shown = append(shown, err.Error())
		}
		for _, text := range shown {
			if strings.Contains(text, "s3cret") || strings.Contains(text, fmt.Sprintf("%x", "s3cret")) {
				t.Errorf("%+v shows its secret: %s", c, text)
			}
		}
	}
	c := prometheus.Config{URL: "https://p:9090", HTTP: promconfig.HTTPClientConfig{Authorization: &promconfig.Authorization{CredentialsFile: "/t"}, TLSConfig: promconfig.TLSConfig{CAFile: "/ca"}}}
	if got, want := fmt.Sprint(c), "https://p:9090, authentication: token file, tls: own authority"; got != want {
		t.Errorf("shown as %q, want %q", got, want)
	}
	if got := fmt.Sprint(prometheus.Config{URL: "https://me:s3cret@p"}); strings.Contains(got, "s3cret") {
		t.Errorf("shown as %q", got)
	}
}
