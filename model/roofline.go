package model

import (
	"errors"
	"fmt"
	"math"
)

// Efficiency states how much of an accelerator's data sheet a serving stack reaches.
type Efficiency struct {
	Weights       float64 // of the memory bandwidth while weights are read
	KV            float64 // of the memory bandwidth while the KV cache is read
	Compute       float64 // of the dense FP16 peak
	Layer         float64 // seconds per layer and iteration: kernel launches, norms, scheduling
	AllReduce     float64 // seconds per layer, iteration and doubling of the devices: communication of tensor parallelism
	Request       float64 // seconds per request and iteration: sampling and bookkeeping
	MemoryPortion float64 // of the memory that weights and KV cache may fill (vLLM's gpu-memory-utilization)
}

// CUDAEfficiency is that of vLLM on NVIDIA A100 and H100: six numbers that minimize the relative error over published runs of three models on
// both (LLM-Inference-Bench, Argonne 2024), rounded. docs/profiles.md has the residuals, and what each half predicts of the other.
func CUDAEfficiency() Efficiency {
	return Efficiency{Weights: 0.95, KV: 0.83, Compute: 0.75, Layer: 97e-6, AllReduce: 23e-6, Request: 64e-6, MemoryPortion: 0.9}
}

// ROCmEfficiency is that of the early ROCm build of vLLM on MI300X in the same runs, which are noisy. Later builds are faster.
func ROCmEfficiency() Efficiency {
	return Efficiency{Weights: 0.46, KV: 0.80, Compute: 0.072, Layer: 270e-6, AllReduce: 0, Request: 56e-6, MemoryPortion: 0.9}
}

// DefaultEfficiency returns the efficiency of an accelerator's usual stack.
func DefaultEfficiency(a Accelerator) Efficiency {
	if a.Name == "MI300X" {
		return ROCmEfficiency()
	}
	return CUDAEfficiency()
}

// Validate refuses portions outside (0, 1] and times that are negative or not finite.
func (e Efficiency) Validate() error {
	for _, f := range []struct {
		name  string
		value float64
	}{{"weights", e.Weights}, {"KV", e.KV}, {"compute", e.Compute}, {"memory portion", e.MemoryPortion}} {
		if !(f.value > 0 && f.value <= 1) {
			return fmt.Errorf("efficiency: %s %v: want a portion above 0, at most 1", f.name, f.value)
		}
	}
	for _, f := range []struct {
		name  string
		value float64
	}{{"layer", e.Layer}, {"all-reduce", e.AllReduce}, {"request", e.Request}} {
		if !(f.value >= 0) || math.IsInf(f.value, 0) {
			return fmt.Errorf("efficiency: %s %v: want a finite number of seconds, 0 or more", f.name, f.value)
		}
	}
	return nil
}

// Sizing is what a model makes of an accelerator arrangement.
type Sizing struct {
	Profile    Profile `json:"profile"`
	Weights    float64 `json:"weights"`    // bytes on all devices together
	KVMemory   float64 `json:"kvMemory"`   // bytes left for the KV cache, on all devices together
	KVCapacity int     `json:"kvCapacity"` // tokens
}

// ErrDoesNotFit says that the weights leave no memory for a KV cache.
var ErrDoesNotFit = errors.New("the weights leave no memory for a KV cache")

// Roofline derives the profile and the KV capacity of a model on so many devices in tensor parallel, without a benchmark:
//
//	α = weights read / (devices·bandwidth·weights efficiency) + layers·(layer + all-reduce·log2(devices))
//	β = 2·parameters / (devices·peak·compute efficiency)
//	γ = KV bytes of a token / (devices·bandwidth·KV efficiency)
//
// (the roofline of Williams, Waterman and Patterson 2009, with the memory-bound and the compute-bound part added rather than the larger
// one taken). The input embedding is looked up, not read or multiplied. The error names the field that cannot be, or is ErrDoesNotFit.
func Roofline(t Transformer, a Accelerator, devices int, e Efficiency) (Sizing, error) {
	if err := errors.Join(t.Validate(), e.Validate()); err != nil {
		return Sizing{}, fmt.Errorf("model: %w", err)
	}
	if devices < 1 {
		return Sizing{}, fmt.Errorf("model: devices %d: want at least 1", devices)
	}
	if !(a.Memory > 0 && a.Bandwidth > 0 && a.PeakFLOPS > 0) || math.IsInf(a.Bandwidth+a.PeakFLOPS, 0) {
		return Sizing{}, fmt.Errorf("model: accelerator %q: want memory, bandwidth and peak above 0, have %d, %g and %g", a.Name, a.Memory, a.Bandwidth, a.PeakFLOPS)
	}
	n := float64(devices)
	active := t.Parameters - t.embedding()
	s := Sizing{Weights: t.Parameters * t.weightBytes()}
	s.Profile = Profile{
		Alpha: active*t.weightBytes()/(n*a.Bandwidth*e.Weights) + float64(t.Layers)*(e.Layer+e.AllReduce*math.Log2(n)),
		Beta:  2 * active / (n * a.PeakFLOPS * e.Compute),
		Gamma: t.KVBytesPerToken() / (n * a.Bandwidth * e.KV), Request: e.Request,
	}
	s.KVMemory = n*float64(a.Memory)*e.MemoryPortion - s.Weights
	s.KVCapacity = int(min(max(s.KVMemory/t.KVBytesPerToken(), 0), math.MaxInt32))
	if s.KVCapacity < 1 {
		return s, fmt.Errorf("model: %s on %d×%s: %w: %.1f GB of weights, %.1f GB of memory", t.Name, devices, a.Name, ErrDoesNotFit, s.Weights/1e9, n*float64(a.Memory)*e.MemoryPortion/1e9)
	}
	return s, nil
}
