// Package manifest reads a fleet and its policy from YAML files, as they would be applied to a cluster.
//
// [Load] walks a file system for .yaml, .yml and .json files and reads
//
//   - VariantAutoscaling resources of llmd.ai/v1alpha1 and the Deployments they scale, which make the [Fleet];
//   - the ConfigMaps accelerator-unitcost, serviceclass, capacity-scaling-config and model-scale-to-zero, which make
//     the policy, on top of [wva.DefaultPolicy].
//
// Files may hold several documents, and documents may be lists. What stands in the files does not depend on their names
// or order, except that of two definitions of the same thing the first counts.
//
// # Variants
//
// A variant takes its accelerator from the label inference.optimization/acceleratorName of the VariantAutoscaling or
// its Deployment, or else from a node selector for the product (nvidia.com/gpu.product, amd.com/gpu.product-name); its devices
// per replica from the resource limits nvidia.com/gpu and amd.com/gpu of the Deployment's containers, or else from the
// accCount of the resource's modelProfile; and its service class from the label wva.llmd.ai/service-class or from
// sloClassRef. A modelProfile with all parameters also gives the variant its performance, converted for requests of 512
// tokens in and 256 out, which HYBRID mode needs. A VariantAutoscaling whose Deployment is not in the files is a variant without target, as it would be
// in a cluster.
//
// # Errors
//
// Whatever is wrong is reported with file and line: unknown fields and kinds, values out of bounds, names used twice. Lines
// inside a ConfigMap's block of text are lines of the file. One thing that is wrong does not keep the rest from being
// read: Load returns everything that is sound beside the joined errors, and a caller that tolerates no mistake treats
// any error as fatal.
package manifest
