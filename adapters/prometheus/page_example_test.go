package prometheus_test

import (
	"fmt"
	"strings"

	"github.com/wva-go/wva/adapters/prometheus"
)

// What a page does not say is absent, not 0.
func ExampleParsePage() {
	page, err := prometheus.ParsePage(strings.NewReader(`# TYPE vllm:kv_cache_usage_perc gauge
vllm:kv_cache_usage_perc{model_name="llama"} 0.42
# TYPE vllm:num_requests_waiting gauge
vllm:num_requests_waiting{model_name="llama"} 0
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(page.KVUsage.Value, page.Waiting.Value, page.Waiting.Valid, page.Running.Valid)
	// Output: 0.42 0 true false
}
