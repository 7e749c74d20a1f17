package contest

import (
	"context"
	"time"

	"github.com/wva-go/wva"
	"github.com/wva-go/wva/adapters/simulator"
)

// Run is what a policy made of the contest.
type Run struct {
	Policy  string   `json:"policy"`
	About   string   `json:"about"`
	Summary Summary  `json:"summary"`
	Moments []Moment `json:"moments"` // one for each interval, by time
	// TTFT and ITL are the 0th to the 100th percentile of all finished requests, in seconds; empty without any.
	TTFT []float64 `json:"ttftPercentiles"`
	ITL  []float64 `json:"itlPercentiles"`
}

// Summary is a run in a few numbers.
type Summary struct {
	Requests     int       `json:"requests"`     // that arrived
	Within       float64   `json:"within"`       // part of them within the SLO of their model, both in TTFT and in ITL
	Rejected     int       `json:"rejected"`     // that no server took
	Unfinished   int       `json:"unfinished"`   // at the end; neither they nor the rejected ones are within the SLO
	TTFT         Quantiles `json:"ttft"`         // of the finished requests, within half a percent
	ITL          Quantiles `json:"itl"`          // each request's mean, of those with two tokens or more
	Cost         float64   `json:"cost"`         // of all replicas, starting and draining ones included
	MeanReplicas float64   `json:"meanReplicas"` // that were asked for
	PeakReplicas int       `json:"peakReplicas"`
	Changes      int       `json:"changes"` // decisions that changed something
}

// Moment is an interval at its end.
type Moment struct {
	Seconds     float64         `json:"seconds"` // since the start
	Models      []ModelMoment   `json:"models"`
	Variants    []VariantMoment `json:"variants"`
	CostPerHour float64         `json:"costPerHour"` // during the interval
	Cost        float64         `json:"cost"`        // so far
}

// ModelMoment is what the requests met that finished in an interval.
type ModelMoment struct {
	Model    string    `json:"model"`
	Finished int       `json:"finished"`
	Within   int       `json:"within"` // of these within the SLO
	TTFT     Quantiles `json:"ttft"`
	ITL      Quantiles `json:"itl"`
}

// VariantMoment is the state of a variant, and what was decided about it.
type VariantMoment struct {
	Variant  string     `json:"variant"`
	Replicas int        `json:"replicas"` // asked for
	Ready    int        `json:"ready"`
	KVUsage  float64    `json:"kvUsage"` // mean over the ready replicas of each one's peak in the last minute
	Waiting  float64    `json:"waiting"` // likewise
	Target   int        `json:"target"`
	Action   wva.Action `json:"action"`
	Why      string     `json:"why"`
	Override string     `json:"override,omitempty"` // the safety rule that overrode the analysis, where one did
}

// run plays one policy. In each interval time passes first, and then the policy decides.
func (c *Contest) run(ctx context.Context, begin func(*Contest, *simulator.Cluster) (decide, error), progress func(step, steps int)) (Run, error) {
	cluster, failed, err := c.cluster()
	if err != nil {
		return Run{}, err
	}
	defer cluster.Close()
	decide, err := begin(c, cluster)
	if err != nil {
		return Run{}, err
	}
	m := newMeter(c)
	for step := range c.Steps() {
		if err := ctx.Err(); err != nil {
			return Run{}, err
		}
		cluster.Advance(c.Survey.Interval)
		if *failed != nil {
			return Run{}, *failed
		}
		moment, err := m.read(ctx, cluster, time.Duration(step+1)*c.Survey.Interval)
		if err != nil {
			return Run{}, err
		}
		decisions, err := decide(ctx)
		if err != nil {
			return Run{}, err
		}
		m.note(&moment, decisions)
		m.moments = append(m.moments, moment)
		progress(step+1, c.Steps())
	}
	return Run{Summary: m.summary(), Moments: m.moments, TTFT: m.ttft.percentiles(), ITL: m.itl.percentiles()}, nil
}
