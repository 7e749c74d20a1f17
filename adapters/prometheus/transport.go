package prometheus

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
)

// maxResponse bounds an answer where the configuration does not.
const maxResponse = 32 << 20

var (
	errTooLong     = errors.New("the answer is longer than the limit")
	errContentType = errors.New("the answer is no JSON")
)

// guard keeps answers from doing harm: one that is not JSON is refused before it is read, and none is read beyond the limit.
type guard struct {
	next  http.RoundTripper
	limit int64
}

func (g guard) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := g.next.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	if response.StatusCode/100 == 2 {
		if kind, _, err := mime.ParseMediaType(response.Header.Get("Content-Type")); err != nil || kind != "application/json" {
			response.Body.Close()
			return nil, fmt.Errorf("%w but content type %.100q", errContentType, response.Header.Get("Content-Type"))
		}
	}
	limit := cmp.Or(g.limit, maxResponse)
	response.Body = &limited{ReadCloser: response.Body, left: limit, limit: limit}
	return response, nil
}

// CloseIdleConnections lets http.Client's method reach the transport.
func (g guard) CloseIdleConnections() { closeIdle(g.next) }

func closeIdle(next http.RoundTripper) {
	if c, ok := next.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// limited is a body that fails, rather than ends, where the limit is passed.
type limited struct {
	io.ReadCloser
	left, limit int64
}

func (l *limited) Read(p []byte) (int, error) {
	if int64(len(p)) > l.left+1 {
		p = p[:l.left+1]
	}
	n, err := l.ReadCloser.Read(p)
	if l.left -= int64(n); l.left < 0 {
		return 0, fmt.Errorf("%w of %d bytes", errTooLong, l.limit)
	}
	return n, err
}
