// Package kubernetes runs wva in a cluster: a fleet of VariantAutoscaling resources and their scale targets, a scaler that writes scale subresources or leaves that
// to others, the guide's ConfigMaps as the policy, and status, conditions and events that say what was decided.
//
//	fleet, err := kubernetes.NewFleet(mgr, kubernetes.FleetOptions{})
//	// a metrics source that asks fleet.Owner which variant a pod belongs to
//	controller, err := kubernetes.Setup(mgr, kubernetes.Options{Fleet: fleet, Metrics: source, Publisher: publisher})
//	err = mgr.Start(ctx)
//
// A [Fleet] reads from watches, of which it keeps little: resources, pods, the kinds of scale targets that resources name, and nodes where they limit the
// fleet. They run in every replica of the controller, so that the one that takes the lead knows everything.
//
// A [Controller] runs where it leads. It steps an Autoscaler every interval, and at once when a resource, its target or a ConfigMap changes; what its cycles
// come to it publishes, carries out with [Scale], and hands to a reconciler, which alone writes statuses and events. That one compares what the last cycle said
// with how things stand now: a target that has gone is told, and withdrawn from what is published, when the watch says so and not with the next cycle. Nothing
// is written that is there already, and no write overrides one of somebody else.
//
// A target is anything with a scale subresource. Deployment, StatefulSet, LeaderWorkerSet, ReplicaSet and ReplicationController are read from the watch alone;
// of other kinds the scale subresource is read when the object changes, and apiVersion must be given. A target that cannot be read is not gone: its variant
// stays as it was known last, and its status says what is in the way, be it a definition or a right that is missing.
package kubernetes
