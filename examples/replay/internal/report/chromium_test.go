package report

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

// chromium is a headless browser that is spoken to over two pipes, in the DevTools protocol: a JSON text and a zero byte for each message.
type chromium struct {
	t       *testing.T
	in      io.Writer
	mu      sync.Mutex
	next    int
	waiting map[int]chan answer
	events  []event
	session string
}

type answer struct {
	Result json.RawMessage
	Error  *struct{ Message string }
}

type event struct {
	Method string
	Params json.RawMessage
}

// browserNames are what the browser may be called.
var browserNames = []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "headless-shell"}

// startChromium starts a browser with a profile of its own, or skips the test where there is none.
func startChromium(t *testing.T) *chromium {
	t.Helper()
	var path string
	for _, name := range browserNames {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		t.Skipf("no browser: install one of %s to have the page opened", strings.Join(browserNames, ", "))
	}
	profile, err := os.MkdirTemp("", "replay-chromium-")
	if err != nil {
		t.Fatal(err)
	}
	toBrowser, send, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	receive, fromBrowser, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, path, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking",
		"--disable-component-update", "--disable-sync", "--disable-default-apps", "--disable-extensions", "--hide-scrollbars", "--remote-debugging-pipe", "--user-data-dir="+profile, "about:blank")
	cmd.ExtraFiles = []*os.File{toBrowser, fromBrowser} // which it has as 3 and 4
	cmd.WaitDelay = 10 * time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	toBrowser.Close()
	fromBrowser.Close()
	c := &chromium{t: t, in: send, waiting: map[int]chan answer{}}
	var reading sync.WaitGroup
	reading.Go(func() { c.read(receive) })
	t.Cleanup(func() {
		_, _ = c.send("Browser.close", nil)
		ended := make(chan struct{})
		go func() { _ = cmd.Wait(); close(ended) }()
		select {
		case <-ended:
		case <-time.After(20 * time.Second):
		}
		stop()
		<-ended
		send.Close()
		receive.Close()
		reading.Wait()
		removeAll(t, profile)
	})
	c.attach()
	return c
}

// removeAll removes the profile, into which the browser's children may still write for a moment.
func removeAll(t *testing.T, dir string) {
	for range 100 {
		if os.RemoveAll(dir) == nil {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Errorf("the profile of the browser stays: %v", os.RemoveAll(dir))
}

// read sorts what the browser says into answers and events.
func (c *chromium) read(r io.Reader) {
	in := bufio.NewReader(r)
	for {
		text, err := in.ReadBytes(0)
		if err != nil {
			c.mu.Lock()
			defer c.mu.Unlock()
			for _, answers := range c.waiting {
				close(answers)
			}
			c.waiting = nil
			return
		}
		var message struct {
			ID int
			answer
			event
		}
		if json.Unmarshal(text[:len(text)-1], &message) != nil {
			continue
		}
		c.mu.Lock()
		if message.ID != 0 {
			if answers, ok := c.waiting[message.ID]; ok {
				delete(c.waiting, message.ID)
				answers <- message.answer
			}
		} else {
			c.events = append(c.events, message.event)
		}
		c.mu.Unlock()
	}
}

// send calls a method of the protocol and waits for its answer.
func (c *chromium) send(method string, params any) (json.RawMessage, error) {
	c.mu.Lock()
	if c.waiting == nil {
		c.mu.Unlock()
		return nil, errors.New("the browser has gone")
	}
	c.next++
	answers := make(chan answer, 1)
	c.waiting[c.next] = answers
	text, err := json.Marshal(struct {
		ID      int    `json:"id"`
		Method  string `json:"method"`
		Params  any    `json:"params,omitempty"`
		Session string `json:"sessionId,omitempty"`
	}{c.next, method, params, c.session})
	if err == nil {
		_, err = c.in.Write(append(text, 0))
	}
	c.mu.Unlock()
	if err != nil {
		return nil, err
	}
	select {
	case a, ok := <-answers:
		if !ok {
			return nil, errors.New("the browser has gone")
		}
		if a.Error != nil {
			return nil, fmt.Errorf("%s: %s", method, a.Error.Message)
		}
		return a.Result, nil
	case <-time.After(60 * time.Second):
		return nil, fmt.Errorf("%s: no answer within a minute", method)
	}
}

// call is send for a test: the answer's fields go into result, which may be nil.
func (c *chromium) call(method string, params, result any) {
	c.t.Helper()
	raw, err := c.send(method, params)
	if err == nil && result != nil {
		err = json.Unmarshal(raw, result)
	}
	if err != nil {
		c.t.Fatal(err)
	}
}

type values map[string]any

// attach opens a page and asks to be told of everything that it says and requests.
func (c *chromium) attach() {
	c.t.Helper()
	var target struct{ TargetID string }
	c.call("Target.createTarget", values{"url": "about:blank"}, &target)
	var session struct{ SessionID string }
	c.call("Target.attachToTarget", values{"targetId": target.TargetID, "flatten": true}, &session)
	c.session = session.SessionID
	for _, domain := range []string{"Page", "Network", "Runtime", "Log"} {
		c.call(domain+".enable", nil, nil)
	}
}

// open loads a page and waits until everything is there.
func (c *chromium) open(url string) {
	c.t.Helper()
	var navigated struct{ ErrorText string }
	c.call("Page.navigate", values{"url": url}, &navigated)
	if navigated.ErrorText != "" {
		c.t.Fatalf("%s: %s", url, navigated.ErrorText)
	}
	for deadline := time.Now().Add(60 * time.Second); ; {
		var ready struct{ Result struct{ Value bool } }
		c.call("Runtime.evaluate", values{"expression": "document.readyState === 'complete' && location.href !== 'about:blank'"}, &ready)
		if ready.Result.Value {
			return
		}
		if time.Now().After(deadline) {
			c.t.Fatal("the page is not complete after a minute")
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// evaluate returns the value of an expression on the page.
func (c *chromium) evaluate(expression string, result any) {
	c.t.Helper()
	var out struct {
		Result           struct{ Value json.RawMessage }
		ExceptionDetails *struct{ Text string }
	}
	c.call("Runtime.evaluate", values{"expression": expression, "returnByValue": true}, &out)
	if out.ExceptionDetails != nil {
		c.t.Fatalf("%s: %s", expression, out.ExceptionDetails.Text)
	}
	if err := json.Unmarshal(out.Result.Value, result); err != nil {
		c.t.Fatalf("%s: %v", expression, err)
	}
}

// screenshot is a picture of the whole page.
func (c *chromium) screenshot() []byte {
	c.t.Helper()
	var picture struct{ Data string }
	c.call("Page.captureScreenshot", values{"captureBeyondViewport": true}, &picture)
	data, err := base64.StdEncoding.DecodeString(picture.Data)
	if err != nil {
		c.t.Fatal(err)
	}
	return data
}

// said returns the events of some methods so far.
func (c *chromium) said(methods ...string) []event {
	c.mu.Lock()
	defer c.mu.Unlock()
	var found []event
	for _, e := range c.events {
		for _, m := range methods {
			if e.Method == m {
				found = append(found, e)
			}
		}
	}
	return found
}
