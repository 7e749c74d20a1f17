package kubernetes

import (
	"context"
	"errors"
	"fmt"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/wva-go/wva/adapters/kubernetes/api/v1alpha1"
)

// finder looks scale targets up.
type finder struct {
	reader client.Reader                                        // the cache
	ready  func(context.Context, schema.GroupVersionKind) error // whether the cache can tell about a kind
	scales client.SubResourceClientConstructor                  // for kinds that are not conventional

	mu     sync.Mutex
	scaled map[reference]target // what their scales said last
}

// errMissing says that a scale target does not exist.
var errMissing = errors.New("does not exist")

// find returns the scale target of a resource: errMissing where there is none, errNotYet while that is not known, and any other error where it cannot be read.
func (f *finder) find(ctx context.Context, va *v1alpha1.VariantAutoscaling) (target, error) {
	kind, err := kindOf(va.Spec.ScaleTargetRef)
	if err != nil {
		return target{}, err
	}
	if err := f.ready(ctx, kind); err != nil {
		return target{}, err
	}
	object := &unstructured.Unstructured{}
	object.SetGroupVersionKind(kind)
	key := types.NamespacedName{Namespace: va.Namespace, Name: va.Spec.ScaleTargetRef.Name}
	switch err := f.reader.Get(ctx, key, object); {
	case apierrors.IsNotFound(err):
		f.mu.Lock()
		delete(f.scaled, reference{kind, key})
		f.mu.Unlock()
		return target{}, errMissing
	case err != nil:
		return target{}, fmt.Errorf("read %s %s: %w", kind.Kind, key, err)
	case object.GetDeletionTimestamp() != nil:
		return target{}, errMissing
	}
	t, err := parseTarget(object)
	if err != nil || conventional(kind) {
		return t, err
	}
	return f.scale(ctx, t, object)
}

// scale completes a target by its scale subresource, which is read again only when the target changed.
func (f *finder) scale(ctx context.Context, t target, object *unstructured.Unstructured) (target, error) {
	ref := reference{t.kind, types.NamespacedName{Namespace: t.namespace, Name: t.name}}
	f.mu.Lock()
	known, ok := f.scaled[ref]
	f.mu.Unlock()
	if ok && known.uid == t.uid && known.version == t.version {
		return known, nil
	}
	scale := &unstructured.Unstructured{}
	scale.SetAPIVersion("autoscaling/v1")
	scale.SetKind("Scale")
	switch err := f.scales.SubResource("scale").Get(ctx, object, scale); {
	case apierrors.IsNotFound(err):
		return t, fmt.Errorf("%s has no scale subresource: correct scaleTargetRef, or let its definition have one", t)
	case err != nil:
		return t, fmt.Errorf("read the scale of %s: %w", t, err)
	}
	if err := t.parseScale(scale); err != nil {
		return t, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.scaled[ref] = t
	return t, nil
}
