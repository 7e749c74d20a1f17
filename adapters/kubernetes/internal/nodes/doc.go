// Package nodes plays the machines of a cluster that has none, for tests against a real API server: it registers Nodes with accelerators, binds pods to them while
// accelerators last, makes bound pods ready after a while, and takes terminating ones away.
//
// It is the scheduler and all kubelets in one, in the few calls that they would make: three for the life of a pod.
package nodes
