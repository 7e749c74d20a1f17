package kubernetes

import (
	"context"
	"errors"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
)

// kindWatch is the watch of one kind of scale target, or the reason why there is none.
type kindWatch struct {
	informer cache.Informer
	since    time.Time
	err      error
}

// How long to wait before a kind that could not be watched is tried again, and before one that cannot be listed counts as unreadable.
const (
	kindRetry = 3 * time.Second
	kindGrace = 10 * time.Second
)

// ready returns nil when targets of the kind can be looked up, errNotYet while they are being listed, and else why they cannot be.
func (w *watches) ready(ctx context.Context, kind schema.GroupVersionKind) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	k := w.kinds[kind]
	if k == nil || k.err != nil && time.Since(k.since) > kindRetry {
		k = w.watch(ctx, kind)
		w.kinds[kind] = k
	}
	switch {
	case k.err != nil:
		return k.err
	case k.informer.HasSynced():
		return nil
	case time.Since(k.since) > kindGrace:
		return fmt.Errorf("targets of kind %s cannot be listed: check that the controller may list and watch them", kind.GroupKind())
	}
	return errNotYet
}

// errNotYet says that a kind is being listed.
var errNotYet = errors.New("not listed yet")

func (w *watches) watch(ctx context.Context, kind schema.GroupVersionKind) *kindWatch {
	k := &kindWatch{since: time.Now()}
	object := &unstructured.Unstructured{}
	object.SetGroupVersionKind(kind)
	informer, err := w.cache.GetInformer(ctx, object, cache.BlockUntilSynced(false))
	switch {
	case meta.IsNoMatchError(err):
		k.err = fmt.Errorf("the API server serves no kind %s of %s: correct scaleTargetRef, or install its definition", kind.Kind, kind.GroupVersion())
	case err != nil:
		k.err = fmt.Errorf("watch kind %s: %w", kind.GroupKind(), err)
	default:
		k.informer = informer
		_, k.err = informer.AddEventHandler(toolscache.ResourceEventHandlerFuncs{
			AddFunc:    func(o any) { w.target(kind, o) },
			DeleteFunc: func(o any) { w.target(kind, o) },
			UpdateFunc: func(before, after any) {
				a, ok1 := before.(metav1.Object)
				b, ok2 := after.(metav1.Object)
				if ok1 && ok2 && (a.GetUID() != b.GetUID() || (a.GetDeletionTimestamp() == nil) != (b.GetDeletionTimestamp() == nil)) {
					w.target(kind, after)
				}
			},
		})
	}
	return k
}

// settled waits until every kind that is named has been listed, or has had its time.
func (w *watches) settled(ctx context.Context) error {
	select {
	case <-w.synced:
	case <-ctx.Done():
		return ctx.Err()
	}
	return wait.PollUntilContextCancel(ctx, 50*time.Millisecond, true, func(ctx context.Context) (bool, error) {
		w.mu.Lock()
		var kinds []schema.GroupVersionKind
		for _, ref := range w.targets {
			kinds = append(kinds, ref.kind)
		}
		w.mu.Unlock()
		for _, kind := range kinds {
			if errors.Is(w.ready(ctx, kind), errNotYet) {
				return false, nil
			}
		}
		return true, nil
	})
}
