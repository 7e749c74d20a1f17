package servers

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"
)

// executable is a server that can be built.
type executable struct {
	name    string
	module  string // directory of its module, below that of this package
	main    string // package to build
	flags   []string
	usually string // how long a first build takes on two cores
}

// kubeVersion is stamped into the Kubernetes servers, which refuse some work without one; it is that of the require line in kubernetes/go.mod.
const kubeVersion = "1.37.2"

var (
	prometheusServer  = executable{"prometheus", "prometheus", "github.com/prometheus/prometheus/cmd/prometheus", []string{"-tags=remove_all_sd"}, "2 minutes"}
	apiServer         = executable{"kube-apiserver", "kubernetes", "k8s.io/kubernetes/cmd/kube-apiserver", kubeFlags(), "5 minutes"}
	controllerManager = executable{"kube-controller-manager", "kubernetes", "k8s.io/kubernetes/cmd/kube-controller-manager", kubeFlags(), "3 minutes"}
	etcdServer        = executable{"etcd", "kubernetes", "go.etcd.io/etcd/server/v3", nil, "1 minute"}
)

func kubeFlags() []string {
	part := strings.Split(kubeVersion, ".")
	const version = "-X k8s.io/component-base/version."
	return []string{"-ldflags=" + version + "gitVersion=v" + kubeVersion + " " + version + "gitMajor=" + part[0] + " " + version + "gitMinor=" + part[1]}
}

// BuildAll builds what is not built yet and tells w of it.
func BuildAll(ctx context.Context, w io.Writer) error {
	for _, e := range []executable{prometheusServer, etcdServer, apiServer, controllerManager} {
		path, err := e.path(ctx, w)
		if err != nil {
			return err
		}
		fmt.Fprintln(w, path)
	}
	return nil
}

// path returns where the executable is, built first where it is not there yet.
func (e executable) path(ctx context.Context, progress io.Writer) (string, error) {
	dir, err := moduleDir(ctx, e.module)
	if err != nil {
		return "", fmt.Errorf("servers: %s: %w", e.name, err)
	}
	key, err := e.key(ctx, dir)
	if err != nil {
		return "", fmt.Errorf("servers: %s: %w", e.name, err)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("servers: %s: %w", e.name, err)
	}
	path := filepath.Join(cache, "wva-servers", e.name+"-"+key)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return "", fmt.Errorf("servers: %s: %w", e.name, err)
	}
	unlock, err := lock(path + ".lock") // two test processes want one build, not two
	if err != nil {
		return "", fmt.Errorf("servers: %s: %w", e.name, err)
	}
	defer unlock()
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	if err := e.build(ctx, dir, path, progress); err != nil {
		return "", fmt.Errorf("servers: build %s: %w", e.name, err)
	}
	return path, nil
}

// moduleDir finds a module of this directory from wherever in the workspace the caller runs.
func moduleDir(ctx context.Context, module string) (string, error) {
	out, err := output(exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", "github.com/wva-go/wva"))
	if err != nil {
		return "", err
	}
	return filepath.Join(strings.TrimSpace(out), "internal", "servers", module), nil
}

// key identifies what the executable is built from.
func (e executable) key(ctx context.Context, dir string) (string, error) {
	version, err := output(exec.CommandContext(ctx, "go", "version"))
	if err != nil {
		return "", err
	}
	h := sha256.New()
	fmt.Fprintln(h, version, e.main, e.flags)
	for _, name := range []string{"go.mod", "go.sum"} {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return "", err
		}
		h.Write(text)
	}
	return hex.EncodeToString(h.Sum(nil)[:8]), nil
}

// build compiles into a temporary file first, so that a build that is broken off leaves no executable. What it compiled until then is in Go's build cache.
func (e executable) build(ctx context.Context, dir, path string, progress io.Writer) error {
	fresh := path + ".new"
	defer os.Remove(fresh)
	arguments := append([]string{"build", "-v", "-o", fresh}, e.flags...)
	cmd := exec.CommandContext(ctx, "go", append(arguments, e.main)...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "GOWORK=off", "GOFLAGS=-buildvcs=false")
	stderr, err := cmd.StderrPipe()
	if err != nil {
		return err
	}
	fmt.Fprintf(progress, "building %s for the tests; the first time takes about %s on two cores\n", e.name, e.usually)
	if err := cmd.Start(); err != nil {
		return cmp.Or(context.Cause(ctx), err)
	}
	var packages atomic.Int64
	done := make(chan struct{})
	go report(progress, e.name, &packages, done)
	said := follow(stderr, &packages)
	err = cmd.Wait()
	close(done)
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("broken off after %d packages, which are kept for the next try: %w", packages.Load(), context.Cause(ctx))
	case err != nil:
		return fmt.Errorf("%w\n%s", err, said)
	}
	return os.Rename(fresh, path)
}

// follow counts the packages that the go command names, and returns the rest of what it says.
func follow(stderr io.Reader, packages *atomic.Int64) string {
	var said strings.Builder
	for lines := bufio.NewScanner(stderr); lines.Scan(); {
		if line := lines.Text(); strings.ContainsAny(line, " #\t") {
			fmt.Fprintln(&said, line)
		} else {
			packages.Add(1)
		}
	}
	return said.String()
}

func report(w io.Writer, name string, packages *atomic.Int64, done <-chan struct{}) {
	begun := time.Now()
	for ticks := time.Tick(10 * time.Second); ; {
		select {
		case <-done:
			fmt.Fprintf(w, "built %s in %v\n", name, time.Since(begun).Round(time.Second))
			return
		case <-ticks:
			fmt.Fprintf(w, "building %s: %d packages in %v\n", name, packages.Load(), time.Since(begun).Round(time.Second))
		}
	}
}

// output runs a command and returns what it prints; its complaints become the error.
func output(cmd *exec.Cmd) (string, error) {
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	if err != nil {
		return "", errors.Join(fmt.Errorf("%s: %w", strings.Join(cmd.Args, " "), err), errors.New(complaints.String()))
	}
	return string(out), nil
}
