package wva

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/wva-go/wva/cost"
	"github.com/wva-go/wva/model"
	"github.com/wva-go/wva/optimizer"
	"github.com/wva-go/wva/saturation"
)

// Policy is what the operator wants: a plain value, built from [DefaultPolicy] or from the guide's documents.
type Policy struct {
	Mode           Mode                 `json:"mode"`
	Saturation     saturation.Configs   `json:"saturation"`     // thresholds: default and per-model overrides
	ServiceClasses model.ServiceClasses `json:"serviceClasses"` // priorities and SLOs
	UnitCosts      cost.UnitCosts       `json:"unitCosts"`      // price of one device by accelerator
	// StaleAfter is the age at which a replica's metrics no longer count.
	StaleAfter time.Duration `json:"staleAfter"`

	// Tokens adds the token-based saturation analysis, which takes several replicas a cycle and does not wait for those that are starting; of the two the more
	// cautious answer counts. nil = the percent-based one alone.
	Tokens *saturation.TokenConfig `json:"tokens,omitempty"`

	Behavior    Behavior    `json:"behavior,omitzero"`    // windows and steps that slow changes down
	ScaleToZero ScaleToZero `json:"scaleToZero,omitzero"` // models that may run without replicas
	Forecasting Forecasting `json:"forecasting,omitzero"` // of HYBRID and MODEL-ONLY
	// Optimizer, Quotas and Budgets are for HYBRID and MODEL-ONLY; the budgets bind in every mode, by the guard. They count what a Decision's Cost counts.
	Optimizer optimizer.Options  `json:"optimizer"`
	Quotas    []optimizer.Quota  `json:"quotas,omitempty"`
	Budgets   []optimizer.Budget `json:"budgets,omitempty"`
	// PublishedArbitration arbitrates as WVA 0.4 did, for comparison: see [Hybrid].
	PublishedArbitration bool `json:"publishedArbitration,omitempty"`
}

// Mode chooses which analyses speak.
type Mode string

// The modes.
const (
	CapacityOnly Mode = "CAPACITY-ONLY" // saturation analysis alone
	Hybrid       Mode = "HYBRID"        // saturation analysis and the optimizer, arbitrated
	ModelOnly    Mode = "MODEL-ONLY"    // the optimizer alone
)

// DefaultPolicy returns WVA's defaults: CAPACITY-ONLY with the default thresholds, metrics stale after five minutes.
func DefaultPolicy() Policy {
	return Policy{
		Mode:       CapacityOnly,
		Saturation: saturation.Configs{Default: saturation.DefaultConfig()},
		StaleAfter: 5 * time.Minute,
		Optimizer:  defaultOptimizer(),
	}
}

// defaultOptimizer shares a model's load among its variants, since they are there, and what is left of scarce devices by priority.
func defaultOptimizer() optimizer.Options {
	o := optimizer.DefaultOptions()
	o.Mixed, o.Policy, o.Delayed, o.Nodes = true, optimizer.PriorityExhaustive, true, 20_000
	return o
}

// Validate reports everything that makes the policy unusable.
func (p Policy) Validate() error {
	var errs []error
	switch p.Mode {
	case CapacityOnly, Hybrid, ModelOnly:
	default:
		errs = append(errs, fmt.Errorf("policy: mode %q: want %s, %s or %s", p.Mode, CapacityOnly, Hybrid, ModelOnly))
	}
	if p.StaleAfter <= 0 {
		errs = append(errs, fmt.Errorf("policy: metrics stale after %v: want a positive duration", p.StaleAfter))
	}
	if p.Saturation.Default == (saturation.Config{}) {
		errs = append(errs, errors.New("policy: saturation thresholds are all zero, which calls every replica saturated: start from DefaultPolicy"))
	} else if err := p.Saturation.Validate(); err != nil {
		errs = append(errs, fmt.Errorf("policy: %w", err))
	}
	if p.Mode != CapacityOnly {
		if err := p.Optimizer.Validate(); err != nil {
			errs = append(errs, fmt.Errorf("policy: %w", err))
		}
	}
	if p.Tokens != nil {
		if err := p.Tokens.Validate(); err != nil {
			errs = append(errs, fmt.Errorf("policy: tokens: %w", err))
		}
	}
	for i, b := range p.Budgets {
		if !(b.PerHour >= 0) || math.IsInf(b.PerHour, 0) {
			errs = append(errs, fmt.Errorf("policy: budget %d: %v per hour: want a finite number, 0 or more", i, b.PerHour))
		}
	}
	errs = append(errs, p.ServiceClasses.Validate(), p.UnitCosts.Validate(), p.Behavior.Validate(), p.ScaleToZero.Validate())
	if q := p.Forecasting.Quantile; !(q >= 0 && q < 1) {
		errs = append(errs, fmt.Errorf("policy: forecast quantile %v: want 0 for the default, or a number below 1", q))
	}
	if p.Forecasting.Memory < 0 {
		errs = append(errs, fmt.Errorf("policy: forecast memory %v: want 0 or more", p.Forecasting.Memory))
	}
	return errors.Join(errs...)
}
