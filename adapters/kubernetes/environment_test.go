package kubernetes_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientset "k8s.io/client-go/kubernetes"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/wva-go/wva/adapters/kubernetes/api/v1alpha1"
	"github.com/wva-go/wva/adapters/kubernetes/crd"
	"github.com/wva-go/wva/adapters/kubernetes/internal/nodes"
	"github.com/wva-go/wva/internal/servers"
)

// environment is a control plane with simulated nodes. The tests share it, each in a namespace of its own.
type environment struct {
	plane  *servers.ControlPlane
	scheme *runtime.Scheme
	client client.Client // the administrator's, without a cache
	set    clientset.Interface
	nodes  *nodes.Pool
	wires  []*wire // of all controllers
	ran    int     // tests
}

// The users of the control plane beside its administrator.
var (
	controllerUser = servers.User{Token: "controller", Name: "controller"}
	readerUser     = servers.User{Token: "reader", Name: "reader"} // as the controller, without rights on the scale of anything
)

type controlPlaneTest struct {
	name string
	run  func(*testing.T, *environment)
}

// controlPlaneTests need a real API server. They share one, since it takes seconds to start.
var controlPlaneTests = []controlPlaneTest{
	{"no definition", testNoDefinition}, // first, since the others define it
	{"simulated nodes", testNodes},
	{"documents of the guide", testDocuments},
	{"lifecycle", testLifecycle},
	{"to zero and back", testToZeroAndBack},
	{"stateful set", testStatefulSet},
	{"leader worker set", testLeaderWorkerSet},
	{"custom kind", testCustomKind},
	{"kind without scale", testKindWithoutScale},
	{"two instances", testInstances},
	{"configuration", testConfiguration},
	{"mode", testMode},
	{"namespaces", testNamespaces},
	{"hostile labels", testHostileLabels},
	{"longest names", testLongestNames},
	{"inventory", testInventory},
	{"node not ready", testNodeNotReady},
	{"load", testLoad},
	{"horizontal pod autoscaler", testHorizontalPodAutoscaler},
	{"target made again", testRecreated},
	{"watches cut", testWatchesCut},
	{"conflicts", testConflicts},
	{"second scaler", testSecondScaler},
	{"dry run", testDryRun},
	{"forbidden", testForbidden},
	{"leader handed over", testLeaderHandedOver},
	{"API server restarts", testServerRestarts},
	{"a thousand variants", testMany}, // last, since it leaves a lot to take away
}

// TestControlPlane runs them.
func TestControlPlane(t *testing.T) {
	if testing.Short() {
		t.Skip("-short leaves out what needs a Kubernetes control plane")
	}
	e := newEnvironment(t)
	for _, test := range append(controlPlaneTests, controlPlaneTest{"least privilege", testLeastPrivilege}) {
		t.Run(test.name, func(t *testing.T) {
			if test.name != "no definition" {
				e.define(t)
			}
			e.ran++
			test.run(t, e)
		})
		checkLeft(t)
	}
}

func newEnvironment(t *testing.T) *environment {
	t.Helper()
	ctrl.SetLogger(logr.Discard())
	klog.SetLogger(logr.Discard()) // of what fails here on purpose
	e := &environment{scheme: runtime.NewScheme()}
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, apiextensionsv1.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(e.scheme); err != nil {
			t.Fatal(err)
		}
	}
	e.plane = servers.StartControlPlane(t, servers.ControlPlaneOptions{
		Users: []servers.User{controllerUser, readerUser},
		ControllerManager: []string{
			"--horizontal-pod-autoscaler-sync-period=1s", "--horizontal-pod-autoscaler-downscale-stabilization=0s",
			"--node-monitor-grace-period=1h", // nobody sends heartbeats
			"--kube-api-qps=500", "--kube-api-burst=1000",
		},
	})
	admin := e.config(t, servers.Administrator)
	var err error
	if e.client, err = client.New(admin, client.Options{Scheme: e.scheme}); err != nil {
		t.Fatal(err)
	}
	if e.set, err = clientset.NewForConfig(admin); err != nil {
		t.Fatal(err)
	}
	e.nodes = nodes.Start(t, e.set, 500*time.Millisecond)
	e.nodes.Add(t, nodes.Node{Name: "plain"}) // for pods without accelerators
	e.authorize(t)
	return e
}

// config returns what a user connects with, without a limit on the rate of its calls.
func (e *environment) config(t testing.TB, u servers.User) *rest.Config {
	t.Helper()
	config, err := clientcmd.RESTConfigFromKubeConfig([]byte(e.plane.Kubeconfig(u)))
	if err != nil {
		t.Fatal(err)
	}
	config.QPS = -1
	return config
}

// namespace makes a namespace that goes with the test.
func (e *environment) namespace(t *testing.T) string {
	t.Helper()
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "test-"}}
	if err := e.client.Create(t.Context(), ns); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.client.Delete(context.WithoutCancel(t.Context()), ns); err != nil {
			t.Error(err)
		}
	})
	return ns.Name
}

// define gives the cluster the VariantAutoscaling and waits until it is served.
func (e *environment) define(t *testing.T) {
	t.Helper()
	var definition apiextensionsv1.CustomResourceDefinition
	if err := yaml.UnmarshalStrict([]byte(crd.VariantAutoscalings), &definition); err != nil {
		t.Fatal(err)
	}
	if err := client.IgnoreAlreadyExists(e.client.Create(t.Context(), &definition)); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() error {
		_, err := e.client.IsObjectNamespaced(&v1alpha1.VariantAutoscaling{}) // discovery may lag behind
		return errors.Join(err, e.client.List(t.Context(), &v1alpha1.VariantAutoscalingList{}))
	})
}

// create makes objects that go with their namespace.
func (e *environment) create(t *testing.T, objects ...client.Object) {
	t.Helper()
	for _, o := range objects {
		if err := e.client.Create(t.Context(), o); err != nil {
			t.Fatalf("create %T %s: %v", o, o.GetName(), err)
		}
	}
}

// eventually waits until a check has no complaint.
func eventually(t testing.TB, check func() error) {
	t.Helper()
	poll(t, 20*time.Millisecond, check)
}

// patience is more than anything takes on a busy machine. What should happen soon is known by what it comes before.
const patience = 3 * time.Minute

// poll asks a check every so often until it has no complaint.
func poll(t testing.TB, every time.Duration, check func() error) {
	t.Helper()
	for begun := time.Now(); ; time.Sleep(every) {
		err := check()
		if err == nil {
			return
		}
		if time.Since(begun) > patience {
			t.Fatalf("for %v: %v", patience, err)
		}
	}
}
