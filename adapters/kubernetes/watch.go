package kubernetes

import (
	"context"
	"fmt"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/wva-go/wva/adapters/kubernetes/api/v1alpha1"
	"github.com/wva-go/wva/internal/resource"
)

// watches run the cache and tell which resources something happened to. The kinds of scale targets are watched from the moment that a resource names them.
type watches struct {
	cache  cache.Cache
	served meta.RESTMapper // what the API server serves
	static []client.Object // what is watched in any case
	synced chan struct{}   // closed once all of it has been listed

	mu      sync.Mutex
	notify  func(types.NamespacedName) // a resource to look at again; nil = nobody listens
	targets map[types.NamespacedName]reference
	users   map[reference]map[types.NamespacedName]bool // the other way round
	kinds   map[schema.GroupVersionKind]*kindWatch
}

// reference is the scale target that a resource names.
type reference struct {
	kind schema.GroupVersionKind
	types.NamespacedName
}

func newWatches(c cache.Cache, served meta.RESTMapper, inventory bool) *watches {
	namespace := &metav1.PartialObjectMetadata{}
	namespace.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Namespace"))
	w := &watches{
		cache: c, served: served, static: []client.Object{&v1alpha1.VariantAutoscaling{}, &corev1.Pod{}, namespace}, synced: make(chan struct{}),
		targets: map[types.NamespacedName]reference{}, users: map[reference]map[types.NamespacedName]bool{}, kinds: map[schema.GroupVersionKind]*kindWatch{},
	}
	if inventory {
		w.static = append(w.static, &corev1.Node{})
	}
	return w
}

// NeedLeaderElection lets the watches run in every replica of the controller, so that the one that takes the lead knows everything.
func (w *watches) NeedLeaderElection() bool { return false }

// Start watches until the context ends. A definition that is missing is waited for.
func (w *watches) Start(ctx context.Context) error {
	// The cache is not the manager's to run: it takes one of this make for something that only leaders need.
	var group sync.WaitGroup
	defer group.Wait()
	group.Go(func() { _ = w.cache.Start(ctx) }) // ends with the context
	var informers []cache.Informer
	for _, object := range w.static {
		informer, err := w.await(ctx, object)
		if err != nil {
			return nil // the context ended
		}
		informers = append(informers, informer)
		if handler := w.handler(object); handler != nil {
			if _, err := informer.AddEventHandler(handler); err != nil {
				return fmt.Errorf("kubernetes: watch %T: %w", object, err)
			}
		}
	}
	for _, informer := range informers {
		if !toolscache.WaitForCacheSync(ctx.Done(), informer.HasSynced) {
			return nil
		}
	}
	close(w.synced)
	<-ctx.Done()
	return nil
}

// await returns an informer as soon as the API server answers and serves VariantAutoscalings.
func (w *watches) await(ctx context.Context, object client.Object) (informer cache.Informer, err error) {
	// Steps are those until the cap; from then on it goes on at that pace, for as long as it takes.
	pace := wait.Backoff{Duration: 250 * time.Millisecond, Factor: 1.5, Steps: 20, Cap: kindRetry}.DelayFunc()
	err = pace.Until(ctx, true, true, func(ctx context.Context) (bool, error) {
		if _, err := w.served.RESTMapping(variantKind.GroupKind(), variantKind.Version); err != nil {
			return false, nil
		}
		informer, err = w.cache.GetInformer(ctx, object, cache.BlockUntilSynced(false))
		return err == nil, nil
	})
	return informer, err
}

func (w *watches) handler(object client.Object) toolscache.ResourceEventHandler {
	switch object.(type) {
	case *v1alpha1.VariantAutoscaling:
		return toolscache.ResourceEventHandlerFuncs{
			AddFunc:    func(o any) { w.resource(o) },
			UpdateFunc: func(_, o any) { w.resource(o) },
			DeleteFunc: func(o any) { w.resourceGone(o) },
		}
	case *metav1.PartialObjectMetadata:
		return toolscache.ResourceEventHandlerFuncs{
			AddFunc:    func(o any) { w.namespace(&metav1.PartialObjectMetadata{}, o) }, // it may be seen after what is in it
			UpdateFunc: w.namespace,
		}
	}
	return nil
}

// resource notes what a resource scales, and sees to it that this is watched.
func (w *watches) resource(object any) {
	va, ok := object.(*v1alpha1.VariantAutoscaling)
	if !ok {
		return
	}
	key := client.ObjectKeyFromObject(va)
	kind, err := kindOf(va.Spec.ScaleTargetRef)
	w.mu.Lock()
	w.forget(key)
	if err == nil {
		ref := reference{kind, types.NamespacedName{Namespace: va.Namespace, Name: va.Spec.ScaleTargetRef.Name}}
		w.targets[key] = ref
		if w.users[ref] == nil {
			w.users[ref] = map[types.NamespacedName]bool{}
		}
		w.users[ref][key] = true
	}
	w.mu.Unlock()
	if err == nil {
		_ = w.ready(context.Background(), kind) // what is wrong with the kind is told where it is looked for
	}
	w.tell(key)
}

func (w *watches) resourceGone(object any) {
	if key, ok := keyOf(object); ok {
		w.mu.Lock()
		w.forget(key)
		w.mu.Unlock()
		w.tell(key)
	}
}

// forget drops what a resource scaled.
func (w *watches) forget(key types.NamespacedName) {
	ref, ok := w.targets[key]
	if !ok {
		return
	}
	delete(w.targets, key)
	delete(w.users[ref], key)
	if len(w.users[ref]) == 0 {
		delete(w.users, ref)
	}
}

// namespace tells the resources of a namespace when it is taken out of management, or back in, or its ConfigMaps begin or cease to count.
func (w *watches) namespace(before, after any) {
	a, ok1 := before.(metav1.Object)
	b, ok2 := after.(metav1.Object)
	if !ok1 || !ok2 || a.GetAnnotations()[resource.AnnotationExclude] == b.GetAnnotations()[resource.AnnotationExclude] &&
		a.GetLabels()[resource.LabelConfigEnabled] == b.GetLabels()[resource.LabelConfigEnabled] {
		return
	}
	var keys []types.NamespacedName
	w.mu.Lock()
	for key := range w.targets {
		if key.Namespace == b.GetName() {
			keys = append(keys, key)
		}
	}
	w.mu.Unlock()
	for _, key := range keys {
		w.tell(key)
	}
}

// target tells the resources that scale a target.
func (w *watches) target(kind schema.GroupVersionKind, object any) {
	key, ok := keyOf(object)
	if !ok {
		return
	}
	var users []types.NamespacedName
	w.mu.Lock()
	for user := range w.users[reference{kind, key}] {
		users = append(users, user)
	}
	w.mu.Unlock()
	for _, user := range users {
		w.tell(user)
	}
}

func (w *watches) tell(key types.NamespacedName) {
	w.mu.Lock()
	notify := w.notify
	w.mu.Unlock()
	if notify != nil {
		notify(key)
	}
}

// listen sets who is told, and tells of every resource there is.
func (w *watches) listen(notify func(types.NamespacedName)) {
	w.mu.Lock()
	w.notify = notify
	keys := make([]types.NamespacedName, 0, len(w.targets))
	for key := range w.targets {
		keys = append(keys, key)
	}
	w.mu.Unlock()
	for _, key := range keys {
		notify(key)
	}
}

// keyOf returns the name of what an event is about, also of one that was missed.
func keyOf(object any) (types.NamespacedName, bool) {
	if gone, ok := object.(toolscache.DeletedFinalStateUnknown); ok {
		object = gone.Obj
	}
	o, ok := object.(metav1.Object)
	if !ok {
		return types.NamespacedName{}, false
	}
	return types.NamespacedName{Namespace: o.GetNamespace(), Name: o.GetName()}, true
}
