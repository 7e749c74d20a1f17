// Package kubernetes runs wva in a cluster: a fleet of VariantAutoscaling resources and their scale targets, a scaler that writes scale subresources or leaves that
// to others, the guide's ConfigMaps as the policy, and status, conditions and events that say what was decided.
//
// A controller is three parts on one manager: a [Fleet], a metrics source, and [Setup], which makes the loop of them. The Example is a whole one.
//
//	fleet, err := kubernetes.NewFleet(mgr, kubernetes.FleetOptions{})
//	// a metrics source that asks fleet.Owners which variant a pod belongs to
//	controller, err := kubernetes.Setup(mgr, kubernetes.Options{Fleet: fleet, Metrics: source, Publisher: publisher})
//	err = mgr.Start(ctx)
//
// # What is read
//
// A variant is a VariantAutoscaling of llmd.ai/v1alpha1 (package api/v1alpha1; package crd has its definition to apply). Its target is anything with a scale
// subresource: Deployment, StatefulSet, LeaderWorkerSet, ReplicaSet and ReplicationController are read from watches alone; of other kinds the subresource is read
// when the object changes, and apiVersion must be given. A resource whose target does not exist, or not yet, takes no part until it does. A target that cannot be
// read is not gone: its variant stays as it was known last, and the status says what is in the way, be it a definition or a right. FleetOptions leave resources
// out by the label wva.llmd.ai/controller-instance and by namespace; a namespace whose annotation wva.llmd.ai/exclude is "true" is left alone.
//
// The ConfigMaps accelerator-unitcost, serviceclass, capacity-scaling-config and model-scale-to-zero of the controller's own namespace refine Options.Policy, and
// those of a namespace whose label wva.llmd.ai/config-enabled is "true" do so for its models. They are watched. What is wrong in one is an event on it, and what
// was in force stays.
//
// # What is written
//
// A cycle runs every Interval, and at once when a resource, a target or a ConfigMap changes. Its decisions go to Options.Publisher, and with [Scale] to the scale
// subresources; one that fails does not keep the others from being written. Every resource has its status, conditions and events from the last cycle that saw it,
// in the light of how things stand now: a target that has gone is told, and withdrawn from what is published, when the watch says so and not with the next cycle.
// They are written when they change, and never over what somebody else wrote meanwhile.
//
// One controller of several runs the loop where the manager elects a leader; the others watch too, so that the one that takes the lead knows everything.
package kubernetes
