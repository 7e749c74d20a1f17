package v1alpha1

import (
	"cmp"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// VariantAutoscaling asks that one variant of a model be autoscaled: the model servers behind one scale target.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=va
// +kubebuilder:printcolumn:name="Target",type=string,JSONPath=".spec.scaleTargetRef.name"
// +kubebuilder:printcolumn:name="Model",type=string,JSONPath=".spec['modelID','modelId']"
// +kubebuilder:printcolumn:name="Accelerator",type=string,JSONPath=".status.currentAlloc.accelerator"
// +kubebuilder:printcolumn:name="CurrentReplicas",type=integer,JSONPath=".status.currentAlloc.numReplicas"
// +kubebuilder:printcolumn:name="Optimized",type=integer,JSONPath=".status.desiredOptimizedAlloc.numReplicas"
// +kubebuilder:printcolumn:name="MetricsReady",type=string,JSONPath=".status.conditions[?(@.type=='MetricsAvailable')].status"
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=".status.conditions[?(@.type=='Ready')].status",priority=1
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=".status.conditions[?(@.type=='Ready')].reason",priority=1
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=".metadata.creationTimestamp"
type VariantAutoscaling struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// +required
	Spec VariantAutoscalingSpec `json:"spec"`
	// +optional
	Status VariantAutoscalingStatus `json:"status,omitempty"`
}

// VariantAutoscalingList is a list of VariantAutoscalings.
//
// +kubebuilder:object:root=true
type VariantAutoscalingList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []VariantAutoscaling `json:"items"`
}

// VariantAutoscalingSpec says what is scaled, which model it serves and what it costs.
//
// +kubebuilder:validation:XValidation:rule="has(self.modelID) != has(self.modelId)",message="want modelID (or modelId, but not both)"
// +kubebuilder:validation:XValidation:rule="!has(self.minReplicas) || !has(self.maxReplicas) || self.minReplicas <= self.maxReplicas",message="minReplicas is above maxReplicas"
type VariantAutoscalingSpec struct {
	// ScaleTargetRef points at what runs the model servers, in the same namespace: anything with a scale subresource.
	// +required
	ScaleTargetRef ScaleTargetRef `json:"scaleTargetRef"`

	// ModelID is the model as its servers name it in the OpenAI API, "meta/llama-3.1-8b".
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +optional
	ModelID string `json:"modelID,omitempty"`

	// AlternativeModelID is another spelling of modelID, for documents that are written so.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +optional
	AlternativeModelID string `json:"modelId,omitempty"`

	// VariantCost is the cost of one replica per hour, a number as text. Saturation-based scaling grows the cheapest variant of a model and shrinks the dearest.
	// +kubebuilder:validation:Pattern=`^\d+(\.\d+)?$`
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:default="10.0"
	// +optional
	VariantCost string `json:"variantCost,omitempty"`

	// MinReplicas is a bound that no decision goes below. Without it there is none but the one of scale-to-zero.
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=1000000
	// +optional
	MinReplicas *int32 `json:"minReplicas,omitempty"`

	// MaxReplicas is a bound that no decision goes above. Without it there is none.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000000
	// +optional
	MaxReplicas *int32 `json:"maxReplicas,omitempty"`

	// SLOClassRef names the service class of the variant: by entry of a ConfigMap, or by its name. The label wva.llmd.ai/service-class does the same.
	// +optional
	SLOClassRef *SLOClassRef `json:"sloClassRef,omitempty"`

	// ModelProfile is how fast the model runs, by accelerator. The proactive modes need it.
	// +optional
	ModelProfile *ModelProfile `json:"modelProfile,omitempty"`
}

// Model returns the model, however its field is spelled.
func (s *VariantAutoscalingSpec) Model() string { return cmp.Or(s.ModelID, s.AlternativeModelID) }

// ScaleTargetRef points at what is scaled, as a HorizontalPodAutoscaler's scaleTargetRef does.
type ScaleTargetRef struct {
	// APIVersion of the target. Without it the kinds of Kubernetes and LeaderWorkerSet are found by their names.
	// +kubebuilder:validation:MaxLength=316
	// +optional
	APIVersion string `json:"apiVersion,omitempty"`

	// Kind of the target.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:default=Deployment
	// +optional
	Kind string `json:"kind,omitempty"`

	// Name of the target.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +required
	Name string `json:"name"`
}

// SLOClassRef points at a service class.
type SLOClassRef struct {
	// Name of the ConfigMap, or of the service class.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +required
	Name string `json:"name"`

	// Key is the entry of the ConfigMap, or the name of the service class.
	// +kubebuilder:validation:MaxLength=253
	// +optional
	Key string `json:"key,omitempty"`
}
