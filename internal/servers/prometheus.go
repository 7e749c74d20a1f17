package servers

import (
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// PrometheusOptions say how a Prometheus server is configured.
type PrometheusOptions struct {
	Config string            // the text of prometheus.yml
	Web    string            // the text of its web configuration, for TLS and client certificates; empty = plain HTTP
	Files  map[string]string // further files beside the two, which may name them: name → text
	Flags  []string          // further flags of the command line
	Client *http.Client      // asks whether it is ready; nil = http.DefaultClient
}

// Prometheus is a Prometheus server that runs.
type Prometheus struct {
	URL string // without a slash at the end

	t       testing.TB
	path    string
	address string
	dir     string
	options PrometheusOptions
	process *process
}

// StartPrometheus runs a Prometheus server until the test ends, and returns when it is ready.
func StartPrometheus(t testing.TB, o PrometheusOptions) *Prometheus {
	t.Helper()
	p := &Prometheus{t: t, path: prometheusServer.find(t), address: address(t), dir: t.TempDir(), options: o}
	p.URL = "http://" + p.address
	if o.Web != "" {
		p.URL = "https://" + p.address
		p.write("web.yml", o.Web)
	}
	p.write("prometheus.yml", o.Config)
	for _, name := range slices.Sorted(maps.Keys(o.Files)) {
		p.write(name, o.Files[name])
	}
	t.Cleanup(func() { p.process.finish() })
	p.Start()
	return p
}

func (p *Prometheus) write(name, text string) {
	p.t.Helper()
	if err := os.WriteFile(filepath.Join(p.dir, name), []byte(text), 0o600); err != nil {
		p.t.Fatal(err)
	}
}

// Start runs a server that was stopped again: at the same address, with the data that it had.
func (p *Prometheus) Start() {
	p.t.Helper()
	arguments := []string{"--config.file=" + filepath.Join(p.dir, "prometheus.yml"), "--storage.tsdb.path=" + filepath.Join(p.dir, "data"),
		"--web.listen-address=" + p.address, "--web.enable-lifecycle", "--log.level=warn"}
	if p.options.Web != "" {
		arguments = append(arguments, "--web.config.file="+filepath.Join(p.dir, "web.yml"))
	}
	p.process = start(p.t, "prometheus", p.path, append(arguments, p.options.Flags...)...)
	p.process.awaitReady(p.client(), p.URL+"/-/ready", "")
}

// Stop ends the server.
func (p *Prometheus) Stop() { p.process.stop() }

// Reload replaces the text of prometheus.yml and of further files, and has the server read them.
func (p *Prometheus) Reload(config string, files map[string]string) {
	p.t.Helper()
	p.write("prometheus.yml", config)
	for name, text := range files {
		p.write(name, text)
	}
	response, err := p.client().Post(p.URL+"/-/reload", "", nil)
	if err != nil {
		p.t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusOK {
		p.t.Fatalf("reload of prometheus.yml: %s\n%s", response.Status, p.process.log)
	}
}

func (p *Prometheus) client() *http.Client {
	if p.options.Client != nil {
		return p.options.Client
	}
	return http.DefaultClient
}
