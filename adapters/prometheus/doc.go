// Package prometheus connects wva to the metrics of model servers, and its decisions to those who act on metrics.
//
// A [Scraper] is a [wva.MetricsSource] that reads the /metrics pages of the replicas themselves. It keeps the counters of the page before, so that rates and means are
// those between two scrapes; a server that restarted is noticed by its counters and has no rates until the next one.
//
// A [Publisher] is a [wva.Scaler] that scales nothing: it publishes the desired replicas as gauges, under the names that HorizontalPodAutoscaler and KEDA
// configurations of the Workload-Variant-Autoscaler expect.
package prometheus
