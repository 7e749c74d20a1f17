package v1alpha1

// The types of condition.
const (
	// TypeReady tells whether the variant takes part in autoscaling: its target exists and its configuration is valid.
	TypeReady = "Ready"
	// TypeTargetResolved tells whether the scale target exists.
	TypeTargetResolved = "TargetResolved"
	// TypeMetricsAvailable tells whether the model's servers report fresh metrics.
	TypeMetricsAvailable = "MetricsAvailable"
	// TypeOptimizationReady tells whether the last run came to a decision of its own, rather than to keep what there was.
	TypeOptimizationReady = "OptimizationReady"
)

// The reasons of Ready, beside those of the condition that keeps it from being true.
const (
	ReasonActive = "Active"
	// ReasonDeploymentNotFound is said of every kind of target, not of Deployments alone.
	ReasonDeploymentNotFound = "DeploymentNotFound"
)

// The reasons of TargetResolved.
const (
	ReasonTargetFound      = "TargetFound"
	ReasonTargetNotFound   = "TargetNotFound"
	ReasonTargetUnreadable = "TargetUnreadable" // whether it exists cannot be read: the kind is not served, or reading it is forbidden
)

// The reasons of MetricsAvailable.
const (
	ReasonMetricsFound    = "MetricsFound"
	ReasonMetricsMissing  = "MetricsMissing"
	ReasonMetricsStale    = "MetricsStale"
	ReasonPrometheusError = "PrometheusError"
)

// The reasons of OptimizationReady.
const (
	ReasonOptimizationSucceeded = "OptimizationSucceeded"
	ReasonOptimizationFailed    = "OptimizationFailed"
	ReasonMetricsUnavailable    = "MetricsUnavailable"
	ReasonInvalidConfiguration  = "InvalidConfiguration"
	ReasonSkippedProcessing     = "SkippedProcessing"
)
