package wva_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wva-go/wva"
	"github.com/wva-go/wva/adapters/memory"
)

var errDown = errors.New("down")

// busyCluster is one variant whose only replica is nearly full.
func busyCluster(t *testing.T) (*memory.Cluster, wva.ID) {
	t.Helper()
	a := variant("a", 5, 1)
	c, err := memory.NewCluster(a)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.SetLoad(a.Key(), memory.Load{KV: 0.9}); err != nil {
		t.Fatal(err)
	}
	return c, a.ID
}

func autoscaler(t *testing.T, c *memory.Cluster) *wva.Autoscaler {
	t.Helper()
	a, err := wva.NewAutoscaler(c, c, c, wva.DefaultPolicy())
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func target(t *testing.T, r wva.Report, id wva.ID) int {
	t.Helper()
	d, ok := r.Decision(id)
	if !ok {
		t.Fatalf("no decision for %s", id)
	}
	return d.Target
}

func TestStep(t *testing.T) {
	c, id := busyCluster(t)
	report, err := autoscaler(t, c).Step(t.Context())
	if err != nil || target(t, report, id) != 2 {
		t.Fatalf("%v, %v", report, err)
	}
	if v, _ := c.Variant(id); v.Current != 2 {
		t.Errorf("the cluster has %d replicas, want 2", v.Current)
	}
}

// Each port fails in its own way, and none of them makes the fleet shrink.
func TestStepFaults(t *testing.T) {
	for _, tt := range []struct {
		name  string
		call  memory.Call
		fault memory.Fault
		err   string // of the step
		says  string // the report
		want  int
	}{
		{"the fleet is down", memory.Variants, memory.Fault{Err: errDown}, "fleet: ", "", -1},
		{"the fleet panics", memory.Variants, memory.Fault{Panic: "boom"}, "fleet panicked: boom", "", -1},
		{"the metrics are down", memory.Collect, memory.Fault{Err: errDown}, "", "safety net activated", 1},
		{"the metrics panic", memory.Collect, memory.Fault{Panic: "boom"}, "", "metrics source panicked: boom", 1},
		{"the metrics are stale", memory.Collect, memory.Fault{Age: time.Hour}, "", "metrics too old", 1},
		{"the scaler is down", memory.Scale, memory.Fault{Err: errDown}, "scaler: ", "grow to 2", 2},
		{"the scaler panics", memory.Scale, memory.Fault{Panic: "boom"}, "scaler panicked: boom", "grow to 2", 2},
		{"the inventory was never read", memory.Inventory, memory.Fault{Err: errDown}, "", "the inventory could not be read", 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, id := busyCluster(t)
			c.Break(tt.call, tt.fault)
			report, err := autoscaler(t, c).Step(t.Context())
			if tt.err == "" && err != nil || tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)) {
				t.Errorf("error = %v, want %q", err, tt.err)
			}
			if tt.fault.Err != nil && tt.err != "" && !errors.Is(err, errDown) {
				t.Errorf("the cause is lost: %v", err)
			}
			if !strings.Contains(report.String(), tt.says) {
				t.Errorf("report = %s\nwant it to say %q", report, tt.says)
			}
			if tt.want >= 0 && target(t, report, id) != tt.want {
				t.Errorf("target = %d, want %d", target(t, report, id), tt.want)
			}
		})
	}
}

// The last inventory that could be read stays in force, and the report says how old it is.
func TestStepKeepsTheLastInventory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, id := busyCluster(t)
		if err := c.SetInventory(wva.Limited(wva.Devices{Type: "A100", Count: 1})); err != nil {
			t.Fatal(err)
		}
		a := autoscaler(t, c)
		if _, err := a.Step(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(3 * time.Minute)
		c.Break(memory.Inventory, memory.Fault{Err: errDown})
		report, err := a.Step(t.Context())
		if err != nil || target(t, report, id) != 1 || !strings.Contains(report.String(), "the inventory of 3m0s ago stays in force") {
			t.Errorf("%s\n%v", report, err)
		}
	})
}

func TestRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := busyCluster(t)
		a := autoscaler(t, c)
		var log bytes.Buffer
		a.Logger = slog.New(slog.NewTextHandler(&log, nil))
		var steps atomic.Int32
		a.OnStep = func(wva.Report, error) { steps.Add(1) }
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- a.Run(ctx, time.Minute) }()
		synctest.Wait()
		if steps.Load() != 1 {
			t.Errorf("%d steps at once, want 1", steps.Load())
		}
		time.Sleep(5*time.Minute + time.Second)
		synctest.Wait()
		if steps.Load() != 6 {
			t.Errorf("%d steps in five minutes, want 6", steps.Load())
		}
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run returned %v", err)
		}
		if !strings.Contains(log.String(), "decision.variant=ns/a") || !strings.Contains(log.String(), "decision.target=2") {
			t.Errorf("log = %s", log.String())
		}
	})
}

// A step that hangs ends with its time, the next one comes, and steps never overlap.
func TestRunTimesOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, id := busyCluster(t)
		c.Break(memory.Collect, memory.Fault{Delay: time.Hour, Times: 1})
		a := autoscaler(t, c)
		a.StepTimeout = 10 * time.Second
		var errs []error
		a.OnStep = func(_ wva.Report, err error) { errs = append(errs, err) }
		ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
		defer cancel()
		if err := a.Run(ctx, time.Minute); err != nil {
			t.Fatal(err)
		}
		if len(errs) != 2 || !errors.Is(errs[0], context.DeadlineExceeded) || !strings.Contains(errs[0].Error(), "metrics source") || errs[1] != nil {
			t.Errorf("steps ended with %v, want the first to say that the metrics source took too long", errs)
		}
		if v, _ := c.Variant(id); v.Current != 2 {
			t.Errorf("%d replicas after the second step, want 2", v.Current)
		}
	})
}

func TestNewAutoscalerRefuses(t *testing.T) {
	c, _ := busyCluster(t)
	if _, err := wva.NewAutoscaler(nil, c, c, wva.DefaultPolicy()); err == nil {
		t.Error("no fleet and no error")
	}
	if _, err := wva.NewAutoscaler(c, c, c, wva.Policy{}); err == nil {
		t.Error("no policy and no error")
	}
	a := autoscaler(t, c)
	if err := a.SetPolicy(wva.Policy{}); err == nil {
		t.Error("an invalid policy is accepted")
	}
	if err := a.Run(t.Context(), 0); err == nil {
		t.Error("an interval of 0 is accepted")
	}
}
