package kubernetes

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/selection"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/wva-go/wva"
)

// owner is a variant that has pods.
type owner struct {
	id     wva.ID
	target target
}

// assign returns the owner of each pod, by its place, or nil. A pod belongs to a variant when the selector of the target has it and its controller does not say otherwise;
// one that would belong to several belongs to none.
func assign(pods []corev1.Pod, owners []owner) []*owner {
	byLabel := indexOwners(owners)
	found := make([]*owner, len(pods))
	for i := range pods {
		pod := &pods[i]
		var only *owner
		matches := 0
		try := func(o *owner) {
			if o.target.namespace == pod.Namespace && o.target.selector.Matches(labels.Set(pod.Labels)) && controls(o.target, pod) {
				only = o
				matches++
			}
		}
		for name, value := range pod.Labels {
			for _, o := range byLabel[requirement{pod.Namespace, name, value}] {
				try(o)
			}
		}
		for _, o := range byLabel[requirement{namespace: pod.Namespace}] {
			try(o)
		}
		if matches == 1 {
			found[i] = only
		}
	}
	return found
}

// requirement is a label that a selector insists on.
type requirement struct{ namespace, name, value string }

// indexOwners files each owner under that of its required labels that the fewest others require, so that a pod meets few owners in vain. Owners without any are filed under their
// namespace alone.
func indexOwners(owners []owner) map[requirement][]*owner {
	required := make([][]requirement, len(owners))
	shared := map[requirement]int{}
	for i := range owners {
		required[i] = requirements(owners[i].target)
		for _, r := range required[i] {
			shared[r]++
		}
	}
	index := map[requirement][]*owner{}
	for i := range owners {
		rarest := requirement{namespace: owners[i].target.namespace}
		if len(required[i]) > 0 {
			rarest = slices.MinFunc(required[i], func(a, b requirement) int { return shared[a] - shared[b] })
		}
		index[rarest] = append(index[rarest], &owners[i])
	}
	return index
}

func requirements(t target) []requirement {
	var all []requirement
	wanted, selectable := t.selector.Requirements()
	if !selectable {
		return nil
	}
	for _, r := range wanted {
		values := r.Values()
		if op := r.Operator(); len(values) == 1 && (op == selection.Equals || op == selection.DoubleEquals || op == selection.In) {
			all = append(all, requirement{t.namespace, r.Key(), values.UnsortedList()[0]})
		}
	}
	return all
}

// replica tells whether a pod of a target stands for one of its replicas.
func (t target) replica(pod *corev1.Pod) bool {
	return t.leaders == nil || t.leaders.Matches(labels.Set(pod.Labels))
}

// controls tells whether the controller of a pod can be, or stand below, the target. Where that cannot be told from the names, the selector decides alone.
func controls(t target, pod *corev1.Pod) bool {
	by := metav1.GetControllerOfNoCopy(pod)
	if by == nil {
		return true
	}
	if by.Kind == t.kind.Kind {
		return by.UID == t.uid
	}
	switch t.kind.Kind {
	case "Deployment":
		hash := pod.Labels["pod-template-hash"]
		stem, ok := strings.CutSuffix(by.Name, "-"+hash)
		return by.Kind == "ReplicaSet" && hash != "" && ok && (stem == t.name || len(by.Name) == validation.DNS1123SubdomainMaxLength && strings.HasPrefix(t.name, stem))
	case "StatefulSet", "ReplicaSet", "ReplicationController":
		return false
	}
	return true
}

// podKey names a pod.
type podKey = types.NamespacedName

// serves tells whether a pod counts as a replica that is ready.
func serves(pod *corev1.Pod) bool {
	if pod.DeletionTimestamp != nil {
		return false
	}
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodReady {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}
