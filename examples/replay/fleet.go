package main

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"
	"time"

	"github.com/wva-go/wva"
	"github.com/wva-go/wva/adapters/manifest"
	"github.com/wva-go/wva/model"
)

//go:embed fleet
var builtin embed.FS

// The promise to models that no service class lists.
const (
	defaultTTFT = 2 * time.Second
	defaultITL  = 200 * time.Millisecond
)

// fleetAndPolicy reads the fleet and completes what the files leave open: performance, start-up, largest size, and promises.
func (s settings) fleetAndPolicy() ([]wva.Variant, wva.Policy, error) {
	files, err := source(s.fleet)
	if err != nil {
		return nil, wva.Policy{}, err
	}
	m, err := manifest.Load(files)
	if err != nil {
		return nil, wva.Policy{}, fmt.Errorf("-fleet %s: %w", s.fleet, err)
	}
	var errs []error
	variants := make([]wva.Variant, 0, len(m.Fleet))
	for _, v := range m.Fleet {
		v, err := s.complete(v)
		errs = append(errs, err)
		variants = append(variants, v)
	}
	if len(variants) == 0 {
		errs = append(errs, errors.New("-fleet: no VariantAutoscaling in the files"))
	}
	m.Policy.ServiceClasses = s.promises(m.Policy.ServiceClasses, variants)
	return variants, m.Policy, errors.Join(errs...)
}

// source is the directory that the user named, or the one that came with the program.
func source(dir string) (fs.FS, error) {
	if dir == "" {
		return fs.Sub(builtin, "fleet")
	}
	if info, err := os.Stat(dir); err != nil {
		return nil, fmt.Errorf("-fleet: %w", err)
	} else if !info.IsDir() {
		return nil, fmt.Errorf("-fleet %s: not a directory", dir)
	}
	return os.DirFS(dir), nil
}

// complete gives a variant what it does not have.
func (s settings) complete(v wva.Variant) (wva.Variant, error) {
	if v.TargetMissing {
		return v, fmt.Errorf("-fleet: variant %s: its %s %s is not in the files: add it", v.ID, v.Target.Kind, v.Target.Name)
	}
	if v.Startup == 0 {
		v.Startup = s.startup
	}
	if v.Max == 0 {
		v.Max = max(s.most, v.Min, v.Current)
	}
	if v.Server != nil && v.Server.KVCapacity > 0 {
		return v, nil
	}
	derived, err := s.derive(v)
	switch {
	case err != nil:
		return v, fmt.Errorf("-fleet: variant %s: %w", v.ID, err)
	case v.Server == nil:
		v.Server = &derived
	default: // a modelProfile says nothing of the KV cache
		measured := *v.Server
		measured.KVCapacity, measured.MaxBatchedTokens = derived.KVCapacity, derived.MaxBatchedTokens
		v.Server = &measured
	}
	return v, nil
}

// derive works out a server from the architecture of its model and the data sheet of its accelerator.
func (s settings) derive(v wva.Variant) (model.Server, error) {
	transformer, ok := transformerOf(v.Model, s.transformer)
	if !ok {
		return model.Server{}, fmt.Errorf("model %q is none whose architecture is known: say with -architecture which of %s it is like", v.Model, transformerNames())
	}
	accelerator, ok := model.LookupAccelerator(v.Accelerator)
	if !ok {
		return model.Server{}, fmt.Errorf("accelerator %q is not known: want one of %s, by name or type", v.Accelerator, acceleratorNames())
	}
	sizing, err := model.Roofline(transformer, accelerator, v.DevicesPerReplica(), model.DefaultEfficiency(accelerator))
	if err != nil {
		return model.Server{}, err
	}
	return model.Server{Profile: sizing.Profile, MaxBatch: 256, KVCapacity: sizing.KVCapacity, MaxBatchedTokens: batchedTokens(accelerator)}, nil
}

// batchedTokens is vLLM's default of max-num-batched-tokens for an online server, by the memory of the device.
func batchedTokens(a model.Accelerator) int {
	if a.Name == "A100" || a.Name == "A100-40GB" {
		return 2048
	}
	return 8192
}

// transformerOf finds an architecture by the name that the user gave, or by the last part of the model's name.
func transformerOf(modelID, name string) (model.Transformer, bool) {
	if name == "" {
		name = path.Base(modelID)
	}
	for _, t := range model.Transformers() {
		if strings.EqualFold(t.Name, name) {
			return t, true
		}
	}
	return model.Transformer{}, false
}

func transformerNames() string {
	var names []string
	for _, t := range model.Transformers() {
		names = append(names, t.Name)
	}
	return strings.Join(names, ", ")
}

func acceleratorNames() string {
	var names []string
	for _, a := range model.Accelerators() {
		names = append(names, a.Name)
	}
	return strings.Join(names, ", ")
}

// promises returns the service classes with the user's targets and quantile in place of theirs, and a class for the models that none lists.
func (s settings) promises(classes model.ServiceClasses, variants []wva.Variant) model.ServiceClasses {
	var out model.ServiceClasses
	for _, class := range classes {
		targets := make([]model.ClassTarget, len(class.Models))
		for i, t := range class.Models {
			targets[i] = model.ClassTarget{Model: t.Model, SLO: s.promise(t.SLO)}
		}
		class.Models = targets
		out = append(out, class)
	}
	unlisted := model.ServiceClass{Name: "replay", Priority: 1}
	for _, v := range variants {
		_, known := unlisted.Target(v.Model)
		if _, _, ok := out.For(v.ServiceClass, v.Model); !ok && !known {
			unlisted.Models = append(unlisted.Models, model.ClassTarget{Model: v.Model, SLO: s.promise(model.SLO{TTFT: defaultTTFT, ITL: defaultITL})})
		}
	}
	if len(unlisted.Models) > 0 {
		out = append(out, unlisted)
	}
	return out
}

func (s settings) promise(slo model.SLO) model.SLO {
	if s.ttft > 0 {
		slo.TTFT = s.ttft
	}
	if s.itl > 0 {
		slo.ITL = s.itl
	}
	slo.TTFTQuantile, slo.ITLQuantile = s.quantile, s.quantile
	return slo
}
