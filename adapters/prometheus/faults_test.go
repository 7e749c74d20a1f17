package prometheus_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	promconfig "github.com/prometheus/common/config"

	"github.com/wva-go/wva"
	"github.com/wva-go/wva/adapters/prometheus"
)

// fault is a way in which a server fails.
type fault struct {
	name   string
	answer http.HandlerFunc
	want   []string // in the message
}

// slow is the name of the fault that takes the whole timeout.
const slow = "no answer in time"

func (f fault) timeout() time.Duration {
	if f.name == slow {
		return 200 * time.Millisecond
	}
	return 0
}

// Each way in which a server fails holds the model, says what to check, and is over as soon as the server is well.
func TestSourceFaults(t *testing.T) {
	matrix := `{"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"values":[[1,"2"]]}]}}`
	full := `{"status":"success","data":{"resultType":"vector","result":[` + pod(0.5, podOf("llama-a100", 0)) + `]}}`
	for _, tt := range []fault{
		{"500", status(500, "boom"), []string{"server error: 500", "check Prometheus and what is in front of it"}},
		{"503", status(503, ""), []string{"server error: 503"}},
		{"401", status(401, "who is s3cret?"), []string{"client error: 401", "PROMETHEUS_BEARER_TOKEN or PROMETHEUS_TOKEN_PATH"}},
		{"403", status(403, ""), []string{"client error: 403", "check the token"}},
		{"404", status(404, ""), []string{"client error: 404", "check the address and its path"}},
		{"429", status(429, ""), []string{"client error: 429", "lower Concurrency"}},
		{"413", status(413, ""), []string{"client error: 413", "lower ChunkModels"}},
		{"a login page", body("text/html", "<html>"), []string{`content type "text/html"`, "login page"}},
		{"no content type", func(w http.ResponseWriter, _ *http.Request) { w.Header()["Content-Type"] = nil; fmt.Fprint(w, full) }, []string{"the answer is no JSON"}},
		{"a redirect to it", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/login", http.StatusFound) }, []string{"302", "check that the address is that of Prometheus"}},
		{"half of the JSON", body("application/json", full[:len(full)/2]), []string{"bad_response"}},
		{"a connection that breaks", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Content-Length", "1000")
			fmt.Fprint(w, full[:20])
		}, []string{"unexpected EOF", "ends too early"}},
		{"empty", body("application/json", ""), []string{"bad_response"}},
		{"something else in JSON", body("application/json", `[1,2]`), []string{"bad_response"}},
		{"null", body("application/json", `{"status":"success","data":null}`), []string{"void, not an instant vector"}},
		{"a matrix", body("application/json", matrix), []string{"the answer is a matrix, not an instant vector: correct the template"}},
		{"a scalar", body("application/json", `{"status":"success","data":{"resultType":"scalar","result":[1,"2"]}}`), []string{"the answer is a scalar"}},
		{"a type that there is not", body("application/json", `{"status":"success","data":{"resultType":"tensor","result":[]}}`), []string{"bad_response"}},
		{"an error of PromQL", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, `{"status":"error","errorType":"bad_data","error":"parse error: \u0007 unexpected )"}`)
		}, []string{"bad_data: parse error:   unexpected ): check the template"}},
		{"too many samples", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusUnprocessableEntity)
			fmt.Fprint(w, `{"status":"error","errorType":"execution","error":"query processing would load too many samples"}`)
		}, []string{"execution: query processing would load too many samples"}},
		{"an error of great length", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprintf(w, `{"status":"error","errorType":"bad_data","error":%q}`, strings.Repeat("no ", 10_000))
		}, []string{"…: check the template"}},
		{slow, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, []string{"no answer in time: check the load of Prometheus"}},
		{"an answer without an end", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprint(w, `{"status":"success","data":{"resultType":"vector","result":[`)
			for r.Context().Err() == nil {
				if _, err := fmt.Fprint(w, pod(0.5, podOf("llama-a100", 0)), ","); err != nil {
					return
				}
			}
		}, []string{"longer than the limit of 100000 bytes: narrow the template, or raise MaxResponse"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			server, variants := well(t)
			server.answer["*"] = tt.answer
			s, err := prometheus.NewSource(prometheus.Config{URL: server.URL, AllowHTTP: true, MaxResponse: 100_000}, prometheus.SourceOptions{Timeout: tt.timeout()})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			m := collect(t, s, variants...)
			held := heldBy(m, variants[0].Key())
			if len(m.Replicas) > 0 || held == nil || held.Reason != wva.PrometheusError {
				t.Fatalf("%+v", m)
			}
			for _, want := range tt.want {
				if !strings.Contains(held.Message, want) || strings.Contains(held.Message, "s3cret") || len(held.Message) > 500 {
					t.Errorf("message %q, want %q", held.Message, want)
				}
			}
			report, _, err := wva.Decide(wva.Snapshot{At: noon, Variants: variants, Metrics: m, Inventory: wva.Unlimited()}, wva.DefaultPolicy(), wva.History{})
			if err != nil || report.Models[0].Metrics != wva.PrometheusError || report.Models[0].SafetyNet == "" {
				t.Errorf("%+v, %v", report.Models, err)
			}
			server.mu.Lock()
			delete(server.answer, "*")
			server.mu.Unlock()
			// A machine under load may miss a short timeout once more.
			for until := time.Now().Add(10 * time.Second); ; {
				m := collect(t, s, variants...)
				if len(m.Replicas) == 2 && len(m.Problems) == 0 {
					break
				}
				if tt.name != slow || time.Now().After(until) {
					t.Fatalf("after recovery: %+v", m)
				}
			}
		})
	}
}

func heldBy(m wva.Metrics, key wva.ModelKey) *wva.MetricsProblem {
	for _, p := range m.Problems {
		if p.ModelKey == key && p.Variant == "" && p.Reason != wva.MetricsFound {
			return &p
		}
	}
	return nil
}

func TestSourceCannotConnect(t *testing.T) {
	variants := []wva.Variant{deployment("llama-a100", 1)}
	closed := httptest.NewServer(nil)
	closed.Close()
	stranger := httptest.NewUnstartedServer(nil)
	stranger.Config.ErrorLog = quiet()
	stranger.StartTLS()
	defer stranger.Close()
	for _, tt := range []struct {
		name string
		c    prometheus.Config
		want string
	}{
		{"down", prometheus.Config{URL: closed.URL, AllowHTTP: true}, "connection refused: check that Prometheus is up, and its address"},
		{"a certificate of another authority", prometheus.Config{URL: stranger.URL}, "certificate signed by unknown authority: check PROMETHEUS_CA_CERT_PATH"},
		{"a token file that is not there", prometheus.Config{URL: closed.URL, AllowHTTP: true, HTTP: promconfig.HTTPClientConfig{Authorization: &promconfig.Authorization{Type: "Bearer", CredentialsFile: "/no/token"}}}, "unable to read file /no/token"},
	} {
		s, err := prometheus.NewSource(tt.c, prometheus.SourceOptions{})
		if err != nil {
			t.Fatal(err)
		}
		m := collect(t, s, variants...)
		if held := heldBy(m, variants[0].Key()); held == nil || held.Reason != wva.PrometheusError || !strings.Contains(held.Message, tt.want) {
			t.Errorf("%s: %+v", tt.name, m.Problems)
		}
		s.Close()
	}
	if _, err := prometheus.NewSource(prometheus.Config{URL: "https://p", HTTP: promconfig.HTTPClientConfig{TLSConfig: promconfig.TLSConfig{CAFile: "/no/ca"}}}, prometheus.SourceOptions{}); err == nil || !strings.Contains(err.Error(), "/no/ca") {
		t.Errorf("error %v for an authority that is not there", err)
	}
}
