package kubernetes

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/wva-go/wva"
	"github.com/wva-go/wva/adapters/kubernetes/api/v1alpha1"
	"github.com/wva-go/wva/internal/resource"
)

// reconciler writes the status of one resource at a time: what the last cycle came to, in the light of how things stand now. It alone writes statuses, and only where they
// change.
type reconciler struct {
	fleet    *Fleet
	client   client.Client
	outcomes *outcomes
	withdraw func(wva.ID) // stops publishing a variant
	trigger  func()       // asks for a cycle
	recorder events.EventRecorder
	now      func() time.Time

	mu      sync.Mutex
	records map[wva.ID]*record
}

// record is what is remembered of a resource between two looks at it.
type record struct {
	asked   seen      // what a cycle was asked for
	written time.Time // when the status was written last
	// The status as it was written and the version that made, for as long as the cache still has the version from before.
	before, version string
	status          v1alpha1.VariantAutoscalingStatus
}

// seen is the state of a resource that a cycle should know about.
type seen struct {
	resource           types.UID
	generation         int64
	accelerator, class string // by its labels
	target             types.UID
	excluded           bool
	configured         bool // whether the ConfigMaps of its namespace count
}

// Settings of the reconciler.
const (
	wordingEvery = 10 * time.Minute       // how often a status is written of which only messages changed
	retryTarget  = 250 * time.Millisecond // when to look again for a target that is being listed
	retryKind    = 5 * time.Second        // and for one that cannot be read
)

// Reconcile looks at one resource.
func (r *reconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	id := wva.ID{Namespace: request.Namespace, Name: request.Name}
	va := &v1alpha1.VariantAutoscaling{}
	switch err := r.fleet.reader.Get(ctx, request.NamespacedName, va); {
	case apierrors.IsNotFound(err):
		r.drop(id)
		return ctrl.Result{}, nil
	case err != nil:
		return ctrl.Result{}, err
	case !r.fleet.manages(va):
		r.drop(id)
		return ctrl.Result{}, nil
	}
	s, err := r.stand(ctx, va)
	if errors.Is(err, errNotYet) {
		return ctrl.Result{RequeueAfter: retryTarget}, nil
	}
	if s.missing || s.excluded {
		r.withdraw(id)
	}
	r.ask(id, seen{va.UID, va.Generation, va.Labels[resource.LabelAccelerator], va.Labels[resource.LabelServiceClass], s.target, s.excluded, r.fleet.configured(ctx, va.Namespace)})
	wait, err := r.write(ctx, va, s)
	if s.unreadable != "" && (wait == 0 || wait > retryKind) {
		wait = retryKind
	}
	return ctrl.Result{RequeueAfter: wait}, err
}

// stand finds out how things stand with a resource.
func (r *reconciler) stand(ctx context.Context, va *v1alpha1.VariantAutoscaling) (standing, error) {
	kind, _ := kindOf(va.Spec.ScaleTargetRef)
	s := standing{ref: kind.Kind + " " + va.Spec.ScaleTargetRef.Name, excluded: r.fleet.excluded(ctx, va.Namespace)}
	if s.excluded {
		return s, nil
	}
	switch t, err := r.fleet.finder.find(ctx, va); {
	case errors.Is(err, errNotYet):
		return s, err
	case errors.Is(err, errMissing):
		s.missing = true
		s.vanished = true
		if c := meta.FindStatusCondition(va.Status.Conditions, v1alpha1.TypeTargetResolved); c == nil || c.Status != "True" && c.Message != s.gone() {
			s.vanished = false // it was never there
		}
	case err != nil:
		s.unreadable = err.Error()
	default:
		s.target = t.uid
	}
	return s, nil
}

// ask asks for a cycle where the resource is not as the cycle that was asked for last will have seen it.
func (r *reconciler) ask(id wva.ID, now seen) {
	r.mu.Lock()
	known := r.record(id)
	changed := known.asked != now
	known.asked = now
	r.mu.Unlock()
	if changed {
		r.trigger()
	}
}

// record returns the record of a resource. The caller holds the lock.
func (r *reconciler) record(id wva.ID) *record {
	known := r.records[id]
	if known == nil {
		known = &record{}
		r.records[id] = known
	}
	return known
}

// drop forgets a resource that is gone, or somebody else's now.
func (r *reconciler) drop(id wva.ID) {
	r.withdraw(id)
	r.mu.Lock()
	_, known := r.records[id]
	delete(r.records, id)
	r.mu.Unlock()
	if known {
		r.trigger()
	}
}

// current returns a resource with the status that it has, also where the cache does not know yet, and when that was written.
func (r *reconciler) current(va *v1alpha1.VariantAutoscaling) (*v1alpha1.VariantAutoscaling, time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now, known := va.DeepCopy(), r.record(idOf(va))
	if known.before != "" && known.before == va.ResourceVersion {
		now.ResourceVersion, now.Status = known.version, *known.status.DeepCopy()
	}
	return now, known.written
}

// write brings the status up to date. It returns how long to wait where a change is put off, 0 where none is.
func (r *reconciler) write(ctx context.Context, va *v1alpha1.VariantAutoscaling, s standing) (time.Duration, error) {
	base, written := r.current(va)
	o, known := r.outcomes.of(idOf(va))
	now := r.now()
	next := nextStatus(base, s, o, known, now)
	switch compare(base.Status, next) {
	case same:
		return 0, nil
	case wording:
		if wait := wordingEvery - now.Sub(written); wait > 0 && !written.IsZero() {
			return wait, nil
		}
	}
	patched := base.DeepCopy()
	patch, err := statusPatch(next, base.ResourceVersion)
	if err != nil {
		return 0, err
	}
	switch err := r.client.Status().Patch(ctx, patched, client.RawPatch(types.MergePatchType, patch)); {
	case apierrors.IsNotFound(err), apierrors.IsConflict(err):
		return 0, nil // it is gone, or somebody else wrote it: the event that says so is on its way
	case err != nil:
		return 0, fmt.Errorf("write the status of %s: %w", idOf(va), err)
	}
	r.mu.Lock()
	remembered := r.record(idOf(va))
	remembered.before, remembered.version, remembered.status, remembered.written = va.ResourceVersion, patched.ResourceVersion, next, now
	r.mu.Unlock()
	r.announce(va, base.Status, next, o.decision)
	return 0, nil
}

// statusPatch is a merge patch to a status. It names the version that it rests on, since it replaces the list of conditions as a whole, those of others included.
func statusPatch(s v1alpha1.VariantAutoscalingStatus, version string) ([]byte, error) {
	orNull := func(ok bool, value any) any {
		if !ok {
			return nil
		}
		return value
	}
	current, desired := s.CurrentAlloc, s.DesiredOptimizedAlloc
	return json.Marshal(map[string]any{"metadata": map[string]any{"resourceVersion": version}, "status": map[string]any{
		"currentAlloc": map[string]any{
			"accelerator": orNull(current.Accelerator != "", current.Accelerator), "numReplicas": orNull(current.NumReplicas != nil, current.NumReplicas),
		},
		"desiredOptimizedAlloc": map[string]any{
			"accelerator": orNull(desired.Accelerator != "", desired.Accelerator), "numReplicas": orNull(desired.NumReplicas != nil, desired.NumReplicas),
			"lastRunTime": orNull(desired.LastRunTime != nil, desired.LastRunTime),
		},
		"conditions": s.Conditions,
	}})
}
