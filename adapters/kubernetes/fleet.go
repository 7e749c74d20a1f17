package kubernetes

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/wva-go/wva"
	"github.com/wva-go/wva/adapters/kubernetes/api/v1alpha1"
	"github.com/wva-go/wva/internal/resource"
)

// Fleet is the VariantAutoscalings of a cluster and what they scale. It implements [wva.Fleet] and reads from watches alone, but for the scale subresource of custom kinds,
// which it reads when one of them changed. Its methods may be called from several goroutines.
type Fleet struct {
	options FleetOptions
	reader  client.Reader
	finder  *finder
	watches *watches // nil in tests without a cluster
	config  *configuration

	mu   sync.Mutex
	view *view // nil until the variants are read for the first time
}

// view is the fleet as it was when its variants were last read.
type view struct {
	variants []wva.Variant
	notes    map[wva.ID]note
	pods     []corev1.Pod
	owners   []*owner // of the pods, by place
	byPod    map[podKey]wva.ID
}

// note is what a reading found out about one resource.
type note struct {
	generation int64
	target     types.UID // of the target that was read; empty = none
	invalid    string    // why the resource takes no part
	remark     string    // what is wrong with it and does not keep it out
}

// NewFleet makes a fleet whose watches run with the manager.
func NewFleet(mgr ctrl.Manager, o FleetOptions) (*Fleet, error) {
	scheme := mgr.GetScheme()
	if err := errors.Join(corev1.AddToScheme(scheme), v1alpha1.AddToScheme(scheme)); err != nil {
		return nil, fmt.Errorf("kubernetes: %w", err)
	}
	c, err := newCache(mgr, scheme, o)
	if err != nil {
		return nil, err
	}
	w := newWatches(c, mgr.GetRESTMapper(), o.NodeInventory)
	if err := mgr.Add(w); err != nil {
		return nil, fmt.Errorf("kubernetes: %w", err)
	}
	return newFleet(c, &finder{reader: c, ready: w.ready, scales: mgr.GetClient(), scaled: map[reference]target{}}, w, o), nil
}

func newFleet(reader client.Reader, f *finder, w *watches, o FleetOptions) *Fleet {
	return &Fleet{options: o, reader: reader, finder: f, watches: w, config: newConfiguration(wva.DefaultPolicy(), nil)}
}

// Variants implements [wva.Fleet].
func (f *Fleet) Variants(ctx context.Context) ([]wva.Variant, error) {
	v, err := f.look(ctx)
	if err != nil {
		return nil, err
	}
	return slices.Clone(v.variants), nil
}

// Inventory implements [wva.Fleet]. It counts the pods as the variants were read.
func (f *Fleet) Inventory(ctx context.Context) (wva.Inventory, error) {
	if !f.options.NodeInventory {
		return wva.Unlimited(), ctx.Err()
	}
	f.mu.Lock()
	v := f.view
	f.mu.Unlock()
	if v == nil {
		var err error
		if v, err = f.look(ctx); err != nil {
			return wva.Inventory{}, err
		}
	}
	var nodes corev1.NodeList
	if err := f.reader.List(ctx, &nodes, client.UnsafeDisableDeepCopy); err != nil {
		return wva.Inventory{}, fmt.Errorf("kubernetes: list nodes: %w", err)
	}
	return takeInventory(nodes.Items, v.pods, func(i int) bool { return v.owners[i] != nil }, unbound(v.variants)), nil
}

// Owner returns the variant that a pod is a replica of, as the variants were last read. A pod that is being deleted is nobody's.
func (f *Fleet) Owner(namespace, pod string) (wva.ID, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.view == nil {
		return wva.ID{}, false
	}
	id, ok := f.view.byPod[podKey{Namespace: namespace, Name: pod}]
	return id, ok
}

// Owners is Owner in the form that a prometheus.Source asks for.
func (f *Fleet) Owners(ctx context.Context, _ []wva.Variant) (func(namespace, pod string) (wva.ID, bool), error) {
	return f.Owner, ctx.Err()
}

// Retention returns how long a model keeps its replicas without requests, as the ConfigMaps have it now: what a prometheus.Source asks for.
func (f *Fleet) Retention(key wva.ModelKey) wva.Retention { return f.config.retention(key) }

// look reads the fleet and remembers it.
func (f *Fleet) look(ctx context.Context) (*view, error) {
	resources, err := f.resources(ctx)
	if err != nil {
		return nil, err
	}
	policy := f.config.documents()
	r := reading{fleet: f, policy: policy, last: f.lastVariants(), view: &view{notes: map[wva.ID]note{}, byPod: map[podKey]wva.ID{}}, taken: map[reference]wva.ID{}}
	for i := range resources {
		r.read(ctx, &resources[i])
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	var pods corev1.PodList
	if err := f.reader.List(ctx, &pods, client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("kubernetes: list pods: %w", err)
	}
	r.count(pods.Items)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.view = r.view
	return r.view, nil
}

// lastReading returns the variants as they were last read, and what was found out about the resources.
func (f *Fleet) lastReading() (map[wva.ID]note, []wva.Variant) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.view == nil {
		return nil, nil
	}
	return f.view.notes, f.view.variants
}

// exists tells whether a variant is still to be scaled: its resource is there, and its target is not known to be gone.
func (f *Fleet) exists(ctx context.Context, id wva.ID) bool {
	va := &v1alpha1.VariantAutoscaling{}
	if err := f.reader.Get(ctx, types.NamespacedName{Namespace: id.Namespace, Name: id.Name}, va); err != nil || !f.manages(va) || f.excluded(ctx, id.Namespace) {
		return false
	}
	_, err := f.finder.find(ctx, va)
	return !errors.Is(err, errMissing)
}

// lastVariants returns the variants as they were last read, nil where they never were.
func (f *Fleet) lastVariants() map[wva.ID]wva.Variant {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.view == nil {
		return nil
	}
	last := make(map[wva.ID]wva.Variant, len(f.view.variants))
	for _, v := range f.view.variants {
		last[v.ID] = v
	}
	return last
}

// resources returns what the fleet manages, the oldest first.
func (f *Fleet) resources(ctx context.Context) ([]v1alpha1.VariantAutoscaling, error) {
	var list v1alpha1.VariantAutoscalingList
	if err := f.reader.List(ctx, &list, client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("kubernetes: list VariantAutoscalings: %w", err)
	}
	excluded := map[string]bool{}
	managed := make([]v1alpha1.VariantAutoscaling, 0, len(list.Items))
	for _, va := range list.Items {
		out, known := excluded[va.Namespace]
		if !known {
			out = f.excluded(ctx, va.Namespace)
			excluded[va.Namespace] = out
		}
		if !out && f.manages(&va) {
			managed = append(managed, va)
		}
	}
	slices.SortFunc(managed, func(a, b v1alpha1.VariantAutoscaling) int {
		if older := a.CreationTimestamp.Compare(b.CreationTimestamp.Time); older != 0 {
			return older
		}
		return idOf(&a).Compare(idOf(&b))
	})
	return managed, nil
}

// manages tells whether a resource is one of this controller instance.
func (f *Fleet) manages(va *v1alpha1.VariantAutoscaling) bool {
	return va.DeletionTimestamp == nil && (f.options.ControllerInstance == "" || va.Labels[resource.LabelControllerInstance] == f.options.ControllerInstance)
}

// excluded tells whether nothing in a namespace is managed.
func (f *Fleet) excluded(ctx context.Context, namespace string) bool {
	return f.namespace(ctx, namespace).GetAnnotations()[resource.AnnotationExclude] == "true"
}

// configured tells whether the ConfigMaps of a namespace count.
func (f *Fleet) configured(ctx context.Context, namespace string) bool {
	return f.namespace(ctx, namespace).GetLabels()[resource.LabelConfigEnabled] == "true"
}

// namespace returns the metadata of a namespace, none where it cannot be read.
func (f *Fleet) namespace(ctx context.Context, name string) *metav1.PartialObjectMetadata {
	ns := &metav1.PartialObjectMetadata{}
	ns.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Namespace"))
	if err := f.reader.Get(ctx, types.NamespacedName{Name: name}, ns); apierrors.IsNotFound(err) {
		return &metav1.PartialObjectMetadata{}
	}
	return ns
}
