package contest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/wva-go/wva"
	"github.com/wva-go/wva/adapters/simulator"
	"github.com/wva-go/wva/model"
	"github.com/wva-go/wva/optimizer"
)

// headrooms are what the oracle multiplies the true rates by. The queueing model takes the arrivals of an interval to be Poisson; those of a trace come
// in bursts, and then it needs more than it thinks.
var headrooms = []float64{0.6, 0.7, 0.8, 0.9, 1, 1.1, 1.25, 1.4, 1.6, 1.8, 2, 2.3, 2.6, 3, 3.5, 4}

// playOracle plays the oracle with the smallest headroom that keeps the promise in the simulation, found by halving. Where none does it is the largest.
func (c *Contest) playOracle(ctx context.Context, p Policy, progress func(step, steps int)) (Run, error) {
	const tries = 4 // of the halving: 2⁴ headrooms
	tried, steps := 0, c.Steps()
	carried, err := c.rates()
	if err != nil {
		return Run{}, fmt.Errorf("oracle: %w", err)
	}
	play := func(i int) (Run, error) {
		plan, err := c.foresee(headrooms[i], carried)
		if err != nil {
			return Run{}, err
		}
		done := tried * steps
		tried++
		run, err := c.run(ctx, plan.begin, func(step, _ int) { progress(min(done+step, (tries+1)*steps), (tries+1)*steps) })
		run.Policy = p.Name
		run.About = fmt.Sprintf("%s Headroom %g: the smallest of some that keeps the promise here.", p.About, headrooms[i])
		if run.Summary.Within < c.goal() {
			run.About = fmt.Sprintf("%s Headroom %g: even that does not keep the promise.", p.About, headrooms[i])
		}
		return run, err
	}
	lo, hi := 0, len(headrooms)-1 // hi is enough, or the largest
	var best *Run
	for lo < hi {
		mid := (lo + hi) / 2
		run, err := play(mid)
		if err != nil {
			return run, err
		}
		if run.Summary.Within >= c.goal() {
			best, hi = &run, mid
		} else {
			lo = mid + 1
		}
	}
	if best == nil {
		return play(hi)
	}
	return *best, nil
}

// goal is the part of the requests that should be within the SLO: the quantile that is promised, or half of them where the means are.
func (c *Contest) goal() float64 {
	goal := 0.0
	for _, key := range c.Models() {
		slo := c.SLO(key)
		goal = max(goal, slo.TTFTQuantile, slo.ITLQuantile)
	}
	if goal == 0 {
		return 0.5
	}
	return goal
}

// foresight is how many replicas of each variant every interval needs.
type foresight struct {
	contest *Contest
	needs   map[wva.ID][]int
}

// rates returns what one replica of each variant carries within the SLO, for the lengths of each interval: the variants in order, 0 where the accelerator
// cannot keep the promise for such requests.
func (c *Contest) rates() ([][]float64, error) {
	all := make([][]float64, len(c.Survey.Slots))
	for i, slot := range c.Survey.Slots {
		all[i] = make([]float64, len(c.Variants))
		for j, v := range c.Variants {
			if slot.Requests == 0 {
				all[i][j] = 1 // as good for nothing as any
				continue
			}
			q, err := model.NewQueue(*v.Server, slot.Input(), slot.Output())
			if err != nil {
				return nil, fmt.Errorf("variant %s: %w", v.ID, err)
			}
			capacity, err := q.MaxRate(c.SLO(v.Key()))
			if err != nil && !errors.Is(err, model.ErrInfeasible) {
				return nil, fmt.Errorf("variant %s: %w", v.ID, err)
			}
			all[i][j] = capacity.Rate
		}
	}
	return all, nil
}

// foresee works out the cheapest mix for every interval by itself, for its true rate times the headroom. A model that no accelerator can serve as
// promised keeps its minimum.
func (c *Contest) foresee(headroom float64, carried [][]float64) (*foresight, error) {
	f := &foresight{contest: c, needs: map[wva.ID][]int{}}
	for _, v := range c.Variants {
		f.needs[v.ID] = make([]int, len(c.Survey.Slots))
	}
	options := optimizer.DefaultOptions()
	options.Mixed, options.Policy = true, optimizer.PriorityExhaustive
	for i := range c.Survey.Slots {
		problem := optimizer.Problem{Capacity: optimizer.Capacity{Unlimited: true}}
		for _, key := range c.Models() {
			w := optimizer.Workload{Name: key.String(), Priority: 1, Rate: headroom * c.Survey.Rate(i), Min: 1}
			for j, v := range c.Variants {
				if rate := carried[i][j]; v.Key() == key && rate > 0 {
					w.Candidates = append(w.Candidates, optimizer.Candidate{
						Name: v.ID.Name, Type: v.Accelerator, Devices: v.DevicesPerReplica(), Cost: v.Cost, Rate: rate, Min: v.Min, Max: v.Max,
					})
				}
			}
			if len(w.Candidates) > 0 {
				problem.Workloads = append(problem.Workloads, w)
			}
		}
		if len(problem.Workloads) == 0 {
			continue
		}
		plan, err := optimizer.Optimize(problem, options)
		if err != nil {
			return nil, fmt.Errorf("oracle: %w", err)
		}
		for _, v := range c.Variants {
			if a, ok := plan.Assignment(v.Key().String()); ok {
				f.needs[v.ID][i] = a.Replicas(v.ID.Name)
			}
		}
	}
	return f, nil
}

// begin plays the plan. A decision provides for every interval that begins before replicas of the next decision could be ready: what one of them needs
// starts in time, and what it needs is not taken away before.
func (f *foresight) begin(_ *Contest, cluster *simulator.Cluster) (decide, error) {
	return func(ctx context.Context) ([]wva.Decision, error) {
		variants, err := cluster.Variants(ctx)
		if err != nil {
			return nil, err
		}
		now := cluster.Now().Sub(f.contest.Start)
		decisions := make([]wva.Decision, len(variants))
		for i, v := range variants {
			target, at := f.target(v, now)
			decisions[i] = decision(v, target, "oracle", fmt.Sprintf("%d are needed at %v", target, at))
		}
		return decisions, cluster.Scale(ctx, decisions)
	}, nil
}

// target is the most that a variant needs from now until replicas of the next decision could be ready, and when that is.
func (f *foresight) target(v wva.Variant, now time.Duration) (target int, at time.Duration) {
	interval, needs := f.contest.Survey.Interval, f.needs[v.ID]
	target, at = v.Min, now
	for i := int(now / interval); i < len(needs); i++ {
		begins := time.Duration(i) * interval
		if begins >= now+interval+v.Startup {
			break
		}
		if needs[i] > target {
			target, at = needs[i], max(begins, now)
		}
	}
	return target, at
}
