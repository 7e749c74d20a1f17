package kubernetes

import (
	"slices"
	"testing"

	"github.com/wva-go/wva"
)

// A safety net that holds the target, and a target that cannot be scaled, are events when they begin and when they end.
func TestReconcileTells(t *testing.T) {
	w := newWorld(t, FleetOptions{}, va("llama-va", "llama"), deploymentOf("llama", "u", 2))
	w.reconcile("llama-va")
	w.cycle(3)
	w.reconcile("llama-va")
	held := decided(2, 3)
	held.metrics, held.message, held.held = wva.PrometheusError, "connection refused", "connection refused"
	fewer := held
	fewer.held = "still refused"
	forbidden := decided(2, 3)
	forbidden.remark = "scale ns/llama-va: forbidden"
	for i, test := range []struct {
		outcome outcome
		want    []string
	}{
		{held, []string{"Warning MetricsUnavailable Safety net activated, the target is kept: connection refused"}},
		{fewer, nil},
		{decided(2, 3), []string{"Normal OptimizationSucceeded The last cycle took a decision of its own"}},
		{forbidden, []string{"Warning Active The variant takes part in autoscaling, but: scale ns/llama-va: forbidden"}},
		{forbidden, nil},
		{decided(3, 3), []string{"Normal Active The variant takes part in autoscaling"}},
		{decided(2, 2), []string{"Normal ScaleDown 3 → 2: "}}, // what was published was never acted on
		{decided(2, 5), []string{"Normal ScaleUp 2 → 5: "}},
		{decided(2, 4), []string{"Normal ScaleUp 2 → 4: "}},
	} {
		w.reconciler.outcomes.replace(map[wva.ID]outcome{{Namespace: "ns", Name: "llama-va"}: test.outcome})
		if _, told := w.reconcile("llama-va"); !slices.Equal(told, test.want) {
			t.Errorf("%d: events %q, want %q", i, told, test.want)
		}
	}
}
