package optimizer_test

import (
	"fmt"
	"testing"

	"github.com/wva-go/wva/optimizer"
)

// Problems that are hard for a search in one way each: it ends within its nodes all the same, with a plan that says that it is not proven or is.
func TestSearchEndsWithinItsNodes(t *testing.T) {
	alike := optimizer.Problem{Capacity: optimizer.Capacity{Devices: []optimizer.Devices{{Type: "A", Count: 301}, {Type: "B", Count: 303}, {Type: "C", Count: 101}}}}
	for i := range 300 {
		alike.Workloads = append(alike.Workloads, optimizer.Workload{Name: fmt.Sprintf("w%03d", i), Priority: 1 + i%2, Rate: 10, Candidates: []optimizer.Candidate{
			{Name: "A", Type: "A", Devices: 1, Cost: 40, Rate: 4}, {Name: "B", Type: "B", Devices: 2, Cost: 80, Rate: 7}, {Name: "C", Type: "C", Devices: 1, Cost: 65, Rate: 6},
		}})
	}
	quotas := large(200, 0.45)
	for i := range quotas.Workloads {
		quotas.Workloads[i].Namespace = fmt.Sprintf("n%d", i%20)
	}
	for n := range 20 {
		quotas.Quotas = append(quotas.Quotas, optimizer.Quota{Namespace: fmt.Sprintf("n%d", n), Types: []string{"type0", "type1", "type2", "type3"}, Devices: 20})
	}
	quotas.Budgets = []optimizer.Budget{{PerHour: 15_000}}
	priorities := large(200, 0.45)
	for i := range priorities.Workloads {
		priorities.Workloads[i].Priority = i
	}
	free := large(100, 0.45)
	for i := range free.Workloads {
		for k := range free.Workloads[i].Candidates {
			free.Workloads[i].Candidates[k].Cost = 0
		}
	}
	for name, p := range map[string]optimizer.Problem{"all alike": alike, "quotas and a budget": quotas, "a priority for each": priorities, "free of charge": free, "no devices": {Workloads: alike.Workloads}} {
		t.Run(name, func(t *testing.T) {
			o := optimizer.DefaultOptions()
			o.Nodes = 3000
			plan, err := optimizer.Optimize(p, o)
			if err != nil {
				t.Fatal(err)
			}
			if most := o.Nodes + o.Nodes/4; plan.Nodes > most {
				t.Errorf("%d nodes, want at most %d", plan.Nodes, most)
			}
			served := 0
			for _, a := range plan.Workloads {
				if a.Served >= 1 {
					served++
				}
			}
			if least := len(p.Workloads) / 2; len(p.Capacity.Devices) > 0 && served < least {
				t.Errorf("%d served, want at least %d", served, least)
			}
			if len(p.Capacity.Devices) == 0 && (served > 0 || !plan.Proven) {
				t.Errorf("%d served by nothing, proven %v", served, plan.Proven)
			}
			t.Logf("%d of %d served, gap %.2f%%, proven %v, %d nodes", served, len(p.Workloads), 100*plan.Gap, plan.Proven, plan.Nodes)
		})
	}
}
