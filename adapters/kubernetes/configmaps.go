package kubernetes

import (
	"context"
	"errors"
	"fmt"
	"sync"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	toolscache "k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/wva-go/wva/internal/resource"
)

// configMaps follows the ConfigMaps of a configuration. Each name is watched by itself, so that the right to read these few is all that is needed.
type configMaps struct {
	config   *configuration
	recorder events.EventRecorder
	changed  func() // something else is in force
	caches   []cache.Cache
}

// mostProblems are told as events of one ConfigMap at a time.
const mostProblems = 10

func newConfigMaps(mgr ctrl.Manager, config *configuration, namespaces []string, recorder events.EventRecorder, changed func()) (*configMaps, error) {
	m := &configMaps{config: config, recorder: recorder, changed: changed}
	if config.namespace == "" {
		return m, nil
	}
	everywhere := map[string]bool{}
	for _, name := range namespaced() {
		everywhere[name] = true
	}
	names := resource.ConfigMaps()
	if config.settings != "" {
		names = append(names, config.settings)
	}
	scheme := runtime.NewScheme()
	if err := corev1.AddToScheme(scheme); err != nil {
		return nil, fmt.Errorf("kubernetes: %w", err)
	}
	for _, name := range names {
		where := map[string]cache.Config{}
		if !everywhere[name] || len(namespaces) > 0 {
			where[config.namespace] = cache.Config{}
		}
		if everywhere[name] {
			for _, ns := range namespaces {
				where[ns] = cache.Config{}
			}
		}
		c, err := cache.New(mgr.GetConfig(), cache.Options{
			HTTPClient: mgr.GetHTTPClient(), Scheme: scheme, Mapper: mgr.GetRESTMapper(), DefaultTransform: strip,
			ByObject: map[client.Object]cache.ByObject{
				&corev1.ConfigMap{}: {Field: fields.OneTermEqualSelector("metadata.name", name), Namespaces: where},
			},
		})
		if err != nil {
			return nil, fmt.Errorf("kubernetes: watch ConfigMap %s: %w", name, err)
		}
		m.caches = append(m.caches, c)
	}
	return m, nil
}

// start follows the ConfigMaps until the context ends, and returns as soon as those that there are have been taken over.
func (m *configMaps) start(ctx context.Context, group *sync.WaitGroup) error {
	var registrations []toolscache.ResourceEventHandlerRegistration
	for _, c := range m.caches {
		informer, err := c.GetInformer(ctx, &corev1.ConfigMap{}, cache.BlockUntilSynced(false))
		if err != nil {
			return fmt.Errorf("kubernetes: watch ConfigMaps: %w", err)
		}
		r, err := informer.AddEventHandler(toolscache.ResourceEventHandlerFuncs{
			AddFunc:    func(o any) { m.follow(o) },
			UpdateFunc: func(_, o any) { m.follow(o) },
			DeleteFunc: func(o any) {
				if key, ok := keyOf(o); ok {
					m.config.apply(key, nil)
					m.changed()
				}
			},
		})
		if err != nil {
			return fmt.Errorf("kubernetes: watch ConfigMaps: %w", err)
		}
		registrations = append(registrations, r)
		group.Go(func() { _ = c.Start(ctx) }) // ends with the context
	}
	for _, r := range registrations {
		if !toolscache.WaitForCacheSync(ctx.Done(), r.HasSynced) {
			return errors.Join(ctx.Err(), errors.New("kubernetes: the ConfigMaps could not be read"))
		}
	}
	return nil
}

// follow takes a ConfigMap over and tells what is wrong with it.
func (m *configMaps) follow(object any) {
	cm, ok := object.(*corev1.ConfigMap)
	if !ok {
		return
	}
	data := cm.Data
	if data == nil {
		data = map[string]string{}
	}
	problems := m.config.apply(types.NamespacedName{Namespace: cm.Namespace, Name: cm.Name}, data)
	for i, p := range problems {
		if i == mostProblems {
			m.warn(cm, fmt.Sprintf("and %d more", len(problems)-i))
			break
		}
		m.warn(cm, p.Error())
	}
	m.changed()
}

func (m *configMaps) warn(cm *corev1.ConfigMap, note string) {
	m.recorder.Eventf(cm, nil, corev1.EventTypeWarning, "InvalidConfiguration", "Configure", "%s", clip(note+"; what was in force stays"))
}

// clip keeps a note within what an event may hold.
func clip(note string) string {
	const most = 1000
	if runes := []rune(note); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return note
}
