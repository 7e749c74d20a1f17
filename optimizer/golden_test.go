package optimizer_test

import (
	"encoding/json"
	"errors"
	"math"
	"os"
	"testing"
	"time"

	"github.com/wva-go/wva/model"
	"github.com/wva-go/wva/optimizer"
)

// solverFile is one of testdata/solver_*.json: systems and solutions of the published solver, whose commit the file names.
type solverFile struct {
	System struct {
		Accelerators []struct {
			Name, Type   string
			Cost         float64
			Multiplicity int
		}
		Models []struct {
			Acc          string
			AccCount     int
			AtTokens     float64
			MaxBatchSize int
			Name         string
			DecodeParms  struct{ Alpha, Beta float64 }
			PrefillParms struct{ Gamma, Delta float64 }
			ServiceParms *struct{ Alpha, Beta, Gamma float64 }
		}
		Servers []struct {
			Name, Class, Model string
			KeepAccelerator    bool
			MaxBatchSize       int
			MinNumReplicas     int
			CurrentAlloc       struct {
				Accelerator string
				NumReplicas int
				Load        struct{ ArrivalRate, AvgInTokens, AvgOutTokens float64 }
			}
		}
		ServiceClasses []struct {
			Name         string
			Priority     int
			ModelTargets []struct {
				Model string
				ITL   float64 `json:"slo-itl"`
				TTFT  float64 `json:"slo-ttft"`
				TPS   float64 `json:"slo-tps"`
			}
		} `json:"service_classes"`
	}
	Cases []struct {
		Name      string
		Capacity  []optimizer.Devices
		Optimizer struct {
			Delayed   bool   `json:"delayed_best_effort"`
			Policy    string `json:"saturation_policy"`
			Unlimited bool
		}
		Solution map[string]*struct {
			Accelerator string
			Cost        float64
			NumReplicas int `json:"num_replicas"`
		}
	}
}

// problem sizes every server on every accelerator with the published analyzer and puts the workloads together.
func (f solverFile) problem(t *testing.T) optimizer.Problem {
	t.Helper()
	var p optimizer.Problem
	for _, s := range f.System.Servers {
		w := optimizer.Workload{Name: s.Name, Class: s.Class, Rate: s.CurrentAlloc.Load.ArrivalRate / 60, Min: s.MinNumReplicas, Keep: s.KeepAccelerator}
		if s.CurrentAlloc.Accelerator != "" {
			w.Current = []optimizer.Allocation{{Candidate: s.CurrentAlloc.Accelerator, Replicas: s.CurrentAlloc.NumReplicas}}
		}
		for _, class := range f.System.ServiceClasses {
			if class.Name != s.Class {
				continue
			}
			w.Priority = class.Priority
			for _, target := range class.ModelTargets {
				if target.Model == s.Model {
					w.Candidates = f.candidates(t, s.Model, s.MaxBatchSize, s.CurrentAlloc.Load.AvgInTokens, s.CurrentAlloc.Load.AvgOutTokens, target.TTFT, target.ITL, target.TPS)
				}
			}
		}
		p.Workloads = append(p.Workloads, w)
	}
	return p
}

func (f solverFile) candidates(t *testing.T, name string, batch int, in, out, ttft, itl, tps float64) []optimizer.Candidate {
	t.Helper()
	var list []optimizer.Candidate
	for _, m := range f.System.Models {
		if m.Name != name {
			continue
		}
		for _, acc := range f.System.Accelerators {
			if acc.Name != m.Acc {
				continue
			}
			c := optimizer.Candidate{Name: acc.Name, Type: acc.Type, Devices: acc.Multiplicity * m.AccCount, Cost: acc.Cost * float64(m.AccCount), Rate: 1}
			if out > 0 {
				a := model.Published{Input: in, Output: out, MaxBatch: batch}
				if a.MaxBatch == 0 {
					a.MaxBatch = max(int(float64(m.MaxBatchSize)*m.AtTokens/out), 1)
				}
				a.MaxQueue = 10 * a.MaxBatch
				if m.ServiceParms != nil {
					a.Form = model.WVA05
					a.Parameters = model.PublishedParameters{Alpha: m.ServiceParms.Alpha / 1e3, Beta: m.ServiceParms.Beta / 1e3, Gamma: m.ServiceParms.Gamma / 1e3}
				} else {
					a.Parameters = model.PublishedParameters{Alpha: m.DecodeParms.Alpha / 1e3, Beta: m.DecodeParms.Beta / 1e3, Gamma: m.PrefillParms.Gamma / 1e3, Delta: m.PrefillParms.Delta / 1e3}
				}
				ms := func(v float64) time.Duration { return time.Duration(v * float64(time.Millisecond)) }
				capacity, err := a.Size(ms(ttft), ms(itl), tps)
				if errors.Is(err, model.ErrInfeasible) {
					continue
				} else if err != nil {
					t.Fatal(err)
				}
				c.Rate = capacity.Rate
			}
			list = append(list, c)
		}
	}
	return list
}

// The published solver's allocations and costs, case by case.
func TestGreedyGolden(t *testing.T) {
	for _, name := range []string{"solver_wva04_a", "solver_wva04_b", "solver_wva05_a"} {
		text, err := os.ReadFile("testdata/" + name + ".json")
		if err != nil {
			t.Fatal(err)
		}
		var file solverFile
		if err := json.Unmarshal(text, &file); err != nil {
			t.Fatal(err)
		}
		for _, c := range file.Cases {
			t.Run(name+"/"+c.Name, func(t *testing.T) {
				p := file.problem(t)
				p.Capacity = optimizer.Capacity{Devices: c.Capacity}
				if c.Optimizer.Unlimited {
					p.Capacity = optimizer.Capacity{Unlimited: true}
				}
				o := optimizer.DefaultOptions()
				o.Greedy, o.Delayed, o.Policy, o.Partial = true, c.Optimizer.Delayed, optimizer.Policy(c.Optimizer.Policy), true
				if o.Policy == "None" {
					o.Policy = optimizer.None
				}
				plan, err := optimizer.Optimize(p, o)
				if err != nil {
					t.Fatal(err)
				}
				for server, want := range c.Solution {
					got, _ := plan.Assignment(server)
					switch {
					case want == nil || want.NumReplicas == 0:
						if len(got.Allocations) > 0 {
							t.Errorf("%s: %v, want nothing", server, got.Allocations)
						}
					case len(got.Allocations) != 1 || got.Allocations[0].Candidate != want.Accelerator || got.Allocations[0].Replicas != want.NumReplicas || math.Abs(got.Cost-want.Cost) > 1e-6*want.Cost: // published in float32
						t.Errorf("%s: %v at %g, want %d×%s at %g (%s)", server, got.Allocations, got.Cost, want.NumReplicas, want.Accelerator, want.Cost, got.Reason.Message)
					}
				}
			})
		}
	}
}
