package servers

import (
	"context"
	"errors"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
)

func TestPrometheus(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and runs a Prometheus server")
	}
	authority := NewAuthority(t, "test")
	server := authority.Issue(t, "server", time.Now().Add(time.Hour))
	p := StartPrometheus(t, PrometheusOptions{Config: "global: {scrape_interval: 1s}\n"})
	for range 2 {
		if err := probe(t.Context(), http.DefaultClient, p.URL+"/-/healthy", ""); err != nil {
			t.Fatal(err)
		}
		p.Reload("global: {scrape_interval: 2s}\n", map[string]string{"server.crt": server.PEM})
		p.Stop()
		if err := probe(t.Context(), http.DefaultClient, p.URL+"/-/healthy", ""); err == nil {
			t.Fatal("stopped, and it still answers")
		}
		p.Start()
	}
}

func TestControlPlane(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and runs a Kubernetes control plane")
	}
	nobody := User{Token: "nobody", Name: "nobody"}
	begun := time.Now()
	c := StartControlPlane(t, ControlPlaneOptions{Users: []User{nobody}})
	t.Logf("ready after %v", time.Since(begun).Round(time.Millisecond))
	namespaces := c.URL + "/api/v1/namespaces/default"
	if err := probe(t.Context(), c.client(), namespaces, nobody.Token); err == nil || !strings.Contains(err.Error(), "403") {
		t.Errorf("nobody reads namespaces: %v", err)
	}
	c.StopAPIServer()
	c.StartAPIServer()
	if err := probe(t.Context(), c.client(), namespaces, Administrator.Token); err != nil {
		t.Errorf("after a restart: %v", err)
	}
	config := c.Kubeconfig(nobody)
	if !strings.Contains(config, nobody.Token) || !strings.Contains(config, c.URL) {
		t.Errorf("kubeconfig %s", config)
	}
}

// A build that is broken off leaves no executable and says what to do.
func TestBuildIsBrokenOff(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("enough"))
	path := t.TempDir() + "/server"
	err := etcdServer.build(ctx, ".", path, os.Stderr)
	if err == nil || !strings.Contains(err.Error(), "enough") {
		t.Errorf("error %v", err)
	}
	if left, _ := os.ReadDir(path[:strings.LastIndex(path, "/")]); len(left) > 0 {
		t.Errorf("%v is left", left)
	}
}
