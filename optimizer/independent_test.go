package optimizer_test

import (
	"flag"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/wva-go/wva/optimizer"
)

// The optimum of large(n, portion) as a mixed integer program, solved by HiGHS (scipy.optimize.milp of SciPy 1.10.1): the most workloads of priority 1, then with those
// of 5, then of 10, each to optimality, and then the least cost with penalty, to within 0.01%.
var independent = []struct {
	workloads int
	portion   float64
	served    []int // by priority 1, 5, 10
	value     float64
}{
	{20, 0.35, []int{2, 7, 3}, 1340.6376}, {20, 0.45, []int{6, 6, 1}, 1761.8540}, {20, 0.6, []int{7, 8, 0}, 2260.6494},
	{50, 0.35, []int{19, 7, 0}, 3945.6642}, {50, 0.45, []int{19, 13, 3}, 5013.4618}, {50, 0.6, []int{19, 15, 11}, 6249.3063},
	{100, 0.35, []int{32, 21, 1}, 8783.0093}, {100, 0.45, []int{32, 29, 10}, 11352.4822}, {100, 0.6, []int{32, 29, 33}, 14214.8780},
	{300, 0.35, []int{115, 62, 2}, 26835.7074}, {300, 0.45, []int{115, 90, 4}, 33687.8973}, {300, 0.6, []int{115, 93, 76}, 43706.0157},
	{1000, 0.35, []int{347, 233, 8}, 88976.1869}, {1000, 0.45, []int{347, 315, 71}, 113231.8870}, {1000, 0.6, []int{347, 315, 285}, 147794.9286},
}

var nodes = flag.Int("nodes", optimizer.DefaultOptions().Nodes, "nodes of the plans that are held against an independent solver")

// Plans never claim more than there is, and miss at most a workload or two of what an independent solver serves. The table is that of docs/optimizer.md.
func TestAgainstIndependentSolver(t *testing.T) {
	table := "| workloads | devices for | served | optimum | cost above optimum | gap | proven | time |\n|--:|--:|---|---|--:|--:|---|--:|\n"
	for _, want := range independent {
		// The smallest and the size that is promised always; the rest of the table, a minute with the race detector for some rows, with -v.
		if promised := want.workloads == 1000 && want.portion == 0.45; want.workloads > 20 && (testing.Short() || !testing.Verbose() && !promised) {
			continue
		}
		p := large(want.workloads, want.portion)
		begin := time.Now()
		o := optimizer.DefaultOptions()
		o.Nodes = *nodes
		plan, err := optimizer.Optimize(p, o)
		took := time.Since(begin)
		if err != nil {
			t.Fatal(err)
		}
		name := fmt.Sprintf("%d workloads, devices for %g%%", want.workloads, 100*want.portion)
		served := servedOf(p, plan)
		value := plan.Cost + plan.Penalty
		above := "other set"
		switch slices.Compare(served, want.served) {
		case 1:
			t.Errorf("%s: served %v, and the optimum is %v", name, served, want.served)
		case 0:
			above = fmt.Sprintf("%.2f%%", max(0, 100*(value/want.value-1)))
			if value < want.value*(1-1e-4) || plan.LowerBound > want.value*(1+1e-6) {
				t.Errorf("%s: cost %g, bound %g, and the optimum is %g", name, value, plan.LowerBound, want.value)
			}
		case -1:
			k := 0
			for served[k] == want.served[k] {
				k++
			}
			if want.served[k]-served[k] > 2 {
				t.Errorf("%s: served %v, and the optimum is %v", name, served, want.served)
			}
			if plan.Proven {
				t.Errorf("%s: proven, and it is not", name)
			}
		}
		if plan.Proven && math.Abs(value-want.value) > 1e-4*want.value {
			t.Errorf("%s: proven at %g, and the optimum is %g", name, value, want.value)
		}
		if want.workloads == 1000 && want.portion == 0.45 && *nodes >= optimizer.DefaultOptions().Nodes && plan.Gap > 0.001 {
			t.Errorf("%s: gap %.3f%%, want 0.1%%", name, 100*plan.Gap)
		}
		table += fmt.Sprintf("| %d | %g%% | %v | %v | %s | %.3f%% | %v | %.2g s |\n", want.workloads, 100*want.portion, served, want.served, above, 100*plan.Gap, plan.Proven, took.Seconds())
	}
	t.Log("\n" + table)
}

// servedOf counts the workloads that are served in full, of priorities 1, 5 and 10.
func servedOf(p optimizer.Problem, plan optimizer.Plan) []int {
	served := make([]int, 3)
	for _, w := range p.Workloads {
		if a, _ := plan.Assignment(w.Name); a.Served >= 1 {
			served[slices.Index([]int{1, 5, 10}, w.Priority)]++
		}
	}
	return served
}
