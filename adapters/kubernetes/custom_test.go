package kubernetes_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/wva-go/wva/adapters/kubernetes"
	"github.com/wva-go/wva/adapters/kubernetes/api/v1alpha1"
	"github.com/wva-go/wva/adapters/kubernetes/internal/nodes"
)

// defineKind gives the cluster a kind of any content, with a scale subresource where there is one.
func (e *environment) defineKind(t *testing.T, group, kind string, scale *apiextensionsv1.CustomResourceSubresourceScale) {
	t.Helper()
	plural := strings.ToLower(kind) + "s"
	e.create(t, &apiextensionsv1.CustomResourceDefinition{
		ObjectMeta: metav1.ObjectMeta{Name: plural + "." + group,
			Annotations: map[string]string{"api-approved.kubernetes.io": "unapproved, for a test"}}, // asked for of groups below k8s.io
		Spec: apiextensionsv1.CustomResourceDefinitionSpec{
			Group: group, Scope: apiextensionsv1.NamespaceScoped, Names: apiextensionsv1.CustomResourceDefinitionNames{Kind: kind, Plural: plural},
			Versions: []apiextensionsv1.CustomResourceDefinitionVersion{{
				Name: "v1", Served: true, Storage: true,
				Schema:       &apiextensionsv1.CustomResourceValidation{OpenAPIV3Schema: &apiextensionsv1.JSONSchemaProps{Type: "object", XPreserveUnknownFields: new(true)}},
				Subresources: &apiextensionsv1.CustomResourceSubresources{Status: &apiextensionsv1.CustomResourceSubresourceStatus{}, Scale: scale},
			}},
		},
	})
}

// custom is an object of a kind that no library knows.
func custom(t *testing.T, text string) *unstructured.Unstructured {
	t.Helper()
	return documents(t, text)[0]
}

// grant gives the controller's user rights that are not in the manifests.
func (e *environment) grant(t *testing.T, name string, rules ...rbacv1.PolicyRule) {
	t.Helper()
	e.create(t, &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: name}, Rules: rules},
		&rbacv1.ClusterRoleBinding{ObjectMeta: metav1.ObjectMeta{Name: name},
			RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: name}, Subjects: subjects(controllerUser.Name)})
}

// awaitCondition waits for a condition whose message says something.
func (e *environment) awaitCondition(t *testing.T, ns, name, kind, want, message string) {
	t.Helper()
	eventually(t, func() error {
		s := e.status(t, ns, name)
		if err := wantCondition(s, kind, want); err != nil {
			return err
		}
		if c := meta.FindStatusCondition(s.Conditions, kind); !strings.Contains(c.Message, message) {
			return fmt.Errorf("condition %s says %q, want %q in it", kind, c.Message, message)
		}
		return nil
	})
}

const leaderWorkerSetText = `
apiVersion: leaderworkerset.x-k8s.io/v1
kind: LeaderWorkerSet
metadata: {name: llama}
spec:
  replicas: 1
  leaderWorkerTemplate:
    size: 2
    workerTemplate:
      spec:
        nodeSelector: {nvidia.com/gpu.product: NVIDIA-GB200}
        containers: [{name: vllm, image: vllm/vllm-openai, resources: {limits: {nvidia.com/gpu: 2}}}]
`

// A LeaderWorkerSet is scaled by groups: each counts once, by its leader, and with the devices of all its pods.
func testLeaderWorkerSet(t *testing.T, e *environment) {
	ns := e.namespace(t)
	e.defineKind(t, "leaderworkerset.x-k8s.io", "LeaderWorkerSet", &apiextensionsv1.CustomResourceSubresourceScale{
		SpecReplicasPath: ".spec.replicas", StatusReplicasPath: ".status.replicas", LabelSelectorPath: new(".status.hpaPodSelector")})
	e.nodes.Add(t, nodes.Node{Name: ns, Product: "NVIDIA-GB200", GPUs: 13}) // three groups of four
	va := autoscaling(ns, "llama-autoscaler", "llama", "llama")
	va.Spec.ScaleTargetRef.Kind = "LeaderWorkerSet"
	e.create(t, va)
	s := quick(ns, newSteady(busy))
	s.fleet.NodeInventory = true
	r := e.run(t, s)
	e.awaitNoTarget(t, r, ns)
	for range 2 {
		set := custom(t, leaderWorkerSetText)
		set.SetNamespace(ns)
		eventually(t, func() error { return e.client.Create(t.Context(), set) }) // the definition may not be served yet
		e.awaitGroups(t, ns, 3)
		r.awaitShort(t)
		e.awaitGroups(t, ns, 3)
		if err := e.client.Delete(t.Context(), set); err != nil {
			t.Fatal(err)
		}
		e.awaitNoTarget(t, r, ns)
		e.awaitCondition(t, ns, va.Name, v1alpha1.TypeReady, "False DeploymentNotFound", "Target leaderworkerset 'llama' no longer exists")
		e.dropGroups(t, ns)
	}
}

// awaitGroups plays the controller of LeaderWorkerSets until a controller wants so many groups and all of them run.
func (e *environment) awaitGroups(t *testing.T, ns string, want int64) {
	t.Helper()
	eventually(t, func() error {
		set := custom(t, leaderWorkerSetText)
		key := client.ObjectKey{Namespace: ns, Name: "llama"}
		if err := e.client.Get(t.Context(), key, set); err != nil {
			return err
		}
		groups, _, _ := unstructured.NestedInt64(set.Object, "spec", "replicas")
		for index, name := range []string{"llama", "llama-workers"} {
			if err := e.runGroups(t, ns, name, fmt.Sprint(index), int32(groups)); err != nil {
				return err
			}
		}
		status := fmt.Appendf(nil, `{"status": {"replicas": %d, "hpaPodSelector": "leaderworkerset.sigs.k8s.io/name=llama,leaderworkerset.sigs.k8s.io/worker-index=0"}}`, groups)
		if err := e.client.Status().Patch(t.Context(), set, client.RawPatch(types.MergePatchType, status)); err != nil {
			return err
		}
		if ready := len(e.ready(t, ns)); groups != want || ready != int(2*want) {
			return fmt.Errorf("%d groups are wanted and %d pods ready, want %d groups of two", groups, ready, want)
		}
		return wantDesired(e.status(t, ns, "llama-autoscaler"), int32(want))
	})
}

// runGroups runs the leaders or the workers of the groups.
func (e *environment) runGroups(t *testing.T, ns, name, index string, groups int32) error {
	t.Helper()
	set := statefulSet(ns, name, groups, "NVIDIA-GB200")
	pods := map[string]string{"leaderworkerset.sigs.k8s.io/name": "llama", "leaderworkerset.sigs.k8s.io/worker-index": index}
	set.Spec.Selector.MatchLabels, set.Spec.Template.Labels = pods, pods
	set.Spec.Template.Spec.Containers[0].Resources.Limits["nvidia.com/gpu"] = resource.MustParse("2")
	err := e.client.Create(t.Context(), set)
	if client.IgnoreAlreadyExists(err) != nil {
		return err
	}
	return e.client.Patch(t.Context(), set, client.RawPatch(types.MergePatchType, fmt.Appendf(nil, `{"spec": {"replicas": %d}}`, groups)))
}

func (e *environment) dropGroups(t *testing.T, ns string) {
	t.Helper()
	if err := e.client.DeleteAllOf(t.Context(), &appsv1.StatefulSet{}, client.InNamespace(ns)); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() error {
		var pods corev1.PodList
		if err := e.client.List(t.Context(), &pods, client.InNamespace(ns)); err != nil || len(pods.Items) > 0 {
			return errors.Join(err, fmt.Errorf("%d pods are left", len(pods.Items)))
		}
		return nil
	})
}

const modelServerText = `
apiVersion: serving.example.com/v1
kind: ModelServer
metadata: {name: llama}
spec: {servers: 1}
`

// Any kind with a scale subresource can be a target, as soon as it is defined and the controller may read it. What is in the way until then is said in the status, and goes
// by itself.
func testCustomKind(t *testing.T, e *environment) {
	ns := e.namespace(t)
	va := autoscaling(ns, "llama-autoscaler", "llama", "llama")
	va.Spec.ScaleTargetRef.APIVersion, va.Spec.ScaleTargetRef.Kind, va.Spec.MaxReplicas = "serving.example.com/v1", "ModelServer", new(int32(3))
	e.create(t, va)
	r := e.run(t, quick(ns, newSteady(busy)))
	unreadable := func(why string) {
		t.Helper()
		e.awaitCondition(t, ns, va.Name, v1alpha1.TypeTargetResolved, "Unknown TargetUnreadable", why)
		e.awaitCondition(t, ns, va.Name, v1alpha1.TypeReady, "Unknown TargetUnreadable", why)
	}
	unreadable("the API server serves no kind ModelServer of serving.example.com/v1: correct scaleTargetRef, or install its definition")

	e.defineKind(t, "serving.example.com", "ModelServer", &apiextensionsv1.CustomResourceSubresourceScale{
		SpecReplicasPath: ".spec.servers", StatusReplicasPath: ".status.servers", LabelSelectorPath: new(".status.selector")})
	unreadable("targets of kind ModelServer.serving.example.com cannot be listed: check that the controller may list and watch them")

	e.grant(t, ns, rbacv1.PolicyRule{APIGroups: []string{"serving.example.com"}, Resources: []string{"modelservers"}, Verbs: []string{"list", "watch"}})
	e.awaitNoTarget(t, r, ns)
	server := custom(t, modelServerText)
	server.SetNamespace(ns)
	e.create(t, server.DeepCopy())
	unreadable("forbidden")

	e.grant(t, ns+"-scale", rbacv1.PolicyRule{APIGroups: []string{"serving.example.com"}, Resources: []string{"modelservers/scale"}, Verbs: []string{"get", "update"}})
	unreadable("no selector, so that its pods cannot be told: let its definition name a labelSelectorPath")
	e.patch(t, server, `{"spec": {"servers": null}}`)
	unreadable("spec replicas field")
	for range 2 {
		e.patch(t, server, `{"spec": {"servers": 1}}`)
		e.create(t, statefulSet(ns, "llama", 3, ""))
		if err := e.client.Status().Patch(t.Context(), server.DeepCopy(), client.RawPatch(types.MergePatchType, []byte(`{"status": {"servers": 3, "selector": "app=llama"}}`))); err != nil {
			t.Fatal(err)
		}
		eventually(t, func() error {
			if err := e.client.Get(t.Context(), client.ObjectKeyFromObject(server), server); err != nil {
				return err
			}
			if n, _, _ := unstructured.NestedInt64(server.Object, "spec", "servers"); n != 3 {
				return fmt.Errorf("%d servers, want 3", n)
			}
			return wantDesired(e.status(t, ns, va.Name), 3)
		})
		if err := e.client.Delete(t.Context(), server); err != nil {
			t.Fatal(err)
		}
		e.awaitNoTarget(t, r, ns)
		e.dropGroups(t, ns)
		server = custom(t, modelServerText)
		server.SetNamespace(ns)
		e.create(t, server.DeepCopy())
	}
}

// patch merges a change into an object.
func (e *environment) patch(t *testing.T, o client.Object, change string) {
	t.Helper()
	if err := e.client.Patch(t.Context(), o.DeepCopyObject().(client.Object), client.RawPatch(types.MergePatchType, []byte(change))); err != nil {
		t.Fatal(err)
	}
}

// A kind whose objects cannot be scaled is no target, and the variant says so.
func testKindWithoutScale(t *testing.T, e *environment) {
	ns := e.namespace(t)
	e.defineKind(t, "serving.example.com", "Frozen", nil)
	e.grant(t, ns, rbacv1.PolicyRule{APIGroups: []string{"serving.example.com"}, Resources: []string{"frozens", "frozens/scale"}, Verbs: []string{"get", "list", "watch"}})
	va := autoscaling(ns, "llama-autoscaler", "llama", "llama")
	va.Spec.ScaleTargetRef.APIVersion, va.Spec.ScaleTargetRef.Kind = "serving.example.com/v1", "Frozen"
	frozen := custom(t, "apiVersion: serving.example.com/v1\nkind: Frozen\nmetadata: {name: llama}\n")
	frozen.SetNamespace(ns)
	eventually(t, func() error { return e.client.Create(t.Context(), frozen) })
	e.create(t, va)
	e.run(t, setting{fleet: kubernetes.FleetOptions{Namespaces: []string{ns}}, options: kubernetes.Options{Metrics: newSteady(calm), Interval: time.Hour}})
	e.awaitCondition(t, ns, va.Name, v1alpha1.TypeReady, "Unknown TargetUnreadable", "has no scale subresource: correct scaleTargetRef, or let its definition have one")
}
