package prometheus

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"

	promconfig "github.com/prometheus/common/config"
)

// Config says where a Prometheus server is and how to reach it. However it is printed, logged or marshalled, what it shows is the address and the kind of
// authentication, never a secret.
type Config struct {
	// URL is the address of the server with the path in front of /api/v1, if there is one: "https://prometheus.monitoring:9090". It carries neither credentials nor a query.
	URL string
	// HTTP holds certificates, authentication, headers and proxy, as in Prometheus's own configuration. Files that it names are read again when they change. Redirects are
	// followed only where it says so, and then within the server alone.
	HTTP promconfig.HTTPClientConfig
	// AllowHTTP permits an address without TLS, where nobody can be told from anybody and tokens travel in clear text.
	AllowHTTP bool
	// MaxResponse bounds one answer in bytes: a longer one is an error. 0 = 32 MiB, about 150,000 series.
	MaxResponse int64
}

// Validate reports everything that makes the configuration unusable. It reads no files.
func (c Config) Validate() error {
	errs := []error{c.validateURL()}
	h := c.HTTP
	if a := h.Authorization; a != nil {
		copied := *a // Validate writes what is not given
		h.Authorization = &copied
	}
	if err := h.Validate(); err != nil {
		errs = append(errs, fmt.Errorf("prometheus: http client: %w", err))
	}
	if t := h.TLSConfig; (t.Cert+t.CertFile+t.CertRef != "") != (string(t.Key)+t.KeyFile+t.KeyRef != "") {
		errs = append(errs, errors.New("prometheus: tls: a client certificate and its key go together: give both or neither"))
	}
	if c.MaxResponse < 0 {
		errs = append(errs, fmt.Errorf("prometheus: response limit %d: want a number of bytes, or 0 for the default", c.MaxResponse))
	}
	return errors.Join(errs...)
}

// validateURL never repeats an address that may carry a password.
func (c Config) validateURL() error {
	if c.URL == "" {
		return errors.New("prometheus: no url: give the address of the Prometheus server, such as https://prometheus.monitoring:9090")
	}
	u, err := url.Parse(c.URL)
	switch {
	case err != nil || u.Host == "":
		return errors.New("prometheus: the url is no address: want one such as https://prometheus.monitoring:9090")
	case u.User != nil:
		return errors.New("prometheus: the url carries credentials: give them as authentication instead, where they stay out of logs")
	case u.RawQuery != "" || u.Fragment != "":
		return errors.New("prometheus: the url has a query or a fragment: want the address and path alone")
	case u.Scheme == "http" && !c.AllowHTTP:
		return fmt.Errorf("prometheus: url %s: want https, or allow http explicitly", c.URL)
	case u.Scheme != "http" && u.Scheme != "https":
		return fmt.Errorf("prometheus: url %s: scheme %q: want https", c.URL, u.Scheme)
	}
	return nil
}

// NewClient returns an HTTP client with these certificates and this authentication, which reads the files it was given again when they change. It follows redirects within a server
// where the configuration says so, and to no other. It serves a [Scraper] whose pages want them.
func NewClient(c promconfig.HTTPClientConfig) (*http.Client, error) {
	client, err := promconfig.NewClientFromConfig(c, "wva")
	if err != nil {
		return nil, fmt.Errorf("prometheus: http client: %w", err)
	}
	client.Transport = safely(client.Transport, c.OAuth2)
	if c.FollowRedirects {
		client.CheckRedirect = stay
	}
	return client, nil
}

// maxRedirects is as many as net/http follows.
const maxRedirects = 10

// stay follows a redirect only to the server that was asked: what authenticates the client is not for others, and not for a connection without TLS.
func stay(request *http.Request, via []*http.Request) error {
	if first, to := via[0].URL, request.URL; to.Scheme != first.Scheme || to.Host != first.Host {
		return fmt.Errorf("redirected to another server: %s://%s", to.Scheme, to.Host)
	}
	if len(via) >= maxRedirects {
		return fmt.Errorf("redirected %d times", len(via))
	}
	return nil
}

// summary is what may be shown of a Config.
type summary struct {
	URL            string `json:"url"`
	Authentication string `json:"authentication,omitempty"`
	TLS            string `json:"tls,omitempty"`
}

func (c Config) summary() summary {
	s := summary{URL: "(not valid)"}
	if c.validateURL() == nil {
		s.URL = c.URL
	}
	h := c.HTTP
	switch {
	case h.BasicAuth != nil:
		s.Authentication = "basic"
	case h.OAuth2 != nil:
		s.Authentication = "oauth2"
	case h.Authorization != nil && h.Authorization.CredentialsFile != "", h.BearerTokenFile != "":
		s.Authentication = "token file"
	case h.Authorization != nil, h.BearerToken != "":
		s.Authentication = "token"
	}
	switch t := h.TLSConfig; {
	case t.InsecureSkipVerify:
		s.TLS = "not verified"
	case t.CertFile != "" || t.Cert != "":
		s.TLS = "client certificate"
	case t.CAFile != "" || t.CA != "":
		s.TLS = "own authority"
	}
	return s
}

// String names the address and the kind of authentication.
func (c Config) String() string {
	s := c.summary()
	text := s.URL
	if s.Authentication != "" {
		text += ", authentication: " + s.Authentication
	}
	if s.TLS != "" {
		text += ", tls: " + s.TLS
	}
	return text
}

// Format writes String for every verb, so that no %+v shows more.
func (c Config) Format(f fmt.State, _ rune) { fmt.Fprint(f, c.String()) }

// MarshalJSON writes what String says.
func (c Config) MarshalJSON() ([]byte, error) { return json.Marshal(c.summary()) }

// MarshalYAML writes what String says.
func (c Config) MarshalYAML() (any, error) { return c.String(), nil }

// LogValue is String.
func (c Config) LogValue() slog.Value { return slog.StringValue(c.String()) }
