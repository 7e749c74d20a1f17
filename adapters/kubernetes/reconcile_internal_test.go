package kubernetes

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/wva-go/wva"
	"github.com/wva-go/wva/adapters/kubernetes/api/v1alpha1"
)

// world is a cluster in memory with a reconciler.
type world struct {
	t          *testing.T
	client     client.Client
	fleet      *Fleet
	reconciler *reconciler
	recorder   *events.FakeRecorder
	patches    int   // of status
	refuse     error // what the next patches fail with
	triggers   int
	withdrawn  []string
	now        time.Time
}

func newWorld(t *testing.T, o FleetOptions, objects ...client.Object) *world {
	w := &world{t: t, recorder: events.NewFakeRecorder(100), now: noon}
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{corev1.AddToScheme, appsv1.AddToScheme, v1alpha1.AddToScheme, metav1.AddMetaToScheme} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	w.client = fake.NewClientBuilder().WithScheme(scheme).WithStatusSubresource(&v1alpha1.VariantAutoscaling{}).WithObjects(objects...).
		WithInterceptorFuncs(interceptor.Funcs{SubResourcePatch: func(ctx context.Context, c client.Client, sub string, o client.Object, p client.Patch, opts ...client.SubResourcePatchOption) error {
			w.patches++
			if w.refuse != nil {
				return w.refuse
			}
			return c.SubResource(sub).Patch(ctx, o, p, opts...)
		}}).Build()
	ready := func(context.Context, schema.GroupVersionKind) error { return nil }
	w.fleet = newFleet(w.client, &finder{reader: w.client, ready: ready, scales: w.client, scaled: map[reference]target{}}, nil, o)
	w.reconciler = &reconciler{
		fleet: w.fleet, client: w.client, outcomes: &outcomes{}, recorder: w.recorder, now: func() time.Time { return w.now }, records: map[wva.ID]*record{},
		trigger: func() { w.triggers++ }, withdraw: func(id wva.ID) { w.withdrawn = append(w.withdrawn, id.Name) },
	}
	return w
}

// reconcile looks at the resource and returns its status and the events.
func (w *world) reconcile(name string) (string, []string) {
	w.t.Helper()
	key := types.NamespacedName{Namespace: "ns", Name: name}
	if _, err := w.reconciler.Reconcile(w.t.Context(), ctrl.Request{NamespacedName: key}); err != nil {
		w.t.Fatal(err)
	}
	var va v1alpha1.VariantAutoscaling
	if err := w.client.Get(w.t.Context(), key, &va); client.IgnoreNotFound(err) != nil {
		w.t.Fatal(err)
	}
	var told []string
	for len(w.recorder.Events) > 0 {
		told = append(told, <-w.recorder.Events)
	}
	return summary(va.Status), told
}

// cycle has a cycle come to a decision about every variant with a target.
func (w *world) cycle(want int) {
	w.t.Helper()
	variants, err := w.fleet.Variants(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	report := wva.Report{At: w.now}
	for _, v := range variants {
		if !v.TargetMissing {
			report.Decisions = append(report.Decisions, wva.Decision{Variant: v.ID, Current: v.Current, Target: want, Accelerator: v.Accelerator, Reasons: []wva.Reason{{Message: "because"}}})
			report.Models = append(report.Models, wva.ModelReport{ModelKey: v.Key(), Metrics: wva.MetricsFound, Message: fmt.Sprintf("%d replicas report", w.now.Minute())})
		}
	}
	notes, variants := w.fleet.lastReading()
	w.reconciler.outcomes.replace(collect(notes, variants, report, nil))
}

func va(name, target string) *v1alpha1.VariantAutoscaling {
	return &v1alpha1.VariantAutoscaling{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: name, UID: types.UID(name), Generation: 1},
		Spec:       v1alpha1.VariantAutoscalingSpec{ModelID: "llama", VariantCost: "10.0", ScaleTargetRef: v1alpha1.ScaleTargetRef{Kind: "Deployment", Name: target}},
	}
}

func deploymentOf(name string, uid string, replicas int32) *appsv1.Deployment {
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: name, UID: types.UID(uid)},
		Spec:       appsv1.DeploymentSpec{Replicas: &replicas, Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": name}}},
	}
}

const (
	notFound = "False DeploymentNotFound, False TargetNotFound, False MetricsMissing, False SkippedProcessing, none"
	waiting  = "True Active, True TargetFound, False MetricsMissing, False SkippedProcessing, none"
	success  = "True Active, True TargetFound, True MetricsFound, True OptimizationSucceeded, "
)

// A resource comes before its target, loses it and has it again; each time the status follows, a cycle is asked for, and what was published is withdrawn.
func TestReconcileLifecycle(t *testing.T) {
	w := newWorld(t, FleetOptions{}, va("llama-va", "llama"))
	got, told := w.reconcile("llama-va")
	if got != notFound || w.triggers != 1 || !slices.Equal(w.withdrawn, []string{"llama-va"}) {
		t.Errorf("before its target: %s, %d cycles asked for, withdrawn %v", got, w.triggers, w.withdrawn)
	}
	if len(told) != 1 || !strings.Contains(told[0], "Warning DeploymentNotFound Target deployment 'llama' does not exist") {
		t.Errorf("events %q", told)
	}
	target := deploymentOf("llama", "first", 2)
	if err := w.client.Create(t.Context(), target); err != nil {
		t.Fatal(err)
	}
	if got, _ := w.reconcile("llama-va"); got != waiting || w.triggers != 2 {
		t.Errorf("with its target: %s, %d cycles asked for", got, w.triggers)
	}
	w.cycle(3)
	got, told = w.reconcile("llama-va")
	if got != success+"3" || !slices.Equal(told, []string{"Normal ScaleUp 2 → 3: because"}) {
		t.Errorf("decided: %s, events %q", got, told)
	}
	if err := w.client.Delete(t.Context(), target); err != nil {
		t.Fatal(err)
	}
	got, told = w.reconcile("llama-va")
	if got != notFound || w.triggers != 3 || len(told) != 1 || !strings.Contains(told[0], "Target deployment 'llama' no longer exists") {
		t.Errorf("without its target: %s, %d cycles asked for, events %q", got, w.triggers, told)
	}
	if err := w.client.Create(t.Context(), deploymentOf("llama", "second", 1)); err != nil {
		t.Fatal(err)
	}
	if got, _ = w.reconcile("llama-va"); got != waiting { // what was decided for the first counts no more
		t.Errorf("with another target: %s", got)
	}
	w.cycle(1)
	if got, _ = w.reconcile("llama-va"); got != success+"1" {
		t.Errorf("decided again: %s", got)
	}
}

// Nothing is written that is there already, and messages alone are written now and then.
func TestReconcileWritesChangesAlone(t *testing.T) {
	w := newWorld(t, FleetOptions{}, va("llama-va", "llama"), deploymentOf("llama", "u", 2))
	w.reconcile("llama-va")
	w.cycle(3)
	w.reconcile("llama-va")
	for minute, want := range []int{2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 3, 3} {
		w.now = noon.Add(time.Duration(minute) * time.Minute)
		w.cycle(3) // with another message
		w.reconcile("llama-va")
		if w.patches != want {
			t.Errorf("minute %d: %d writes, want %d", minute, w.patches, want)
		}
	}
	w.cycle(4)
	if _, told := w.reconcile("llama-va"); w.patches != 4 || len(told) != 1 || told[0] != "Normal ScaleUp 2 → 4: because" {
		t.Errorf("%d writes, events %q", w.patches, told)
	}
}

// A status that cannot be written is tried again, and nothing is told that is not so.
func TestReconcileTriesAgain(t *testing.T) {
	w := newWorld(t, FleetOptions{}, va("llama-va", "llama"))
	w.refuse = fmt.Errorf("no")
	request := ctrl.Request{NamespacedName: types.NamespacedName{Namespace: "ns", Name: "llama-va"}}
	if _, err := w.reconciler.Reconcile(t.Context(), request); err == nil || !strings.Contains(err.Error(), "write the status of ns/llama-va: no") {
		t.Errorf("error %v", err)
	}
	if len(w.recorder.Events) > 0 {
		t.Errorf("event %q", <-w.recorder.Events)
	}
	w.refuse = nil
	if got, told := w.reconcile("llama-va"); got != notFound || len(told) != 1 {
		t.Errorf("%s, events %q", got, told)
	}
}

// behind is a cache that still has an earlier version of a resource.
type behind struct {
	client.Reader
	va *v1alpha1.VariantAutoscaling
}

func (b behind) Get(ctx context.Context, key client.ObjectKey, o client.Object, opts ...client.GetOption) error {
	if va, ok := o.(*v1alpha1.VariantAutoscaling); ok {
		b.va.DeepCopyInto(va)
		return nil
	}
	return b.Reader.Get(ctx, key, o, opts...)
}

// A condition that somebody else writes between the reading and the writing of a status stays.
func TestReconcileKeepsConditionsOfOthers(t *testing.T) {
	w := newWorld(t, FleetOptions{}, va("llama-va", "llama"), deploymentOf("llama", "u", 2))
	w.reconcile("llama-va")
	var now v1alpha1.VariantAutoscaling
	key := types.NamespacedName{Namespace: "ns", Name: "llama-va"}
	if err := w.client.Get(t.Context(), key, &now); err != nil {
		t.Fatal(err)
	}
	w.fleet.reader = behind{w.client, now.DeepCopy()}
	now.Status.Conditions = append(now.Status.Conditions, metav1.Condition{Type: "Audited", Status: "True", Reason: "Fine"})
	if err := w.client.Status().Update(t.Context(), &now); err != nil {
		t.Fatal(err)
	}
	w.reconciler.outcomes.replace(map[wva.ID]outcome{{Namespace: "ns", Name: "llama-va"}: decided(2, 3)})
	if result, err := w.reconciler.Reconcile(t.Context(), ctrl.Request{NamespacedName: key}); err != nil || !result.IsZero() {
		t.Errorf("result %+v, error %v, want it to wait for the event", result, err)
	}
	w.fleet.reader = w.client
	if got, _ := w.reconcile("llama-va"); got != success+"3" {
		t.Errorf("status %s", got)
	}
	if err := w.client.Get(t.Context(), key, &now); err != nil || meta.FindStatusCondition(now.Status.Conditions, "Audited") == nil {
		t.Errorf("the other's condition is gone: %+v, %v", now.Status.Conditions, err)
	}
}

// A cache that lags behind one's own write is no reason to write again.
func TestReconcileKnowsWhatItWrote(t *testing.T) {
	w := newWorld(t, FleetOptions{}, va("llama-va", "llama"), deploymentOf("llama", "u", 2))
	var before v1alpha1.VariantAutoscaling
	if err := w.client.Get(t.Context(), types.NamespacedName{Namespace: "ns", Name: "llama-va"}, &before); err != nil {
		t.Fatal(err)
	}
	w.fleet.reader = behind{w.client, &before}
	w.reconcile("llama-va")
	w.reconcile("llama-va")
	w.reconciler.outcomes.replace(map[wva.ID]outcome{{Namespace: "ns", Name: "llama-va"}: decided(2, 3)})
	for range 2 {
		w.reconciler.outcomes.byID[wva.ID{Namespace: "ns", Name: "llama-va"}] = decided(2, 3)
		if got, _ := w.reconcile("llama-va"); got != success+"3" || w.patches != 2 {
			t.Errorf("status %s after %d writes, want 2", got, w.patches)
		}
	}
}

// A cycle is asked for when the labels that count change, as when the resource does.
func TestReconcileHeedsLabels(t *testing.T) {
	resource := va("llama-va", "llama")
	w := newWorld(t, FleetOptions{}, resource, deploymentOf("llama", "u", 2))
	w.reconcile("llama-va")
	for i, change := range []string{
		`{"metadata": {"labels": {"inference.optimization/acceleratorName": "H100"}}}`, `{"metadata": {"labels": {"wva.llmd.ai/service-class": "Premium"}}}`, `{"metadata": {"labels": {"team": "a"}}}`,
	} {
		if err := w.client.Patch(t.Context(), va("llama-va", "llama"), client.RawPatch(types.MergePatchType, []byte(change))); err != nil {
			t.Fatal(err)
		}
		if w.reconcile("llama-va"); w.triggers != min(i+2, 3) {
			t.Errorf("after %s: %d cycles are asked for", change, w.triggers)
		}
	}
}

// Only the resources of the instance are managed, and none in a namespace that is excluded.
func TestReconcileManages(t *testing.T) {
	mine, other := va("mine", "llama"), va("other", "llama")
	mine.Labels = map[string]string{"wva.llmd.ai/controller-instance": "east"}
	w := newWorld(t, FleetOptions{ControllerInstance: "east"}, mine, other, deploymentOf("llama", "u", 1))
	if got, _ := w.reconcile("other"); got != "-, -, -, -, none" || w.triggers != 0 {
		t.Errorf("another's: %s, %d cycles asked for", got, w.triggers)
	}
	if got, _ := w.reconcile("mine"); got != "True Active, True TargetFound, -, -, none" {
		t.Errorf("mine: %s", got)
	}
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "ns", Annotations: map[string]string{"wva.llmd.ai/exclude": "true"}}}
	if err := w.client.Create(t.Context(), ns); err != nil {
		t.Fatal(err)
	}
	if got, _ := w.reconcile("mine"); got != "False SkippedProcessing, True TargetFound, -, False SkippedProcessing, none" || w.triggers != 2 {
		t.Errorf("excluded: %s, %d cycles asked for", got, w.triggers)
	}
	if variants, err := w.fleet.Variants(t.Context()); err != nil || len(variants) > 0 {
		t.Errorf("variants %v, error %v of an excluded namespace", variants, err)
	}
}
