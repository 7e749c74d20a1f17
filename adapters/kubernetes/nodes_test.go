package kubernetes_test

import (
	"fmt"
	"slices"
	"testing"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/wva-go/wva/adapters/kubernetes/internal/nodes"
)

// What the other tests stand on: pods run while there are accelerators, and the next ones when others have gone.
func testNodes(t *testing.T, e *environment) {
	ns := e.namespace(t)
	e.nodes.Add(t, nodes.Node{Name: ns + "-1", Product: h100, GPUs: 2})
	e.nodes.Add(t, nodes.Node{Name: ns + "-2", Product: h100, GPUs: 1})
	first, second := deployment(ns, "first", 2, h100), statefulSet(ns, "second", 2, h100)
	e.create(t, first)
	e.awaitReady(t, ns, 2)
	e.create(t, second)
	e.awaitReady(t, ns, 3)
	if err := e.client.Patch(t.Context(), first, client.RawPatch(types.MergePatchType, []byte(`{"spec": {"replicas": 0}}`))); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() error {
		if ready := e.ready(t, ns); !slices.Equal(ready, []string{"second-0", "second-1"}) {
			return fmt.Errorf("%v are ready, want the two pods of the second", ready)
		}
		return nil
	})
}

func (e *environment) awaitReady(t *testing.T, ns string, want int) {
	t.Helper()
	eventually(t, func() error {
		if ready := e.ready(t, ns); len(ready) != want {
			return fmt.Errorf("%v are ready, want %d", ready, want)
		}
		return nil
	})
}
