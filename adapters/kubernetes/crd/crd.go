// Package crd is the CustomResourceDefinition of the VariantAutoscaling, as a document to apply.
package crd

import _ "embed"

// VariantAutoscalings defines llmd.ai/v1alpha1 VariantAutoscaling, in YAML.
//
//go:embed llmd.ai_variantautoscalings.yaml
var VariantAutoscalings string
