package kubernetes_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/wva-go/wva"
	"github.com/wva-go/wva/adapters/kubernetes/internal/nodes"
)

// A variant that wants more than there is gets what the nodes have, less what others use, and more as soon as there is more.
func testInventory(t *testing.T, e *environment) {
	ns, others := e.namespace(t), e.namespace(t)
	const product = "NVIDIA-L4"
	e.nodes.Add(t, nodes.Node{Name: ns + "-1", Product: product, GPUs: 3})
	e.nodes.Add(t, nodes.Node{Name: ns + "-2", Product: product, GPUs: 1})
	training := deployment(others, "training", 2, product)
	e.create(t, training)
	e.awaitReady(t, others, 2)
	e.create(t, deployment(ns, "llama", 1, product), autoscaling(ns, "llama-autoscaler", "llama", "llama"))
	s := quick(ns, newSteady(busy))
	s.fleet.NodeInventory = true
	r := e.run(t, s)
	e.awaitReplicas(t, ns, 2) // four, less two that are in training
	r.awaitShort(t)
	if err := e.client.Delete(t.Context(), training); err != nil {
		t.Fatal(err)
	}
	e.awaitReplicas(t, ns, 4)
	e.nodes.Add(t, nodes.Node{Name: ns + "-3", Product: product, GPUs: 2})
	e.awaitReplicas(t, ns, 6)
	e.nodes.Add(t, nodes.Node{Name: ns + "-4", Product: h100, GPUs: 8}) // of another kind
	r.awaitSteps(t, 5)
	e.awaitReplicas(t, ns, 6)
}

// A node that is not ready has nothing to give.
func testNodeNotReady(t *testing.T, e *environment) {
	ns := e.namespace(t)
	const product = "NVIDIA-L40S"
	e.nodes.Add(t, nodes.Node{Name: ns + "-1", Product: product, GPUs: 1})
	e.nodes.Add(t, nodes.Node{Name: ns + "-2", Product: product, GPUs: 2})
	e.nodes.SetReady(t, ns+"-2", false)
	e.create(t, deployment(ns, "llama", 1, product), autoscaling(ns, "llama-autoscaler", "llama", "llama"))
	s := quick(ns, newSteady(busy))
	s.fleet.NodeInventory = true
	r := e.run(t, s)
	r.awaitShort(t)
	e.awaitReplicas(t, ns, 1)
	e.nodes.SetReady(t, ns+"-2", true)
	e.awaitReplicas(t, ns, 3)
}

// awaitShort waits for a step that wants more devices than there are.
func (r *running) awaitShort(t *testing.T) {
	t.Helper()
	eventually(t, func() error {
		report, _, err := r.last()
		if err != nil || !slices.ContainsFunc(report.Problems, func(p wva.Problem) bool { return p.Kind == wva.InventoryShort }) {
			return fmt.Errorf("problems %v, error %v, want %s", report.Problems, err, wva.InventoryShort)
		}
		return nil
	})
}
