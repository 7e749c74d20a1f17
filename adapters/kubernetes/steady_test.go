package kubernetes_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/wva-go/wva"
)

// steady is a metrics source in which every replica that should serve does, with a share of its KV cache in use.
type steady struct {
	percent atomic.Int64                // of the KV cache
	front   atomic.Pointer[front]       // what is known in front of the servers; nil = nothing
	before  func(context.Context) error // where it is set, is called first in every Collect
}

// front is what a gateway says of every model.
type front struct{ inRetention, waiting float64 }

// calm and busy are far from the thresholds of the default policy, in which one replica never shrinks.
const calm, busy = 60, 95

func newSteady(percent int64) *steady {
	s := &steady{}
	s.percent.Store(percent)
	return s
}

// Collect implements [wva.MetricsSource].
func (s *steady) Collect(ctx context.Context, variants []wva.Variant) (wva.Metrics, error) {
	if s.before != nil {
		if err := s.before(ctx); err != nil {
			return wva.Metrics{}, err
		}
	}
	var m wva.Metrics
	for _, v := range variants {
		for i := range v.Current - v.Pending {
			m.Replicas = append(m.Replicas, wva.ReplicaMetrics{Variant: v.ID, Replica: fmt.Sprint(i), At: time.Now(),
				KVUsage: wva.Read(float64(s.percent.Load()) / 100), Waiting: wva.Read(0)})
		}
		if f := s.front.Load(); f != nil {
			m.Models = append(m.Models, wva.ModelMetrics{ModelKey: v.Key(), RequestsInRetention: wva.Read(f.inRetention), GatewayQueue: wva.Read(f.waiting)})
		}
	}
	return m, nil
}
