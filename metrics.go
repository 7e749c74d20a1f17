package wva

import "time"

// Metrics is what a MetricsSource could learn in one cycle. What it could not learn is absent, and said in Problems.
type Metrics struct {
	Replicas []ReplicaMetrics `json:"replicas,omitempty"`
	Models   []ModelMetrics   `json:"models,omitempty"`
	Problems []MetricsProblem `json:"problems,omitempty"`
}

// ReplicaMetrics is what one server reported. KVUsage and Waiting together make a replica count as reporting; the rest
// feeds the performance model.
type ReplicaMetrics struct {
	Variant ID        `json:"variant"`
	Replica string    `json:"replica"` // pod name; unique within the variant
	At      time.Time `json:"at"`      // when the server was sampled

	KVUsage    Reading `json:"kvUsage,omitzero"`    // fraction of the KV cache in use, 0 to 1, peak of the last minute
	Waiting    Reading `json:"waiting,omitzero"`    // requests in the server's queue, peak of the last minute
	Running    Reading `json:"running,omitzero"`    // requests in the batch
	KVCapacity Reading `json:"kvCapacity,omitzero"` // size of the KV cache in tokens

	CompletionRate Reading        `json:"completionRate,omitzero"` // requests finished per second
	Input          LengthReadings `json:"input,omitzero"`          // prompt lengths
	Output         LengthReadings `json:"output,omitzero"`         // answer lengths
	TTFT           Reading        `json:"ttft,omitzero"`           // mean, seconds
	ITL            Reading        `json:"itl,omitzero"`            // mean, seconds
	PrefixHitRate  Reading        `json:"prefixHitRate,omitzero"`  // fraction of prompt tokens found in the prefix cache
}

// LengthReadings are measured moments of token lengths.
type LengthReadings struct {
	Mean         Reading `json:"mean,omitzero"`         // tokens
	SecondMoment Reading `json:"secondMoment,omitzero"` // tokens²
}

// ModelMetrics is what was measured for a model as a whole, in front of its variants.
type ModelMetrics struct {
	ModelKey
	// GatewayQueue counts requests held back in front of the servers, by a gateway's flow control.
	GatewayQueue Reading `json:"gatewayQueue,omitzero"`
	// RequestsInRetention counts the requests within the scale-to-zero retention period.
	RequestsInRetention Reading `json:"requestsInRetention,omitzero"`
	// ArrivalRate is in requests per second, measured where requests enter. Absent = estimated from the replicas.
	ArrivalRate Reading `json:"arrivalRate,omitzero"`
}

// or merges two measurements of one model: of each number the busier one.
func (m ModelMetrics) or(other ModelMetrics) ModelMetrics {
	m.ModelKey = other.ModelKey
	m.GatewayQueue = busier(m.GatewayQueue, other.GatewayQueue)
	m.RequestsInRetention = busier(m.RequestsInRetention, other.RequestsInRetention)
	m.ArrivalRate = busier(m.ArrivalRate, other.ArrivalRate)
	return m
}

func busier(a, b Reading) Reading {
	if !a.Valid || b.Valid && b.Value > a.Value {
		return b
	}
	return a
}

// MetricsProblem says that part of the metrics is missing or cannot be trusted. One about a model holds its targets, one about a variant keeps its model from shrinking. One
// without a model is about the source as a whole, and one with the reason MetricsFound a remark about metrics that are complete: both are only reported.
type MetricsProblem struct {
	ModelKey
	Variant string        `json:"variant,omitempty"` // empty = the whole model
	Reason  MetricsReason `json:"reason"`
	Message string        `json:"message"` // what happened and what to check
}

// MetricsReason classifies what is known about a model's metrics; the names are those of WVA's MetricsAvailable condition.
type MetricsReason string

// The reasons of the MetricsAvailable condition.
const (
	MetricsFound    MetricsReason = "MetricsFound"
	MetricsMissing  MetricsReason = "MetricsMissing"
	MetricsStale    MetricsReason = "MetricsStale"
	PrometheusError MetricsReason = "PrometheusError"
)
