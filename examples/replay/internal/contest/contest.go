package contest

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/wva-go/wva"
	"github.com/wva-go/wva/adapters/simulator"
	"github.com/wva-go/wva/examples/replay/internal/trace"
	"github.com/wva-go/wva/model"
)

// Contest is what all policies have to cope with.
type Contest struct {
	Variants []wva.Variant // every one with a server, and the replicas that it starts with
	Policy   wva.Policy    // thresholds, service classes and prices; each policy sets its own mode
	Load     trace.Source  // every model is sent all of it
	Survey   trace.Survey  // of the load, at the interval of decisions
	Start    time.Time     // of the simulated time
	Floor    float64       // see Floor
}

// tail is the time after the last arrival in which requests may still finish. It is played and paid like the rest.
const tail = 5 * time.Minute

// New takes stock of a load for a fleet, which reads it once.
func New(ctx context.Context, variants []wva.Variant, policy wva.Policy, load trace.Source, interval time.Duration) (*Contest, error) {
	c := &Contest{Variants: variants, Policy: policy, Load: load, Start: time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)}
	if len(variants) == 0 {
		return nil, errors.New("no variant to run: want at least one")
	}
	for _, v := range variants {
		if _, _, ok := policy.ServiceClasses.For(v.ServiceClass, v.Model); !ok {
			return nil, fmt.Errorf("variant %s: no service class promises anything for model %s", v.ID, v.Model)
		}
	}
	floor := newFloor(variants)
	var err error
	c.Survey, err = trace.Take(ctx, load, interval, floor.add)
	c.Floor = floor.cost()
	return c, err
}

// Models returns the models of the fleet, in order.
func (c *Contest) Models() []wva.ModelKey {
	var keys []wva.ModelKey
	for _, v := range c.Variants {
		if !slices.Contains(keys, v.Key()) {
			keys = append(keys, v.Key())
		}
	}
	slices.SortFunc(keys, wva.ModelKey.Compare)
	return keys
}

// SLO returns what is promised for a model: by the most important service class of its variants.
func (c *Contest) SLO(key wva.ModelKey) model.SLO {
	var slo model.SLO
	best := 0
	for _, v := range c.Variants {
		if class, s, ok := c.Policy.ServiceClasses.For(v.ServiceClass, v.Model); ok && v.Key() == key && (best == 0 || class.Priority < best) {
			slo, best = s, class.Priority
		}
	}
	return slo
}

// Steps is the number of intervals that are played.
func (c *Contest) Steps() int {
	return len(c.Survey.Slots) + int((tail+c.Survey.Interval-1)/c.Survey.Interval)
}

// cluster returns the fleet at the start, with the load on its way. What goes wrong with the load is found in failed afterwards.
func (c *Contest) cluster() (cluster *simulator.Cluster, failed *error, err error) {
	cluster, err = simulator.NewCluster(c.Start, c.Variants...)
	if err != nil {
		return nil, nil, err
	}
	failed = new(error)
	for _, key := range c.Models() {
		cluster.Send(key, func(yield func(simulator.Request) bool) {
			for r, err := range c.Load.Requests() {
				if err != nil {
					*failed = err
					return
				}
				if !yield(r) {
					return
				}
			}
		})
	}
	return cluster, failed, nil
}

// PlayAll plays the policies, as many at once as there are processors, and returns the runs in their order. progress, which may be nil, is told from
// several goroutines how many of all intervals have been played.
func (c *Contest) PlayAll(ctx context.Context, policies []Policy, progress func(policy string, step, steps int)) ([]Run, error) {
	if progress == nil {
		progress = func(string, int, int) {}
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	runs, errs := make([]Run, len(policies)), make([]error, len(policies))
	next := make(chan int)
	var workers sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(policies)) {
		workers.Go(func() {
			for i := range next {
				runs[i], errs[i] = policies[i].play(ctx, c, func(step, steps int) { progress(policies[i].Name, step, steps) })
				if errs[i] != nil {
					errs[i] = fmt.Errorf("%s: %w", policies[i].Name, errs[i])
					cancel()
				}
			}
		})
	}
	for _, i := range longestFirst(policies) {
		next <- i
	}
	close(next)
	workers.Wait()
	return runs, firstCause(errs)
}

// firstCause returns the errors without those that only followed from another one's.
func firstCause(errs []error) error {
	var causes []error
	for _, err := range errs {
		if err != nil && !errors.Is(err, context.Canceled) {
			causes = append(causes, err)
		}
	}
	if len(causes) == 0 {
		return errors.Join(errs...)
	}
	return errors.Join(causes...)
}

// longestFirst orders policies by what they take, so that none of the long ones is left for the end.
func longestFirst(policies []Policy) []int {
	var order []int
	for _, many := range []bool{true, false} {
		for i := range policies {
			if (policies[i].Oracle) == many {
				order = append(order, i)
			}
		}
	}
	return order
}
