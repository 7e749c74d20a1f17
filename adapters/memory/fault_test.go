package memory_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wva-go/wva"
	"github.com/wva-go/wva/adapters/memory"
)

var errScripted = errors.New("scripted")

// calls makes every call of the ports once.
func calls(ctx context.Context, c *memory.Cluster) map[memory.Call]error {
	_, variants := c.Variants(ctx)
	_, inventory := c.Inventory(ctx)
	_, collect := c.Collect(ctx, nil)
	return map[memory.Call]error{
		memory.Variants: variants, memory.Inventory: inventory, memory.Collect: collect, memory.Scale: c.Scale(ctx, nil),
	}
}

// A fault breaks its call and no other, for as many calls as it says, after those that it skips.
func TestFaultError(t *testing.T) {
	for _, broken := range []memory.Call{memory.Variants, memory.Inventory, memory.Collect, memory.Scale} {
		c := newCluster(t)
		c.Break(broken, memory.Fault{Err: errScripted, Skip: 1, Times: 2})
		for n, fails := range []bool{false, true, true, false} {
			for call, err := range calls(t.Context(), c) {
				if want := fails && call == broken; errors.Is(err, errScripted) != want {
					t.Errorf("%s broken, round %d: %s: %v", broken, n+1, call, err)
				}
			}
		}
	}
}

func TestFaultLastsUntilMended(t *testing.T) {
	c := newCluster(t)
	mend := c.Break(memory.Inventory, memory.Fault{Err: errScripted})
	c.Break(memory.Scale, memory.Fault{Err: errScripted})
	for range 3 {
		if err := calls(t.Context(), c); err[memory.Inventory] == nil || err[memory.Scale] == nil {
			t.Errorf("%v", err)
		}
	}
	mend()
	mend()
	if err := calls(t.Context(), c); err[memory.Inventory] != nil || err[memory.Scale] == nil {
		t.Errorf("one mended: %v", err)
	}
	c.Mend()
	if err := calls(t.Context(), c); err[memory.Scale] != nil {
		t.Errorf("all mended: %v", err)
	}
}

// A delay honours the context.
func TestFaultDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t)
		c.Break(memory.Collect, memory.Fault{Delay: time.Minute})
		start := time.Now()
		if _, err := c.Collect(t.Context(), nil); err != nil || time.Since(start) != time.Minute {
			t.Errorf("%v after %v, want nil after a minute", err, time.Since(start))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start = time.Now()
		if _, err := c.Collect(ctx, nil); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Second {
			t.Errorf("%v after %v, want the deadline after a second", err, time.Since(start))
		}
		for call, err := range calls(ctx, c) {
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%s with an ended context: %v", call, err)
			}
		}
	})
}

func TestFaultPanic(t *testing.T) {
	c := newCluster(t)
	c.Break(memory.Scale, memory.Fault{Panic: "boom", Times: 1})
	func() {
		defer func() {
			if p := recover(); p != "boom" {
				t.Errorf("recovered %v, want boom", p)
			}
		}()
		c.Scale(t.Context(), nil)
	}()
	if err := scale(t, c, a100, 1); err != nil {
		t.Errorf("after the panic: %v", err)
	}
}

// Part of the metrics can be missing, silently or with a problem, and stale.
func TestFaultsOfCollect(t *testing.T) {
	for name, test := range map[string]struct {
		fault memory.Fault
		want  string
	}{
		"variant fails":            {memory.Fault{Variant: h100, Err: errScripted}, "a100-0 0.00 0.0 0s; a100-1 0.00 0.0 0s; h100 PrometheusError scripted; "},
		"model fails":              {memory.Fault{Model: key, Err: errScripted}, " PrometheusError scripted; "},
		"another model fails":      {memory.Fault{Model: wva.ModelKey{Model: "other"}, Err: errScripted}, "a100-0 0.00 0.0 0s; a100-1 0.00 0.0 0s; h100-0 0.00 0.0 0s; "},
		"everything fails":         {memory.Fault{Err: errScripted}, "memory: Collect: scripted"},
		"one replica is lost":      {memory.Fault{Variant: a100, Lost: 1}, "a100-0 0.00 0.0 0s; h100-0 0.00 0.0 0s; "},
		"more are lost than exist": {memory.Fault{Lost: 9}, ""},
		"all of a variant is lost": {memory.Fault{Variant: a100, Lost: -1}, "h100-0 0.00 0.0 0s; "},
		"all is lost":              {memory.Fault{Lost: -1}, ""},
		"a variant is stale":       {memory.Fault{Variant: h100, Age: time.Hour}, "a100-0 0.00 0.0 0s; a100-1 0.00 0.0 0s; h100-0 0.00 0.0 1h0m0s; "},
		"all is stale":             {memory.Fault{Age: time.Hour}, "a100-0 0.00 0.0 1h0m0s; a100-1 0.00 0.0 1h0m0s; h100-0 0.00 0.0 1h0m0s; "},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCluster(t)
				c.Break(memory.Collect, test.fault)
				wantMetrics(t, c, test.want)
				c.Mend()
				wantMetrics(t, c, "a100-0 0.00 0.0 0s; a100-1 0.00 0.0 0s; h100-0 0.00 0.0 0s; ")
			})
		})
	}
}

// One variant that cannot be scaled does not keep the others from it; one that cannot be read is left out.
func TestFaultOfOneVariant(t *testing.T) {
	c := newCluster(t)
	c.Break(memory.Scale, memory.Fault{Variant: a100, Err: errScripted})
	err := c.Scale(t.Context(), []wva.Decision{{Variant: a100, Target: 5}, {Variant: h100, Target: 0}})
	var of *wva.ScaleError
	if !errors.As(err, &of) || of.Variant != a100 || !errors.Is(err, errScripted) {
		t.Errorf("error %v, want the scripted one of a100", err)
	}
	wantCounts(t, c, "a100 2-0 h100 0-0 ")
	c.Break(memory.Variants, memory.Fault{Variant: a100, Err: errScripted})
	wantCounts(t, c, "h100 0-0 ")
}

// Replicas can stay pending however long they had to start, for a number of cycles or until they are mended.
func TestFaultOfStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t)
		c.Break(memory.Start, memory.Fault{Times: 2})
		if err := scale(t, c, a100, 3); err != nil {
			t.Fatal(err)
		}
		if v, _ := c.Variant(a100); v.Pending != 1 {
			t.Errorf("before the first cycle %d are pending, want 1", v.Pending)
		}
		wantCounts(t, c, "a100 3-1 h100 1-0 ")
		wantMetrics(t, c, "a100-0 0.00 0.0 0s; a100-1 0.00 0.0 0s; h100-0 0.00 0.0 0s; ")
		wantCounts(t, c, "a100 3-0 h100 1-0 ")

		mend := c.Break(memory.Start, memory.Fault{Variant: h100})
		if err := scale(t, c, h100, 2); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		wantCounts(t, c, "a100 3-0 h100 2-1 ")
		mend()
		wantCounts(t, c, "a100 3-0 h100 2-0 ")
	})
}
