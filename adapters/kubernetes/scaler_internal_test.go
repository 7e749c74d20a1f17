package kubernetes

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/wva-go/wva"
)

// scales are scale subresources in memory.
type scales struct {
	client.SubResourceClient
	mu        sync.Mutex
	replicas  map[string]int64
	conflicts int // so many updates conflict
	updates   []string
}

func (s *scales) SubResource(string) client.SubResourceClient { return s }

func (s *scales) Get(_ context.Context, o, scale client.Object, _ ...client.SubResourceGetOption) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	n, ok := s.replicas[o.GetName()]
	if !ok {
		return apierrors.NewNotFound(schema.GroupResource{Resource: "deployments"}, o.GetName())
	}
	u := scale.(*unstructured.Unstructured)
	u.Object["spec"] = map[string]any{}
	if n != 0 { // as the API server leaves it out
		u.Object["spec"] = map[string]any{"replicas": n}
	}
	return nil
}

func (s *scales) Update(_ context.Context, o client.Object, options ...client.SubResourceUpdateOption) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conflicts > 0 {
		s.conflicts--
		return apierrors.NewConflict(schema.GroupResource{Resource: "deployments"}, o.GetName(), errors.New("changed"))
	}
	var u client.SubResourceUpdateOptions
	u.ApplyOptions(options)
	n, _, err := unstructured.NestedInt64(u.SubResourceBody.(*unstructured.Unstructured).Object, "spec", "replicas")
	if err != nil {
		return err
	}
	s.updates = append(s.updates, o.GetName())
	if len(u.DryRun) == 0 {
		s.replicas[o.GetName()] = n
	}
	return nil
}

func toScale(name string, current, want int) wva.Decision {
	return wva.Decision{Variant: wva.ID{Namespace: "ns", Name: name}, Scale: wva.TargetRef{APIVersion: "apps/v1", Kind: "Deployment", Name: name}, Current: current, Target: want}
}

// Every decision is carried out that still fits; the failures of the others are theirs alone.
func TestScaler(t *testing.T) {
	s := &scales{replicas: map[string]int64{"up": 1, "from-zero": 0, "kept": 2, "done": 3, "changed": 5}, conflicts: 2}
	err := (&Scaler{Client: s}).Scale(t.Context(), []wva.Decision{
		toScale("up", 1, 2), toScale("from-zero", 0, 1), toScale("kept", 2, 2), toScale("done", 1, 3), toScale("changed", 1, 2), toScale("gone", 1, 2),
	})
	if !errors.Is(err, ErrChanged) || !strings.Contains(err.Error(), "scale ns/changed: the replicas were changed meanwhile: 1 to 2 was decided, now there are 5") ||
		!strings.Contains(err.Error(), `scale ns/gone: deployments "gone" not found`) || strings.Count(err.Error(), "\n") != 1 {
		t.Errorf("error %v", err)
	}
	if s.replicas["up"] != 2 || s.replicas["from-zero"] != 1 || s.replicas["changed"] != 5 || len(s.updates) != 2 {
		t.Errorf("replicas %v, updates %v", s.replicas, s.updates)
	}
	dry := &scales{replicas: map[string]int64{"up": 1}}
	if err := (&Scaler{Client: dry, DryRun: true}).Scale(t.Context(), []wva.Decision{toScale("up", 1, 2)}); err != nil || dry.replicas["up"] != 1 || len(dry.updates) != 1 {
		t.Errorf("dry run: error %v, replicas %v, updates %v", err, dry.replicas, dry.updates)
	}
}

// published is a publisher in memory.
type published map[string]int

func (p published) Scale(_ context.Context, decisions []wva.Decision) error {
	clear(p)
	for _, d := range decisions {
		p[d.Variant.Name] = d.Target
	}
	return nil
}

func (p published) Forget(ids ...wva.ID) {
	for _, id := range ids {
		delete(p, id.Name)
	}
}

// A variant whose target went while a cycle ran is not published by that cycle, and its failing actuation keeps nothing from being published.
func TestPublication(t *testing.T) {
	there := published{}
	p := &publication{next: there, act: &Scaler{Client: &scales{}}, exists: func(_ context.Context, id wva.ID) bool { return id.Name != "gone" }}
	err := p.Scale(t.Context(), []wva.Decision{toScale("a", 1, 2), toScale("b", 1, 1), toScale("gone", 1, 1)})
	if err == nil || len(there) != 2 || there["a"] != 2 {
		t.Errorf("error %v, published %v", err, there)
	}
	if p.withdraw(wva.ID{Name: "a"}); len(there) != 1 {
		t.Errorf("published %v", there)
	}
}
