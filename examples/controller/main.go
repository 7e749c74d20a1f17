// Command controller is a complete autoscaling controller for Kubernetes: it decides by the metrics that Prometheus has of the model servers, writes status and events, and
// publishes the desired replicas for a HorizontalPodAutoscaler or KEDA, or scales by itself. README.md says how to run it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
	"sigs.k8s.io/controller-runtime/pkg/metrics/filters"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/wva-go/wva/adapters/kubernetes"
	"github.com/wva-go/wva/adapters/prometheus"
)

func main() {
	err := run(ctrl.SetupSignalHandler(), os.Args[1:], os.LookupEnv)
	switch {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, "controller:", err)
		os.Exit(1)
	}
}

// run runs the controller until the context ends.
func run(ctx context.Context, args []string, environment func(string) (string, bool)) error {
	s, err := readSettings(args, environment, os.Stderr)
	if err != nil {
		return err
	}
	logger := slog.New(slog.NewJSONHandler(os.Stderr, &slog.HandlerOptions{Level: s.level}))
	ctrl.SetLogger(logr.FromSlogHandler(logger.Handler()))
	klog.SetSlogLogger(logger.With("logger", "client-go"))
	access, err := ctrl.GetConfig()
	if err != nil {
		return fmt.Errorf("no cluster: %w: run in a pod, or give a kubeconfig", err)
	}
	access.QPS, access.Burst = float32(s.qps), 2*s.qps
	mgr, err := newManager(access, s)
	if err != nil {
		return err
	}
	if err := setup(mgr, s, logger); err != nil {
		return err
	}
	logger.InfoContext(ctx, "starting", "prometheus", s.prometheus, "instance", s.instance, "actuation", s.actuation, "namespace", s.namespace)
	return mgr.Start(ctx)
}

// newManager makes a manager with leader election, probes, and metrics for those who may read them.
func newManager(access *rest.Config, s settings) (ctrl.Manager, error) {
	endpoint := server.Options{BindAddress: s.metricsAddress, SecureServing: s.metricsSecure, CertDir: s.metricsCertDir}
	if s.metricsSecure {
		endpoint.FilterProvider = filters.WithAuthenticationAndAuthorization
	}
	mgr, err := ctrl.NewManager(access, ctrl.Options{
		Scheme: runtime.NewScheme(), Metrics: endpoint, HealthProbeBindAddress: s.healthAddress,
		LeaderElection: s.leaderElect, LeaderElectionID: s.lease(), LeaderElectionNamespace: s.namespace, LeaderElectionReleaseOnCancel: true,
	})
	if err != nil {
		return nil, fmt.Errorf("manager: %w", err)
	}
	return mgr, errors.Join(mgr.AddHealthzCheck("ping", healthz.Ping))
}

// setup puts the parts together: the fleet in the cluster, its metrics in Prometheus, the decisions in our own metrics.
func setup(mgr ctrl.Manager, s settings, logger *slog.Logger) error {
	fleet, err := kubernetes.NewFleet(mgr, kubernetes.FleetOptions{ControllerInstance: s.instance, Namespaces: s.namespaces, NodeInventory: s.inventory})
	if err != nil {
		return err
	}
	source, err := prometheus.NewSource(s.prometheus, prometheus.SourceOptions{Owners: fleet.Owners, Retention: fleet.Retention})
	if err != nil {
		return err
	}
	publisher, err := prometheus.NewPublisher(metrics.Registry, prometheus.PublisherOptions{ControllerInstance: s.instance, NewNames: s.newNames})
	if err != nil {
		return err
	}
	controller, err := kubernetes.Setup(mgr, kubernetes.Options{
		Fleet: fleet, Metrics: source, Publisher: publisher, Actuation: s.actuation, Interval: s.interval,
		Namespace: s.namespace, ConfigMap: s.configMap, Environment: s.environment, Logger: logger,
	})
	if err != nil {
		return err
	}
	return mgr.AddReadyzCheck("watches", controller.Ready)
}
