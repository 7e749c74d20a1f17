package v1alpha1

// ModelProfile is how fast the model runs, by accelerator.
type ModelProfile struct {
	// +kubebuilder:validation:MaxItems=64
	// +required
	Accelerators []AcceleratorProfile `json:"accelerators"`
}

// AcceleratorProfile is how fast one replica of the model runs on one accelerator.
type AcceleratorProfile struct {
	// Acc is the accelerator, by name or type as in the accelerators' unit costs.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +required
	Acc string `json:"acc"`

	// AccCount is the number of accelerators in a replica.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:default=1
	// +optional
	AccCount int32 `json:"accCount,omitempty"`

	// MaxBatchSize is the most requests that a replica decodes at once.
	// +kubebuilder:validation:Minimum=1
	// +optional
	MaxBatchSize int32 `json:"maxBatchSize,omitempty"`

	// +optional
	PerfParms PerfParms `json:"perfParms,omitempty"`
}

// PerfParms are the parameters of the latency model, numbers as text, in milliseconds: a decoding step of a batch of n requests takes alpha + beta·n, prefill of
// prompts of k tokens gamma + delta·k·n.
type PerfParms struct {
	// +optional
	DecodeParms DecodeParms `json:"decodeParms,omitempty"`
	// +optional
	PrefillParms PrefillParms `json:"prefillParms,omitempty"`
}

// DecodeParms are those of decoding.
type DecodeParms struct {
	// +optional
	Alpha Parameter `json:"alpha,omitempty"`
	// +optional
	Beta Parameter `json:"beta,omitempty"`
}

// PrefillParms are those of prefill.
type PrefillParms struct {
	// +optional
	Gamma Parameter `json:"gamma,omitempty"`
	// +optional
	Delta Parameter `json:"delta,omitempty"`
}

// Parameter is a number as text, 0 or more.
//
// +kubebuilder:validation:Pattern=`^([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?$`
// +kubebuilder:validation:MaxLength=64
type Parameter string
