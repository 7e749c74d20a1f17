package memory_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wva-go/wva"
	"github.com/wva-go/wva/adapters/memory"
)

// collect renders the metrics as one line: replica, KV usage, queue, age; then the problems.
func collect(t *testing.T, c *memory.Cluster) string {
	t.Helper()
	variants, err := c.Variants(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	m, err := c.Collect(t.Context(), variants)
	if err != nil {
		return err.Error()
	}
	var s string
	for _, r := range m.Replicas {
		s += fmt.Sprintf("%s %.2f %.1f %v; ", r.Replica, r.KVUsage.Value, r.Waiting.Value, time.Since(r.At))
	}
	for _, p := range m.Problems {
		s += fmt.Sprintf("%s %s %s; ", p.Variant, p.Reason, p.Message)
	}
	return s
}

func wantMetrics(t *testing.T, c *memory.Cluster, want string) {
	t.Helper()
	if got := collect(t, c); got != want {
		t.Errorf("metrics %s\nwant    %s", got, want)
	}
}

// The ready replicas of a model share its load; scaling up relieves them as soon as the new replica is ready.
func TestLoadIsShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t)
		wantMetrics(t, c, "a100-0 0.00 0.0 0s; a100-1 0.00 0.0 0s; h100-0 0.00 0.0 0s; ")
		if err := c.SetLoad(key, memory.Load{KV: 2.4, Waiting: 6}); err != nil {
			t.Fatal(err)
		}
		wantMetrics(t, c, "a100-0 0.80 2.0 0s; a100-1 0.80 2.0 0s; h100-0 0.80 2.0 0s; ")
		if err := scale(t, c, h100, 2); err != nil {
			t.Fatal(err)
		}
		wantMetrics(t, c, "a100-0 0.80 2.0 0s; a100-1 0.80 2.0 0s; h100-0 0.80 2.0 0s; ")
		time.Sleep(time.Minute)
		wantMetrics(t, c, "a100-0 0.60 1.5 0s; a100-1 0.60 1.5 0s; h100-0 0.60 1.5 0s; h100-1 0.60 1.5 0s; ")
		if err := c.SetLoad(key, memory.Load{KV: 40}); err != nil {
			t.Fatal(err)
		}
		wantMetrics(t, c, "a100-0 1.00 0.0 0s; a100-1 1.00 0.0 0s; h100-0 1.00 0.0 0s; h100-1 1.00 0.0 0s; ")
	})
}

// A test that wants exact numbers gives them; replicas beyond the list are silent.
func TestSetReplicas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t)
		if err := c.SetLoad(key, memory.Load{KV: 0.5}); err != nil {
			t.Fatal(err)
		}
		if err := c.SetReplicas(a100, wva.ReplicaMetrics{KVUsage: wva.Read(0.7), Waiting: wva.Read(2), At: time.Now().Add(-time.Second)}); err != nil {
			t.Fatal(err)
		}
		wantMetrics(t, c, "a100-0 0.70 2.0 1s; h100-0 0.50 0.0 0s; ")
		if err := c.SetReplicas(a100); err != nil {
			t.Fatal(err)
		}
		wantMetrics(t, c, "a100-0 0.17 0.0 0s; a100-1 0.17 0.0 0s; h100-0 0.17 0.0 0s; ")
	})
}

// What a load says of the model and of each replica is passed on.
func TestLoadTemplates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t)
		err := c.SetLoad(key, memory.Load{
			KV:      0.9,
			Model:   wva.ModelMetrics{ArrivalRate: wva.Read(12)},
			Replica: wva.ReplicaMetrics{KVCapacity: wva.Read(1e5), Variant: h100},
		})
		if err != nil {
			t.Fatal(err)
		}
		got, err := c.Collect(t.Context(), []wva.Variant{{ID: a100, Model: "llama"}, {ID: wva.ID{Name: "unknown"}, Model: "m"}})
		if err != nil {
			t.Fatal(err)
		}
		each := wva.ReplicaMetrics{Variant: a100, At: time.Now(), KVUsage: wva.Read(0.3), Waiting: wva.Read(0), KVCapacity: wva.Read(1e5)}
		want := wva.Metrics{Models: []wva.ModelMetrics{{ModelKey: key, ArrivalRate: wva.Read(12)}}}
		for _, name := range []string{"a100-0", "a100-1"} {
			each.Replica = name
			want.Replicas = append(want.Replicas, each)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	})
}
