package kubernetes

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/yaml"

	"github.com/wva-go/wva/adapters/kubernetes/api/v1alpha1"
)

func object(t *testing.T, text string) *unstructured.Unstructured {
	t.Helper()
	json, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	o := &unstructured.Unstructured{}
	if err := o.UnmarshalJSON(json); err != nil {
		t.Fatal(err)
	}
	return o
}

const deploymentYAML = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: llama, namespace: ns, uid: u, resourceVersion: "7", labels: {inference.optimization/acceleratorName: A100, app: x}}
spec:
  replicas: 3
  selector: {matchLabels: {app: llama}, matchExpressions: [{key: tier, operator: Exists}]}
  template:
    metadata: {labels: {app: llama}}
    spec:
      nodeSelector: {nvidia.com/gpu.product: NVIDIA-A100-PCIE-80GB, disk: ssd}
      containers:
      - {name: vllm, image: vllm, env: [{name: A, value: b}], resources: {limits: {nvidia.com/gpu: 2, cpu: 8}}}
`

const leaderWorkerSetYAML = `
apiVersion: leaderworkerset.x-k8s.io/v1
kind: LeaderWorkerSet
metadata: {name: llama, namespace: ns, uid: u}
spec:
  replicas: 2
  leaderWorkerTemplate:
    size: 4
    workerTemplate:
      spec:
        affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: [{key: nvidia.com/gpu.product, operator: In, values: [H100]}]}]}}}
        containers: [{name: vllm, resources: {limits: {nvidia.com/gpu: "8"}}}]
status: {hpaPodSelector: "leaderworkerset.sigs.k8s.io/name=llama,leaderworkerset.sigs.k8s.io/worker-index=0"}
`

func TestParseTarget(t *testing.T) {
	for name, test := range map[string]struct {
		text              string
		replicas, devices int
		accelerator       string
		selects, leaves   labels.Set // as replicas
	}{
		"a Deployment": {deploymentYAML, 3, 2, "A100", labels.Set{"app": "llama", "tier": ""}, labels.Set{"app": "llama"}},
		"a Deployment without a number of replicas": {strings.Replace(deploymentYAML, "replicas: 3", "paused: true", 1), 1, 2, "A100", labels.Set{"app": "llama", "tier": "1"}, nil},
		"by node selector":                          {strings.Replace(deploymentYAML, "inference.optimization/acceleratorName: A100, ", "", 1), 3, 2, a100, labels.Set{"app": "llama", "tier": "1"}, nil},
		"groups of a leader and workers": {leaderWorkerSetYAML, 2, 32, "H100", labels.Set{"leaderworkerset.sigs.k8s.io/name": "llama", "leaderworkerset.sigs.k8s.io/worker-index": "0"},
			labels.Set{"leaderworkerset.sigs.k8s.io/name": "llama", "leaderworkerset.sigs.k8s.io/worker-index": "1"}},
		"groups that have no status yet": {leaderWorkerSetYAML[:strings.Index(leaderWorkerSetYAML, "status:")], 2, 32, "H100", nil, labels.Set{}},
		"a ReplicationController":        {"apiVersion: v1\nkind: ReplicationController\nmetadata: {name: a}\nspec: {replicas: 2, selector: {app: a}}\n", 2, 0, "", labels.Set{"app": "a"}, labels.Set{"app": "b"}},
		"no selector":                    {"apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: a}\nspec: {replicas: 0}\n", 0, 0, "", nil, labels.Set{}},
		"more replicas than can be":      {"apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: a}\nspec: {replicas: 9223372036854775807}\n", 1_000_001, 0, "", nil, nil},
		"another kind":                   {"apiVersion: example.com/v1\nkind: Rollout\nmetadata: {name: a}\nspec: {replicas: 9, template: {spec: {containers: [{name: c, resources: {requests: {amd.com/gpu: 1}}}]}}}\n", 0, 1, "", nil, labels.Set{}},
	} {
		t.Run(name, func(t *testing.T) {
			whole := object(t, test.text)
			for how, o := range map[string]*unstructured.Unstructured{"whole": whole, "stripped": stripTarget(whole)} {
				got, err := parseTarget(o)
				if err != nil {
					t.Fatalf("%s: %v", how, err)
				}
				if got.replicas != test.replicas || got.devices != test.devices || got.accelerator != test.accelerator {
					t.Errorf("%s: %d replicas of %d × %q, want %d of %d × %q", how, got.replicas, got.devices, got.accelerator, test.replicas, test.devices, test.accelerator)
				}
				has := func(l labels.Set) bool {
					return got.selector.Matches(l) && got.replica(&corev1.Pod{ObjectMeta: metav1.ObjectMeta{Labels: l}})
				}
				if test.selects != nil && !has(test.selects) || test.leaves != nil && has(test.leaves) {
					t.Errorf("%s: selector %s: want it to select %v and not %v", how, got.selector, test.selects, test.leaves)
				}
			}
		})
	}
}

// What cannot be read is an error that names it, never a panic and never an empty target.
func TestParseTargetRefuses(t *testing.T) {
	for name, test := range map[string]struct{ text, want string }{
		"replicas": {"apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\nspec: {replicas: many}\n", "spec.replicas of Deployment /a"},
		"selector": {"apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\nspec: {selector: {matchExpressions: [{key: a, operator: Like}]}}\n", `"Like" is not a valid label selector operator`},
		"leaders":  {strings.Replace(leaderWorkerSetYAML, "worker-index=0", "worker-index==,", 1), "status.hpaPodSelector of LeaderWorkerSet ns/llama"},
		"template": {"apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\nspec: {template: {spec: {containers: [{resources: {limits: {nvidia.com/gpu: lots}}}]}}}\n", "pod template of Deployment /a"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := parseTarget(object(t, test.text)); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want one with %q", err, test.want)
			}
		})
	}
}

// Whatever an object holds, the fields of a custom kind are anybody's: it is read or refused, and what is kept of it says what the whole does.
func FuzzParseTarget(f *testing.F) {
	for _, text := range []string{deploymentYAML, leaderWorkerSetYAML, "apiVersion: v1\nkind: ReplicationController\nspec: {selector: {a: b}}\n",
		"apiVersion: example.com/v1\nkind: Rollout\nmetadata: {name: a, deletionTimestamp: never}\nspec: {replicas: 1.5, selector: a=b, template: {spec: [1]}}\nstatus: {selector: a in (b)}\n"} {
		json, err := yaml.YAMLToJSON([]byte(text))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(json)
	}
	f.Fuzz(func(t *testing.T, json []byte) {
		o := &unstructured.Unstructured{}
		if o.UnmarshalJSON(json) != nil {
			return
		}
		whole, err := parseTarget(o)
		kept, errKept := parseTarget(stripTarget(o))
		if err == nil && (errKept != nil || whole.replicas != kept.replicas || whole.devices != kept.devices || whole.accelerator != kept.accelerator ||
			whole.selector.String() != kept.selector.String()) {
			t.Errorf("whole: %+v, %v\nkept: %+v, %v", whole, err, kept, errKept)
		}
		if err == nil && (whole.devices < 0 || whole.replicas < -1) {
			t.Errorf("target %+v", whole)
		}
		_ = whole.parseScale(o)
	})
}

func TestStripTarget(t *testing.T) {
	text, err := stripTarget(object(t, deploymentYAML)).MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	for _, dropped := range []string{"image", "env", "\"app\":\"x\"", "template\":{\"metadata"} {
		if strings.Contains(string(text), dropped) {
			t.Errorf("%s is kept in %s", dropped, text)
		}
	}
}

func TestKindOf(t *testing.T) {
	for _, test := range []struct {
		ref       v1alpha1.ScaleTargetRef
		want, bad string
	}{
		{ref: v1alpha1.ScaleTargetRef{Name: "a"}, want: "apps/v1, Kind=Deployment"},
		{ref: v1alpha1.ScaleTargetRef{Kind: "StatefulSet"}, want: "apps/v1, Kind=StatefulSet"},
		{ref: v1alpha1.ScaleTargetRef{Kind: "LeaderWorkerSet"}, want: "leaderworkerset.x-k8s.io/v1, Kind=LeaderWorkerSet"},
		{ref: v1alpha1.ScaleTargetRef{APIVersion: "argoproj.io/v1alpha1", Kind: "Rollout"}, want: "argoproj.io/v1alpha1, Kind=Rollout"},
		{ref: v1alpha1.ScaleTargetRef{Kind: "Rollout"}, bad: `kind "Rollout" without apiVersion`},
		{ref: v1alpha1.ScaleTargetRef{APIVersion: "a/b/c"}, bad: `apiVersion "a/b/c": want group/version`},
	} {
		got, err := kindOf(test.ref)
		if test.bad != "" {
			if err == nil || !strings.Contains(err.Error(), test.bad) {
				t.Errorf("%+v: error %v, want one with %q", test.ref, err, test.bad)
			}
		} else if err != nil || got.String() != test.want {
			t.Errorf("%+v: %v, %v, want %s", test.ref, got, err, test.want)
		}
	}
}
