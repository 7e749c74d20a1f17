package prometheus

// The levels at which the ready queries add up, and take the largest of several. What two jobs scrape of one server is in Prometheus twice; of such doubles the largest counts.
const (
	sumPerPod, maxPerPod = `sum by ($namespace, $pod, $model) `, `max by ($namespace, $pod, $model) `
	maxPerEngine         = `max by ($namespace, $pod, $model, engine) `  // of vLLM
	maxPerRank           = `max by ($namespace, $pod, $model, dp_rank) ` // of SGLang
	sumPerTarget         = `sum by ($namespace, $pod, $model, instance, job) `
	maxPerFlow           = `max by ($namespace, $pod, instance, inference_pool, model_name, target_model_name, fairness_id, priority) ` // of a gateway
)

// ratio divides what two counters gained in each pod. Doubles need no care: they are in both.
func ratio(above, below string) string {
	return sumPerPod + `(rate(` + above + `{$match}[$mean])) / ` + sumPerPod + `(rate(` + below + `{$match}[$mean]))`
}

// mean is that of a histogram.
func mean(histogram string) string { return ratio(histogram+`_sum`, histogram+`_count`) }

// bucketsAndSum are those of a histogram, by model.
func bucketsAndSum(histogram string) string {
	return `sum by ($namespace, $model, le) (rate(` + histogram + `_bucket{$match}[$shape])) or sum by ($namespace, $model) (rate(` + histogram + `_sum{$match}[$shape]))`
}

// first is what a counter had already when it was first scraped, where that was within the retention period: a request that woke a model may be over by then.
func first(counter string) string {
	return `sum by ($namespace, $model) (` + counter + `{$match} unless ` + counter + `{$match} offset $retention)`
}

// VLLM returns the queries for vLLM, with the names of its metrics old and new. The engines of one pod (data parallel ranks) report each under a label engine of its own: what is
// counted adds up, and of the shares of the KV cache the largest counts. How many blocks the KV cache has, each front end says for all of its engines together, and repeats it for
// each of them. Finished requests are counted by the histogram of answer lengths, which is one series where vllm:request_success_total is one for each reason to finish.
func VLLM() Queries {
	const finished = `vllm:request_generation_tokens_count`
	perEngine := func(of string) string { return sumPerPod + `(` + maxPerEngine + `(` + of + `))` }
	hits := func(prefix, suffix string) string { return ratio(prefix+`_hits`+suffix, prefix+`_queries`+suffix) }
	return Queries{
		KVUsage:     maxPerPod + `(max_over_time(vllm:kv_cache_usage_perc{$match}[$peak])) or ` + maxPerPod + `(max_over_time(vllm:gpu_cache_usage_perc{$match}[$peak]))`,
		Waiting:     perEngine(`max_over_time(vllm:num_requests_waiting{$match}[$peak])`),
		Sampled:     maxPerPod + `(timestamp(vllm:num_requests_waiting{$match}))`,
		Running:     perEngine(`vllm:num_requests_running{$match}`),
		KVCapacity:  `sum by ($namespace, $pod, num_gpu_blocks, block_size) (max by ($namespace, $pod, num_gpu_blocks, block_size, instance) (vllm:cache_config_info{$inNamespace}))`,
		Completions: perEngine(`rate(` + finished + `{$match}[$rate])`),
		Input:       mean(`vllm:request_prompt_tokens`),
		Output:      mean(`vllm:request_generation_tokens`),
		TTFT:        mean(`vllm:time_to_first_token_seconds`),
		ITL:         mean(`vllm:inter_token_latency_seconds`) + ` or ` + mean(`vllm:time_per_output_token_seconds`),
		PrefixHits:  hits(`vllm:prefix_cache`, `_total`) + ` or ` + hits(`vllm:prefix_cache`, ``) + ` or ` + hits(`vllm:gpu_prefix_cache`, `_total`),
		InputShape:  bucketsAndSum(`vllm:request_prompt_tokens`),
		OutputShape: bucketsAndSum(`vllm:request_generation_tokens`),
		Requests:    `sum by ($namespace, $model) (increase(` + finished + `{$match}[$retention]))`,

		FirstRequests: first(finished),
		LastSeen:      maxPerPod + `(max_over_time(timestamp(vllm:num_requests_waiting{$match})[$last:$step]))`,
	}
}

// SGLang returns the queries for SGLang, started with --enable-metrics. Every rank of a tensor or pipeline parallel group may report the same numbers: they count once, and data
// parallel ranks add up. Of queues that are told apart by priority the total counts, which has none. Counters are split by what requests have in common, such as whether they
// stream, and add up; before the first request there are none. The shapes of token lengths want --collect-tokens-histogram.
func SGLang() Queries {
	const finished = `sglang:num_requests_total`
	perRank := func(of string) string { return sumPerPod + `(` + maxPerRank + `(` + of + `))` }
	return Queries{
		KVUsage:     maxPerPod + `(max_over_time(sglang:token_usage{$match}[$peak]))`,
		Waiting:     perRank(`max_over_time(sglang:num_queue_reqs{$match}[$peak])`),
		Sampled:     maxPerPod + `(timestamp(sglang:num_queue_reqs{$match}))`,
		Running:     perRank(`sglang:num_running_reqs{$match}`),
		KVCapacity:  perRank(`sglang:max_total_num_tokens{$match}`),
		Completions: maxPerPod + `(` + sumPerTarget + `(rate(` + finished + `{$match}[$rate])))`,
		Input:       ratio(`sglang:prompt_tokens_total`, finished),
		Output:      ratio(`sglang:generation_tokens_total`, finished),
		TTFT:        mean(`sglang:time_to_first_token_seconds`),
		ITL:         mean(`sglang:inter_token_latency_seconds`) + ` or ` + mean(`sglang:time_per_output_token_seconds`),
		PrefixHits:  maxPerPod + `(sglang:cache_hit_rate{$match})`,
		InputShape:  bucketsAndSum(`sglang:prompt_tokens_histogram`),
		OutputShape: bucketsAndSum(`sglang:generation_tokens_histogram`),
		Requests:    `sum by ($namespace, $model) (increase(` + finished + `{$match}[$retention])) or sum by ($namespace, $model) (0 * sglang:num_queue_reqs{$match})`,

		FirstRequests: first(finished),
		LastSeen:      maxPerPod + `(max_over_time(timestamp(sglang:num_queue_reqs{$match})[$last:$step]))`,
	}
}

// InferenceGateway returns the queries for the endpoint picker of the Gateway API Inference Extension, as llm-d's router names its metrics and as they were named before: requests in
// the queue of its flow control, and requests that arrive. One that still says the same under an older name, too, counts once. All name the model that serves, target_model_name, or
// where that is empty the one that the client asked for.
func InferenceGateway() GatewayQueries {
	byModel := func(of func(metric string) string, metrics ...string) (query string) {
		for _, by := range []struct{ label, matcher string }{{`target_model_name`, `target_model_name=~$models`}, {`model_name`, `target_model_name="",model_name=~$models`}} {
			for _, metric := range metrics {
				if query != "" {
					query += ` or `
				}
				query += `label_replace(sum by ($namespace, ` + by.label + `) (` + maxPerFlow + `(` + of(metric+`{`+by.matcher+`}`) + `)), "$model", "$1", "` + by.label + `", "(.+)")`
			}
		}
		return query
	}
	return GatewayQueries{
		Queue: byModel(func(of string) string { return of }, `llm_d_epp_flow_control_queue_size`, `inference_extension_flow_control_queue_size`),
		Arrivals: byModel(func(of string) string { return `rate(` + of + `[$rate])` },
			`llm_d_epp_request_total`, `inference_objective_request_total`, `inference_model_request_total`),
	}
}
