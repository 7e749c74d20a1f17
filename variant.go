package wva

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"github.com/wva-go/wva/cost"
	"github.com/wva-go/wva/model"
)

// ID names a variant. It is unique within a Snapshot.
type ID struct {
	Namespace string `json:"namespace,omitempty"`
	Name      string `json:"name"`
}

// String returns namespace/name, or the name alone where there is no namespace.
func (id ID) String() string {
	if id.Namespace == "" {
		return id.Name
	}
	return id.Namespace + "/" + id.Name
}

// Compare orders IDs by namespace, then name.
func (id ID) Compare(other ID) int {
	return cmp.Or(cmp.Compare(id.Namespace, other.Namespace), cmp.Compare(id.Name, other.Name))
}

// ModelKey names a model within a namespace: the unit that load, analysis and failures belong to.
type ModelKey struct {
	Namespace string `json:"namespace,omitempty"`
	Model     string `json:"model"`
}

// String returns the model with its namespace in front.
func (k ModelKey) String() string {
	if k.Namespace == "" {
		return k.Model
	}
	return k.Namespace + "/" + k.Model
}

// Compare orders keys by namespace, then model.
func (k ModelKey) Compare(other ModelKey) int {
	return cmp.Or(cmp.Compare(k.Namespace, other.Namespace), cmp.Compare(k.Model, other.Model))
}

// TargetRef points at what is scaled, as a HorizontalPodAutoscaler's scaleTargetRef does.
type TargetRef struct {
	APIVersion string `json:"apiVersion,omitempty"`
	Kind       string `json:"kind,omitempty"`
	Name       string `json:"name,omitempty"`
}

// Variant is a set of identical model servers as its Fleet reports it: how it is configured and what it runs now.
type Variant struct {
	ID           ID                 `json:"id"`
	Model        string             `json:"model"`                  // as the servers name it, "meta/llama-3.1-8b"
	Architecture model.Architecture `json:"architecture,omitempty"` // empty = dense
	Accelerator  string             `json:"accelerator,omitempty"`  // name or type in the unit costs, "A100"
	Devices      int                `json:"devices,omitempty"`      // accelerators per replica; 0 = 1
	Cost         float64            `json:"cost"`                   // per replica and hour (variantCost)
	ServiceClass string             `json:"serviceClass,omitempty"` // empty = chosen by model

	Min int `json:"min,omitempty"` // never fewer replicas; 0 = no minimum of its own
	Max int `json:"max,omitempty"` // never more replicas; 0 = no maximum

	Target        TargetRef `json:"target,omitzero"`
	TargetMissing bool      `json:"targetMissing,omitempty"` // the scale target does not exist (yet, or any more)
	Current       int       `json:"current"`                 // replicas the target asks for now
	Pending       int       `json:"pending,omitempty"`       // of these, not ready to serve yet

	// Server is the performance of one replica. Without it the variant has no model-based opinion.
	Server *model.Server `json:"server,omitempty"`
	// Startup is how long a new replica takes until it serves; 0 = learnt from what is observed.
	Startup time.Duration `json:"startup,omitempty"`

	Role   string            `json:"role,omitempty"`   // prefill, decode; empty = both
	Engine string            `json:"engine,omitempty"` // vllm, sglang; empty = vllm
	Labels map[string]string `json:"labels,omitempty"`
}

// Key returns the model that the variant serves.
func (v Variant) Key() ModelKey { return ModelKey{Namespace: v.ID.Namespace, Model: v.Model} }

// DevicesPerReplica returns Devices, 1 where it is not set.
func (v Variant) DevicesPerReplica() int { return max(v.Devices, 1) }

// Validate reports every field that no variant can have.
func (v Variant) Validate() error {
	var errs []error
	bad := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("variant %s: "+format, append([]any{v.ID}, args...)...))
	}
	if v.ID.Name == "" {
		bad("name is empty")
	}
	if v.Model == "" {
		bad("model is empty")
	}
	if !(v.Cost >= 0 && v.Cost <= cost.Highest) {
		bad("cost %v: want a number from 0 to %g", v.Cost, cost.Highest)
	}
	for _, f := range []struct {
		name  string
		value int
	}{{"devices", v.Devices}, {"min", v.Min}, {"max", v.Max}, {"current", v.Current}, {"pending", v.Pending}} {
		if f.value < 0 || f.value > maxReplicas {
			bad("%s %d: want a number from 0 to %d", f.name, f.value, maxReplicas)
		}
	}
	if v.Max > 0 && v.Min > v.Max {
		bad("min %d is above max %d", v.Min, v.Max)
	}
	if v.Pending > v.Current {
		bad("pending %d is above current %d", v.Pending, v.Current)
	}
	if v.Startup < 0 {
		bad("startup %v: want 0 or more", v.Startup)
	}
	if err := v.Architecture.Validate(); err != nil {
		bad("%w", err)
	}
	if v.Server != nil {
		if err := v.Server.Validate(); err != nil {
			bad("%w", err)
		}
	}
	return errors.Join(errs...)
}

// maxReplicas is beyond any fleet, and small enough that sums and products over a fleet cannot overflow.
const maxReplicas = 1_000_000
