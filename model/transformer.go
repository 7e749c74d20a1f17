package model

import (
	"fmt"
	"math"
)

// Transformer describes a dense decoder-only transformer by what its time and memory depend on.
type Transformer struct {
	Name       string  `json:"name"`
	Parameters float64 `json:"parameters"` // of the whole model
	Layers     int     `json:"layers"`
	Hidden     int     `json:"hidden"` // width of a token's vector
	KVHeads    int     `json:"kvHeads"`
	HeadSize   int     `json:"headSize"`
	Vocabulary int     `json:"vocabulary"`
	// WeightBytes and KVBytes are those of one weight and of one entry of the KV cache; 0 = 2 (FP16 or BF16).
	WeightBytes float64 `json:"weightBytes,omitempty"`
	KVBytes     float64 `json:"kvBytes,omitempty"`
}

// Transformers returns the built-in catalogue, by name. The numbers are those of the config.json that each model is published with.
func Transformers() []Transformer {
	return []Transformer{
		{Name: "Llama-2-13b-hf", Parameters: 13.016e9, Layers: 40, Hidden: 5120, KVHeads: 40, HeadSize: 128, Vocabulary: 32000},
		{Name: "Llama-2-70b-hf", Parameters: 68.977e9, Layers: 80, Hidden: 8192, KVHeads: 8, HeadSize: 128, Vocabulary: 32000},
		{Name: "Llama-2-7b-hf", Parameters: 6.738e9, Layers: 32, Hidden: 4096, KVHeads: 32, HeadSize: 128, Vocabulary: 32000},
		{Name: "Llama-3.1-70B", Parameters: 70.554e9, Layers: 80, Hidden: 8192, KVHeads: 8, HeadSize: 128, Vocabulary: 128256},
		{Name: "Llama-3.1-8B", Parameters: 8.030e9, Layers: 32, Hidden: 4096, KVHeads: 8, HeadSize: 128, Vocabulary: 128256},
		{Name: "Meta-Llama-3-70B", Parameters: 70.554e9, Layers: 80, Hidden: 8192, KVHeads: 8, HeadSize: 128, Vocabulary: 128256},
		{Name: "Meta-Llama-3-8B", Parameters: 8.030e9, Layers: 32, Hidden: 4096, KVHeads: 8, HeadSize: 128, Vocabulary: 128256},
		{Name: "Mistral-7B-v0.1", Parameters: 7.242e9, Layers: 32, Hidden: 4096, KVHeads: 8, HeadSize: 128, Vocabulary: 32000},
		{Name: "Qwen2-72B", Parameters: 72.706e9, Layers: 80, Hidden: 8192, KVHeads: 8, HeadSize: 128, Vocabulary: 152064},
		{Name: "Qwen2-7B", Parameters: 7.616e9, Layers: 28, Hidden: 3584, KVHeads: 4, HeadSize: 128, Vocabulary: 152064},
	}
}

// LookupTransformer finds a model of the catalogue by name.
func LookupTransformer(name string) (Transformer, bool) {
	for _, t := range Transformers() {
		if t.Name == name {
			return t, true
		}
	}
	return Transformer{}, false
}

// Validate names the first field that no transformer has.
func (t Transformer) Validate() error {
	for _, f := range []struct {
		name  string
		value float64
		least float64
	}{
		{"parameters", t.Parameters, 1}, {"layers", float64(t.Layers), 1}, {"hidden", float64(t.Hidden), 1}, {"KV heads", float64(t.KVHeads), 1},
		{"head size", float64(t.HeadSize), 1}, {"vocabulary", float64(t.Vocabulary), 0}, {"weight bytes", t.WeightBytes, 0}, {"KV bytes", t.KVBytes, 0},
	} {
		if !(f.value >= f.least) || math.IsInf(f.value, 0) {
			return fmt.Errorf("transformer %q: %s %v: want a finite number, %g or more", t.Name, f.name, f.value, f.least)
		}
	}
	if t.embedding() >= t.Parameters {
		return fmt.Errorf("transformer %q: an embedding of %d × %d leaves nothing of %g parameters", t.Name, t.Vocabulary, t.Hidden, t.Parameters)
	}
	return nil
}

// embedding is the number of parameters that only look tokens up: they take memory, but no time.
func (t Transformer) embedding() float64 { return float64(t.Vocabulary) * float64(t.Hidden) }

func (t Transformer) weightBytes() float64 { return orTwo(t.WeightBytes) }

// KVBytesPerToken is what one token takes of the KV cache: a key and a value of every KV head of every layer.
func (t Transformer) KVBytesPerToken() float64 {
	return 2 * float64(t.Layers) * float64(t.KVHeads) * float64(t.HeadSize) * orTwo(t.KVBytes)
}

func orTwo(bytes float64) float64 {
	if bytes == 0 {
		return 2
	}
	return bytes
}
