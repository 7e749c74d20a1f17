package servers

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// User is somebody whom a control plane knows.
type User struct {
	Token, Name string
	Groups      []string
}

// Administrator may do everything.
var Administrator = User{Token: "administrator", Name: "administrator", Groups: []string{"system:masters"}}

// ControlPlaneOptions say how a control plane is configured.
type ControlPlaneOptions struct {
	Users []User // beside the Administrator
	// ControllerManager adds flags to the kube-controller-manager, such as the pace of its HorizontalPodAutoscaler controller.
	ControllerManager []string
}

// ControlPlane is etcd, a kube-apiserver and a kube-controller-manager that run. There is no kubelet, no scheduler and no network: pods stay pending until somebody
// patches their status.
type ControlPlane struct {
	URL string // of the API server, https
	CA  string // the certificate to trust, PEM

	t       testing.TB
	dir     string
	options ControlPlaneOptions
	etcd    string // address
	api     string // address
	paths   map[string]string

	etcdProcess, apiProcess, managerProcess *process
}

// StartControlPlane runs a control plane until the test ends, and returns when it is ready.
func StartControlPlane(t testing.TB, o ControlPlaneOptions) *ControlPlane {
	t.Helper()
	c := &ControlPlane{t: t, dir: t.TempDir(), options: o, etcd: address(t), api: address(t), paths: map[string]string{}}
	for _, e := range []executable{etcdServer, apiServer, controllerManager} {
		c.paths[e.name] = e.find(t)
	}
	t.Cleanup(func() { // once, so that whoever cleans up later finds a server that was started again
		c.managerProcess.finish()
		c.apiProcess.finish()
		c.etcdProcess.finish()
	})
	c.URL = "https://" + c.api
	c.writeFiles()
	c.startEtcd()
	c.StartAPIServer()
	c.StartControllerManager()
	return c
}

func (c *ControlPlane) writeFiles() {
	c.t.Helper()
	authority := NewAuthority(c.t, "control plane")
	c.CA = authority.PEM
	serving := authority.Issue(c.t, "kube-apiserver", time.Now().Add(24*time.Hour))
	proxy := authority.Issue(c.t, "front-proxy-client", time.Now().Add(24*time.Hour))
	var tokens strings.Builder
	for _, u := range append([]User{Administrator}, c.options.Users...) {
		fmt.Fprintf(&tokens, "%s,%s,%s,%q\n", u.Token, u.Name, u.Name, strings.Join(u.Groups, ","))
	}
	for name, text := range map[string]string{
		"ca.crt": authority.PEM, "api.crt": serving.PEM, "api.key": serving.Key, "proxy.crt": proxy.PEM, "proxy.key": proxy.Key,
		"sa.key": newServiceAccountKey(c.t), "tokens.csv": tokens.String(), "kubeconfig": c.Kubeconfig(Administrator),
	} {
		if err := os.WriteFile(c.file(name), []byte(text), 0o600); err != nil {
			c.t.Fatal(err)
		}
	}
}

func (c *ControlPlane) file(name string) string { return filepath.Join(c.dir, name) }

func newServiceAccountKey(t testing.TB) string {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
}

// Kubeconfig returns a client configuration for a user.
func (c *ControlPlane) Kubeconfig(u User) string {
	return fmt.Sprintf(`apiVersion: v1
kind: Config
clusters: [{name: test, cluster: {server: %q, certificate-authority: %q}}]
users: [{name: user, user: {token: %q}}]
contexts: [{name: test, context: {cluster: test, user: user}}]
current-context: test
`, c.URL, c.file("ca.crt"), u.Token)
}

func (c *ControlPlane) startEtcd() {
	c.t.Helper()
	client, peer := "http://"+c.etcd, "http://"+address(c.t)
	c.etcdProcess = start(c.t, "etcd", c.paths["etcd"], "--data-dir="+c.file("etcd"), "--unsafe-no-fsync", "--log-level=error",
		"--listen-client-urls="+client, "--advertise-client-urls="+client,
		"--listen-peer-urls="+peer, "--initial-advertise-peer-urls="+peer, "--initial-cluster=default="+peer)
	c.etcdProcess.awaitReady(http.DefaultClient, client+"/health", "")
}

// StartAPIServer runs an API server that was stopped again, at the same address, and returns when it is ready.
func (c *ControlPlane) StartAPIServer() {
	c.t.Helper()
	host, port, _ := strings.Cut(c.api, ":")
	c.apiProcess = start(c.t, "kube-apiserver", c.paths["kube-apiserver"], "--etcd-servers=http://"+c.etcd,
		"--secure-port="+port, "--bind-address="+host, "--advertise-address="+host, "--endpoint-reconciler-type=none", "--cert-dir="+c.file("certs"), "--tls-cert-file="+c.file("api.crt"), "--tls-private-key-file="+c.file("api.key"),
		"--service-account-issuer=https://kubernetes.default", "--service-account-key-file="+c.file("sa.key"), "--service-account-signing-key-file="+c.file("sa.key"),
		"--token-auth-file="+c.file("tokens.csv"), "--authorization-mode=RBAC", "--service-cluster-ip-range=10.0.0.0/24", "--disable-admission-plugins=ServiceAccount",
		"--requestheader-client-ca-file="+c.file("ca.crt"), "--requestheader-username-headers=X-Remote-User", "--requestheader-group-headers=X-Remote-Group",
		"--requestheader-extra-headers-prefix=X-Remote-Extra-", "--proxy-client-cert-file="+c.file("proxy.crt"), "--proxy-client-key-file="+c.file("proxy.key"))
	c.apiProcess.awaitReady(c.client(), c.URL+"/readyz", Administrator.Token)
}

// StopAPIServer ends the API server; what it stored stays.
func (c *ControlPlane) StopAPIServer() { c.apiProcess.stop() }

// StartControllerManager runs a controller manager that was stopped again.
func (c *ControlPlane) StartControllerManager() {
	c.t.Helper()
	listen := address(c.t)
	_, port, _ := strings.Cut(listen, ":")
	arguments := []string{"--kubeconfig=" + c.file("kubeconfig"), "--authentication-kubeconfig=" + c.file("kubeconfig"), "--authorization-kubeconfig=" + c.file("kubeconfig"),
		"--service-account-private-key-file=" + c.file("sa.key"), "--root-ca-file=" + c.file("ca.crt"), "--bind-address=127.0.0.1", "--secure-port=" + port,
		"--cert-dir=" + c.file("manager"), "--leader-elect=false"}
	c.managerProcess = start(c.t, "kube-controller-manager", c.paths["kube-controller-manager"], append(arguments, c.options.ControllerManager...)...)
	insecure := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}} // it signs its own certificate
	c.managerProcess.awaitReady(insecure, "https://"+listen+"/healthz", "")
}

// StopControllerManager ends the controller manager.
func (c *ControlPlane) StopControllerManager() { c.managerProcess.stop() }

func (c *ControlPlane) client() *http.Client {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM([]byte(c.CA))
	return &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, DisableKeepAlives: true}}
}
