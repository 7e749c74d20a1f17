package kubernetes_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// Where examples/controller keeps the rights that a controller needs.
const manifests = "../../examples/controller/config/"

// The rights of the controller's users are those of the example's manifests.
var (
	publishing = []string{"base/cluster_role.yaml", "components/inventory/cluster_role.yaml"}
	scaling    = append(slices.Clone(publishing), "components/scale/cluster_role.yaml")
	ownSpace   = "base/role.yaml" // in the namespace of the ConfigMaps and the lease
)

// What the manifests call the lease and the ConfigMap of settings: the rights are for these names.
const leaseName, settingsName = "wva-controller", "wva-settings"

// authorize gives the users their rights in the whole cluster.
func (e *environment) authorize(t *testing.T) {
	t.Helper()
	for user, files := range map[string][]string{controllerUser.Name: scaling, readerUser.Name: publishing} {
		for i, file := range files {
			role := manifest[rbacv1.ClusterRole](t, file)
			role.Name = fmt.Sprintf("%s-%d", user, i)
			e.create(t, role, &rbacv1.ClusterRoleBinding{ObjectMeta: metav1.ObjectMeta{Name: role.Name},
				RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role.Name}, Subjects: subjects(user)})
		}
	}
}

// authorizeIn gives a user the rights that a controller has in its own namespace.
func (e *environment) authorizeIn(t *testing.T, namespace, user string) {
	t.Helper()
	role := manifest[rbacv1.Role](t, ownSpace)
	role.ObjectMeta = metav1.ObjectMeta{GenerateName: user + "-", Namespace: namespace}
	e.create(t, role)
	e.create(t, &rbacv1.RoleBinding{ObjectMeta: metav1.ObjectMeta{Name: role.Name, Namespace: namespace},
		RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: role.Name}, Subjects: subjects(user)})
}

func subjects(user string) []rbacv1.Subject {
	return []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: user}}
}

// manifest returns the only object of a type in a file of manifests.
func manifest[T any](t *testing.T, file string) *T {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(manifests, file))
	if err != nil {
		t.Fatal(err)
	}
	into := new(T)
	kind := strings.TrimPrefix(fmt.Sprintf("%T", *into), "v1.")
	for _, document := range documents(t, string(text)) {
		if document.GetKind() != kind {
			continue
		}
		if err := runtime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(document.Object, into, true); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		return into
	}
	t.Fatalf("%s: no %s", file, kind)
	return nil
}

// notHere are rights that the tests of examples/controller use, for a metrics endpoint that asks who reads it, and those to count events that client-go takes for repeated ones.
var notHere = []string{
	"patch events", "patch events.events.k8s.io",
	"create tokenreviews.authentication.k8s.io", "create subjectaccessreviews.authorization.k8s.io",
}

// The tests before this one ran with the rights of the manifests, so these are enough. Here: each of them was used, so none is too much.
func testLeastPrivilege(t *testing.T, e *environment) {
	if t.Failed() || e.ran <= len(controlPlaneTests) {
		t.Skip("only all tests together use all rights")
	}
	var granted []string
	for _, file := range scaling {
		granted = append(granted, rights(manifest[rbacv1.ClusterRole](t, file).Rules)...)
	}
	granted = append(granted, rights(manifest[rbacv1.Role](t, ownSpace).Rules)...)
	used := map[string]int{}
	for _, w := range e.wires {
		for call, n := range w.counts() {
			used[call] += n
		}
	}
	for _, right := range granted {
		if verb, resource, _ := strings.Cut(right, " "); verb == "list" {
			right = "watch " + resource // API servers that cannot stream the list into the watch are asked for it first
		}
		if used[right] == 0 && !slices.Contains(notHere, right) {
			t.Errorf("nobody used the right to %s", right)
		}
	}
	t.Logf("used: %v", slices.Sorted(maps.Keys(used)))
}

// rights lists what rules allow, as wires name it.
func rights(rules []rbacv1.PolicyRule) []string {
	var all []string
	for _, rule := range rules {
		for _, group := range rule.APIGroups {
			for _, resource := range rule.Resources {
				name, sub, nested := strings.Cut(resource, "/")
				if group != "" {
					name += "." + group
				}
				if nested {
					name += "/" + sub
				}
				for _, verb := range rule.Verbs {
					all = append(all, verb+" "+name)
				}
			}
		}
	}
	return all
}
