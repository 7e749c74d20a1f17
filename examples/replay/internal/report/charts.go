package report

import (
	"fmt"
	"math"
	"time"

	"gonum.org/v1/plot/plotter"

	"github.com/wva-go/wva"
	"github.com/wva-go/wva/examples/replay/internal/contest"
)

func (r Report) until() float64 {
	steps := len(r.Load.Rates)
	for _, run := range r.Runs {
		steps = max(steps, len(run.Moments))
	}
	return float64(steps) * r.Interval.Seconds()
}

func (r Report) loadCharts() []chart {
	line := func(title, unit string, values []float64) chart {
		return chart{Title: title, Unit: unit, until: r.until(), series: []series{{name: title, hue: 2, points: held(values, r.Interval.Seconds(), larger)}}}
	}
	tokens := line("Tokens", "per second", r.Load.Prompts)
	tokens.keys = []entry{{"prompts", 2}, {"answers", 1}}
	tokens.series = append(tokens.series, series{name: "answers", hue: 1, points: held(r.Load.Answers, r.Interval.Seconds(), larger)})
	return []chart{line("Requests", "per second", r.Load.Rates), tokens}
}

// comparison are the charts that show all policies together.
func (r Report) comparison() []chart {
	all := func(title, unit string, keep func(a, b float64) float64, value func(contest.Moment) float64) chart {
		c := chart{Title: title, Unit: unit, until: r.until()}
		for i, run := range r.Runs {
			s := series{name: run.Policy, hue: policyHue(i)}
			if value != nil {
				s.points = held(over(run, value), r.Interval.Seconds(), keep)
			}
			c.series = append(c.series, s)
		}
		return c
	}
	charts := []chart{
		all("Replicas", "of all variants, asked for; logarithmic", larger, func(m contest.Moment) float64 { return orGap(float64(m.Replicas())) }),
		all("Cost per hour", "of all that run, start or drain; logarithmic", larger, func(m contest.Moment) float64 { return orGap(m.CostPerHour) }),
		all("Cost so far", "the sum of the cost per hour", larger, func(m contest.Moment) float64 { return m.Cost }),
	}
	for i := range charts[:2] {
		charts[i].log = true
	}
	outside := all("Outside the SLO so far", "requests that began or went on too late", larger, nil)
	for i, run := range r.Runs {
		outside.series[i].points = held(missed(run), r.Interval.Seconds(), larger)
	}
	charts = append(charts, outside,
		r.distribution("TTFT", func(run contest.Run) []float64 { return run.TTFT }, func(m Model) time.Duration { return m.SLO.TTFT }),
		r.distribution("ITL", func(run contest.Run) []float64 { return run.ITL }, func(m Model) time.Duration { return m.SLO.ITL }))
	return charts
}

// missed counts the finished requests outside the SLO, up to each moment.
func missed(run contest.Run) []float64 {
	sum := 0
	return over(run, func(m contest.Moment) float64 {
		for _, model := range m.Models {
			sum += model.Finished - model.Within
		}
		return float64(sum)
	})
}

// promiseKey explains the line of a promise.
var promiseKey = []entry{{"the promise", limit}}

// distribution shows the percentiles of a latency, with a promise where all models have the same.
func (r Report) distribution(title string, of func(contest.Run) []float64, promised func(Model) time.Duration) chart {
	c := chart{Title: title + " of all requests", Unit: "by percentile", log: true, tick: latencyTick, percentiles: true, until: 100}
	for i, run := range r.Runs {
		s := series{name: run.Policy, hue: policyHue(i)}
		for p, v := range of(run) {
			s.points = append(s.points, plotter.XY{X: float64(p), Y: orGap(v)})
		}
		c.series = append(c.series, s)
	}
	c.promise = promised(r.Models[0]).Seconds()
	for _, m := range r.Models {
		if promised(m).Seconds() != c.promise {
			c.promise = 0
		}
	}
	if c.promise > 0 {
		c.keys = promiseKey
	}
	return c
}

// ofModel names the model where there are several.
func (r Report) ofModel(m Model) string {
	if len(r.Models) == 1 {
		return ""
	}
	return " of " + m.Name
}

// policyCharts are those of one run.
func (r Report) policyCharts(run contest.Run) []chart {
	charts := []chart{r.replicaChart(run)}
	for j, m := range r.Models {
		quantiles := func(title string, promised time.Duration, of func(contest.ModelMoment) contest.Quantiles) chart {
			c := chart{Title: title + r.ofModel(m), Unit: "percentiles in each interval", log: true, tick: latencyTick, promise: promised.Seconds(), until: r.until()}
			for _, q := range []struct {
				name string
				hue  int
				of   func(contest.Quantiles) float64
			}{
				{"50th", median, func(q contest.Quantiles) float64 { return q.P50 }},
				{"95th", tail, func(q contest.Quantiles) float64 { return q.P95 }},
				{"99th", extreme, func(q contest.Quantiles) float64 { return q.P99 }},
			} {
				values := over(run, func(m contest.Moment) float64 { return orGap(q.of(of(m.Models[j]))) })
				c.series = append(c.series, series{name: q.name, hue: q.hue, points: held(values, r.Interval.Seconds(), larger)})
				c.keys = append(c.keys, entry{q.name, q.hue})
			}
			if promised > 0 {
				c.keys = append(c.keys, promiseKey...)
			}
			return c
		}
		charts = append(charts,
			quantiles("TTFT", m.SLO.TTFT, func(m contest.ModelMoment) contest.Quantiles { return m.TTFT }),
			quantiles("ITL", m.SLO.ITL, func(m contest.ModelMoment) contest.Quantiles { return m.ITL }))
	}
	return append(charts, r.headroomCharts(run)...)
}

// replicaChart has the replicas of each variant, and a mark for each decision that changed them.
func (r Report) replicaChart(run contest.Run) chart {
	c := chart{Title: "Replicas of each variant", Unit: "asked for; ready: thin; changes: dots", until: r.until()}
	for i, v := range r.Variants {
		ready := over(run, func(m contest.Moment) float64 { return float64(m.Variants[i].Ready) })
		c.series = append(c.series,
			series{name: v.Name, hue: variantHue(i), thin: true, points: held(ready, r.Interval.Seconds(), larger)},
			series{name: v.Name, hue: variantHue(i), points: held(asked(v.Replicas, run, i), r.Interval.Seconds(), larger)})
	}
	for _, moment := range run.Moments {
		for i, v := range moment.Variants {
			if v.Action != wva.NoChange {
				c.marks = append(c.marks, mark{x: moment.Seconds, y: float64(v.Target), hue: variantHue(i), text: fmt.Sprintf("%s %s %d → %d: %s",
					clock(time.Duration(moment.Seconds*float64(time.Second))), v.Variant, v.Replicas, v.Target, v.Why)})
			}
		}
	}
	return c
}

// policyHue and variantHue give out the hues in turn, to variants first the two that differ the most.
func policyHue(i int) int  { return i % turns }
func variantHue(i int) int { return (i + 1) % turns }

// headroomCharts have what is left below the thresholds of the saturation analysis, on the average of a variant's replicas.
func (r Report) headroomCharts(run contest.Run) []chart {
	trigger := []entry{{"grow below", limit}}
	kv := chart{Title: "KV-cache headroom", Unit: "% of the cache to the threshold", keys: trigger, until: r.until()}
	queue := chart{Title: "Queue headroom", Unit: "requests to the threshold, from −10 up", keys: trigger, until: r.until()}
	for i, v := range r.Variants {
		m := r.model(v.Model)
		left := func(of func(contest.VariantMoment) float64) []float64 {
			return over(run, func(moment contest.Moment) float64 {
				if moment.Variants[i].Ready == 0 {
					return math.NaN()
				}
				return of(moment.Variants[i])
			})
		}
		kv.series = append(kv.series, series{name: v.Name, hue: variantHue(i), points: held(
			left(func(v contest.VariantMoment) float64 { return 100 * (m.KVThreshold - v.KVUsage) }), r.Interval.Seconds(), smaller)})
		queue.series = append(queue.series, series{name: v.Name, hue: variantHue(i), points: held(
			left(func(v contest.VariantMoment) float64 { return max(m.QueueThreshold-v.Waiting, -10) }), r.Interval.Seconds(), smaller)})
		kv.promise, queue.promise = 100*m.KVTrigger, m.QueueTrigger
	}
	return []chart{kv, queue}
}
