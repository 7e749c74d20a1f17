package contest

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/wva-go/wva"
	"github.com/wva-go/wva/adapters/simulator"
)

// The settings of the autoscalers: the targets that guides to serving with an HPA give for vLLM's metrics, and Kubernetes' defaults for the rest.
const (
	hpaKVTarget    = 0.6
	hpaQueueTarget = 2.0
	hpaTolerance   = 0.1
	hpaWindow      = 5 * time.Minute // of scale-down stabilization
)

// horizontal is a HorizontalPodAutoscaler for each variant, as the documentation of Kubernetes describes its algorithm.
func horizontal(c *Contest, cluster *simulator.Cluster) (decide, error) {
	scalers := map[wva.ID]*hpa{}
	return func(ctx context.Context) ([]wva.Decision, error) {
		variants, err := cluster.Variants(ctx)
		if err != nil {
			return nil, err
		}
		metrics, err := cluster.Collect(ctx, variants)
		if err != nil {
			return nil, err
		}
		var decisions []wva.Decision
		for _, v := range variants {
			if scalers[v.ID] == nil {
				scalers[v.ID] = newHPA(v, cluster.Now())
			}
			decisions = append(decisions, scalers[v.ID].decide(v, metrics, cluster.Now(), c.Survey.Interval))
		}
		return decisions, cluster.Scale(ctx, decisions)
	}, nil
}

// hpa is one autoscaler: what it wanted within its window.
type hpa struct{ past []wva.Recommendation }

// newHPA starts with what there is as its first recommendation, as Kubernetes does, so that it does not shrink at once.
func newHPA(v wva.Variant, now time.Time) *hpa {
	return &hpa{past: []wva.Recommendation{{At: now, Target: v.Current}}}
}

func (h *hpa) decide(v wva.Variant, metrics wva.Metrics, now time.Time, interval time.Duration) wva.Decision {
	var kv, queue []float64
	for _, r := range metrics.Replicas {
		if r.Variant == v.ID {
			kv, queue = append(kv, r.KVUsage.Value), append(queue, r.Waiting.Value)
		}
	}
	byKV, byQueue := desired(v.Current, kv, hpaKVTarget), desired(v.Current, queue, hpaQueueTarget)
	want, message := byKV, fmt.Sprintf("%d for a mean KV usage of %.0f%% (target %.0f%%)", byKV, 100*mean(kv), 100*hpaKVTarget)
	if byQueue > byKV {
		want, message = byQueue, fmt.Sprintf("%d for a mean of %.1f waiting requests (target %g)", byQueue, mean(queue), hpaQueueTarget)
	}
	want = max(want, v.Min, 1)
	if v.Max > 0 {
		want = min(want, v.Max)
	}
	h.past = slices.DeleteFunc(h.past, func(r wva.Recommendation) bool { return now.Sub(r.At) > hpaWindow })
	h.past = append(h.past, wva.Recommendation{At: now, Target: want})
	if want < v.Current {
		highest := slices.MaxFunc(h.past, func(a, b wva.Recommendation) int { return a.Target - b.Target }).Target
		if stable := min(highest, v.Current); stable != want {
			want, message = stable, fmt.Sprintf("%s; %d is the most that was wanted within %v", message, stable, hpaWindow)
		}
	}
	if most := fastest(v.Current, interval); want > most {
		want, message = most, fmt.Sprintf("%s; %d is as fast as it goes", message, most)
	}
	return decision(v, want, "hpa", message)
}

// fastest is how far a variant may grow in an interval by the default behavior: every 15 seconds twice as many, or four more where that is more.
func fastest(current int, interval time.Duration) int {
	const period, ceiling = 15 * time.Second, 1 << 20
	for range max(int(interval/period), 1) {
		current = min(max(2*current, current+4), ceiling)
	}
	return current
}

// desired is what one metric asks for: ⌈replicas · usage / target⌉, nothing within the tolerance. Replicas that are not ready count as idle where
// that would grow the variant, and are left out where it would shrink; where they turn the answer round nothing changes.
func desired(replicas int, values []float64, target float64) int {
	if len(values) == 0 {
		return replicas
	}
	ratio := mean(values) / target
	if math.Abs(ratio-1) <= hpaTolerance {
		return replicas
	}
	if ratio < 1 {
		return ceil(ratio * float64(len(values)))
	}
	withIdle := ratio * float64(len(values)) / float64(replicas)
	if withIdle <= 1+hpaTolerance {
		return replicas
	}
	return ceil(withIdle * float64(replicas))
}

// ceil rounds up what is more than a rounding error above a whole number.
func ceil(v float64) int { return int(math.Ceil(v - 1e-9)) }

func mean(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum / float64(max(len(values), 1))
}
