// Package kubernetes runs wva in a cluster: a fleet of VariantAutoscaling resources and their scale targets, a scaler that writes scale subresources or leaves that
// to others, the guide's ConfigMaps as the policy, and status, conditions and events that say what was decided.
//
//	fleet, err := kubernetes.NewFleet(mgr, kubernetes.FleetOptions{})
//	// a metrics source that asks fleet.Owner which variant a pod belongs to
//	controller, err := kubernetes.Setup(mgr, kubernetes.Options{Fleet: fleet, Metrics: source, Publisher: publisher})
//	err = mgr.Start(ctx)
package kubernetes
