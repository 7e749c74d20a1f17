package nodes

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"
)

// settle takes a pod one step further. The empty name stands for the nodes: some may have room now.
func (p *Pool) settle(ctx context.Context, name cache.ObjectName) error {
	if name == (cache.ObjectName{}) {
		p.retry()
		return nil
	}
	pod, err := p.pods.Pods(name.Namespace).Get(name.Name)
	switch {
	case err != nil: // only ever that it is gone
		delete(p.waiting, name)
		if _, held := p.claims[name]; held {
			delete(p.claims, name)
			p.retry()
		}
		return nil
	case pod.DeletionTimestamp != nil:
		now := int64(0)
		err := p.client.CoreV1().Pods(pod.Namespace).Delete(ctx, pod.Name, metav1.DeleteOptions{GracePeriodSeconds: &now, Preconditions: metav1.NewUIDPreconditions(string(pod.UID))})
		return ignoreGone(err)
	case pod.Spec.NodeName == "":
		return p.bind(ctx, name, pod)
	default:
		return p.run(ctx, name, pod)
	}
}

// retry looks again at the pods for which there was no room.
func (p *Pool) retry() {
	for name := range p.waiting {
		p.queue.Add(name)
	}
	clear(p.waiting)
}

// bind gives a pod the first node by name that has room.
func (p *Pool) bind(ctx context.Context, name cache.ObjectName, pod *corev1.Pod) error {
	if _, bound := p.claims[name]; bound {
		return nil // the watch has yet to say so
	}
	node, err := p.place(pod)
	if err != nil || node == "" {
		p.waiting[name] = true
		return err
	}
	binding := &corev1.Binding{ObjectMeta: metav1.ObjectMeta{Name: pod.Name, Namespace: pod.Namespace, UID: pod.UID}, Target: corev1.ObjectReference{Kind: "Node", Name: node}}
	if err := p.client.CoreV1().Pods(pod.Namespace).Bind(ctx, binding, metav1.CreateOptions{}); err != nil {
		return ignoreGone(err)
	}
	p.claims[name] = claim{node: node, gpus: wants(pod), since: time.Now()}
	return nil
}

func (p *Pool) place(pod *corev1.Pod) (string, error) {
	nodes, err := p.nodes.List(labels.Everything())
	if err != nil {
		return "", err
	}
	slices.SortFunc(nodes, func(a, b *corev1.Node) int { return cmp.Compare(a.Name, b.Name) })
	used := map[string]int64{}
	for _, c := range p.claims {
		used[c.node] += c.gpus
	}
	for _, node := range nodes {
		has := node.Status.Allocatable[gpu]
		if accepts(node, pod) && used[node.Name]+wants(pod) <= has.Value() {
			return node.Name, nil
		}
	}
	return "", nil
}

// run makes a bound pod ready when its time has come.
func (p *Pool) run(ctx context.Context, name cache.ObjectName, pod *corev1.Pod) error {
	held, known := p.claims[name]
	if !known { // bound by somebody else
		held = claim{node: pod.Spec.NodeName, gpus: wants(pod), since: time.Now()}
		p.claims[name] = held
	}
	if pod.Status.Phase != corev1.PodPending {
		return nil
	}
	if wait := time.Until(held.since.Add(p.startup)); wait > 0 {
		p.queue.AddAfter(name, wait)
		return nil
	}
	patch, err := json.Marshal(map[string]any{"status": running(pod)})
	if err != nil {
		return err
	}
	_, err = p.client.CoreV1().Pods(pod.Namespace).Patch(ctx, pod.Name, types.MergePatchType, patch, metav1.PatchOptions{}, "status")
	return ignoreGone(err)
}

// running is the status of a pod whose containers all serve.
func running(pod *corev1.Pod) corev1.PodStatus {
	now := metav1.Now()
	s := corev1.PodStatus{Phase: corev1.PodRunning, PodIP: "127.0.0.1", PodIPs: []corev1.PodIP{{IP: "127.0.0.1"}}, StartTime: &now}
	for _, kind := range []corev1.PodConditionType{corev1.PodScheduled, corev1.PodInitialized, corev1.ContainersReady, corev1.PodReady} {
		s.Conditions = append(s.Conditions, corev1.PodCondition{Type: kind, Status: corev1.ConditionTrue, LastTransitionTime: now})
	}
	started := true
	for _, c := range pod.Spec.Containers {
		s.ContainerStatuses = append(s.ContainerStatuses, corev1.ContainerStatus{Name: c.Name, Image: c.Image, Ready: true, Started: &started,
			State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: now}}})
	}
	return s
}

// ignoreGone takes no offence at a pod that went meanwhile, or that was replaced by one of the same name.
func ignoreGone(err error) error {
	if apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
		return nil
	}
	return err
}
