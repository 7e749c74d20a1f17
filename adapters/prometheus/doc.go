// Package prometheus connects wva to the metrics of model servers, and its decisions to those who act on metrics.
//
// A [Source] is a [wva.MetricsSource] that asks a Prometheus server. It asks for the whole fleet at once: each query names all namespaces and models, as regular expressions in
// which no name means anything but itself, and comes back with one series for each pod or model. 1,000 variants take some 16 requests. Which pod belongs to which variant, [Owners]
// tell; without them it goes by the names that Kubernetes gives pods.
//
// What it asks is data: [Queries] are PromQL templates, ready for vLLM and SGLang ([VLLM], [SGLang]) and open to any other server, and [Labels] and [Windows] are settings. Where it
// asks and as whom is a [Config], which [ConfigFromEnvironment] reads from the guide's variables. Certificates and token files are read again when they change, and a
// configuration shows no secret however it is printed.
//
// What Prometheus does not say stays unknown. A replica without KV usage and queue length does not report; a model whose queries for these failed is held (PrometheusError); a server
// that fell silent is told from one that was never scraped (MetricsStale, MetricsMissing); any other query that fails costs its own numbers and is reported. NaN, infinite values,
// empty vectors and answers that warn of being partial never turn into zeros. No answer is read beyond a limit, and no fault of a server is more than a message that says what to check.
//
// A [Scraper] is a [wva.MetricsSource] without Prometheus: it reads the /metrics pages of the replicas themselves, in text or OpenMetrics. It keeps the counters of the page before,
// so that rates and means are those between two scrapes; a server that restarted is noticed by its counters and has no rates until the next one.
//
// A [Publisher] is a [wva.Scaler] that scales nothing: it publishes the desired replicas as gauges, under the names that HorizontalPodAutoscaler and KEDA
// configurations of the Workload-Variant-Autoscaler expect, and beside them what a report says about models.
package prometheus
