package main

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/wva-go/wva/adapters/kubernetes/api/v1alpha1"
	"github.com/wva-go/wva/internal/servers"
)

// The whole of it on a real API server: the manifests are applied, and the controller runs as the service account that they bind, with no other rights.
func TestControllerOnACluster(t *testing.T) {
	if testing.Short() {
		t.Skip("-short leaves out what needs a Kubernetes control plane")
	}
	plane := servers.StartControlPlane(t, servers.ControlPlaneOptions{})
	prometheus := servers.StartPrometheus(t, servers.PrometheusOptions{Config: "global: {scrape_interval: 1s}\n"})
	c := administrator(t, plane)
	for overlay, suffix := range overlays {
		t.Run(overlay, func(t *testing.T) { testOverlay(t, plane, prometheus.URL, c, overlay, suffix) })
	}
}

// testOverlay runs the controller as its Deployment in an overlay would.
func testOverlay(t *testing.T, plane *servers.ControlPlane, prometheus string, c client.Client, overlay, suffix string) {
	built := build(t, "config/overlays/"+overlay)
	account := decode[corev1.ServiceAccount](t, built, "ServiceAccount wva-controller"+suffix)
	pod := decode[appsv1.Deployment](t, built, "Deployment wva-controller"+suffix).Spec.Template.Spec
	variables := environment(t, built, suffix)
	variables["GLOBAL_OPT_INTERVAL"], variables["PROMETHEUS_BASE_URL"], variables["PROMETHEUS_ALLOW_HTTP"] = "1s", prometheus, "true"
	apply(t, c, built, account.Namespace)
	if overlay == "kind" {
		createSamples(t, c)
	}
	target := createVariant(t, c, "llm-inference-"+overlay, variables["CONTROLLER_INSTANCE"])

	kubeconfig := filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(kubeconfig, []byte(plane.Kubeconfig(servers.User{Token: tokenOf(t, c, account.Namespace, account.Name)})), 0o600); err != nil {
		t.Fatal(err)
	}
	variables["KUBECONFIG"] = kubeconfig
	probes, metrics := servers.FreePort(t), servers.FreePort(t)
	stop := start(t, append(pod.Containers[0].Args,
		fmt.Sprintf("-health-probe-bind-address=127.0.0.1:%d", probes), fmt.Sprintf("-metrics-bind-address=127.0.0.1:%d", metrics)), variables)
	for _, path := range []string{"healthz", "readyz"} {
		eventually(t, func() error { return answers(fmt.Sprintf("http://127.0.0.1:%d/%s", probes, path), "", http.StatusOK) })
	}
	eventually(t, func() error { return decided(t, c, target) })
	if told := warnings(t, c, account.Namespace); len(told) > 0 {
		t.Errorf("warnings %q", told)
	}
	testMetricsEndpoint(t, c, account.Namespace, "wva-metrics-reader"+suffix, fmt.Sprintf("https://127.0.0.1:%d/metrics", metrics))
	if err := stop(); err != nil {
		t.Errorf("the controller ends with %v", err)
	}
}

// The metrics are for those who may read them, by what the API server says.
func testMetricsEndpoint(t *testing.T, c client.Client, namespace, role, url string) {
	t.Helper()
	reader := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "scraper"}}
	if err := c.Create(t.Context(), reader); err != nil {
		t.Fatal(err)
	}
	token := tokenOf(t, c, namespace, reader.Name)
	for _, test := range []struct {
		token string
		want  int
	}{{"", http.StatusUnauthorized}, {"made up", http.StatusInternalServerError}, {token, http.StatusForbidden}} {
		eventually(t, func() error { return answers(url, test.token, test.want) })
	}
	binding := &rbacv1.ClusterRoleBinding{ObjectMeta: metav1.ObjectMeta{Name: role},
		RoleRef:  rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role},
		Subjects: []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: reader.Namespace, Name: reader.Name}}}
	if err := c.Create(t.Context(), binding); err != nil {
		t.Fatal(err)
	}
	// Another one of the same rights, since a refusal is remembered for a while.
	eventually(t, func() error { return answers(url, tokenOf(t, c, namespace, reader.Name), http.StatusOK) })
}

func administrator(t *testing.T, plane *servers.ControlPlane) client.Client {
	t.Helper()
	config, err := clientcmd.RESTConfigFromKubeConfig([]byte(plane.Kubeconfig(servers.Administrator)))
	if err != nil {
		t.Fatal(err)
	}
	config.QPS = -1
	scheme := runtime.NewScheme()
	if err := errors.Join(clientgoscheme.AddToScheme(scheme), v1alpha1.AddToScheme(scheme)); err != nil {
		t.Fatal(err)
	}
	c, err := client.New(config, client.Options{Scheme: scheme})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// apply creates what kustomize made, the namespace first. The definition may be there already.
func apply(t *testing.T, c client.Client, built map[string][]byte, namespace string) {
	t.Helper()
	built = maps.Clone(built)
	create := func(name string) {
		o := &unstructured.Unstructured{}
		if err := yaml.Unmarshal(built[name], &o.Object); err != nil {
			t.Fatal(err)
		}
		err := c.Create(t.Context(), o, client.FieldValidation("Strict"))
		if err != nil && !(apierrors.IsAlreadyExists(err) && o.GetKind() == "CustomResourceDefinition") {
			t.Errorf("create %s: %v", name, err)
		}
		delete(built, name)
	}
	create("Namespace " + namespace)
	for name := range built {
		create(name)
	}
	eventually(t, func() error {
		_, err := c.IsObjectNamespaced(&v1alpha1.VariantAutoscaling{})
		return errors.Join(err, c.List(t.Context(), &v1alpha1.VariantAutoscalingList{}))
	})
}

// createSamples makes the policy and the HorizontalPodAutoscaler of the samples.
func createSamples(t *testing.T, c client.Client) {
	t.Helper()
	if err := c.Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "llm-inference"}}); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{"policy", "hpa"} {
		text, err := os.ReadFile("config/samples/" + file + ".yaml")
		if err != nil {
			t.Fatal(err)
		}
		for document := range strings.SplitSeq(string(text), "\n---\n") {
			o := &unstructured.Unstructured{}
			if err := yaml.Unmarshal([]byte(document), &o.Object); err != nil {
				t.Fatal(err)
			}
			if err := c.Create(t.Context(), o, client.FieldValidation("Strict")); err != nil {
				t.Errorf("%s: %v", file, err)
			}
		}
	}
}

// warnings are the events that warn in a namespace.
func warnings(t *testing.T, c client.Client, namespace string) []string {
	t.Helper()
	var list corev1.EventList
	if err := c.List(t.Context(), &list, client.InNamespace(namespace)); err != nil {
		t.Fatal(err)
	}
	var told []string
	for _, event := range list.Items {
		if event.Type == corev1.EventTypeWarning && event.ReportingController == "wva-controller" {
			told = append(told, event.InvolvedObject.Name+": "+event.Message)
		}
	}
	return told
}

// createVariant makes the sample's resource for a controller and its target, and returns where the resource is.
func createVariant(t *testing.T, c client.Client, namespace, instance string) client.ObjectKey {
	t.Helper()
	text, err := os.ReadFile("config/samples/variantautoscaling.yaml")
	if err != nil {
		t.Fatal(err)
	}
	va := &v1alpha1.VariantAutoscaling{}
	if err := yaml.UnmarshalStrict(text, va); err != nil {
		t.Fatal(err)
	}
	va.Namespace = namespace
	if instance != "" {
		va.Labels["wva.llmd.ai/controller-instance"] = instance
	}
	labels := map[string]string{"app": va.Spec.ScaleTargetRef.Name}
	target := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: va.Namespace, Name: va.Spec.ScaleTargetRef.Name}, Spec: appsv1.DeploymentSpec{
		Selector: &metav1.LabelSelector{MatchLabels: labels},
		Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "vllm", Image: "vllm"}}}},
	}}
	for _, o := range []client.Object{&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: va.Namespace}}, va, target} {
		if err := c.Create(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	return client.ObjectKeyFromObject(va)
}

// decided complains until the resource has a status that says so.
func decided(t *testing.T, c client.Client, key client.ObjectKey) error {
	t.Helper()
	var va v1alpha1.VariantAutoscaling
	if err := c.Get(t.Context(), key, &va); err != nil {
		return err
	}
	if !meta.IsStatusConditionTrue(va.Status.Conditions, v1alpha1.TypeReady) || va.Status.DesiredOptimizedAlloc.NumReplicas == nil {
		return fmt.Errorf("status %+v", va.Status)
	}
	return nil
}

// tokenOf returns a token of a service account of the manifests' namespace.
func tokenOf(t *testing.T, c client.Client, namespace, name string) string {
	t.Helper()
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
	request := &authenticationv1.TokenRequest{}
	if err := c.SubResource("token").Create(t.Context(), account, request); err != nil {
		t.Fatal(err)
	}
	return request.Status.Token
}

// asProgram is the variable by which this test binary is told to be the program.
const asProgram = "WVA_TEST_RUN_CONTROLLER"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// start runs the program in a process of its own, with this environment alone, until stop, which asks it to end as Kubernetes does and returns how it ended.
func start(t *testing.T, args []string, environment map[string]string) (stop func() error) {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	command := exec.Command(program, args...)
	command.Env, command.Stderr = []string{asProgram + "=1"}, &log
	for name, value := range environment {
		command.Env = append(command.Env, name+"="+value)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- command.Wait() }()
	stop = sync.OnceValue(func() error {
		_ = command.Process.Signal(syscall.SIGTERM)
		select {
		case err := <-ended:
			return err
		case <-time.After(time.Minute):
			return errors.Join(errors.New("no end after a minute"), command.Process.Kill(), <-ended)
		}
	})
	t.Cleanup(func() {
		if err := stop(); t.Failed() {
			text := log.String()
			t.Logf("the controller ended with %v; the end of its log:\n%s", err, text[max(0, len(text)-4000):])
		}
	})
	return stop
}

// answers complains where an address does not answer as wanted.
func answers(url, token string, want int) error {
	request, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	unverified := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}} // it signs its own certificate
	response, err := unverified.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != want {
		return fmt.Errorf("GET %s with token %.10q: %s, want %d", url, strings.TrimSpace(token), response.Status, want)
	}
	return nil
}

// eventually waits until a check has no complaint.
func eventually(t *testing.T, check func() error) {
	t.Helper()
	for begun := time.Now(); ; time.Sleep(50 * time.Millisecond) {
		err := check()
		if err == nil {
			return
		}
		if time.Since(begun) > 3*time.Minute {
			t.Fatalf("for three minutes: %v", err)
		}
	}
}
