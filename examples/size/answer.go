package main

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/wva-go/wva/cost"
	"github.com/wva-go/wva/model"
	"github.com/wva-go/wva/optimizer"
)

// answer is what the arrangements would take, and the cheapest of it.
type answer struct {
	Model        string                `json:"model"`
	Rate         float64               `json:"rate"` // requests per second
	Input        model.TokenLengths    `json:"input"`
	Output       model.TokenLengths    `json:"output"`
	SLO          model.SLO             `json:"slo"`
	Arrangements []sized               `json:"arrangements"`
	Cheapest     *optimizer.Assignment `json:"cheapest"` // null where no arrangement meets the SLO
}

// sized is one arrangement.
type sized struct {
	Arrangement string        `json:"arrangement"`
	Accelerator string        `json:"accelerator"`
	Devices     int           `json:"devices"`
	Profile     model.Profile `json:"profile"`
	Points      int           `json:"points"`   // measured ones behind the profile; 0 = roofline
	KVTokens    int           `json:"kvTokens"` // of one replica
	// RatePerReplica is the highest rate of one replica that meets the SLO, in requests per second, and BoundBy what keeps it from being higher, or from
	// being anything at all.
	RatePerReplica float64 `json:"ratePerReplica"`
	BoundBy        string  `json:"boundBy"`
	Replicas       int     `json:"replicas"`
	PerHour        float64 `json:"costPerHour"`
	// PerMillion is the cost of a million answer tokens at the rate that was asked for; 0 where that is 0.
	PerMillion float64 `json:"costPerMillionTokens"`

	candidate optimizer.Candidate
}

// answer sizes every arrangement and finds the cheapest mix.
func (r request) answer() (answer, error) {
	a := answer{Model: r.transformer.Name, Rate: r.rate, Input: r.input, Output: r.output, SLO: r.slo}
	used := 0
	for _, price := range r.prices {
		for _, devices := range r.devices {
			s, err := r.size(price, devices)
			if err != nil {
				return a, fmt.Errorf("%d×%s: %w", devices, price.Accelerator, err)
			}
			used += s.Points
			a.Arrangements = append(a.Arrangements, s)
		}
	}
	if len(r.points) > 0 && used == 0 {
		return a, errors.New("-points: none is of an arrangement that is compared here: see -accelerators and -devices")
	}
	return a, r.cheapest(&a)
}

// size works out one arrangement. What rules it out is no error.
func (r request) size(price cost.UnitCost, devices int) (sized, error) {
	accelerator, _ := lookup(price)
	key := arrangement{accelerator.Name, devices}
	s := sized{Arrangement: key.String(), Accelerator: accelerator.Name, Devices: devices}
	sizing, err := model.Roofline(r.transformer, accelerator, devices, model.DefaultEfficiency(accelerator))
	if errors.Is(err, model.ErrDoesNotFit) {
		s.BoundBy = fmt.Sprintf("memory: %.0f GB of weights", sizing.Weights/1e9)
		return s, nil
	}
	if err != nil {
		return s, err
	}
	server := model.Server{Profile: sizing.Profile, MaxBatch: r.maxBatch, KVCapacity: sizing.KVCapacity, MaxBatchedTokens: r.budget}
	if points := r.points[key]; len(points) > 0 {
		// The roofline counts as one more measurement, so that a few points suffice.
		fitted, err := model.Fit(points, model.FitOptions{Server: server, Prior: sizing.Profile, Weight: 1})
		if err != nil {
			return s, err
		}
		server.Profile, s.Points = fitted.Profile, len(points)
	}
	s.Profile, s.KVTokens = server.Profile, server.KVCapacity
	return s, r.load(&s, server, price)
}

// load puts the load on an arrangement.
func (r request) load(s *sized, server model.Server, price cost.UnitCost) error {
	q, err := model.NewQueue(server, r.input, r.output)
	if err != nil {
		return err
	}
	c, err := q.MaxRate(r.slo)
	if e, ok := errors.AsType[*model.InfeasibleError](err); ok {
		s.BoundBy = fmt.Sprintf("SLO: %s of a request alone is %.0f ms", e.Target, 1e3*e.Floor)
		return nil
	}
	if err != nil {
		return err
	}
	s.RatePerReplica, s.BoundBy = c.Rate, string(c.Binding)
	perReplica := price.PerHour * float64(s.Devices)
	name := s.Accelerator
	if s.Devices > 1 {
		name = "(" + s.Arrangement + ")" // "2×(4×H100)"
	}
	s.candidate = optimizer.Candidate{Name: name, Type: price.Type, Devices: s.Devices, Cost: perReplica, Rate: c.Rate, Binding: s.BoundBy}
	s.Replicas = max(1, int(min(math.Ceil(r.rate/c.Rate-1e-9), math.MaxInt32)))
	s.PerHour = float64(s.Replicas) * perReplica
	if r.rate > 0 {
		s.PerMillion = s.PerHour / (r.rate * r.output.Mean * 3600 / 1e6)
	}
	return nil
}

// cheapest finds the cheapest mix of arrangements.
func (r request) cheapest(a *answer) error {
	w := optimizer.Workload{Name: r.transformer.Name, Priority: 1, Rate: r.rate, Min: 1}
	for _, s := range a.Arrangements {
		if s.Replicas > 0 {
			w.Candidates = append(w.Candidates, s.candidate)
		}
	}
	if len(w.Candidates) == 0 {
		return nil
	}
	o := optimizer.DefaultOptions()
	o.Mixed, o.Penalty = true, 0 // nothing runs yet that a change could disturb
	plan, err := optimizer.Optimize(optimizer.Problem{Workloads: []optimizer.Workload{w}, Capacity: optimizer.Capacity{Unlimited: true}}, o)
	if err != nil {
		return err
	}
	if i := slices.IndexFunc(plan.Workloads, func(x optimizer.Assignment) bool { return len(x.Allocations) > 0 }); i >= 0 {
		a.Cheapest = &plan.Workloads[i]
	}
	return nil
}
