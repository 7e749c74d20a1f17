package manifest_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/wva-go/wva/adapters/manifest"
)

const soundVariant = `
---
apiVersion: llmd.ai/v1alpha1
kind: VariantAutoscaling
metadata: {name: sound}
spec: {scaleTargetRef: {name: sound}, modelID: m}
`

// Whatever is wrong with one object is reported with file and line, and the variant after it is read.
func TestParseReportsAndGoesOn(t *testing.T) {
	const va = "apiVersion: llmd.ai/v1alpha1\nkind: VariantAutoscaling\nmetadata: {name: v}\nspec:\n  scaleTargetRef: {name: d}\n"
	const deployment = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\nspec:\n"
	for name, test := range map[string]struct{ text, want, fleet string }{
		"not YAML":   {"a: [\n", "f:3: not YAML: did not find expected node content", "sound"},
		"no object":  {"- a\n", "f:1: want a Kubernetes object", "sound"},
		"no kind":    {"metadata: {name: v}\n", "f:1: kind is missing: want a Kubernetes object", "sound"},
		"empty kind": {"kind: ''\n", "f:1: kind: empty", "sound"},
		"unsupported kind": {"apiVersion: v1\nkind: Service\nmetadata: {name: s}\n",
			`f:2: Service s: kind "Service": unsupported kind: want VariantAutoscaling, Deployment, ConfigMap or a List of them`, "sound"},
		"unsupported version": {"kind: Deployment\napiVersion: apps/v2\nmetadata: {name: d}\n",
			`f:2: Deployment d: apiVersion "apps/v2": unsupported version: want apps/v1`, "sound"},
		"no version":  {"kind: Deployment\nmetadata: {name: d}\n", "f:1: Deployment d: apiVersion is missing: want apps/v1", "sound"},
		"no metadata": {"kind: Deployment\napiVersion: apps/v1\n", "f:1: Deployment: metadata is missing: want a name", "sound"},
		"no name":     {"kind: Deployment\napiVersion: apps/v1\nmetadata:\n  namespace: n\n", "f:4: Deployment: name: missing", "sound"},
		"unknown field of metadata": {"apiVersion: apps/v1\nkind: Deployment\nspec: {}\nmetadata:\n  name: d\n  label: {}\n",
			"f:6: Deployment d: label: unknown field; known are name, namespace, labels, annotations, creationTimestamp, deletionGracePeriodSeconds, " +
				"deletionTimestamp, finalizers, generateName, generation, managedFields, ownerReferences, resourceVersion, selfLink, uid", "sound"},
		"list in a list": {"apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: List, items: []}\n",
			`f:4: List: kind "List": unsupported kind: want VariantAutoscaling, Deployment, ConfigMap or a List of them`, "sound"},
		"list of itself": {"&a\napiVersion: v1\nkind: List\nitems: [*a]\n",
			`f:3: List: kind "List": unsupported kind: want VariantAutoscaling, Deployment, ConfigMap or a List of them`, "sound"},
		"items no list": {"apiVersion: v1\nkind: List\nitems: 1\n", `f:3: items "1": want a list, have the scalar "1"`, "sound"},

		"variant without spec": {"apiVersion: llmd.ai/v1alpha1\nkind: VariantAutoscaling\nmetadata: {name: v}\n",
			"f:1: VariantAutoscaling v: spec: missing", "sound"},
		"no model":       {va, "f:5: VariantAutoscaling v: modelID: missing", "sound"},
		"empty model":    {va + "  modelID: ''\n", "f:6: VariantAutoscaling v: modelID: empty", "sound"},
		"model twice":    {va + "  modelID: m\n  modelId: m\n", `f:7: VariantAutoscaling v: modelId "m": the model is given as modelID at line 6: want one of the two`, "sound"},
		"no target":      {strings.Replace(va, "scaleTargetRef: {name: d}", "modelID: m", 1), "f:5: VariantAutoscaling v: scaleTargetRef: missing", "sound"},
		"target no map":  {strings.Replace(va, "{name: d}", "d\n  modelID: m", 1), `f:5: VariantAutoscaling v: scaleTargetRef "d": want a mapping, have the scalar "d"`, "sound"},
		"target no name": {strings.Replace(va, "{name: d}", "{kind: Deployment}\n  modelID: m", 1), "f:5: VariantAutoscaling v: name: missing", "sound"},
		"bad cost":       {va + "  modelID: m\n  variantCost: '-1'\n", `f:7: VariantAutoscaling v: variantCost "-1": want a finite number without sign or exponent, such as "10.0"`, "sound"},
		"cost a list":    {va + "  modelID: m\n  variantCost: [1]\n", "f:7: VariantAutoscaling v: variantCost: want text, have a list", "sound"},
		"unknown field of spec": {va + "  modelID: m\n  variantcost: '1'\n",
			"f:7: VariantAutoscaling v: variantcost: unknown field; known are scaleTargetRef, modelID, modelId, variantCost, minReplicas, maxReplicas, modelProfile, sloClassRef", "sound v"},
		"profile": {va + "  modelID: m\n  modelProfile:\n    accelerators:\n    - accCount: 0\n      perfParms: {decodeParms: {alpha: x}}\n",
			"f:9: VariantAutoscaling v: acc: missing\n" + `f:9: VariantAutoscaling v: accCount "0": want a whole number, 1 or more` + "\n" +
				`f:10: VariantAutoscaling v: alpha "x": want a number`, "sound v"},
		"class of none": {va + "  modelID: m\n  sloClassRef: {key: k}\n", "f:7: VariantAutoscaling v: name: missing", "sound v"},
		"same name": {va + "  modelID: m\n---\n" + strings.Replace(va, "name: d", "name: e", 1) + "  modelID: m\n",
			"f:8: VariantAutoscaling v: defined already at f:1: want each name once", "sound v"},
		"same target": {va + "  modelID: m\n---\n" + strings.Replace(va, "name: v", "name: w", 1) + "  modelID: m\n",
			"f:8: VariantAutoscaling w: Deployment d is scaled already by the resource at f:1: want one for each target", "sound v"},

		"deployment without spec": {"apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\n", "f:1: Deployment d: spec: missing", "sound"},
		"negative replicas":       {deployment + "  replicas: -1\n", `f:5: Deployment d: replicas "-1": want a number from 0 to 1000000`, "sound"},
		"replicas a word":         {deployment + "  replicas: many\n", `f:5: Deployment d: replicas "many": want a whole number`, "sound"},
		"deployment typo": {deployment + "  replica: 2\n", "f:5: Deployment d: replica: unknown field; known are replicas, selector, template, strategy, " +
			"minReadySeconds, revisionHistoryLimit, progressDeadlineSeconds, paused", "sound"},
		"devices": {deployment + "  template: {spec: {containers: [{resources: {limits: {nvidia.com/gpu: half, amd.com/gpu: -1}}}]}}\n",
			`f:5: Deployment d: nvidia.com/gpu "half": want a whole number` + "\n" + `f:5: Deployment d: amd.com/gpu "-1": want a number of devices, 0 or more`, "sound"},

		"unknown ConfigMap": {"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n",
			"f:1: ConfigMap c: unknown ConfigMap: want accelerator-unitcost, serviceclass, capacity-scaling-config or model-scale-to-zero", "sound"},
		"ConfigMap without data": {"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: serviceclass}\n",
			`f:1: ConfigMap serviceclass: service classes: no entry: want "serviceClasses" with a list of classes`, "sound"},
		"data no map": {"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: serviceclass}\ndata: x\n",
			`f:4: ConfigMap serviceclass: data "x": want a mapping, have the scalar "x"`, "sound"},
		"same ConfigMap elsewhere": {"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: model-scale-to-zero}\ndata: {}\n---\n" +
			"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: model-scale-to-zero, namespace: n}\ndata: {}\n",
			"f:6: ConfigMap model-scale-to-zero: this ConfigMap is in force already, from f:1: want it once", "sound"},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := manifest.Parse("f", test.text+soundVariant)
			if got := fmt.Sprint(err); got != test.want {
				t.Errorf("error %s\nwant  %s", got, test.want)
			}
			var names []string
			for _, v := range m.Fleet {
				names = append(names, v.ID.Name)
			}
			if got := strings.Join(names, " "); got != test.fleet {
				t.Errorf("fleet %s, want %s", got, test.fleet)
			}
		})
	}
}

// A line inside the text of a ConfigMap is a line of the file, also where the failure tells of another line.
func TestParsePlacesFailuresInsideConfigMaps(t *testing.T) {
	m, err := manifest.Parse("f", `# line 1
apiVersion: v1
kind: ConfigMap
metadata:
  name: accelerator-unitcost
data:
  accelerators: |
    - {name: A100, type: T, cost: 40}
    - name: H100
      type: U
      cost: -80
    - {name: A100, type: V, cost: 40}
  quoted: "- {name: L4, type: W}"
  empty: ""
  broken: |
    - a: b: c
  list: [1]
`)
	want := `f:17: ConfigMap accelerator-unitcost: list: want text, have a list
f:11: ConfigMap accelerator-unitcost: accelerators: H100: cost "-80": want 0 or more
f:12: ConfigMap accelerator-unitcost: accelerators: A100: "A100" already has a price at accelerators:8: want one price for each accelerator
f:16: ConfigMap accelerator-unitcost: broken: not YAML: mapping values are not allowed in this context
f:14: ConfigMap accelerator-unitcost: empty: empty document
f:13: ConfigMap accelerator-unitcost: quoted: L4: cost: missing`
	if got := fmt.Sprint(err); got != want {
		t.Errorf("error %s\nwant  %s", got, want)
	}
	if len(m.Policy.UnitCosts) != 1 {
		t.Errorf("unit costs %v, want the A100's", m.Policy.UnitCosts)
	}
}
