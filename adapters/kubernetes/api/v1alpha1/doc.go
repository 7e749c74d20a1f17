// Package v1alpha1 is the API group llmd.ai/v1alpha1: the VariantAutoscaling resource, one for each variant of a model.
//
// The documents of the Workload-Variant-Autoscaler's configuration guide apply unchanged, those of its version 0.4 with a
// modelProfile and a sloClassRef included. The guide spells the model's field modelID, and once modelId; a structural
// schema would drop the second without a word, so it knows both and wants exactly one of them.
//
// The CustomResourceDefinition that belongs to these types is generated into the package crd.
//
// +kubebuilder:object:generate=true
// +groupName=llmd.ai
package v1alpha1

//go:generate go tool controller-gen object crd:generateEmbeddedObjectMeta=false paths=. output:object:dir=. output:crd:dir=../../crd
