package prometheus_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/wva-go/wva"
	"github.com/wva-go/wva/adapters/prometheus"
)

// A cluster of VictoriaMetrics says with a field of its own that some of its storage did not answer, and warns of nothing.
func TestPartialAnswer(t *testing.T) {
	for _, form := range []string{
		`{"status":"success","isPartial":true,"data":{"resultType":"vector","result":[%s]}}`,
		`{"status":"success","data":{"resultType":"vector","result":[%s]},"isPartial":true}`,
		`{"status":"success", "isPartial": true, "data":{"resultType":"vector", "result":[%s]}}`,
	} {
		server, variants := well(t)
		retention := wva.ScaleToZero{Default: wva.Retention{Enabled: true}}
		s := server.source(t, prometheus.SourceOptions{Retention: retention.For})
		server.answer["requests"] = func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprintf(w, form, of(0))
		}
		m := collect(t, s, variants...)
		if len(m.Models) != 1 || m.Models[0].RequestsInRetention.Valid {
			t.Errorf("%s: counted: %+v", form, m.Models)
		}
		if len(m.Problems) != 1 || !strings.Contains(m.Problems[0].Message, "query requests: ") || !strings.Contains(m.Problems[0].Message, "the answer may be partial") {
			t.Errorf("%s: %+v", form, m.Problems)
		}
	}
}

// Requests that are being served are not among those that finished: while it is not known whether there are any, a model is not known to be idle.
func TestRunningUnknown(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{
		"an error": status(500, ""),
		"missing":  func(w http.ResponseWriter, _ *http.Request) { say(w, pod(0, podOf("llama-a100", 0))) },
		"no number": func(w http.ResponseWriter, _ *http.Request) {
			say(w, pod(0, podOf("llama-a100", 0)), pod("NaN", podOf("llama-h100", 0)))
		},
	} {
		t.Run(name, func(t *testing.T) {
			server, variants := well(t)
			server.rows["waiting"] = []string{pod(0, podOf("llama-a100", 0)), pod(0, podOf("llama-h100", 0))}
			server.rows["requests"], server.rows["queue"], server.rows["arrivals"] = []string{of(0)}, nil, nil
			policy := wva.DefaultPolicy()
			policy.ScaleToZero.Default.Enabled = true
			s := server.source(t, prometheus.SourceOptions{Retention: policy.ScaleToZero.For})
			decide := func() int {
				m := collect(t, s, variants...)
				report, _, err := wva.Decide(wva.Snapshot{At: noon, Variants: variants, Metrics: m, Inventory: wva.Unlimited()}, policy, wva.History{})
				if err != nil {
					t.Fatal(err)
				}
				return report.Decisions[0].Target + report.Decisions[1].Target
			}
			server.answer["running"] = answer
			if n := decide(); n == 0 {
				t.Error("an idle model: while nobody knows what runs")
			}
			delete(server.answer, "running")
			server.rows["running"] = []string{pod(0, podOf("llama-a100", 0)), pod(0, podOf("llama-h100", 0))}
			if n := decide(); n != 0 {
				t.Errorf("%d replicas of an idle model", n)
			}
		})
	}
}
