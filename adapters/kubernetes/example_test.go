package kubernetes_test

import (
	"log/slog"
	"os"

	"k8s.io/apimachinery/pkg/runtime"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/wva-go/wva/adapters/kubernetes"
	"github.com/wva-go/wva/adapters/prometheus"
)

// A controller that decides by the metrics in Prometheus and publishes what it decides. It runs where there is a cluster.
func Example() {
	must := func(err error) {
		if err != nil {
			slog.Error("controller", "error", err)
			os.Exit(1)
		}
	}
	mgr, err := ctrl.NewManager(ctrl.GetConfigOrDie(), ctrl.Options{Scheme: runtime.NewScheme()})
	must(err)
	fleet, err := kubernetes.NewFleet(mgr, kubernetes.FleetOptions{})
	must(err)
	config, err := prometheus.ConfigFromEnvironment(os.LookupEnv)
	must(err)
	source, err := prometheus.NewSource(config, prometheus.SourceOptions{Owners: fleet.Owners, Retention: fleet.Retention})
	must(err)
	publisher, err := prometheus.NewPublisher(metrics.Registry, prometheus.PublisherOptions{})
	must(err)
	_, err = kubernetes.Setup(mgr, kubernetes.Options{Fleet: fleet, Metrics: source, Publisher: publisher, Namespace: "wva-system", Logger: slog.Default()})
	must(err)
	must(mgr.Start(ctrl.SetupSignalHandler()))
}
