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
	play := func(i int) (Run, error) {
		plan, err := c.foresee(headrooms[i])
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

// foresee works out the cheapest mix for every interval, by itself.
func (c *Contest) foresee(headroom float64) (*foresight, error) {
	f := &foresight{contest: c, needs: map[wva.ID][]int{}}
	for _, v := range c.Variants {
		f.needs[v.ID] = make([]int, len(c.Survey.Slots))
	}
	options := optimizer.DefaultOptions()
	options.Mixed, options.Policy = true, optimizer.PriorityExhaustive
	for i, slot := range c.Survey.Slots {
		problem := optimizer.Problem{Capacity: optimizer.Capacity{Unlimited: true}}
		for _, key := range c.Models() {
			w := optimizer.Workload{Name: key.String(), Priority: 1, Rate: headroom * c.Survey.Rate(i), Min: 1}
			for _, v := range c.Variants {
				if v.Key() != key {
					continue
				}
				rate, err := c.rate(v, slot.Input(), slot.Output())
				switch {
				case errors.Is(err, model.ErrInfeasible):
					continue // the accelerator cannot keep the promise for such requests
				case err != nil:
					return nil, fmt.Errorf("oracle: variant %s: %w", v.ID, err)
				}
				w.Candidates = append(w.Candidates, optimizer.Candidate{
					Name: v.ID.Name, Type: v.Accelerator, Devices: v.DevicesPerReplica(), Cost: v.Cost, Rate: rate, Min: v.Min, Max: v.Max,
				})
			}
			if len(w.Candidates) > 0 {
				problem.Workloads = append(problem.Workloads, w)
			}
		}
		if err := f.solve(i, problem, options); err != nil {
			return nil, fmt.Errorf("oracle: %w", err)
		}
	}
	return f, nil
}

// solve fills in what an interval needs.
func (f *foresight) solve(i int, problem optimizer.Problem, options optimizer.Options) error {
	if len(problem.Workloads) == 0 {
		return nil
	}
	plan, err := optimizer.Optimize(problem, options)
	if err != nil {
		return err
	}
	for _, v := range f.contest.Variants {
		if a, ok := plan.Assignment(v.Key().String()); ok {
			f.needs[v.ID][i] = a.Replicas(v.ID.Name)
		}
	}
	return nil
}

// rate is what a replica carries within the SLO. An interval without requests is as good for any.
func (c *Contest) rate(v wva.Variant, input, output model.TokenLengths) (float64, error) {
	if output.Mean == 0 {
		output.Mean = 1
	}
	q, err := model.NewQueue(*v.Server, input, output)
	if err != nil {
		return 0, err
	}
	capacity, err := q.MaxRate(c.SLO(v.Key()))
	return capacity.Rate, err
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
