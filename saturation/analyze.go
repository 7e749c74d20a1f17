package saturation

import (
	"cmp"
	"fmt"
	"slices"
	"sort"
)

// Replica is what one server reports.
type Replica struct {
	Variant     string  `json:"variant"`
	KVUsage     float64 `json:"kvUsage"`     // fraction of the KV cache in use, 0 to 1
	QueueLength float64 `json:"queueLength"` // requests waiting in the server
}

// Analysis is the state of one model.
type Analysis struct {
	Replicas     int     `json:"replicas"`
	NonSaturated int     `json:"nonSaturated"`
	SpareKV      float64 `json:"spareKV"`    // mean of threshold − usage over the replicas that are not saturated; 0 without any
	SpareQueue   float64 `json:"spareQueue"` // mean of threshold − queue length over the same
	KVShort      bool    `json:"kvShort"`    // SpareKV is below its trigger
	QueueShort   bool    `json:"queueShort"` // SpareQueue is below its trigger
	ScaleUp      bool    `json:"scaleUp"`    // either is short
	// ScaleDownSafe tells whether the load of the replicas that are not saturated, spread over one fewer of them, leaves
	// RemainingKV and RemainingQueue at or above their triggers, and above 0 where a trigger is 0: replicas at their
	// threshold would be saturated. Those two are 0 with fewer than two such replicas.
	ScaleDownSafe  bool              `json:"scaleDownSafe"`
	RemainingKV    float64           `json:"remainingKV"`
	RemainingQueue float64           `json:"remainingQueue"`
	Variants       []VariantAnalysis `json:"variants"` // those that report, by name
	Config         Config            `json:"config"`
}

// VariantAnalysis is the share of one variant in the state of its model.
type VariantAnalysis struct {
	Variant      string  `json:"variant"`
	Replicas     int     `json:"replicas"`
	NonSaturated int     `json:"nonSaturated"`
	SpareKV      float64 `json:"spareKV"`    // mean over its replicas that are not saturated; 0 without any
	SpareQueue   float64 `json:"spareQueue"` // mean over the same
	MaxKVUsage   float64 `json:"maxKVUsage"`
	MaxQueue     float64 `json:"maxQueue"`
}

// maxQueueLength is beyond any queue. It keeps the sums of a fleet's queues exact, and bounds their thresholds for the same reason.
const maxQueueLength = 1e12

// Analyze judges all replicas of one model, of whatever variants. Without replicas the Analysis asks for nothing. An error
// names the replica and the value that cannot be, or the field of an invalid Config.
func Analyze(replicas []Replica, cfg Config) (Analysis, error) {
	if err := cfg.Validate(); err != nil {
		return Analysis{}, fmt.Errorf("saturation: %w", err)
	}
	var total spare
	groups := newGrouping(replicas)
	for i := range replicas {
		r := &replicas[i]
		if err := r.validate(); err != nil {
			return Analysis{}, fmt.Errorf("saturation: replica %d: %w", i, err)
		}
		g := groups.find(r.Variant)
		v := &groups.variants[g]
		v.Replicas++
		v.MaxKVUsage = max(v.MaxKVUsage, r.KVUsage)
		v.MaxQueue = max(v.MaxQueue, r.QueueLength)
		if r.KVUsage >= cfg.KVCacheThreshold || r.QueueLength >= cfg.QueueLengthThreshold {
			continue
		}
		groups.spares[g].add(cfg.KVCacheThreshold-r.KVUsage, cfg.QueueLengthThreshold-r.QueueLength)
	}
	for g := range groups.variants {
		v, s := &groups.variants[g], &groups.spares[g]
		v.NonSaturated = s.n
		v.SpareKV, v.SpareQueue = s.means()
		total.merge(s)
	}
	slices.SortFunc(groups.variants, func(a, b VariantAnalysis) int { return cmp.Compare(a.Variant, b.Variant) })
	a := Analysis{Replicas: len(replicas), NonSaturated: total.n, Variants: groups.variants, Config: cfg}
	a.SpareKV, a.SpareQueue = total.means()
	a.judge()
	return a, nil
}

func (r *Replica) validate() error {
	switch {
	case r.Variant == "":
		return fmt.Errorf("variant is empty")
	case !(r.KVUsage >= 0 && r.KVUsage <= 1):
		return fmt.Errorf("%s: KV usage %v: want a number from 0 to 1", r.Variant, r.KVUsage)
	case !(r.QueueLength >= 0 && r.QueueLength <= maxQueueLength):
		return fmt.Errorf("%s: queue length %v: want a number from 0 to %g", r.Variant, r.QueueLength, maxQueueLength)
	}
	return nil
}

// judge applies the triggers to the mean spare capacity.
func (a *Analysis) judge() {
	if a.Replicas == 0 {
		return
	}
	a.KVShort = a.SpareKV < a.Config.KVSpareTrigger
	a.QueueShort = a.SpareQueue < a.Config.QueueSpareTrigger
	a.ScaleUp = a.KVShort || a.QueueShort
	if a.NonSaturated < 2 {
		return
	}
	a.RemainingKV, a.RemainingQueue, a.ScaleDownSafe = a.without(1)
}

// without returns the mean spare capacity that remains with so many replicas fewer, and whether that is enough.
func (a *Analysis) without(gone int) (kv, queue float64, enough bool) {
	// load' = load · N / (N − gone): the same load on fewer replicas
	growth := float64(a.NonSaturated) / float64(a.NonSaturated-gone)
	kv = remaining(a.Config.KVCacheThreshold, (a.Config.KVCacheThreshold-a.SpareKV)*growth)
	queue = remaining(a.Config.QueueLengthThreshold, (a.Config.QueueLengthThreshold-a.SpareQueue)*growth)
	return kv, queue, kv >= a.Config.KVSpareTrigger && kv > 0 && queue >= a.Config.QueueSpareTrigger && queue > 0
}

// Removable returns how many replicas may go at once: what ScaleDownSafe asks of one, asked of more. It is 0 where not even one may.
func (a Analysis) Removable() int {
	if !a.ScaleDownSafe {
		return 0
	}
	return sort.Search(a.NonSaturated-1, func(i int) bool {
		_, _, enough := a.without(i + 1)
		return !enough
	})
}

// remaining is the mean spare capacity of replicas that all carry that load, to the last bit what Analyze would find: what is
// called safe here is not called short there.
func remaining(threshold, load float64) float64 {
	spare := threshold - load
	if spare <= 0 {
		return spare
	}
	var s sum
	s.add(spare)
	return s.mean(1)
}

// Variant returns the share of a variant; false where none of its replicas reports.
func (a Analysis) Variant(name string) (VariantAnalysis, bool) {
	i, ok := slices.BinarySearchFunc(a.Variants, name, func(v VariantAnalysis, name string) int { return cmp.Compare(v.Variant, name) })
	if !ok {
		return VariantAnalysis{}, false
	}
	return a.Variants[i], true
}
