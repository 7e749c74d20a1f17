package resource

// The labels and annotations that describe variants and namespaces.
const (
	LabelAccelerator        = "inference.optimization/acceleratorName" // of a VariantAutoscaling or its target: its accelerator
	LabelServiceClass       = "wva.llmd.ai/service-class"              // of a VariantAutoscaling: its service class
	LabelControllerInstance = "wva.llmd.ai/controller-instance"        // of a VariantAutoscaling: the controller that manages it
	LabelConfigEnabled      = "wva.llmd.ai/config-enabled"             // of a namespace: its own ConfigMaps count, where it is "true"
	AnnotationExclude       = "wva.llmd.ai/exclude"                    // of a namespace: nothing in it is managed, where it is "true"
)

// ProductLabels are the labels of nodes, and keys of node selectors, that name the accelerator of a node.
func ProductLabels() []string { return []string{"nvidia.com/gpu.product", "amd.com/gpu.product-name"} }

// DeviceResources are the resources of containers and nodes that count accelerators.
func DeviceResources() []string { return []string{"nvidia.com/gpu", "amd.com/gpu"} }

// MostReplicas is what a variant can have.
const MostReplicas = 1_000_000
