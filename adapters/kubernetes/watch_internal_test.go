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
