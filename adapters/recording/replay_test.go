package recording_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/wva-go/wva"
	"github.com/wva-go/wva/adapters/memory"
	"github.com/wva-go/wva/adapters/recording"
	"github.com/wva-go/wva/adapters/simulator"
	"github.com/wva-go/wva/model"
	"github.com/wva-go/wva/saturation"
)

// text is what a step came to: its report, or that there was none.
func text(t testing.TB, r wva.Report) string {
	t.Helper()
	b, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// wantSame compares what replaying decides with the last reports of the live run: each entry decided with its own history, and all of them played through
// an Autoscaler that keeps its own.
func wantSame(t testing.TB, dir string, policy wva.Policy, live []string, restarts bool) {
	t.Helper()
	var entries []recording.Entry
	for entry, err := range recording.Entries(os.DirFS(dir)) {
		if err != nil {
			t.Fatal(err)
		}
		entries = append(entries, entry)
	}
	if len(entries) == 0 || len(entries) > len(live) {
		t.Fatalf("%d entries of %d steps", len(entries), len(live))
	}
	live = live[len(live)-len(entries):]
	var playback recording.Playback
	autoscaler, err := wva.NewAutoscaler(&playback, &playback, &playback, policy)
	if err != nil {
		t.Fatal(err)
	}
	autoscaler.Clock = playback.Now
	autoscaler.SetHistory(entries[0].History)
	for i, entry := range entries {
		report, _, err := wva.Decide(entry.Snapshot, policy, entry.History)
		if err != nil {
			t.Fatal(err)
		}
		if got := text(t, report); got != live[i] {
			t.Fatalf("entry %d is decided as\n%s\nrather than\n%s", i, got, live[i])
		}
		playback.Entry = entry
		if report, err = autoscaler.Step(context.Background()); err != nil {
			t.Fatal(err)
		}
		if got := text(t, report); got != live[i] && !restarts {
			t.Fatalf("entry %d is played back as\n%s\nrather than\n%s", i, got, live[i])
		}
	}
}

// policies are those that the property draws from.
func policies() map[string]wva.Policy {
	classes := model.ServiceClasses{{Name: "Premium", Priority: 1, Models: []model.ClassTarget{{Model: "llama", SLO: model.SLO{TTFT: time.Second, ITL: 40 * time.Millisecond}}}}}
	hybrid := wva.DefaultPolicy()
	hybrid.Mode, hybrid.ServiceClasses = wva.Hybrid, classes
	hybrid.Forecasting.Forecaster = wva.Holt{}
	tokens := wva.DefaultPolicy()
	config := saturation.DefaultTokenConfig()
	tokens.Tokens = &config
	tokens.ScaleToZero.Default = wva.Retention{Enabled: true, Period: 5 * time.Minute}
	slow := wva.DefaultPolicy()
	slow.Behavior.ScaleDown = wva.ScalingRules{StabilizationWindow: 5 * time.Minute, Policies: []wva.ScalingPolicy{{Type: wva.PercentPolicy, Value: 50}}}
	return map[string]wva.Policy{"default": wva.DefaultPolicy(), "hybrid": hybrid, "tokens": tokens, "slow": slow}
}

var errDown = errors.New("connection refused")

// faults are what the property breaks.
var faults = []struct {
	call  memory.Call
	fault memory.Fault
}{
	{memory.Variants, memory.Fault{Err: errDown, Times: 1}},
	{memory.Variants, memory.Fault{Panic: "boom", Times: 1}},
	{memory.Inventory, memory.Fault{Err: errDown, Times: 3}},
	{memory.Inventory, memory.Fault{Panic: "boom", Times: 1}},
	{memory.Collect, memory.Fault{Err: errDown, Times: 2}},
	{memory.Collect, memory.Fault{Panic: "boom", Times: 1}},
	{memory.Collect, memory.Fault{Model: wva.ModelKey{Model: "llama"}, Err: errDown, Times: 2}},
	{memory.Collect, memory.Fault{Variant: wva.ID{Name: "llama-h100"}, Err: errDown, Times: 2}},
	{memory.Collect, memory.Fault{Lost: 1, Times: 3}},
	{memory.Collect, memory.Fault{Age: time.Hour, Times: 1}},
	{memory.Scale, memory.Fault{Err: errDown, Times: 1}},
	{memory.Start, memory.Fault{Times: 5}},
}

// world is a live run on a cluster in memory, recorded.
type world struct {
	cluster    *memory.Cluster
	autoscaler *wva.Autoscaler
	recorder   *recording.Recorder
	options    recording.Options
	dir        string
	now        time.Time
	live       []string // reports, as JSON
	kinds      map[string]int
	problems   problems
}

func newWorld(t testing.TB, dir string, policy wva.Policy, o recording.Options) *world {
	t.Helper()
	w := &world{dir: dir, options: o, now: nine, kinds: map[string]int{}, cluster: &memory.Cluster{}}
	w.options.OnError, w.options.Queue = w.problems.add, 1000
	w.cluster.Clock = func() time.Time { return w.now }
	server := &model.Server{Profile: model.Profile{Alpha: 6e-3, Beta: 16e-6, Gamma: 0.12e-6}, MaxBatch: 256, KVCapacity: 430_000, MaxBatchedTokens: 8192}
	for _, v := range []wva.Variant{
		{ID: wva.ID{Name: "llama-a100"}, Model: "llama", Accelerator: "A100", Cost: 40, Current: 2, Startup: 2 * time.Minute, Max: 20, Server: server},
		{ID: wva.ID{Name: "llama-h100"}, Model: "llama", Accelerator: "H100", Cost: 80, Current: 1, Startup: time.Minute, Labels: map[string]string{"a\nb": "\"\u2028"}, Server: server},
		{ID: wva.ID{Name: "qwen"}, Model: "qwen", Accelerator: "H100", Cost: 80, Current: 1},
	} {
		if err := w.cluster.Put(v); err != nil {
			t.Fatal(err)
		}
	}
	var err error
	if w.autoscaler, err = wva.NewAutoscaler(w.cluster, w.cluster, w.cluster, policy); err != nil {
		t.Fatal(err)
	}
	w.autoscaler.Clock = w.cluster.Clock
	w.open(t)
	return w
}

func (w *world) open(t testing.TB) {
	t.Helper()
	r, err := recording.NewRecorder(w.dir, w.options)
	if err != nil {
		t.Fatal(err)
	}
	w.recorder, w.autoscaler.OnSnapshot = r, r.Record
}

func (w *world) close(t testing.TB) {
	t.Helper()
	if err := errors.Join(w.recorder.Close(context.Background()), w.problems.err()); err != nil {
		t.Fatal(err)
	}
}

// load gives both models something to do.
func (w *world) load(t testing.TB, key string, kv, waiting, rate float64) {
	t.Helper()
	each := wva.ReplicaMetrics{
		Running: wva.Read(3), KVCapacity: wva.Read(430_000), CompletionRate: wva.Read(rate), PrefixHitRate: wva.Read(1 / 3.0),
		Input: wva.LengthReadings{Mean: wva.Read(512), SecondMoment: wva.Read(4e5)}, Output: wva.LengthReadings{Mean: wva.Read(100.1)},
	}
	front := wva.ModelMetrics{RequestsInRetention: wva.Read(rate), GatewayQueue: wva.Read(waiting / 3)}
	if err := w.cluster.SetLoad(wva.ModelKey{Model: key}, memory.Load{KV: kv, Waiting: waiting, Replica: each, Model: front}); err != nil {
		t.Fatal(err)
	}
}

func (w *world) step(t testing.TB) {
	t.Helper()
	w.now = w.now.Add(time.Minute + time.Nanosecond)
	report, _ := w.autoscaler.Step(context.Background())
	if report.At.IsZero() {
		return // the fleet could not be read: nothing was decided
	}
	w.live = append(w.live, text(t, report))
	for _, m := range report.Models {
		if m.SafetyNet != "" {
			w.kinds["safety net"]++
		}
	}
	for _, p := range report.Problems {
		w.kinds[string(p.Kind)]++
	}
}

// Whatever happens to the fleet, its metrics, its inventory and the recorder, replaying decides as the live run did, byte for byte.
func TestReplayDecidesTheSame(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		dir, err := os.MkdirTemp("", "wva-recording")
		if err != nil {
			rt.Fatal(err)
		}
		defer os.RemoveAll(dir)
		name := rapid.SampledFrom([]string{"default", "hybrid", "tokens", "slow"}).Draw(rt, "policy")
		policy := policies()[name]
		o := recording.Options{MaxBytes: rapid.Int64Range(20_000, 200_000).Draw(rt, "bytes a file"), Keep: rapid.IntRange(1, 4).Draw(rt, "files")}
		w := newWorld(t, dir, policy, o)
		restarted := false
		w.step(t)
		rt.Repeat(map[string]func(*rapid.T){
			"": func(*rapid.T) {},
			"load": func(t2 *rapid.T) {
				w.load(t, "llama", rapid.Float64Range(0, 6).Draw(t2, "kv"), rapid.Float64Range(0, 60).Draw(t2, "waiting"), rapid.Float64Range(0, 30).Draw(t2, "rate"))
				w.load(t, "qwen", rapid.Float64Range(0, 2).Draw(t2, "kv"), 0, 0)
				w.step(t)
			},
			"fault": func(t2 *rapid.T) {
				f := rapid.SampledFrom(faults).Draw(t2, "fault")
				w.cluster.Break(f.call, f.fault)
				w.step(t)
			},
			"inventory": func(t2 *rapid.T) {
				inv := wva.Limited(wva.Devices{Type: "A100", Count: rapid.IntRange(0, 9).Draw(t2, "a100")}, wva.Devices{Type: "H100", Count: 3})
				if err := w.cluster.SetInventory(inv); err != nil {
					t.Fatal(err)
				}
				w.step(t)
			},
			"another recorder": func(*rapid.T) {
				w.close(t)
				w.open(t)
				w.step(t)
			},
			"another autoscaler": func(*rapid.T) { // the process restarts and has forgotten all
				w.autoscaler.SetHistory(wva.History{})
				restarted = true
				w.step(t)
			},
			"steps": func(*rapid.T) {
				for range 5 {
					w.step(t)
				}
			},
		})
		w.close(t)
		wantSame(t, dir, policy, w.live, restarted)
	})
}

// The same by hand, so that it is certain what the run goes through.
func TestReplayOfABadDay(t *testing.T) {
	for name, policy := range policies() {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, t.TempDir(), policy, recording.Options{MaxBytes: 60_000, Keep: 3})
			if err := w.cluster.SetInventory(wva.Limited(wva.Devices{Type: "A100", Count: 4}, wva.Devices{Type: "H100", Count: 2})); err != nil {
				t.Fatal(err)
			}
			for _, f := range faults {
				w.load(t, "llama", 3, 30, 12)
				w.step(t)
				w.cluster.Break(f.call, f.fault)
				for range 4 {
					w.step(t)
				}
				w.load(t, "llama", 0.1, 0, 0)
				w.step(t)
			}
			w.close(t)
			for _, want := range []string{"safety net", string(wva.InventoryStale), string(wva.MetricsLost), string(wva.InventoryShort)} {
				if w.kinds[want] == 0 && !(want == string(wva.InventoryShort) && name == "hybrid") { // whose optimizer asks for no more than there is
					t.Errorf("the run saw no %s: %v", want, w.kinds)
				}
			}
			if names, _, _ := sizes(t, w.dir); len(names) != 3 || names[0] == "snapshots-000001.jsonl" {
				t.Errorf("files %v: want three, and the first rotated away", names)
			}
			wantSame(t, w.dir, policy, w.live, false)
		})
	}
}

// A real clock has a monotonic reading that no recording keeps; ages come out the same all the same.
func TestReplayOfARealClock(t *testing.T) {
	w := newWorld(t, t.TempDir(), wva.DefaultPolicy(), recording.Options{})
	w.cluster.Clock, w.autoscaler.Clock = nil, nil
	w.step(t)
	w.cluster.Break(memory.Inventory, memory.Fault{Err: errDown})
	for range 50 {
		w.step(t)
	}
	w.close(t)
	if !strings.Contains(w.live[50], "ago stays in force") {
		t.Fatalf("no age in %s", w.live[50])
	}
	wantSame(t, w.dir, wva.DefaultPolicy(), w.live, false)
}

// Simulated servers report the untidy numbers that real ones do.
func TestReplayOfASimulation(t *testing.T) {
	server := &model.Server{Profile: model.Profile{Alpha: 14e-3, Beta: 60e-6, Gamma: 0.6e-6}, MaxBatch: 256, KVCapacity: 100_000, MaxBatchedTokens: 8192}
	for name, policy := range policies() {
		t.Run(name, func(t *testing.T) {
			v := wva.Variant{ID: wva.ID{Namespace: "llm", Name: "a100"}, Model: "llama", Accelerator: "A100", Cost: 40, Current: 2, Max: 20, Startup: 2 * time.Minute, Server: server}
			cluster, err := simulator.NewCluster(nine, v)
			if err != nil {
				t.Fatal(err)
			}
			defer cluster.Close()
			cluster.Send(v.Key(), simulator.Constant(20, model.TokenLengths{Mean: 700, CV: 1}, model.TokenLengths{Mean: 200, CV: 1}, 1).Requests())
			autoscaler, err := wva.NewAutoscaler(cluster, cluster, cluster, policy)
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			recorder, reported := newRecorder(t, dir, recording.Options{Queue: 100})
			autoscaler.Clock, autoscaler.OnSnapshot = cluster.Now, recorder.Record
			var live []string
			changes := 0
			for range 30 {
				cluster.Advance(time.Minute)
				report, err := autoscaler.Step(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				live = append(live, text(t, report))
				changes += len(report.Changes())
			}
			if err := errors.Join(recorder.Close(t.Context()), reported.err()); err != nil {
				t.Fatal(err)
			}
			if changes == 0 {
				t.Error("nothing was ever decided")
			}
			wantSame(t, dir, policy, live, false)
		})
	}
}

func BenchmarkRecord(b *testing.B) {
	for _, replicas := range []int{100, 10_000} {
		b.Run(fmt.Sprintf("%d replicas", replicas), func(b *testing.B) {
			s := at(0)
			for i := range replicas {
				s.Metrics.Replicas = append(s.Metrics.Replicas, wva.ReplicaMetrics{
					Variant: wva.ID{Namespace: "llm", Name: "llama-a100"}, Replica: fmt.Sprintf("llama-a100-7d9c5b%d", i), At: nine,
					KVUsage: wva.Read(0.1234567890123), Waiting: wva.Read(1), Running: wva.Read(17), KVCapacity: wva.Read(430_000), CompletionRate: wva.Read(1.234567890123),
					Input: wva.LengthReadings{Mean: wva.Read(512.34567890123)}, Output: wva.LengthReadings{Mean: wva.Read(123.4567890123)}, TTFT: wva.Read(0.1234567890123), ITL: wva.Read(0.01234567890123),
				})
			}
			r, err := recording.NewRecorder(b.TempDir(), recording.Options{})
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				r.Record(s, wva.History{})
			}
			if err := r.Close(context.Background()); err != nil {
				b.Fatal(err)
			}
		})
	}
}
