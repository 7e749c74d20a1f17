package kubernetes

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/cache/informertest"

	"github.com/wva-go/wva/adapters/kubernetes/api/v1alpha1"
)

// late is an API server that serves nothing until a time.
type late struct {
	meta.RESTMapper
	from time.Time
}

func (l late) RESTMapping(schema.GroupKind, ...string) (*meta.RESTMapping, error) {
	if time.Now().Before(l.from) {
		return nil, errors.New("not installed")
	}
	return &meta.RESTMapping{}, nil
}

// What is in a namespace is looked at again when that is first seen as excluded or configured, and when that changes.
func TestWatchesNamespaces(t *testing.T) {
	told := 0
	w := newWatches(&informertest.FakeInformers{Scheme: runtime.NewScheme()}, nil, false)
	w.resource(va("llama-va", "llama"))
	w.listen(func(types.NamespacedName) { told++ })
	told = 0
	ns := func(name, excluded, configured string) *metav1.PartialObjectMetadata {
		return &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{Name: name,
			Annotations: map[string]string{"wva.llmd.ai/exclude": excluded}, Labels: map[string]string{"wva.llmd.ai/config-enabled": configured, "team": "a"}}}
	}
	handler := w.handler(&metav1.PartialObjectMetadata{})
	for i, step := range []struct {
		do   func()
		want int
	}{
		{func() { handler.OnAdd(ns("ns", "", ""), false) }, 0},
		{func() { handler.OnAdd(ns("ns", "true", ""), false) }, 1},
		{func() { handler.OnAdd(ns("other", "true", ""), false) }, 1},
		{func() { handler.OnUpdate(ns("ns", "true", ""), ns("ns", "true", "")) }, 1},
		{func() { handler.OnUpdate(ns("ns", "true", ""), ns("ns", "", "true")) }, 2},
	} {
		if step.do(); told != step.want {
			t.Errorf("%d: told %d times, want %d", i, told, step.want)
		}
	}
}

// A definition that is missing is waited for, however long it takes, and a context that ends ends the wait.
func TestWatchesWaitForTheDefinition(t *testing.T) {
	scheme := runtime.NewScheme()
	if err := errors.Join(corev1.AddToScheme(scheme), v1alpha1.AddToScheme(scheme), metav1.AddMetaToScheme(scheme)); err != nil {
		t.Fatal(err)
	}
	for _, missing := range []time.Duration{0, 5 * time.Second, time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			w := newWatches(&informertest.FakeInformers{Scheme: scheme, Synced: new(true)}, late{from: time.Now().Add(missing)}, true)
			done := make(chan error)
			go func() { done <- w.Start(ctx) }()
			time.Sleep(missing + kindRetry + time.Second)
			select {
			case <-w.synced:
			default:
				t.Errorf("installed after %v, it is not seen %v later", missing, kindRetry+time.Second)
			}
			cancel()
			if err := <-done; err != nil {
				t.Error(err)
			}
		})
	}
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		w := newWatches(&informertest.FakeInformers{Scheme: scheme}, late{from: time.Now().Add(time.Hour)}, false)
		done := make(chan error)
		go func() { done <- w.Start(ctx) }()
		time.Sleep(time.Minute)
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}
