package kubernetes_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/wva-go/wva"
	"github.com/wva-go/wva/adapters/kubernetes"
	"github.com/wva-go/wva/adapters/kubernetes/internal/nodes"
	"github.com/wva-go/wva/adapters/kubernetes/internal/serving"
	"github.com/wva-go/wva/adapters/prometheus"
	"github.com/wva-go/wva/adapters/simulator"
	"github.com/wva-go/wva/internal/servers"
	"github.com/wva-go/wva/model"
)

// llama is a variant whose replicas saturate at about eight requests per second of the tests' load.
func llama(namespace, name, target string) wva.Variant {
	return wva.Variant{
		ID: wva.ID{Namespace: namespace, Name: name}, Model: "llama", Target: wva.TargetRef{Kind: "Deployment", Name: target},
		Server: &model.Server{Profile: model.Profile{Alpha: 0.012, Beta: 0.00005, Gamma: 0.0000005}, MaxBatch: 64, KVCapacity: 20_000},
	}
}

// requests is a load of that many requests per second.
func requests(rate float64) simulator.Load {
	return simulator.Constant(rate, model.TokenLengths{Mean: 300, CV: 1}, model.TokenLengths{Mean: 200, CV: 1}, 1)
}

// slowest tolerated time to the first token, seconds.
const sloTTFT = 1.0

// within returns the fraction of the requests which ended since the last call that met the SLO, and their number.
func within(b *serving.Bridge, key wva.ModelKey) (fraction float64, n int) {
	met := 0
	records := b.Cluster.Take(key)
	for _, r := range records {
		if !r.Rejected && r.TTFT() <= sloTTFT {
			met++
		}
	}
	return float64(met) / float64(max(1, len(records))), len(records)
}

// prometheusSource scrapes the pods by a Prometheus server of its own and asks that one, with windows of seconds.
func prometheusSource(t *testing.T, b *serving.Bridge) func(*kubernetes.Fleet) wva.MetricsSource {
	t.Helper()
	server := servers.StartPrometheus(t, servers.PrometheusOptions{Config: b.Scrape(), Flags: []string{"--scrape.discovery-reload-interval=200ms"}})
	return func(fleet *kubernetes.Fleet) wva.MetricsSource {
		source, err := prometheus.NewSource(prometheus.Config{URL: server.URL, AllowHTTP: true}, prometheus.SourceOptions{
			Owners:  fleet.Owners,
			Windows: prometheus.Windows{Peak: 3 * time.Second, Rate: 5 * time.Second, Mean: 10 * time.Second, Shape: 30 * time.Second},
		})
		if err != nil {
			t.Fatal(err)
		}
		return source
	}
}

// Load rises, replicas rise, the SLO is met again; load falls, replicas fall. Everything but the machines is real: the resource and its controller, the Deployment and its
// controller, the pods, the scraping Prometheus server.
func testLoad(t *testing.T, e *environment) {
	ns := e.namespace(t)
	e.nodes.Add(t, nodes.Node{Name: ns, Product: a100, GPUs: 6})
	e.create(t, deployment(ns, "llama", 1, a100), autoscaling(ns, "llama-a100", "llama", "llama"))
	b := serving.Start(t, e.set, ns, llama(ns, "llama-a100", "llama"))
	key := wva.ModelKey{Namespace: ns, Model: "llama"}
	b.Cluster.Send(key, requests(3).Requests())
	e.run(t, setting{
		fleet:   kubernetes.FleetOptions{Namespaces: []string{ns}, NodeInventory: true},
		options: kubernetes.Options{Actuation: kubernetes.Scale, Interval: 500 * time.Millisecond},
		metrics: prometheusSource(t, b),
	})
	followLoad(t, e, b, key, ns)
}

// followLoad raises and lowers the load of a model and expects a Deployment to follow.
func followLoad(t *testing.T, e *environment, b *serving.Bridge, key wva.ModelKey, ns string) {
	t.Helper()
	eventually(t, func() error {
		if fraction, n := within(b, key); n == 0 || fraction < 0.95 {
			return fmt.Errorf("at first %.0f%% of %d requests meet the SLO", 100*fraction, n)
		}
		return nil
	})
	begun := time.Now()
	b.Cluster.Send(key, requests(30).Requests())
	eventually(t, func() error {
		if asked, ready := e.replicas(t, ns, "llama"); ready < 4 {
			return fmt.Errorf("%d replicas of %d wanted are ready under 30 requests per second", ready, asked)
		}
		return nil
	})
	t.Logf("four replicas serve %v after the load rose", time.Since(begun).Round(100*time.Millisecond))
	recovered(t, b, key)
	t.Logf("the SLO is met again %v after the load rose", time.Since(begun).Round(100*time.Millisecond))
	begun = time.Now()
	b.Cluster.Send(key, requests(1).Requests())
	eventually(t, func() error {
		if asked, ready := e.replicas(t, ns, "llama"); asked > 1 || ready > 1 {
			return fmt.Errorf("%d replicas wanted and %d ready under one request per second", asked, ready)
		}
		return nil
	})
	t.Logf("one replica serves %v after the load fell", time.Since(begun).Round(100*time.Millisecond))
}

// recovered waits for two seconds in a row in which nearly all requests meet the SLO.
func recovered(t *testing.T, b *serving.Bridge, key wva.ModelKey) {
	t.Helper()
	within(b, key) // those of the crisis
	good, since := 0, time.Now()
	eventually(t, func() error {
		if time.Since(since) < time.Second {
			return fmt.Errorf("%d seconds of 2", good)
		}
		since = time.Now()
		fraction, n := within(b, key)
		if good++; n < 10 || fraction < 0.95 {
			good = 0
		}
		if good < 2 {
			return fmt.Errorf("%.0f%% of %d requests meet the SLO", 100*fraction, n)
		}
		return nil
	})
}
