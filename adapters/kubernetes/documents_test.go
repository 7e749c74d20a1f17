package kubernetes_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/wva-go/wva/adapters/kubernetes/api/v1alpha1"
)

// The guide's documents, word by word, are accepted by a real API server, which validates them strictly.
func testDocuments(t *testing.T, e *environment) {
	for _, name := range []string{"llm-inference", "workload-variant-autoscaler-system"} {
		e.create(t, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}})
	}
	files, err := filepath.Glob("../manifest/testdata/guide/*.yaml")
	if err != nil || len(files) != 3 {
		t.Fatalf("documents %v, error %v", files, err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, document := range documents(t, string(text)) {
			if err := e.client.Create(t.Context(), document, client.FieldValidation("Strict")); err != nil {
				t.Errorf("%s: %v", file, err)
			}
		}
	}
	t.Run("defaults and patterns", func(t *testing.T) { testValidation(t, e) })
	t.Run("printer columns", func(t *testing.T) { testPrinterColumns(t, e) })
}

// documents reads the objects of a YAML stream.
func documents(t *testing.T, text string) []*unstructured.Unstructured {
	t.Helper()
	var all []*unstructured.Unstructured
	for decoder := yaml.NewYAMLOrJSONDecoder(strings.NewReader(text), 4096); ; {
		o := &unstructured.Unstructured{}
		err := decoder.Decode(o)
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		if o.Object != nil {
			all = append(all, o)
		}
	}
}

func testValidation(t *testing.T, e *environment) {
	ns := e.namespace(t)
	for _, test := range []struct {
		spec string
		want string // of the error; empty = accepted
	}{
		{spec: `{scaleTargetRef: {name: a}, modelID: m}`},
		{spec: `{scaleTargetRef: {name: a}, modelId: m}`}, // the guide's other spelling
		{spec: `{scaleTargetRef: {kind: StatefulSet, name: a}, modelID: m, variantCost: "15.5"}`},
		{spec: `{scaleTargetRef: {apiVersion: leaderworkerset.x-k8s.io/v1, kind: LeaderWorkerSet, name: a}, modelID: m, variantCost: "80"}`},
		{spec: `{scaleTargetRef: {name: a}, modelID: m, sloClassRef: {name: premium, key: opt-125m}, modelProfile: {accelerators: [{acc: A100, accCount: 1, maxBatchSize: 4,
			perfParms: {decodeParms: {alpha: "20.58", beta: "0.41"}, prefillParms: {gamma: "200.0", delta: "0.02"}}}]}}`},
		{spec: `{scaleTargetRef: {name: a}}`, want: "modelID"},
		{spec: `{scaleTargetRef: {name: a}, modelID: ""}`, want: "modelID"},
		{spec: `{scaleTargetRef: {name: a}, modelID: m, modelId: m}`, want: "modelID"},
		{spec: `{modelID: m}`, want: "scaleTargetRef"},
		{spec: `{scaleTargetRef: {kind: Deployment}, modelID: m}`, want: "scaleTargetRef.name"},
		{spec: `{scaleTargetRef: {name: a}, modelID: m, variantCost: 15.5}`, want: "variantCost"}, // a number is no text
		{spec: `{scaleTargetRef: {name: a}, modelID: m, variantCost: "-1"}`, want: "variantCost"},
		{spec: `{scaleTargetRef: {name: a}, modelID: m, variantCost: "1e3"}`, want: "variantCost"},
		{spec: `{scaleTargetRef: {name: a}, modelID: m, variantCost: "10."}`, want: "variantCost"},
		{spec: `{scaleTargetRef: {name: a}, modelID: m, variantCost: "ten"}`, want: "variantCost"},
		{spec: `{scaleTargetRef: {name: a}, modelID: m, variantCost: "NaN"}`, want: "variantCost"},
		{spec: `{scaleTargetRef: {name: a}, modelID: m, minReplicas: 0, maxReplicas: 5}`},
		{spec: `{scaleTargetRef: {name: a}, modelID: m, minReplicas: 3, maxReplicas: 2}`, want: "minReplicas is above maxReplicas"},
		{spec: `{scaleTargetRef: {name: a}, modelID: m, minReplicas: -1}`, want: "minReplicas"},
		{spec: `{scaleTargetRef: {name: a}, modelID: m, maxReplicas: 0}`, want: "maxReplicas"},
		{spec: `{scaleTargetRef: {name: a, kind: ""}, modelID: m}`, want: "scaleTargetRef.kind"},
		{spec: `{scaleTargetRef: {name: ` + strings.Repeat("a", 254) + `}, modelID: m}`, want: "scaleTargetRef.name"},
		{spec: `{scaleTargetRef: {name: a}, modelID: m, modelProfile: {accelerators: [{acc: A100, accCount: 0}]}}`, want: "accCount"},
		{spec: `{scaleTargetRef: {name: a}, modelID: m, modelProfile: {accelerators: [{acc: A100, perfParms: {decodeParms: {alpha: fast}}}]}}`, want: "alpha"},
		{spec: `{scaleTargetRef: {name: a}, modelID: m, variantCosts: "10.0"}`, want: "variantCosts"},
	} {
		text := "apiVersion: llmd.ai/v1alpha1\nkind: VariantAutoscaling\nmetadata: {generateName: v-, namespace: " + ns + "}\nspec: " + test.spec
		o := documents(t, strings.ReplaceAll(text, "\t", " "))[0]
		err := e.client.Create(t.Context(), o, client.FieldValidation("Strict"))
		if test.want != "" {
			if (!apierrors.IsInvalid(err) && !apierrors.IsBadRequest(err)) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%s: error %v, want one about %s", test.spec, err, test.want)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", test.spec, err)
			continue
		}
		cost, _, _ := unstructured.NestedString(o.Object, "spec", "variantCost")
		kind, _, _ := unstructured.NestedString(o.Object, "spec", "scaleTargetRef", "kind")
		if !strings.Contains(test.spec, "variantCost") && cost != "10.0" || !strings.Contains(test.spec, "kind:") && kind != "Deployment" {
			t.Errorf("%s: defaults are variantCost %q and kind %q, want 10.0 and Deployment", test.spec, cost, kind)
		}
	}
}

// What kubectl get va shows.
func testPrinterColumns(t *testing.T, e *environment) {
	ns := e.namespace(t)
	va := autoscaling(ns, "llama", "llama-8b", "meta/llama-3.1-8b")
	e.create(t, va)
	three, one := int32(3), int32(1)
	va.Status = v1alpha1.VariantAutoscalingStatus{
		CurrentAlloc:          v1alpha1.Allocation{Accelerator: "A100", NumReplicas: &one},
		DesiredOptimizedAlloc: v1alpha1.OptimizedAlloc{Accelerator: "A100", NumReplicas: &three},
		Conditions: []metav1.Condition{{Type: v1alpha1.TypeMetricsAvailable, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonMetricsFound,
			LastTransitionTime: metav1.Now()}},
	}
	if err := e.client.Status().Update(t.Context(), va); err != nil {
		t.Fatal(err)
	}
	answer, err := e.set.Discovery().RESTClient().Get().AbsPath("/apis/llmd.ai/v1alpha1/namespaces/"+ns+"/variantautoscalings").
		SetHeader("Accept", "application/json;as=Table;v=v1;g=meta.k8s.io").DoRaw(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var table metav1.Table
	if err := json.Unmarshal(answer, &table); err != nil {
		t.Fatal(err)
	}
	var columns []string
	for _, c := range table.ColumnDefinitions {
		if c.Priority == 0 {
			columns = append(columns, c.Name)
		}
	}
	if got := strings.Join(columns, " "); got != "Name Target Model Accelerator CurrentReplicas Optimized MetricsReady Age" {
		t.Errorf("columns %s", got)
	}
	const want = "[llama llama-8b meta/llama-3.1-8b A100 1 3 True]"
	if len(table.Rows) != 1 || fmt.Sprint(table.Rows[0].Cells[:7]) != want {
		t.Errorf("rows %v, want one of %s", table.Rows, want)
	}
	resources, err := e.set.Discovery().ServerResourcesForGroupVersion("llmd.ai/v1alpha1")
	if err != nil || len(resources.APIResources) == 0 || !slices.Contains(resources.APIResources[0].ShortNames, "va") {
		t.Errorf("resources %v, error %v: want the short name va", resources, err)
	}
}
