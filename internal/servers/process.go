package servers

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"
)

// find returns the executable for a test. It says on the terminal what it builds, since go test keeps what a passing test prints to itself, and it gives up in time to
// say why.
func (e executable) find(t testing.TB) string {
	t.Helper()
	ctx := t.Context()
	if limited, ok := t.(interface{ Deadline() (time.Time, bool) }); ok {
		if deadline, ok := limited.Deadline(); ok {
			var cancel context.CancelFunc
			cause := errors.New("the time limit of the tests is near: build them with `go run ./internal/servers/build` first, or give go test a longer -timeout")
			ctx, cancel = context.WithDeadlineCause(ctx, deadline.Add(-20*time.Second), cause)
			defer cancel()
		}
	}
	var progress io.Writer = os.Stderr
	if tty, err := os.OpenFile("/dev/tty", os.O_WRONLY, 0); err == nil {
		defer tty.Close()
		progress = tty
	}
	path, err := e.path(ctx, progress)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// process is a server that runs.
type process struct {
	t    testing.TB
	name string
	cmd  *exec.Cmd
	log  *tail
	done chan struct{} // closed when it has ended
	err  error         // how, once it has
}

// start runs a server until it is stopped.
func start(t testing.TB, name, path string, arguments ...string) *process {
	t.Helper()
	p := &process{t: t, name: name, cmd: exec.Command(path, arguments...), log: &tail{}, done: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = p.log, p.log
	dieWithParent(p.cmd)
	if err := p.cmd.Start(); err != nil {
		t.Fatalf("servers: start %s: %v", name, err)
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.done)
	}()
	return p
}

// finish ends the server, where it was started, at the end of its test.
func (p *process) finish() {
	if p == nil {
		return
	}
	said := p.log.String() // without what it says about being stopped
	p.stop()
	if p.t.Failed() {
		p.t.Logf("the end of the log of %s:\n%s", p.name, said[max(0, len(said)-2000):])
	}
}

// stop asks the server to end and makes it end where it does not within ten seconds.
func (p *process) stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // fails where it has ended
	select {
	case <-p.done:
		return
	case <-time.After(10 * time.Second):
	}
	_ = p.cmd.Process.Kill()
	<-p.done
}

// awaitReady polls an address until it answers 200.
func (p *process) awaitReady(client *http.Client, url, token string) {
	p.t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); ; {
		select {
		case <-p.done:
			p.t.Fatalf("servers: %s ended before it was ready: %v\n%s", p.name, p.err, p.log)
		case <-time.After(50 * time.Millisecond):
		}
		err := probe(p.t.Context(), client, url, token)
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			p.t.Fatalf("servers: %s is not ready: %v\n%s", p.name, err, p.log)
		}
	}
}

func probe(ctx context.Context, client *http.Client, url, token string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, response.Body)
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s: %s", url, response.Status)
	}
	return nil
}

// FreePort returns a loopback port that nobody listens on.
func FreePort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// address returns a free loopback address, host:port.
func address(t testing.TB) string {
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(FreePort(t)))
}

// tail keeps the end of what is written to it.
type tail struct {
	mu   sync.Mutex
	text []byte
}

const tailSize = 16 << 10

func (l *tail) Write(text []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text = append(l.text, text...)
	if extra := len(l.text) - tailSize; extra > 0 {
		l.text = append(l.text[:0], l.text[extra:]...)
	}
	return len(text), nil
}

func (l *tail) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return string(bytes.TrimSpace(l.text))
}
