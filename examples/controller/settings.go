package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/wva-go/wva"
	"github.com/wva-go/wva/adapters/kubernetes"
	"github.com/wva-go/wva/adapters/prometheus"
)

// settings are what the flags and the environment say.
type settings struct {
	metricsAddress, metricsCertDir, healthAddress string
	metricsSecure, newNames                       bool
	leaderElect                                   bool
	actuation                                     kubernetes.Actuation
	inventory                                     bool
	namespaces                                    []string
	qps                                           int

	prometheus  prometheus.Config
	instance    string        // CONTROLLER_INSTANCE
	namespace   string        // POD_NAMESPACE
	configMap   string        // CONFIG_MAP_NAME
	interval    time.Duration // GLOBAL_OPT_INTERVAL
	level       slog.Level    // LOG_LEVEL
	environment func(string) (string, bool)
}

const usage = `Usage: controller [flags]

Decides how many replicas of each VariantAutoscaling's target to run.

Environment:
  PROMETHEUS_BASE_URL            address of Prometheus (required); further PROMETHEUS_TLS_INSECURE_SKIP_VERIFY, PROMETHEUS_CA_CERT_PATH,
                                 PROMETHEUS_CLIENT_CERT_PATH, PROMETHEUS_CLIENT_KEY_PATH, PROMETHEUS_SERVER_NAME, PROMETHEUS_BEARER_TOKEN,
                                 PROMETHEUS_TOKEN_PATH, PROMETHEUS_ALLOW_HTTP
  POD_NAMESPACE                  namespace of the controller, its ConfigMaps and its lease
  CONFIG_MAP_NAME                ConfigMap there whose entries are the next three settings; the environment wins
  GLOBAL_OPT_INTERVAL            time between cycles (60s)
  EXPERIMENTAL_PROACTIVE_MODEL   true for HYBRID, false for CAPACITY-ONLY mode (false)
  WVA_SCALE_TO_ZERO              true lets models without requests run without replicas (false)
  CONTROLLER_INSTANCE            manage only resources labelled wva.llmd.ai/controller-instance with this
  LOG_LEVEL                      debug, info, warn or error (info)

Flags:
`

// readSettings reads flags and environment, and reports everything that is wrong with them at once.
func readSettings(args []string, environment func(string) (string, bool), help io.Writer) (settings, error) {
	s := settings{environment: environment, interval: time.Minute}
	flags := flag.NewFlagSet("controller", flag.ContinueOnError)
	flags.SetOutput(help)
	flags.Usage = func() {
		fmt.Fprint(help, usage)
		flags.PrintDefaults()
	}
	flags.StringVar(&s.metricsAddress, "metrics-bind-address", ":8443", "address of the metrics endpoint, 0 for none")
	flags.BoolVar(&s.metricsSecure, "metrics-secure", true, "serve metrics by TLS, to those whom the API server lets read /metrics")
	flags.StringVar(&s.metricsCertDir, "metrics-cert-dir", "", "directory of tls.crt and tls.key for the metrics endpoint; none = a certificate made at start")
	flags.BoolVar(&s.newNames, "new-metric-names", false, "publish the metrics that begin with wva_ beside those that begin with inferno_")
	flags.StringVar(&s.healthAddress, "health-probe-bind-address", ":8081", "address of /healthz and /readyz, 0 for none")
	flags.BoolVar(&s.leaderElect, "leader-elect", false, "let one of several replicas lead; wants POD_NAMESPACE outside of a cluster")
	actuation := flags.String("actuation", "publish", "publish = leave scaling to a HorizontalPodAutoscaler or KEDA; scale = write scale subresources; dryrun = try to")
	inventory := flags.String("inventory", "unlimited", "unlimited, or nodes = the accelerators of the nodes, less what others use, limit the fleet")
	namespaces := flags.String("namespaces", "", "namespaces to look at, separated by commas; none = all")
	flags.IntVar(&s.qps, "kube-api-qps", 50, "most calls to the API server per second, twice that for a moment")
	if err := flags.Parse(args); err != nil {
		return s, err
	}
	var errs []error
	if flags.NArg() > 0 {
		errs = append(errs, fmt.Errorf("argument %q: want flags alone", flags.Arg(0)))
	}
	switch *actuation {
	case "publish":
		s.actuation = kubernetes.Publish
	case "scale", "dryrun":
		s.actuation = kubernetes.Actuation(*actuation)
	default:
		errs = append(errs, fmt.Errorf("-actuation %q: want publish, scale or dryrun", *actuation))
	}
	switch *inventory {
	case "unlimited", "nodes":
		s.inventory = *inventory == "nodes"
	default:
		errs = append(errs, fmt.Errorf("-inventory %q: want unlimited or nodes", *inventory))
	}
	if s.qps < 1 {
		errs = append(errs, fmt.Errorf("-kube-api-qps %d: want 1 or more", s.qps))
	}
	for ns := range strings.SplitSeq(*namespaces, ",") {
		if ns = strings.TrimSpace(ns); ns != "" {
			s.namespaces = append(s.namespaces, ns)
		}
	}
	errs = append(errs, s.readEnvironment())
	return s, errors.Join(errs...)
}

func (s *settings) readEnvironment() error {
	var errs []error
	get := func(name string) string {
		text, _ := s.environment(name)
		return strings.TrimSpace(text)
	}
	s.namespace, s.configMap, s.instance = get("POD_NAMESPACE"), get("CONFIG_MAP_NAME"), get("CONTROLLER_INSTANCE")
	if s.namespace == "" && (s.configMap != "" || s.leaderElect) {
		errs = append(errs, errors.New("POD_NAMESPACE is not set: give the namespace of the ConfigMaps and the lease"))
	}
	if s.leaderElect && len(validation.IsDNS1123Subdomain(s.lease())) > 0 {
		errs = append(errs, fmt.Errorf("CONTROLLER_INSTANCE %q: want lower case letters, digits and dashes, since the lease is called %s", s.instance, s.lease()))
	}
	if text := get("GLOBAL_OPT_INTERVAL"); text != "" {
		d, err := kubernetes.ParseInterval(text)
		if err != nil {
			errs = append(errs, err)
		}
		s.interval = d
	}
	if text := get("LOG_LEVEL"); text != "" {
		if err := s.level.UnmarshalText([]byte(text)); err != nil {
			errs = append(errs, fmt.Errorf("LOG_LEVEL %q: want debug, info, warn or error", text))
		}
	}
	_, err := wva.DefaultPolicy().WithEnvironment(s.environment)
	errs = append(errs, err)
	s.prometheus, err = prometheus.ConfigFromEnvironment(s.environment)
	return errors.Join(append(errs, err)...)
}

// lease is the name of the lease; controllers of different instances lead at the same time.
func (s *settings) lease() string {
	if s.instance == "" {
		return "wva-controller"
	}
	return "wva-controller-" + s.instance
}
