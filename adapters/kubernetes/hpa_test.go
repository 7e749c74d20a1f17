package kubernetes_test

import (
	"testing"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/wva-go/wva"
	"github.com/wva-go/wva/adapters/kubernetes"
	"github.com/wva-go/wva/adapters/kubernetes/internal/externalmetrics"
	"github.com/wva-go/wva/adapters/kubernetes/internal/nodes"
	"github.com/wva-go/wva/adapters/kubernetes/internal/serving"
)

// The default way: the controller publishes, and a HorizontalPodAutoscaler scales by what it reads through the external metrics API.
func testHorizontalPodAutoscaler(t *testing.T, e *environment) {
	ns := e.namespace(t)
	e.nodes.Add(t, nodes.Node{Name: ns, Product: a100, GPUs: 6})
	e.create(t, deployment(ns, "llama", 1, a100), autoscaling(ns, "llama-a100", "llama", "llama"))
	b := serving.Start(t, e.set, ns, llama(ns, "llama-a100", "llama"))
	key := wva.ModelKey{Namespace: ns, Model: "llama"}
	b.Cluster.Send(key, requests(3).Requests())
	r := e.run(t, setting{
		fleet:   kubernetes.FleetOptions{Namespaces: []string{ns}},
		options: kubernetes.Options{Interval: 500 * time.Millisecond},
		metrics: prometheusSource(t, b),
	})
	metrics := externalmetrics.Start(t, r.registry)
	metrics.Register(t, e.client)
	e.create(t, podAutoscaler(ns, "llama", "llama-a100"))
	followLoad(t, e, b, key, ns)
	if metrics.Asked.Load() == 0 {
		t.Error("nobody asked for the published metric")
	}
	if calls := r.wire.counts(); written(calls, scales) > 0 {
		t.Errorf("a controller that only publishes scales: %v", calls)
	}
}

// podAutoscaler gives a Deployment as many replicas as are published for a variant, at once.
func podAutoscaler(namespace, target, variant string) *autoscalingv2.HorizontalPodAutoscaler {
	one := resource.MustParse("1")
	at := &autoscalingv2.HPAScalingRules{StabilizationWindowSeconds: new(int32(0)),
		Policies: []autoscalingv2.HPAScalingPolicy{{Type: autoscalingv2.PodsScalingPolicy, Value: 10, PeriodSeconds: 1}}}
	return &autoscalingv2.HorizontalPodAutoscaler{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: target},
		Spec: autoscalingv2.HorizontalPodAutoscalerSpec{
			ScaleTargetRef: autoscalingv2.CrossVersionObjectReference{APIVersion: "apps/v1", Kind: "Deployment", Name: target},
			MinReplicas:    new(int32(1)), MaxReplicas: 10,
			Behavior: &autoscalingv2.HorizontalPodAutoscalerBehavior{ScaleUp: at, ScaleDown: at},
			Metrics: []autoscalingv2.MetricSpec{{Type: autoscalingv2.ExternalMetricSourceType, External: &autoscalingv2.ExternalMetricSource{
				Metric: autoscalingv2.MetricIdentifier{Name: "inferno_desired_replicas", Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"variant_name": variant}}},
				Target: autoscalingv2.MetricTarget{Type: autoscalingv2.AverageValueMetricType, AverageValue: &one},
			}}},
		},
	}
}
