package kubernetes

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/util/retry"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/wva-go/wva"
)

// ErrChanged is why a decision is not carried out whose target somebody else scaled meanwhile: it rests on what no longer is, and the next cycle decides anew.
var ErrChanged = errors.New("the replicas were changed meanwhile")

// Scaler writes decisions to the scale subresources of their targets. It never overwrites what somebody else wrote since the decision: that fails with [ErrChanged].
type Scaler struct {
	Client client.SubResourceClientConstructor
	DryRun bool // the API server checks the change and drops it
	// Concurrency is how many targets are scaled at once; 0 = 8.
	Concurrency int
}

// Scale implements [wva.Scaler].
func (s *Scaler) Scale(ctx context.Context, decisions []wva.Decision) error {
	workers := s.Concurrency
	if workers <= 0 {
		workers = 8
	}
	places := make(chan struct{}, workers)
	errs := make([]error, len(decisions))
	var group sync.WaitGroup
	for i, d := range decisions {
		if d.Target == d.Current {
			continue
		}
		places <- struct{}{}
		group.Go(func() {
			defer func() { <-places }()
			if err := s.scale(ctx, d); err != nil {
				errs[i] = &wva.ScaleError{Variant: d.Variant, Err: err}
			}
		})
	}
	group.Wait()
	return errors.Join(errs...)
}

// scale carries one decision out. The write names the version that was read, and is tried again where another write of the same object came between.
func (s *Scaler) scale(ctx context.Context, d wva.Decision) error {
	gv, err := schema.ParseGroupVersion(d.Scale.APIVersion)
	if err != nil {
		return fmt.Errorf("apiVersion %q of the target: want group/version, such as apps/v1", d.Scale.APIVersion)
	}
	object := &unstructured.Unstructured{}
	object.SetGroupVersionKind(gv.WithKind(d.Scale.Kind))
	object.SetNamespace(d.Variant.Namespace)
	object.SetName(d.Scale.Name)
	return retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		scale := &unstructured.Unstructured{}
		scale.SetAPIVersion("autoscaling/v1")
		scale.SetKind("Scale")
		if err := s.Client.SubResource("scale").Get(ctx, object, scale); err != nil {
			return err
		}
		switch now, _, err := unstructured.NestedInt64(scale.Object, "spec", "replicas"); {
		case err != nil:
			return fmt.Errorf("scale subresource: spec.replicas: %w", err)
		case now == int64(d.Target):
			return nil
		case now != int64(d.Current):
			return fmt.Errorf("%w: %d to %d was decided, now there are %d", ErrChanged, d.Current, d.Target, now)
		}
		if err := unstructured.SetNestedField(scale.Object, int64(d.Target), "spec", "replicas"); err != nil {
			return fmt.Errorf("scale subresource: %w", err)
		}
		options := []client.SubResourceUpdateOption{client.WithSubResourceBody(scale)}
		if s.DryRun {
			options = append(options, client.DryRunAll)
		}
		return s.Client.SubResource("scale").Update(ctx, object, options...)
	})
}
