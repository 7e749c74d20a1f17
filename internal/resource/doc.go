// Package resource knows what VariantAutoscalings, their scale targets and the ConfigMaps of the policy mean, however they are read: from files or from a cluster.
package resource
