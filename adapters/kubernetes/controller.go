package kubernetes

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/wva-go/wva"
	"github.com/wva-go/wva/adapters/kubernetes/api/v1alpha1"
)

// Controller runs the autoscaler in a manager.
type Controller struct {
	options     Options
	fleet       *Fleet
	autoscaler  *wva.Autoscaler
	publication *publication
	reconciler  *reconciler
	configMaps  *configMaps
	log         *slog.Logger

	wake    chan struct{} // holds a request for a cycle
	queue   workqueue.TypedRateLimitingInterface[ctrl.Request]
	started chan struct{} // closed once there is a queue
}

// name of the controller, in logs and as the reporter of events.
const name = "wva-controller"

// Setup wires a controller into a manager, which then runs it where it is the leader. The fleet must be of the same manager, and may have one controller.
func Setup(mgr ctrl.Manager, o Options) (*Controller, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	if err := errors.Join(corev1.AddToScheme(mgr.GetScheme()), v1alpha1.AddToScheme(mgr.GetScheme())); err != nil {
		return nil, fmt.Errorf("kubernetes: %w", err)
	}
	c := &Controller{options: o, fleet: o.Fleet, log: o.Logger, wake: make(chan struct{}, 1), started: make(chan struct{})}
	config := newConfiguration(o.Policy, o.Environment)
	config.namespace, config.settings = o.Namespace, o.ConfigMap
	c.fleet.config = config
	c.publication = &publication{next: o.Publisher, act: o.scaler(mgr), exists: c.exists}
	if c.autoscaler, err = wva.NewAutoscaler(c.fleet, o.Metrics, c.publication, o.Policy); err != nil {
		return nil, err
	}
	c.autoscaler.Clock, c.autoscaler.StepTimeout = o.Clock, o.StepTimeout
	recorder := mgr.GetEventRecorder(name)
	c.reconciler = &reconciler{
		fleet: c.fleet, client: mgr.GetClient(), outcomes: &outcomes{}, withdraw: c.publication.withdraw, trigger: c.Trigger, recorder: recorder, now: o.Clock,
		records: map[wva.ID]*record{},
	}
	if c.configMaps, err = newConfigMaps(mgr, config, c.fleet.options.Namespaces, recorder, c.Trigger); err != nil {
		return nil, err
	}
	return c, errors.Join(c.setupQueue(mgr), mgr.Add(c))
}

// setupQueue has the statuses written by a controller of the manager, which brings retries with it.
func (c *Controller) setupQueue(mgr ctrl.Manager) error {
	queue, err := controller.New(name, mgr, controller.Options{
		Reconciler: c.reconciler, MaxConcurrentReconciles: 8, LogConstructor: func(*ctrl.Request) logr.Logger { return logr.FromSlogHandler(c.log.Handler()) },
	})
	if err != nil {
		return fmt.Errorf("kubernetes: %w", err)
	}
	return queue.Watch(source.Func(func(_ context.Context, q workqueue.TypedRateLimitingInterface[ctrl.Request]) error {
		c.queue = q
		c.fleet.watches.listen(c.look)
		close(c.started)
		return nil
	}))
}

// look has a resource looked at.
func (c *Controller) look(key types.NamespacedName) { c.queue.Add(ctrl.Request{NamespacedName: key}) }

// Trigger asks for a cycle now. Many requests before it begins are one.
func (c *Controller) Trigger() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// Ready is a check for the manager's readiness probe: whether the watches have caught up.
func (c *Controller) Ready(*http.Request) error {
	select {
	case <-c.fleet.watches.synced:
		return nil
	default:
		return errors.New("the watches have not caught up yet: check that the VariantAutoscaling definition is installed and may be watched")
	}
}

// NeedLeaderElection lets one replica of the controller decide.
func (c *Controller) NeedLeaderElection() bool { return true }

// Start runs cycles until the context ends: every interval, and as soon as something asks for one.
func (c *Controller) Start(ctx context.Context) error {
	var group sync.WaitGroup
	defer group.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if err := c.prepare(ctx, &group); err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	for next := time.Now(); ctx.Err() == nil; {
		begun := time.Now()
		c.step(ctx)
		next = c.beat(next)
		if !c.rest(ctx, time.Since(begun), next) {
			break
		}
	}
	return nil
}

// prepare returns when all is known that the first cycle should know.
func (c *Controller) prepare(ctx context.Context, group *sync.WaitGroup) error {
	patience := time.AfterFunc(patienceAtStart, func() {
		c.log.WarnContext(ctx, "still waiting for the watches: check that the API server answers, that the VariantAutoscaling definition is installed, and that the controller may list what it watches")
	})
	defer patience.Stop()
	if err := errors.Join(c.configMaps.start(ctx, group), c.fleet.watches.settled(ctx)); err != nil {
		return err
	}
	select {
	case <-c.started:
	case <-ctx.Done():
		return ctx.Err()
	}
	return c.resume(ctx)
}

// patienceAtStart is how long the watches may take before somebody should look.
const patienceAtStart = 15 * time.Second

// beat returns when the next regular cycle is due, after a cycle at the time of the last one, or before it where something asked for an extra one.
func (c *Controller) beat(last time.Time) time.Time {
	now, interval := time.Now(), c.fleet.config.interval(c.options.Interval)
	latest := now.Add(interval)
	switch next := last.Add(interval); {
	case last.After(latest), next.Before(now):
		return latest // the interval was shortened, or cycles take longer than it
	case last.After(now):
		return last
	default:
		return next
	}
}

// rest waits for the next regular cycle or a request for one, but as long as a cycle takes in any case, so that a storm of requests is not one of cycles. It returns false when
// the context ends.
func (c *Controller) rest(ctx context.Context, took time.Duration, next time.Time) bool {
	pause := time.NewTimer(max(took, shortestPause))
	defer pause.Stop()
	select {
	case <-pause.C:
	case <-ctx.Done():
		return false
	}
	due := time.NewTimer(time.Until(next))
	defer due.Stop()
	select {
	case <-due.C:
	case <-c.wake:
	case <-ctx.Done():
		return false
	}
	return true
}

const shortestPause = 50 * time.Millisecond
