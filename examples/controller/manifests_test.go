package main

import (
	"io"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

// overlays by name, with what they add to the names of what they make.
var overlays = map[string]string{"kind": "", "east": "-east"}

// build is what kustomize makes of a directory, by kind and name.
func build(t *testing.T, directory string) map[string][]byte {
	t.Helper()
	resources, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), directory)
	if err != nil {
		t.Fatal(err)
	}
	built := map[string][]byte{}
	for _, r := range resources.Resources() {
		text, err := r.AsYAML()
		if err != nil {
			t.Fatal(err)
		}
		built[r.GetKind()+" "+r.GetName()] = text
	}
	return built
}

func decode[T any](t *testing.T, built map[string][]byte, name string) T {
	t.Helper()
	var into T
	if text, ok := built[name]; !ok {
		t.Fatalf("there is no %s", name)
	} else if err := yaml.UnmarshalStrict(text, &into); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return into
}

// The pod runs without privileges, and with flags and an environment that the program accepts.
func TestDeployment(t *testing.T) {
	built := build(t, "config/overlays/kind")
	pod := decode[appsv1.Deployment](t, built, "Deployment wva-controller").Spec.Template.Spec
	if c := pod.SecurityContext; !*c.RunAsNonRoot || *c.RunAsUser == 0 || c.SeccompProfile.Type != corev1.SeccompProfileTypeRuntimeDefault {
		t.Errorf("security context of the pod %+v", c)
	}
	c := pod.Containers[0]
	if s := c.SecurityContext; *s.AllowPrivilegeEscalation || !*s.ReadOnlyRootFilesystem || !slices.Equal(s.Capabilities.Drop, []corev1.Capability{"ALL"}) {
		t.Errorf("security context of the container %+v", s)
	}
	s, err := readSettings(c.Args, lookup(environment(t, built, "")), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if s.namespace != "wva-system" || s.configMap != "wva-settings" || s.actuation != "scale" {
		t.Errorf("settings %+v", s)
	}
	for _, want := range []string{"CustomResourceDefinition variantautoscalings.llmd.ai", "NetworkPolicy wva-controller", "Service wva-controller-metrics"} {
		if built[want] == nil {
			t.Errorf("there is no %s", want)
		}
	}
}

// environment is that of the controller in a pod of its Deployment.
func environment(t *testing.T, built map[string][]byte, suffix string) map[string]string {
	t.Helper()
	d := decode[appsv1.Deployment](t, built, "Deployment wva-controller"+suffix)
	variables := map[string]string{}
	for _, e := range d.Spec.Template.Spec.Containers[0].Env {
		switch from := e.ValueFrom; {
		case from == nil:
			variables[e.Name] = e.Value
		case from.FieldRef != nil:
			variables[e.Name] = d.Namespace
		case from.ConfigMapKeyRef != nil:
			if value, ok := decode[corev1.ConfigMap](t, built, "ConfigMap "+from.ConfigMapKeyRef.Name).Data[from.ConfigMapKeyRef.Key]; ok {
				variables[e.Name] = value
			} else if optional := from.ConfigMapKeyRef.Optional; optional == nil || !*optional {
				t.Errorf("%s is missing in ConfigMap %s", e.Name, from.ConfigMapKeyRef.Name)
			}
		}
	}
	return variables
}

// Whatever the program takes from its environment can be set in the manifests, but for the settings that are followed in their ConfigMap: the environment would win over that.
func TestEnvironment(t *testing.T) {
	container := decode[appsv1.Deployment](t, build(t, "config/overlays/kind"), "Deployment wva-controller").Spec.Template.Spec.Containers[0]
	followed := []string{"GLOBAL_OPT_INTERVAL", "EXPERIMENTAL_PROACTIVE_MODEL", "WVA_SCALE_TO_ZERO"}
	for _, name := range regexp.MustCompile(`[A-Z]+(_[A-Z]+)+`).FindAllString(usage, -1) {
		if set := slices.ContainsFunc(container.Env, func(e corev1.EnvVar) bool { return e.Name == name }); set == slices.Contains(followed, name) {
			t.Errorf("%s in the Deployment: %v, want the opposite", name, set)
		}
	}
}

// Two controllers in one cluster share the definition and nothing else.
func TestOverlaysMeetNowhere(t *testing.T) {
	first, second := build(t, "config/overlays/kind"), build(t, "config/overlays/east")
	for name := range first {
		if second[name] != nil && !strings.HasPrefix(name, "CustomResourceDefinition ") {
			t.Errorf("both overlays have %s", name)
		}
	}
}

// No right goes to everything, and none but scale, status, events, leases and reviews is one to write.
func TestLeastPrivilege(t *testing.T) {
	for overlay, suffix := range overlays {
		testLeastPrivilege(t, build(t, "config/overlays/"+overlay), suffix)
	}
}

func testLeastPrivilege(t *testing.T, built map[string][]byte, suffix string) {
	t.Helper()
	writable := []string{"variantautoscalings/status", "deployments/scale", "statefulsets/scale", "leaderworkersets/scale", "events", "leases", "tokenreviews", "subjectaccessreviews"}
	var rules []rbacv1.PolicyRule
	for name := range built {
		switch kind, _, _ := strings.Cut(name, " "); kind {
		case "ClusterRole":
			rules = append(rules, decode[rbacv1.ClusterRole](t, built, name).Rules...)
		case "Role":
			rules = append(rules, decode[rbacv1.Role](t, built, name).Rules...)
		case "ClusterRoleBinding":
			for _, s := range decode[rbacv1.ClusterRoleBinding](t, built, name).Subjects {
				if s.Namespace != decode[corev1.ServiceAccount](t, built, "ServiceAccount wva-controller"+suffix).Namespace || s.Name != "wva-controller"+suffix {
					t.Errorf("%s binds %v", name, s)
				}
			}
		}
	}
	for _, rule := range rules {
		if slices.Contains(slices.Concat(rule.Verbs, rule.Resources, rule.APIGroups, rule.NonResourceURLs), "*") {
			t.Errorf("rule with a wildcard: %v", rule)
		}
		if slices.Contains(rule.Resources, "configmaps") && len(rule.ResourceNames) == 0 || slices.Contains(rule.Resources, "secrets") {
			t.Errorf("rule for more than is read: %v", rule)
		}
		for _, verb := range rule.Verbs {
			for _, resource := range rule.Resources {
				if !slices.Contains([]string{"get", "list", "watch"}, verb) && !slices.Contains(writable, resource) {
					t.Errorf("rule to %s %s", verb, resource)
				}
			}
		}
	}
}

// The metrics of the controller keep their labels, by which HorizontalPodAutoscalers and KEDA look for them.
func TestLabelsAreHonoured(t *testing.T) {
	text, err := os.ReadFile("config/components/servicemonitor/service_monitor.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var monitor struct {
		Spec struct{ Endpoints []struct{ HonorLabels bool } }
	}
	if err := yaml.Unmarshal(text, &monitor); err != nil || len(monitor.Spec.Endpoints) != 1 || !monitor.Spec.Endpoints[0].HonorLabels {
		t.Errorf("endpoints %+v, error %v", monitor.Spec.Endpoints, err)
	}
	if text, err = os.ReadFile("config/samples/hpa.yaml"); err != nil {
		t.Fatal(err)
	}
	var follower autoscalingv2.HorizontalPodAutoscaler
	if err := yaml.UnmarshalStrict(text, &follower); err != nil {
		t.Fatal(err)
	}
	metric := follower.Spec.Metrics[0].External.Metric
	if !maps.Equal(metric.Selector.MatchLabels, map[string]string{"variant_name": "llama-8b-autoscaler"}) || metric.Name != "inferno_desired_replicas" {
		t.Errorf("the HorizontalPodAutoscaler follows %+v", metric)
	}
}

// Components can be added to the base one by one.
func TestComponents(t *testing.T) {
	files := filesys.MakeFsOnDisk()
	for _, component := range []string{"scale", "inventory", "servicemonitor"} {
		t.Run(component, func(t *testing.T) {
			directory := "config/testing-" + component
			if err := files.MkdirAll(directory); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = files.RemoveAll(directory) })
			text := "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [../base]\ncomponents: [../components/" + component + "]\n"
			if err := files.WriteFile(directory+"/kustomization.yaml", []byte(text)); err != nil {
				t.Fatal(err)
			}
			args := decode[appsv1.Deployment](t, build(t, directory), "Deployment wva-controller").Spec.Template.Spec.Containers[0].Args
			_, err := readSettings(args, lookup(map[string]string{"POD_NAMESPACE": "wva-system", "PROMETHEUS_BASE_URL": "https://p:9090"}), io.Discard)
			if err != nil {
				t.Error(err)
			}
		})
	}
}
