package kubernetes

import (
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/wva-go/wva"
)

func owned(namespace, name, kind, selector string) owner {
	s, err := labels.Parse(selector)
	if err != nil {
		panic(err)
	}
	return owner{wva.ID{Namespace: namespace, Name: name + "-va"}, target{
		kind: schema.GroupVersionKind{Group: "apps", Version: "v1", Kind: kind}, namespace: namespace, name: name, uid: types.UID(name), selector: s,
	}}
}

func podOf(namespace, controllerKind, controllerName string, set labels.Set) corev1.Pod {
	p := corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Labels: set}}
	if controllerKind != "" {
		p.OwnerReferences = []metav1.OwnerReference{{Kind: controllerKind, Name: controllerName, UID: types.UID(controllerName), Controller: new(true)}}
	}
	return p
}

// Pods belong to variants by selector, and by who controls them where selectors overlap.
func TestAssign(t *testing.T) {
	long := strings.Repeat("l", validation.DNS1123SubdomainMaxLength)
	cut := long[:validation.DNS1123SubdomainMaxLength-len("-7d9")] // as the Deployment controller does
	owners := []owner{
		owned("ns", long, "Deployment", "app=long"),
		owned("ns", "llama", "Deployment", "app=llama,part-of=models"),
		owned("ns", "llama-large", "Deployment", "app=llama,part-of=models,size=large"),
		owned("ns", "set", "StatefulSet", "app=set"),
		owned("ns", "custom", "Rollout", "app in (custom,other)"),
		owned("other", "llama", "Deployment", "app=llama"),
	}
	for name, test := range map[string]struct {
		pod  corev1.Pod
		want string
	}{
		"of a Deployment":                   {podOf("ns", "ReplicaSet", "llama-7d9", labels.Set{"app": "llama", "part-of": "models", "pod-template-hash": "7d9"}), "llama-va"},
		"of one whose selector is narrower": {podOf("ns", "ReplicaSet", "llama-large-7d9", labels.Set{"app": "llama", "part-of": "models", "size": "large", "pod-template-hash": "7d9"}), "llama-large-va"},
		"of a Deployment of somebody else":  {podOf("ns", "ReplicaSet", "mine-7d9", labels.Set{"app": "llama", "part-of": "models", "pod-template-hash": "7d9"}), ""},
		"of a ReplicaSet by hand":           {podOf("ns", "ReplicaSet", "llama", labels.Set{"app": "llama", "part-of": "models"}), ""},
		"in another namespace":              {podOf("other", "ReplicaSet", "llama-7d9", labels.Set{"app": "llama", "pod-template-hash": "7d9"}), "llama-va"},
		"in a namespace without variants":   {podOf("third", "ReplicaSet", "llama-7d9", labels.Set{"app": "llama", "pod-template-hash": "7d9"}), ""},
		"with half of the labels":           {podOf("ns", "ReplicaSet", "llama-7d9", labels.Set{"app": "llama", "pod-template-hash": "7d9"}), ""},
		"of a StatefulSet":                  {podOf("ns", "StatefulSet", "set", labels.Set{"app": "set"}), "set-va"},
		"of one that was there before":      {podOf("ns", "StatefulSet", "old", labels.Set{"app": "set"}), ""},
		"of a kind of its own":              {podOf("ns", "ReplicaSet", "custom-x", labels.Set{"app": "other"}), "custom-va"},
		"of nobody, but selected":           {podOf("ns", "", "", labels.Set{"app": "set"}), "set-va"},
		"that two would have":               {podOf("ns", "", "", labels.Set{"app": "llama", "part-of": "models", "size": "large"}), ""},
		"of a name that is too long":        {podOf("ns", "ReplicaSet", cut+"-7d9", labels.Set{"app": "long", "pod-template-hash": "7d9"}), long + "-va"},
		"without labels":                    {podOf("ns", "", "", nil), ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := ""
			if o := assign([]corev1.Pod{test.pod}, owners)[0]; o != nil {
				got = o.id.Name
			}
			if got != test.want {
				t.Errorf("belongs to %q, want %q", got, test.want)
			}
		})
	}
}

// A thousand variants of four pods each are assigned without each meeting each.
func BenchmarkAssign(b *testing.B) {
	var owners []owner
	var pods []corev1.Pod
	for i := range 1000 {
		name := fmt.Sprintf("llama-%d", i)
		owners = append(owners, owned("ns", name, "Deployment", "app="+name+",part-of=models"))
		for range 4 {
			pods = append(pods, podOf("ns", "ReplicaSet", name+"-7d9", labels.Set{"app": name, "part-of": "models", "pod-template-hash": "7d9"}))
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		assign(pods, owners)
	}
}
