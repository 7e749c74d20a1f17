package nodes

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/workqueue"
)

// Pool is the nodes of a cluster and what runs on them.
type Pool struct {
	client  kubernetes.Interface
	startup time.Duration
	nodes   corelisters.NodeLister
	pods    corelisters.PodLister
	queue   workqueue.TypedRateLimitingInterface[cache.ObjectName]

	// Only the worker uses what follows.
	claims  map[cache.ObjectName]claim // of pods that are bound
	waiting map[cache.ObjectName]bool  // pods for which there is no room
}

// claim is what a pod holds of a node.
type claim struct {
	node  string
	gpus  int64
	since time.Time
}

// Start plays the nodes of a cluster until the test ends. A pod is ready a while after it is bound.
func Start(t testing.TB, client kubernetes.Interface, startup time.Duration) *Pool {
	t.Helper()
	factory := informers.NewSharedInformerFactory(client, 0)
	limiter := workqueue.NewTypedItemExponentialFailureRateLimiter[cache.ObjectName](20*time.Millisecond, time.Second)
	p := &Pool{
		client: client, startup: startup,
		nodes: factory.Core().V1().Nodes().Lister(), pods: factory.Core().V1().Pods().Lister(),
		queue:  workqueue.NewTypedRateLimitingQueue(limiter),
		claims: map[cache.ObjectName]claim{}, waiting: map[cache.ObjectName]bool{},
	}
	_, podErr := factory.Core().V1().Pods().Informer().AddEventHandler(each(func(object any) {
		if pod, ok := object.(*corev1.Pod); ok {
			p.queue.Add(cache.MetaObjectToName(pod))
		}
	}))
	_, nodeErr := factory.Core().V1().Nodes().Informer().AddEventHandler(each(func(any) { p.queue.Add(cache.ObjectName{}) }))
	if err := errors.Join(podErr, nodeErr); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	factory.StartWithContext(ctx)
	factory.WaitForCacheSyncWithContext(ctx)
	var workers sync.WaitGroup
	workers.Go(func() { p.work(ctx) })
	t.Cleanup(func() {
		cancel()
		p.queue.ShutDown()
		workers.Wait()
		factory.Shutdown()
	})
	return p
}

// each hears of every object that comes, changes and goes.
func each(hear func(any)) cache.ResourceEventHandler {
	return cache.ResourceEventHandlerFuncs{
		AddFunc:    hear,
		UpdateFunc: func(_, object any) { hear(object) },
		DeleteFunc: func(object any) {
			if gone, ok := object.(cache.DeletedFinalStateUnknown); ok {
				object = gone.Obj
			}
			hear(object)
		},
	}
}

func (p *Pool) work(ctx context.Context) {
	for {
		name, stop := p.queue.Get()
		if stop {
			return
		}
		if err := p.settle(ctx, name); err != nil {
			p.queue.AddRateLimited(name) // the API server may be down
		} else {
			p.queue.Forget(name)
		}
		p.queue.Done(name)
	}
}
