package kubernetes_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	prom "github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/runtime"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/config"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/wva-go/wva"
	"github.com/wva-go/wva/adapters/kubernetes"
	"github.com/wva-go/wva/adapters/prometheus"
	"github.com/wva-go/wva/internal/servers"
)

// setting says how a controller runs.
type setting struct {
	user    servers.User // the zero user is controllerUser
	fleet   kubernetes.FleetOptions
	options kubernetes.Options
	metrics func(*kubernetes.Fleet) wva.MetricsSource // nil = options.Metrics
	lease   string                                    // namespace of the lease; empty = no election
}

// running is a controller that runs.
type running struct {
	fleet      *kubernetes.Fleet
	controller *kubernetes.Controller
	registry   *prom.Registry
	wire       *wire

	log    bytes.Buffer
	cancel context.CancelFunc
	done   chan struct{}
	err    error // of the manager, once it is done

	t      *testing.T
	mu     sync.Mutex
	steps  int
	report wva.Report
	failed error
}

// run runs a controller until the test ends.
func (e *environment) run(t *testing.T, s setting) *running {
	t.Helper()
	r := &running{t: t, registry: prom.NewRegistry(), wire: &wire{}, done: make(chan struct{})}
	if s.user.Name == "" {
		s.user = controllerUser
	}
	for _, own := range []string{s.options.Namespace, s.lease} {
		if own != "" {
			e.authorizeIn(t, own, s.user.Name)
		}
	}
	e.wires = append(e.wires, r.wire)
	access := e.config(t, s.user)
	access.Wrap(r.wire.wrap)
	manager, err := ctrl.NewManager(access, managerOptions(s))
	if err != nil {
		t.Fatal(err)
	}
	if r.fleet, err = kubernetes.NewFleet(manager, s.fleet); err != nil {
		t.Fatal(err)
	}
	publisher, err := prometheus.NewPublisher(r.registry, prometheus.PublisherOptions{ControllerInstance: s.fleet.ControllerInstance})
	if err != nil {
		t.Fatal(err)
	}
	o := s.options
	o.Fleet, o.Publisher = r.fleet, publisher
	if s.metrics != nil {
		o.Metrics = s.metrics(r.fleet)
	}
	o.OnStep, o.Logger = r.observe, slog.New(slog.NewTextHandler(&r.log, nil))
	if r.controller, err = kubernetes.Setup(manager, o); err != nil {
		t.Fatal(err)
	}
	var ctx context.Context
	ctx, r.cancel = context.WithCancel(context.WithoutCancel(t.Context()))
	go func() {
		defer close(r.done)
		r.err = manager.Start(ctx)
	}()
	t.Cleanup(func() {
		r.stop()
		if log := r.log.String(); t.Failed() {
			t.Logf("the end of the log of a controller, which ended with %v:\n%s", r.err, log[max(0, len(log)-4000):])
		}
	})
	return r
}

func managerOptions(s setting) ctrl.Options {
	again, lease, renew, retry := true, 15*time.Second, 10*time.Second, 500*time.Millisecond
	return ctrl.Options{
		Scheme: runtime.NewScheme(), Logger: logr.Discard(), Metrics: server.Options{BindAddress: "0"}, Controller: config.Controller{SkipNameValidation: &again},
		LeaderElection: s.lease != "", LeaderElectionNamespace: s.lease, LeaderElectionID: leaseName, LeaderElectionReleaseOnCancel: true,
		LeaseDuration: &lease, RenewDeadline: &renew, RetryPeriod: &retry,
	}
}

// stop ends the controller and waits until it has ended.
func (r *running) stop() {
	r.cancel()
	<-r.done
}

func (r *running) observe(report wva.Report, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.steps++
	r.report, r.failed = report, err
	if err != nil && strings.Contains(err.Error(), "panicked") {
		r.t.Errorf("step: %v", err)
	}
}

// last returns the outcome of the latest step, and how many there were.
func (r *running) last() (report wva.Report, steps int, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.report, r.steps, r.failed
}

// awaitSteps waits for further steps.
func (r *running) awaitSteps(t *testing.T, n int) {
	t.Helper()
	_, begun, _ := r.last()
	eventually(t, func() error {
		if _, steps, err := r.last(); steps < begun+n {
			return fmt.Errorf("%d of %d steps, last: %v", steps-begun, n, err)
		}
		return nil
	})
}

// awaitQuiet waits for two steps in a row during which nothing is written.
func (r *running) awaitQuiet(t *testing.T) {
	t.Helper()
	eventually(t, func() error {
		before := r.wire.counts()
		r.awaitSteps(t, 2)
		if n := writes(r.wire.since(before)); len(n) > 0 {
			return fmt.Errorf("still writes %v", n)
		}
		return nil
	})
}

// published returns the value of a metric for a variant, and whether there is one.
func (r *running) published(t *testing.T, metric string, id wva.ID) (float64, bool) {
	t.Helper()
	families, err := r.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() != metric {
			continue
		}
		for _, m := range f.GetMetric() {
			labels := map[string]string{}
			for _, l := range m.GetLabel() {
				labels[l.GetName()] = l.GetValue()
			}
			if labels["namespace"] == id.Namespace && labels["variant_name"] == id.Name {
				return m.GetGauge().GetValue(), true
			}
		}
	}
	return 0, false
}
