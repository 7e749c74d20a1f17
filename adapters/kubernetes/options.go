package kubernetes

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"time"

	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/wva-go/wva"
)

// FleetOptions say which part of the cluster a [Fleet] is. The zero value is all of it, without a limit on devices.
type FleetOptions struct {
	// ControllerInstance, where it is set, leaves only the resources whose label wva.llmd.ai/controller-instance has this value.
	ControllerInstance string
	// Namespaces, where there are any, are the only ones looked at.
	Namespaces []string
	// NodeInventory counts the accelerators of the cluster's nodes, less what others use, as the limit of the fleet. It is not for clusters that add nodes on demand.
	NodeInventory bool
}

// Options configure a controller. Fleet and Metrics are required.
type Options struct {
	Fleet   *Fleet
	Metrics wva.MetricsSource
	// Publisher is given the decisions of every cycle, those of variants without a target taken away: a prometheus.Publisher, say; nil = nothing is published. Where it also has
	// the methods of that one, a variant that goes is withdrawn at once by Forget(...wva.ID), and Observe is told of every cycle and the time that it took.
	Publisher wva.Scaler

	// Actuation says what is done with decisions besides publishing them; the zero value is Publish.
	Actuation Actuation
	// Policy is what the ConfigMaps refine; the zero value is wva.DefaultPolicy.
	Policy wva.Policy
	// Interval is the time between cycles; 0 = one minute.
	Interval time.Duration
	// StepTimeout bounds one cycle; 0 = the interval.
	StepTimeout time.Duration

	// Namespace is the controller's own, where the ConfigMaps are (POD_NAMESPACE). Empty = no ConfigMaps are read.
	Namespace string
	// ConfigMap is the name of one more ConfigMap there, whose entries are settings with the names of the environment variables GLOBAL_OPT_INTERVAL,
	// EXPERIMENTAL_PROACTIVE_MODEL and WVA_SCALE_TO_ZERO (CONFIG_MAP_NAME). Empty = none.
	ConfigMap string
	// Environment looks settings up that win over those of the ConfigMap: os.LookupEnv, or nil for none.
	Environment func(string) (string, bool)

	Logger *slog.Logger     // nil = silent
	Clock  func() time.Time // nil = time.Now
	// OnStep, where it is set, is given the outcome of every cycle; the statuses are written meanwhile.
	OnStep func(wva.Report, error)
}

// Actuation is what is done with a decision besides publishing it.
type Actuation string

// The ways of acting.
const (
	Publish Actuation = ""       // nothing: a HorizontalPodAutoscaler or KEDA acts on the published metrics
	Scale   Actuation = "scale"  // write the scale subresource of the target
	DryRun  Actuation = "dryrun" // write it with dry run: the API server checks the change and drops it
)

// withDefaults fills in what is left out, and reports what cannot be.
func (o Options) withDefaults() (Options, error) {
	var errs []error
	if o.Fleet == nil {
		errs = append(errs, errors.New("kubernetes: no fleet: make one with NewFleet"))
	}
	if o.Metrics == nil {
		errs = append(errs, errors.New("kubernetes: no metrics source"))
	}
	switch o.Actuation {
	case Publish, Scale, DryRun:
	default:
		errs = append(errs, fmt.Errorf("kubernetes: actuation %q: want %q, %q or nothing, to publish alone", o.Actuation, Scale, DryRun))
	}
	if o.Interval < 0 || o.StepTimeout < 0 {
		errs = append(errs, fmt.Errorf("kubernetes: interval %v, step timeout %v: want none below 0", o.Interval, o.StepTimeout))
	}
	if o.ConfigMap != "" && o.Namespace == "" {
		errs = append(errs, fmt.Errorf("kubernetes: ConfigMap %q without the namespace that it is in", o.ConfigMap))
	}
	o.Interval = cmp.Or(o.Interval, time.Minute)
	o.StepTimeout = cmp.Or(o.StepTimeout, max(o.Interval, time.Second))
	if reflect.ValueOf(o.Policy).IsZero() {
		o.Policy = wva.DefaultPolicy()
	}
	if err := o.Policy.Validate(); err != nil {
		errs = append(errs, fmt.Errorf("kubernetes: %w", err))
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	return o, errors.Join(errs...)
}

// scaler returns what carries decisions out, nil where nothing does.
func (o Options) scaler(mgr ctrl.Manager) wva.Scaler {
	switch o.Actuation {
	case Scale:
		return &Scaler{Client: mgr.GetClient()}
	case DryRun:
		return &Scaler{Client: mgr.GetClient(), DryRun: true}
	}
	return nil
}
