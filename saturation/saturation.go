// Package saturation decides whether a model is short of KV cache or queue headroom.
package saturation

import "errors"

type Replica struct {
	Variant              string
	KVUsage, QueueLength float64
}
type Config struct {
	KVCacheThreshold, QueueLengthThreshold, KVSpareTrigger, QueueSpareTrigger float64
}
type Configs struct{ Default Config }
type Analysis struct{ ScaleUp bool }
type VariantState struct {
	Variant                           string
	Cost                              float64
	Current, Ready, Desired, Min, Max int
}
type Target struct {
	Variant  string
	Replicas int
	Reason   Reason
}
type Reason struct{ Kind Kind }
type Kind uint8

func (Kind) String() string   { return "" }
func (Reason) String() string { return "" }

func DefaultConfig() Config { return Config{0.8, 5, 0.1, 3} }

func (c Configs) For(namespace, model string) Config { return c.Default }
func (c Configs) Validate() error                    { return nil }

func Analyze(replicas []Replica, cfg Config) (Analysis, error) {
	return Analysis{}, errors.New("saturation: not here yet")
}
func (a Analysis) Targets(states []VariantState) ([]Target, error) { return nil, nil }
