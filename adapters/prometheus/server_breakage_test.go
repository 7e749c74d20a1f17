package prometheus_test

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/wva-go/wva/internal/servers"
)

// half answers with the first half of what the next handler says, as if that were all, or breaks the connection there.
func half(next http.Handler, abruptly bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		whole := httptest.NewRecorder()
		next.ServeHTTP(whole, r)
		body := whole.Body.Bytes()
		w.Header().Set("Content-Type", whole.Header().Get("Content-Type"))
		if abruptly {
			w.Header().Set("Content-Length", fmt.Sprint(len(body)))
		}
		w.WriteHeader(whole.Code)
		// After a comma, so that no escape within a name is cut, of which the decoder complains in other words.
		_, _ = w.Write(body[:bytes.LastIndexByte(body[:len(body)/2], ',')+1])
		if abruptly {
			panic(http.ErrAbortHandler)
		}
	}
}

// unless fails the queries that hold a text.
func unless(text string, next http.Handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var body bytes.Buffer
		_, _ = body.ReadFrom(r.Body)
		query := r.Clone(r.Context())
		query.Body = nopCloser{bytes.NewReader(body.Bytes())}
		r.Body = nopCloser{bytes.NewReader(body.Bytes())}
		if err := query.ParseForm(); err != nil || strings.Contains(query.Form.Get("query"), text) {
			http.Error(w, "no", http.StatusInternalServerError)
			return
		}
		next.ServeHTTP(w, r)
	}
}

type nopCloser struct{ *bytes.Reader }

func (nopCloser) Close() error { return nil }

// endless writes JSON that does not end.
func endless(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	for _, err := fmt.Fprint(w, `{"status":"success","data":{"resultType":"vector","result":[`); err == nil; {
		_, err = fmt.Fprint(w, `{"metric":{"pod":"a-0"},"value":[1,"1"]},`)
	}
}

// not replaces what the page says of the KV cache by NaN.
func not(page []byte) []byte {
	var out []byte
	for line := range bytes.Lines(page) {
		if bytes.HasPrefix(line, []byte("vllm:kv_cache_usage_perc{")) {
			line = append(bytes.Clone(line[:bytes.LastIndexByte(line, ' ')]), " NaN\n"...)
		}
		out = append(out, line...)
	}
	return out
}

// present has the client identify itself by this certificate from now on.
func (w *world) present(t *testing.T, c servers.Certificate) {
	t.Helper()
	rewrite(t, w.config.HTTP.TLSConfig.KeyFile, c.Key)
	rewrite(t, w.config.HTTP.TLSConfig.CertFile, c.PEM)
	w.gate.Shut() // connections from before were let in already
	w.gate.Open()
}

// rewrite replaces a file in one piece.
func rewrite(t *testing.T, path, text string) {
	t.Helper()
	fresh := path + ".new"
	if err := os.WriteFile(fresh, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(fresh, path); err != nil {
		t.Fatal(err)
	}
}

// flood gives Prometheus so many more pods that serve the fleet's model, for two minutes.
func (w *world) flood(t *testing.T, name string, pods int) {
	t.Helper()
	now := time.Now()
	var batch []series
	for i := range pods {
		s := series{labels: [][2]string{{"__name__", "vllm:kv_cache_usage_perc"}, {"model_name", hostile}, {"namespace", "llm"}, {"pod", fmt.Sprintf(name, i)}}}
		for after := -20 * time.Second; after < 2*time.Minute; after += 20 * time.Second {
			s.samples = append(s.samples, sample{now.Add(after), 0})
		}
		batch = append(batch, s)
		if len(batch) == 10_000 || i == pods-1 {
			backfill(t, w.client, w.server.URL, batch)
			batch = batch[:0]
		}
	}
}
