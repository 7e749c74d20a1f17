package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// VariantAutoscalingStatus is what was last decided for the variant, and how things stand. It is written when it changes and never otherwise.
type VariantAutoscalingStatus struct {
	// CurrentAlloc is what the variant runs on now.
	// +optional
	CurrentAlloc Allocation `json:"currentAlloc,omitempty"`

	// DesiredOptimizedAlloc is what the variant should run on. It is empty while there is no scale target.
	// +optional
	DesiredOptimizedAlloc OptimizedAlloc `json:"desiredOptimizedAlloc,omitempty"`

	// Conditions are Ready, TargetResolved, MetricsAvailable and OptimizationReady.
	// +optional
	// +listType=map
	// +listMapKey=type
	// +patchStrategy=merge
	// +patchMergeKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty" patchStrategy:"merge" patchMergeKey:"type"`
}

// Allocation is a number of replicas on an accelerator.
type Allocation struct {
	// +optional
	Accelerator string `json:"accelerator,omitempty"`

	// NumReplicas is the number of replicas that the scale target asks for.
	// +kubebuilder:validation:Minimum=0
	// +optional
	NumReplicas *int32 `json:"numReplicas,omitempty"`
}

// OptimizedAlloc is the outcome of the last run that changed it.
type OptimizedAlloc struct {
	// LastRunTime is the time of the run that first came to this allocation. Later runs that come to the same do not move it.
	// +optional
	LastRunTime *metav1.Time `json:"lastRunTime,omitempty"`

	// +optional
	Accelerator string `json:"accelerator,omitempty"`

	// NumReplicas is the number of replicas that the variant should have; absent while there is no decision.
	// +kubebuilder:validation:Minimum=0
	// +optional
	NumReplicas *int32 `json:"numReplicas,omitempty"`
}
