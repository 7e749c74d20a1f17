package memory_test

import (
	"errors"
	"fmt"
	"math"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wva-go/wva"
	"github.com/wva-go/wva/adapters/memory"
)

var (
	_ wva.Fleet         = (*memory.Cluster)(nil)
	_ wva.MetricsSource = (*memory.Cluster)(nil)
	_ wva.Scaler        = (*memory.Cluster)(nil)
)

var (
	a100 = wva.ID{Namespace: "llm", Name: "a100"}
	h100 = wva.ID{Namespace: "llm", Name: "h100"}
	key  = wva.ModelKey{Namespace: "llm", Model: "llama"}
)

// newCluster has two replicas on A100, which start at once, and one on H100, which takes a minute to.
func newCluster(t *testing.T) *memory.Cluster {
	t.Helper()
	c, err := memory.NewCluster(
		wva.Variant{ID: h100, Model: "llama", Accelerator: "H100", Cost: 80, Current: 1, Startup: time.Minute},
		wva.Variant{ID: a100, Model: "llama", Accelerator: "A100", Cost: 40, Current: 2},
	)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func scale(t *testing.T, c *memory.Cluster, id wva.ID, target int) error {
	t.Helper()
	return c.Scale(t.Context(), []wva.Decision{{Variant: id, Target: target}})
}

// counts renders every variant as current-pending.
func counts(t *testing.T, c *memory.Cluster) string {
	t.Helper()
	variants, err := c.Variants(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var s string
	for _, v := range variants {
		s += fmt.Sprintf("%s %d-%d ", v.ID.Name, v.Current, v.Pending)
	}
	return s
}

func wantCounts(t *testing.T, c *memory.Cluster, want string) {
	t.Helper()
	if got := counts(t, c); got != want {
		t.Errorf("replicas %q, want %q", got, want)
	}
}

// A replica is pending for the variant's startup time.
func TestScaleUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t)
		wantCounts(t, c, "a100 2-0 h100 1-0 ")
		if err := errors.Join(scale(t, c, a100, 3), scale(t, c, h100, 2)); err != nil {
			t.Fatal(err)
		}
		wantCounts(t, c, "a100 3-0 h100 2-1 ")
		time.Sleep(59 * time.Second)
		wantCounts(t, c, "a100 3-0 h100 2-1 ")
		time.Sleep(time.Second)
		wantCounts(t, c, "a100 3-0 h100 2-0 ")
	})
}

// Pending replicas go first, then the newest.
func TestScaleDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t)
		for _, step := range []struct {
			target int
			want   string
		}{
			{3, "a100 2-0 h100 3-2 "}, {2, "a100 2-0 h100 2-1 "}, {1, "a100 2-0 h100 1-0 "}, {0, "a100 2-0 h100 0-0 "}, {1, "a100 2-0 h100 1-1 "},
		} {
			if err := scale(t, c, h100, step.target); err != nil {
				t.Fatal(err)
			}
			wantCounts(t, c, step.want)
		}
		if err := scale(t, c, a100, 1); err != nil {
			t.Fatal(err)
		}
		m, _ := c.Collect(t.Context(), []wva.Variant{{ID: a100, Model: "llama"}})
		if len(m.Replicas) != 1 || m.Replicas[0].Replica != "a100-0" {
			t.Errorf("left is %v, want the oldest replica", m.Replicas)
		}
	})
}

func TestScaleErrors(t *testing.T) {
	c := newCluster(t)
	if err := c.DeleteTarget(h100); err != nil {
		t.Fatal(err)
	}
	unknown := wva.ID{Name: "unknown"}
	err := c.Scale(t.Context(), []wva.Decision{{Variant: unknown, Target: 1}, {Variant: h100, Target: 1}, {Variant: a100, Target: 4}})
	if !errors.Is(err, memory.ErrUnknownVariant) || !errors.Is(err, memory.ErrNoTarget) {
		t.Errorf("error %v, want an unknown variant and a missing target", err)
	}
	var of *wva.ScaleError
	if !errors.As(err, &of) || of.Variant != unknown {
		t.Errorf("error %v, want a ScaleError of %s first", err, unknown)
	}
	wantCounts(t, c, "a100 4-0 h100 0-0 ")
	if err := scale(t, c, a100, -1); err == nil {
		t.Error("a negative target was accepted")
	}
}

// A target that is deleted takes its replicas along; the variant stays, and a new target starts from nothing.
func TestTargetDeletedAndCreated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t)
		if err := c.DeleteTarget(h100); err != nil {
			t.Fatal(err)
		}
		if v, ok := c.Variant(h100); !ok || !v.TargetMissing || v.Current != 0 {
			t.Errorf("after deletion %+v, %v", v, ok)
		}
		if err := c.CreateTarget(h100, 2); err != nil {
			t.Fatal(err)
		}
		if v, _ := c.Variant(h100); v.TargetMissing || v.Current != 2 || v.Pending != 2 {
			t.Errorf("after creation %+v", v)
		}
		c.Remove(h100)
		wantCounts(t, c, "a100 2-0 ")
		if err := errors.Join(c.DeleteTarget(h100), c.CreateTarget(h100, 1)); !errors.Is(err, memory.ErrUnknownVariant) {
			t.Errorf("error %v, want ErrUnknownVariant", err)
		}
		if err := c.CreateTarget(a100, -1); err == nil {
			t.Error("a negative number of replicas was accepted")
		}
		if _, ok := c.Variant(h100); ok {
			t.Error("a removed variant is still there")
		}
	})
}

func TestPutRefusesWhatIsNoVariant(t *testing.T) {
	if _, err := memory.NewCluster(wva.Variant{ID: a100}); err == nil {
		t.Error("a variant without a model was accepted")
	}
}

// The cluster shares nothing with its callers.
func TestVariantsAreCopies(t *testing.T) {
	labels := map[string]string{"a": "1"}
	c, err := memory.NewCluster(wva.Variant{ID: a100, Model: "llama", Labels: labels})
	if err != nil {
		t.Fatal(err)
	}
	labels["a"] = "2"
	first, _ := c.Variants(t.Context())
	first[0].Labels["a"] = "3"
	if v, _ := c.Variant(a100); v.Labels["a"] != "1" {
		t.Errorf("label a = %q, want 1", v.Labels["a"])
	}
}

func TestInventory(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	c := &memory.Cluster{Clock: func() time.Time { return now }}
	if inv, err := c.Inventory(t.Context()); err != nil || inv.Limit != wva.InventoryUnlimited || !inv.At.Equal(now) {
		t.Errorf("inventory of an empty cluster: %+v, %v", inv, err)
	}
	if err := c.SetInventory(wva.Limited(wva.Devices{Type: "H100", Count: 8})); err != nil {
		t.Fatal(err)
	}
	want := wva.Inventory{Limit: wva.InventoryLimited, Devices: []wva.Devices{{Type: "H100", Count: 8}}, At: now}
	inv, err := c.Inventory(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, inv); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if err := c.SetInventory(wva.Limited(wva.Devices{Type: "H100", Count: -1})); err == nil {
		t.Error("a negative count was accepted")
	}
}

func TestLoadRefusesWhatIsNoNumber(t *testing.T) {
	c := newCluster(t)
	for _, bad := range []memory.Load{{KV: -1}, {KV: math.NaN()}, {Waiting: math.Inf(1)}} {
		if err := c.SetLoad(key, bad); err == nil {
			t.Errorf("load %+v was accepted", bad)
		}
	}
}

// Everything may happen at once.
func TestConcurrentUse(t *testing.T) {
	c := newCluster(t)
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			for n := range 50 {
				variants, _ := c.Variants(t.Context())
				c.Collect(t.Context(), variants)
				c.Inventory(t.Context())
				scale(t, c, a100, (i+n)%5)
				mend := c.Break(memory.Collect, memory.Fault{Variant: h100, Lost: 1, Times: 1})
				c.SetLoad(key, memory.Load{KV: float64(n)})
				c.SetReplicas(h100, wva.ReplicaMetrics{KVUsage: wva.Read(0.5)})
				c.DeleteTarget(h100)
				c.CreateTarget(h100, 1)
				c.Variant(h100)
				mend()
			}
		})
	}
	group.Wait()
	if got := c.Calls(memory.Collect); got != 400 {
		t.Errorf("%d calls of Collect, want 400", got)
	}
}
