package prometheus

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	promconfig "github.com/prometheus/common/config"
)

// The environment variables that ConfigFromEnvironment reads.
const (
	EnvURL        = "PROMETHEUS_BASE_URL"                 // required
	EnvSkipVerify = "PROMETHEUS_TLS_INSECURE_SKIP_VERIFY" // true or false
	EnvCA         = "PROMETHEUS_CA_CERT_PATH"             // certificates of the authority
	EnvCert       = "PROMETHEUS_CLIENT_CERT_PATH"         // together with the key
	EnvKey        = "PROMETHEUS_CLIENT_KEY_PATH"
	EnvServerName = "PROMETHEUS_SERVER_NAME" // name that the server's certificate must have
	EnvToken      = "PROMETHEUS_BEARER_TOKEN"
	EnvTokenPath  = "PROMETHEUS_TOKEN_PATH" // read again when it changes; the token itself wins
	EnvAllowHTTP  = "PROMETHEUS_ALLOW_HTTP" // true permits an address without TLS; not one of the guide's
)

// ConfigFromEnvironment reads the guide's environment variables. lookup is os.LookupEnv, or a map. A variable that is set but empty counts as not set. The error joins
// everything that is wrong, names the variables, and never repeats the value of a secret.
func ConfigFromEnvironment(lookup func(string) (string, bool)) (Config, error) {
	get := func(name string) string {
		value, _ := lookup(name)
		return strings.TrimSpace(value)
	}
	var errs []error
	truth := func(name string) bool {
		text := get(name)
		if text == "" {
			return false
		}
		value, err := strconv.ParseBool(text)
		if err != nil {
			errs = append(errs, fmt.Errorf("prometheus: %s %q: want true or false", name, text))
		}
		return value
	}
	c := Config{URL: get(EnvURL), AllowHTTP: truth(EnvAllowHTTP)}
	c.HTTP.TLSConfig = promconfig.TLSConfig{
		InsecureSkipVerify: truth(EnvSkipVerify), CAFile: get(EnvCA), CertFile: get(EnvCert), KeyFile: get(EnvKey), ServerName: get(EnvServerName),
	}
	token, file := get(EnvToken), get(EnvTokenPath)
	switch {
	case strings.ContainsFunc(token, func(r rune) bool { return r < ' ' || r == 0x7f }):
		errs = append(errs, fmt.Errorf("prometheus: %s has a control character in it: want one token on one line", EnvToken))
	case token != "":
		c.HTTP.Authorization = &promconfig.Authorization{Type: "Bearer", Credentials: promconfig.Secret(token)}
	case file != "":
		c.HTTP.Authorization = &promconfig.Authorization{Type: "Bearer", CredentialsFile: file}
	}
	if c.URL == "" {
		errs = append(errs, fmt.Errorf("prometheus: %s is not set: give the address of the Prometheus server, such as https://prometheus.monitoring:9090", EnvURL))
	} else if err := c.validateURL(); err != nil {
		errs = append(errs, fmt.Errorf("%s: %w (%s=true allows http)", EnvURL, err, EnvAllowHTTP))
	}
	if t := c.HTTP.TLSConfig; (t.CertFile != "") != (t.KeyFile != "") {
		errs = append(errs, fmt.Errorf("prometheus: %s and %s go together: set both or neither", EnvCert, EnvKey))
	}
	return c, errors.Join(errs...)
}
