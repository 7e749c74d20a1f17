package prometheus

// VLLM returns the queries for vLLM, with the names of its metrics old and new. An engine that runs several cores in one pod (data parallel ranks) reports each under its own
// label engine: what is counted adds up, and of the shares of the KV cache the largest counts. Completions are counted by the histogram of answer lengths, which is one series where
// vllm:request_success_total is one for each reason to finish.
func VLLM() Queries {
	// perPod takes the busier of two series for the same pod, after f was computed within each.
	const perPod = `max by ($namespace, $pod, $model) `
	mean := func(histogram string) string {
		return `sum without (engine) (rate(` + histogram + `_sum{$match}[$mean])) / (sum without (engine) (rate(` + histogram + `_count{$match}[$mean])) > 0)`
	}
	hits := func(prefix, suffix string) string {
		return `sum without (engine) (rate(` + prefix + `_hits` + suffix + `{$match}[$mean])) / (sum without (engine) (rate(` + prefix + `_queries` + suffix + `{$match}[$mean])) > 0)`
	}
	shape := func(histogram string) string {
		return `sum by ($namespace, $model, le) (rate(` + histogram + `_bucket{$match}[$shape])) or sum by ($namespace, $model) (rate(` + histogram + `_sum{$match}[$shape]))`
	}
	return Queries{
		KVUsage: perPod + `(max_over_time(vllm:kv_cache_usage_perc{$match}[$peak])) or ` +
			perPod + `(max_over_time(vllm:gpu_cache_usage_perc{$match}[$peak]))`,
		Waiting:     perPod + `(sum without (engine) (max_over_time(vllm:num_requests_waiting{$match}[$peak])))`,
		Sampled:     perPod + `(timestamp(vllm:num_requests_waiting{$match}))`,
		Running:     perPod + `(sum without (engine) (vllm:num_requests_running{$match}))`,
		KVCapacity:  `max by ($namespace, $pod, num_gpu_blocks, block_size) (count without (engine) (vllm:cache_config_info{$inNamespace}))`,
		Completions: perPod + `(sum without (engine) (rate(vllm:request_generation_tokens_count{$match}[$rate])))`,
		Input:       perPod + `(` + mean(`vllm:request_prompt_tokens`) + `)`,
		Output:      perPod + `(` + mean(`vllm:request_generation_tokens`) + `)`,
		TTFT:        perPod + `(` + mean(`vllm:time_to_first_token_seconds`) + `)`,
		ITL: perPod + `(` + mean(`vllm:inter_token_latency_seconds`) + `) or ` +
			perPod + `(` + mean(`vllm:time_per_output_token_seconds`) + `)`,
		PrefixHits: perPod + `(` + hits(`vllm:prefix_cache`, `_total`) + `) or ` + perPod + `(` + hits(`vllm:prefix_cache`, ``) + `) or ` +
			perPod + `(` + hits(`vllm:gpu_prefix_cache`, `_total`) + `)`,
		InputShape:  shape(`vllm:request_prompt_tokens`),
		OutputShape: shape(`vllm:request_generation_tokens`),
		Requests:    `sum by ($namespace, $model) (increase(vllm:request_success_total{$match}[$retention]))`,
		LastSeen:    perPod + `(max_over_time(timestamp(vllm:num_requests_waiting{$match})[$last:$step]))`,
	}
}

// SGLang returns the queries for SGLang, started with --enable-metrics. Every rank of a tensor or pipeline parallel group may report the same numbers: they count once,
// and data parallel ranks add up. The shapes of token lengths want --collect-tokens-histogram.
func SGLang() Queries {
	const perPod = `max by ($namespace, $pod, $model) `
	ranks := func(of string) string {
		return perPod + `(sum without (dp_rank) (max without (tp_rank, pp_rank, moe_ep_rank) (` + of + `)))`
	}
	ratio := func(above, below string) string {
		return perPod + `(rate(` + above + `{$match}[$mean]) / (rate(` + below + `{$match}[$mean]) > 0))`
	}
	mean := func(histogram string) string { return ratio(histogram+`_sum`, histogram+`_count`) }
	shape := func(histogram string) string {
		return `sum by ($namespace, $model, le) (rate(` + histogram + `_bucket{$match}[$shape])) or sum by ($namespace, $model) (rate(` + histogram + `_sum{$match}[$shape]))`
	}
	return Queries{
		KVUsage:     perPod + `(max_over_time(sglang:token_usage{$match}[$peak]))`,
		Waiting:     ranks(`max_over_time(sglang:num_queue_reqs{$match}[$peak])`),
		Sampled:     perPod + `(timestamp(sglang:num_queue_reqs{$match}))`,
		Running:     ranks(`sglang:num_running_reqs{$match}`),
		KVCapacity:  ranks(`sglang:max_total_num_tokens{$match}`),
		Completions: perPod + `(rate(sglang:num_requests_total{$match}[$rate]))`,
		Input:       ratio(`sglang:prompt_tokens_total`, `sglang:num_requests_total`),
		Output:      ratio(`sglang:generation_tokens_total`, `sglang:num_requests_total`),
		TTFT:        mean(`sglang:time_to_first_token_seconds`),
		ITL:         mean(`sglang:inter_token_latency_seconds`) + ` or ` + mean(`sglang:time_per_output_token_seconds`),
		PrefixHits:  perPod + `(sglang:cache_hit_rate{$match})`,
		InputShape:  shape(`sglang:prompt_tokens_histogram`),
		OutputShape: shape(`sglang:generation_tokens_histogram`),
		Requests:    `sum by ($namespace, $model) (increase(sglang:num_requests_total{$match}[$retention]))`,
		LastSeen:    perPod + `(max_over_time(timestamp(sglang:num_queue_reqs{$match})[$last:$step]))`,
	}
}

// InferenceGateway returns the queries for the endpoint picker of the Gateway API Inference Extension: requests in the queue of its flow control, and requests that arrive. Both
// name the model that serves, target_model_name, or where that is empty the one that the client asked for.
func InferenceGateway() GatewayQueries {
	byModel := func(of func(matcher string) string) string {
		return `label_replace(sum by ($namespace, target_model_name) (` + of(`target_model_name=~$models`) + `), "$model", "$1", "target_model_name", "(.+)")` +
			` or label_replace(sum by ($namespace, model_name) (` + of(`target_model_name="",model_name=~$models`) + `), "$model", "$1", "model_name", "(.+)")`
	}
	return GatewayQueries{
		Queue: byModel(func(matcher string) string { return `inference_extension_flow_control_queue_size{` + matcher + `}` }),
		Arrivals: byModel(func(matcher string) string {
			return `rate(inference_objective_request_total{` + matcher + `}[$rate]) or rate(inference_model_request_total{` + matcher + `}[$rate])`
		}),
	}
}
