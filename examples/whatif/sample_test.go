package main

import (
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/wva-go/wva"
	"github.com/wva-go/wva/adapters/recording"
	"github.com/wva-go/wva/adapters/simulator"
	"github.com/wva-go/wva/model"
)

var writeSample = flag.Bool("sample", false, "write testdata/sample/snapshots-000001.jsonl")

// The sample is a recording of simulated servers: two models on three accelerators that are scarce, in the last three of 45 minutes.
func TestSample(t *testing.T) {
	if !*writeSample {
		entries := 0
		for _, err := range recording.Entries(sampleFiles()) {
			if err != nil {
				t.Error(err)
			}
			entries++
		}
		if entries != 3 {
			t.Errorf("the sample has %d entries: want 3: write it with go test ./examples/whatif -sample", entries)
		}
		return
	}
	policy, err := readPolicy(os.DirFS("testdata/sample"), "HYBRID")
	if err != nil {
		t.Fatal(err)
	}
	start := time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC)
	cluster, err := simulator.NewCluster(start, sampleFleet(t)...)
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	if err := cluster.SetInventory(wva.Limited(wva.Devices{Type: "A100", Count: 6}, wva.Devices{Type: "H100", Count: 8}, wva.Devices{Type: "MI300X", Count: 4})); err != nil {
		t.Fatal(err)
	}
	cluster.Send(wva.ModelKey{Namespace: "llm", Model: "meta/llama-3.1-8b"},
		simulator.Constant(45, model.TokenLengths{Mean: 900, CV: 0.8}, model.TokenLengths{Mean: 200, CV: 1}, 1).Requests())
	cluster.Send(wva.ModelKey{Namespace: "llm", Model: "meta/llama-3.1-70b"},
		simulator.Constant(5, model.TokenLengths{Mean: 1200, CV: 0.8}, model.TokenLengths{Mean: 250, CV: 1}, 2).Requests())
	autoscaler, err := wva.NewAutoscaler(cluster, cluster, cluster, policy)
	if err != nil {
		t.Fatal(err)
	}
	autoscaler.Clock = cluster.Now
	const name = "testdata/sample/snapshots-000001.jsonl"
	if err := os.RemoveAll(name); err != nil {
		t.Fatal(err)
	}
	recorder, err := recording.NewRecorder(filepath.Dir(name), recording.Options{OnError: func(err error) { t.Error(err) }})
	if err != nil {
		t.Fatal(err)
	}
	for minute := range 45 {
		cluster.Advance(time.Minute)
		if minute == 42 {
			autoscaler.OnSnapshot = recorder.Record
		}
		report, err := autoscaler.Step(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		t.Log(report)
	}
	if err := recorder.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// sampleFleet is sized by the roofline of each model on each arrangement.
func sampleFleet(t *testing.T) []wva.Variant {
	var fleet []wva.Variant
	for _, v := range []struct {
		name, model, transformer, accelerator string
		devices, current                      int
		cost                                  float64
	}{
		{"llama-8b-a100", "meta/llama-3.1-8b", "Llama-3.1-8B", "A100", 1, 3, 40},
		{"llama-8b-h100", "meta/llama-3.1-8b", "Llama-3.1-8B", "H100", 1, 1, 80},
		{"llama-8b-mi300x", "meta/llama-3.1-8b", "Llama-3.1-8B", "MI300X", 1, 0, 65},
		{"llama-70b-h100", "meta/llama-3.1-70b", "Llama-3.1-70B", "H100", 4, 1, 320},
		{"llama-70b-mi300x", "meta/llama-3.1-70b", "Llama-3.1-70B", "MI300X", 2, 0, 130},
	} {
		transformer, _ := model.LookupTransformer(v.transformer)
		accelerator, _ := model.LookupAccelerator(v.accelerator)
		s, err := model.Roofline(transformer, accelerator, v.devices, model.DefaultEfficiency(accelerator))
		if err != nil {
			t.Fatal(err)
		}
		fleet = append(fleet, wva.Variant{
			ID: wva.ID{Namespace: "llm", Name: v.name}, Model: v.model, Accelerator: v.accelerator, Devices: v.devices, Cost: v.cost, Current: v.current,
			Startup: 2 * time.Minute,
			Server:  &model.Server{Profile: s.Profile, MaxBatch: 256, KVCapacity: s.KVCapacity, MaxBatchedTokens: 8192},
		})
	}
	return fleet
}
