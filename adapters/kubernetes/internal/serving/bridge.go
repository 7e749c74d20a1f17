package serving

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"

	"github.com/wva-go/wva"
	"github.com/wva-go/wva/adapters/simulator"
)

// Label is the label by which a pod names the scale target that it belongs to.
const Label = "app"

// Bridge keeps the replicas of a simulated cluster those pods of a namespace that are ready.
type Bridge struct {
	Cluster *simulator.Cluster // the servers: send them load, take what became of it
	URL     string             // where the pods' pages are, without a slash at the end

	namespace string
	variants  []wva.Variant
	pods      corelisters.PodNamespaceLister
	changed   chan struct{} // holds one when pods have changed

	mu     sync.Mutex
	owners map[string]wva.ID // by pod that is ready
}

// Start serves the pods of a namespace until the test ends. A variant's pods are those whose label names its target.
func Start(t testing.TB, client kubernetes.Interface, namespace string, variants ...wva.Variant) *Bridge {
	t.Helper()
	cluster, err := simulator.NewCluster(time.Now(), variants...)
	if err != nil {
		t.Fatal(err)
	}
	factory := informers.NewSharedInformerFactoryWithOptions(client, 0, informers.WithNamespace(namespace))
	pods := factory.Core().V1().Pods()
	b := &Bridge{Cluster: cluster, namespace: namespace, variants: variants, pods: pods.Lister().Pods(namespace), changed: make(chan struct{}, 1)}
	hear := func(any) {
		select {
		case b.changed <- struct{}{}:
		default:
		}
	}
	if _, err := pods.Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{AddFunc: hear, UpdateFunc: func(_, o any) { hear(o) }, DeleteFunc: hear}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	factory.StartWithContext(ctx)
	factory.WaitForCacheSyncWithContext(ctx)
	var running sync.WaitGroup
	running.Go(func() { b.run(ctx) })
	b.listen(t)
	t.Cleanup(func() {
		cancel()
		running.Wait()
		factory.Shutdown()
		cluster.Close()
	})
	return b
}

// run lets the servers' time pass as it does for everybody, and follows the pods.
func (b *Bridge) run(ctx context.Context) {
	ticks := time.NewTicker(20 * time.Millisecond)
	defer ticks.Stop()
	for last := time.Now(); ; {
		select {
		case <-ctx.Done():
			return
		case <-b.changed:
			b.follow()
		case <-ticks.C:
		}
		now := time.Now()
		b.Cluster.Advance(now.Sub(last))
		last = now
	}
}

func (b *Bridge) follow() {
	pods, err := b.pods.List(labels.Everything())
	if err != nil {
		return // a lister has no errors
	}
	owners := map[string]wva.ID{}
	for _, v := range b.variants {
		var names []string
		for _, pod := range pods {
			if pod.Labels[Label] == v.Target.Name && serves(pod) {
				names = append(names, pod.Name)
				owners[pod.Name] = v.ID
			}
		}
		slices.Sort(names)
		_ = b.Cluster.Follow(v.ID, names) // the cluster was made of these variants
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.owners = owners
}

func serves(pod *corev1.Pod) bool {
	return pod.DeletionTimestamp == nil && slices.ContainsFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
	})
}
