package prometheus_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/wva-go/wva"
	"github.com/wva-go/wva/adapters/prometheus"
)

// A server that knows two pods of a Deployment: both nearly full, with requests waiting in one.
func Example() {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		values := [2]string{}
		switch query := r.FormValue("query"); {
		case strings.Contains(query, "timestamp("):
			values = [2]string{"1772366395", "1772366390"}
		case strings.Contains(query, "vllm:kv_cache_usage_perc"):
			values = [2]string{"0.72", "0.76"}
		case strings.Contains(query, "vllm:num_requests_waiting"):
			values = [2]string{"0", "2"}
		}
		var series []string
		for i, pod := range []string{"llama-7c9f8d7b4-xb7hk", "llama-7c9f8d7b4-xc7hk"} {
			if values[i] != "" {
				series = append(series, fmt.Sprintf(`{"metric":{"namespace":"chat","pod":%q,"model_name":"meta/llama-3.1-8b"},"value":[%d,%q]}`, pod, now.Unix(), values[i]))
			}
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"status":"success","data":{"resultType":"vector","result":[%s]}}`, strings.Join(series, ","))
	}))
	defer server.Close()

	environment := map[string]string{"PROMETHEUS_BASE_URL": server.URL, "PROMETHEUS_ALLOW_HTTP": "true"} // in production: os.LookupEnv, and https
	config, err := prometheus.ConfigFromEnvironment(func(name string) (string, bool) { v, ok := environment[name]; return v, ok })
	if err != nil {
		panic(err)
	}
	policy := wva.DefaultPolicy()
	source, err := prometheus.NewSource(config, prometheus.SourceOptions{Retention: policy.ScaleToZero.For})
	if err != nil {
		panic(err)
	}
	defer source.Close()

	variants := []wva.Variant{{
		ID: wva.ID{Namespace: "chat", Name: "llama-autoscaler"}, Model: "meta/llama-3.1-8b", Accelerator: "A100", Cost: 40, Current: 2,
		Target: wva.TargetRef{Kind: "Deployment", Name: "llama"},
	}}
	metrics, err := source.Collect(context.Background(), variants)
	if err != nil {
		panic(err)
	}
	for _, r := range metrics.Replicas {
		fmt.Printf("%s: %g of its KV cache, %g waiting, sampled %v ago\n", r.Replica, r.KVUsage.Value, r.Waiting.Value, now.Sub(r.At))
	}
	report, _, err := wva.Decide(wva.Snapshot{At: now, Variants: variants, Metrics: metrics, Inventory: wva.Unlimited()}, policy, wva.History{})
	if err != nil {
		panic(err)
	}
	d := report.Decisions[0]
	fmt.Printf("%d → %d: %s\n", d.Current, d.Target, d.Why())

	// Output:
	// llama-7c9f8d7b4-xb7hk: 0.72 of its KV cache, 0 waiting, sampled 5s ago
	// llama-7c9f8d7b4-xc7hk: 0.76 of its KV cache, 2 waiting, sampled 10s ago
	// 2 → 3: grow to 3: spare KV cache 0.060 is below 0.100; cheapest variant that may grow, at 40 a replica
}
