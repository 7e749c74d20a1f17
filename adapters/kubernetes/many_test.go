package kubernetes_test

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/wva-go/wva/adapters/kubernetes"
	"github.com/wva-go/wva/adapters/kubernetes/api/v1alpha1"
	"github.com/wva-go/wva/adapters/kubernetes/internal/nodes"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// A thousand variants: what a controller of them holds in memory and asks of the API server. A cycle in which nothing changes writes nothing and reads nothing.
func testMany(t *testing.T, e *environment) {
	ns := e.namespace(t)
	const variants = 1000
	e.nodes.Add(t, nodes.Node{Name: ns, Product: manyProduct, GPUs: 2 * variants})
	e.createMany(t, ns, variants)
	source := newSteady(calm)
	heap := liveHeap()
	begun := time.Now()
	r := e.run(t, setting{
		fleet:   kubernetes.FleetOptions{Namespaces: []string{ns}, NodeInventory: true},
		options: kubernetes.Options{Metrics: source, Interval: time.Second, StepTimeout: 30 * time.Second, Actuation: kubernetes.Scale},
	})
	var table strings.Builder
	w := tabwriter.NewWriter(&table, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "%d variants\tcycles\ttime\tcalls\tof these writes\t\n", variants)
	row := func(what string, cycles int, took time.Duration, calls map[string]int) {
		fmt.Fprintf(w, "%s\t%d\t%v\t%d\t%d\t\n", what, cycles, took.Round(time.Millisecond), total(calls), total(writes(calls)))
	}
	poll(t, time.Second/2, func() error { return e.allDecided(t, ns, variants, 1) })
	_, steps, _ := r.last()
	row("until every status is written", steps, time.Since(begun), r.wire.counts())
	grown := liveHeap() - heap
	r.awaitQuiet(t) // events are written by and by

	before, begun := r.wire.counts(), time.Now()
	r.awaitSteps(t, 5)
	quiet := r.wire.since(before)
	row("nothing changes", 5, time.Since(begun), quiet)
	if n := writes(quiet); len(n) > 0 {
		t.Errorf("five cycles in which nothing changes write: %v", n)
	}
	if n := total(quiet); n > 10 {
		t.Errorf("five cycles in which nothing changes take %d calls: %v", n, quiet)
	}

	before, begun = r.wire.counts(), time.Now()
	accepted := r.wire.accepted(scales)
	_, steps, _ = r.last()
	source.percent.Store(busy)
	poll(t, time.Second/2, func() error {
		if n := r.wire.accepted(scales) - accepted; n < variants {
			return fmt.Errorf("%d of %d scales are written", n, variants)
		}
		return e.allDecided(t, ns, variants, 2)
	})
	took := time.Since(begun)
	_, now, _ := r.last()
	grows := r.wire.since(before)
	row("every variant grows", now-steps, took, grows)
	if n := r.wire.accepted(scales) - accepted; n != variants {
		t.Errorf("%d writes of scales are accepted for %d variants that grow once", n, variants)
	}
	if n := written(grows, scales); n > variants+variants/20 { // some meet a write of the Deployments' controller, and are made again
		t.Errorf("%d tries to write scales for %d variants that grow once", n, variants)
	}
	if n := written(grows, statuses); n > 4*variants {
		t.Errorf("%d writes of status for %d variants that grow once", n, variants)
	}
	w.Flush()
	t.Logf("\n%sheap of the controller and its caches: %.1f MB, %.1f KB a variant", table.String(), float64(grown)/1e6, float64(grown)/1e3/variants)
	if grown > 100e6 {
		t.Errorf("the controller holds %d bytes", grown)
	}
}

const manyProduct = "NVIDIA-B200"

// createMany makes variants that may grow once, each of a model of its own and with a replica that is ready.
func (e *environment) createMany(t *testing.T, ns string, n int) {
	t.Helper()
	numbers := make(chan int)
	var workers sync.WaitGroup
	for range 8 {
		workers.Go(func() {
			for i := range numbers {
				name := fmt.Sprintf("llama-%d", i)
				va := autoscaling(ns, name, name, name)
				va.Spec.MaxReplicas = new(int32(2))
				for _, o := range []client.Object{deployment(ns, name, 1, manyProduct), va} {
					if err := e.client.Create(t.Context(), o); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	for i := range n {
		numbers <- i
	}
	close(numbers)
	workers.Wait()
	poll(t, time.Second/2, func() error {
		ready := 0
		for _, name := range e.ready(t, ns) {
			if strings.HasPrefix(name, "llama-") {
				ready++
			}
		}
		if ready < n {
			return fmt.Errorf("%d of %d pods are ready", ready, n)
		}
		return nil
	})
}

// allDecided complains where not every variant has a decision for that many replicas.
func (e *environment) allDecided(t *testing.T, ns string, n int, want int32) error {
	t.Helper()
	var list v1alpha1.VariantAutoscalingList
	if err := e.client.List(t.Context(), &list, client.InNamespace(ns)); err != nil {
		t.Fatal(err)
	}
	decided := 0
	for _, va := range list.Items {
		if wantDesired(va.Status, want) == nil {
			decided++
		}
	}
	if decided != n {
		return fmt.Errorf("%d of %d variants should have %d replicas by their status", decided, n, want)
	}
	return nil
}

func total(calls map[string]int) int {
	n := 0
	for _, count := range calls {
		n += count
	}
	return n
}

func liveHeap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
