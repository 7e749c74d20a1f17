package report

import (
	"fmt"
	"math"
	"time"

	"gonum.org/v1/plot"
)

// scale sets the ranges and ticks of both axes.
func (c chart) scale(p *plot.Plot) {
	p.X.Min, p.X.Max = 0, c.until
	p.X.Tick.Marker = plot.ConstantTicks(timeTicks(c.until))
	if c.percentiles {
		p.X.Tick.Marker = plot.ConstantTicks{{Value: 0, Label: "0%"}, {Value: 25, Label: "25%"}, {Value: 50, Label: "50%"}, {Value: 75, Label: "75%"}, {Value: 95, Label: "95%"}}
	}
	low, high := c.values()
	if c.log {
		label := compact
		if c.tick != nil {
			label = c.tick
		}
		ticks := logTicks(low, high, label)
		p.Y.Scale = plot.LogScale{}
		p.Y.Min, p.Y.Max = ticks[0].Value, ticks[len(ticks)-1].Value
		p.Y.Tick.Marker = plot.ConstantTicks(ticks)
		return
	}
	ticks := linearTicks(min(low, 0), high)
	p.Y.Min, p.Y.Max = min(low, 0), ticks[len(ticks)-1].Value
	p.Y.Tick.Marker = plot.ConstantTicks(ticks)
}

// values returns the least and the largest of what is drawn.
func (c chart) values() (low, high float64) {
	low, high = math.Inf(1), math.Inf(-1)
	for _, s := range c.series {
		for _, xy := range s.points {
			if !math.IsNaN(xy.Y) {
				low, high = min(low, xy.Y), max(high, xy.Y)
			}
		}
	}
	if c.promise > 0 {
		low, high = min(low, c.promise), max(high, c.promise)
	}
	if high < low {
		return 0.1, 1
	}
	return low, high
}

// mostLogTicks is what an axis has room for.
const mostLogTicks = 8

// logTicks returns 1, 2 and 5 times the powers of ten from just below low to just above high, or the powers alone where those are too many.
func logTicks(low, high float64, label func(float64) string) []plot.Tick {
	for _, steps := range [][]float64{{1, 2, 5}, {1}} {
		var ticks []plot.Tick
		for e := math.Floor(math.Log10(low)); len(ticks) < 2 || ticks[len(ticks)-1].Value < high; e++ {
			for _, step := range steps {
				v := step * math.Pow(10, e)
				if v <= low {
					ticks = ticks[:0] // there is a later one below
				}
				if len(ticks) < 2 || ticks[len(ticks)-1].Value < high {
					ticks = append(ticks, plot.Tick{Value: v, Label: label(v)})
				}
			}
		}
		if len(ticks) <= mostLogTicks || len(steps) == 1 {
			return ticks
		}
	}
	return nil
}

func latencyTick(v float64) string {
	if v < 0.9 {
		return fmt.Sprintf("%g ms", math.Round(v*1e4)/10)
	}
	return fmt.Sprintf("%g s", math.Round(v))
}

// linearTicks returns about five round numbers from low to just above high.
func linearTicks(low, high float64) []plot.Tick {
	span := max(high-low, 1e-9)
	step := math.Pow(10, math.Floor(math.Log10(span/4)))
	for _, f := range []float64{1, 2, 5, 10} {
		if span/(step*f) <= 5 {
			step *= f
			break
		}
	}
	var ticks []plot.Tick
	for i := math.Ceil(low / step); ; i++ {
		v := i*step + 0 // no negative zero
		ticks = append(ticks, plot.Tick{Value: v, Label: compact(v)})
		if v >= high {
			return ticks
		}
	}
}

// compact is a number in few characters.
func compact(v float64) string {
	switch a := math.Abs(v); {
	case a >= 999.5e3:
		return fmt.Sprintf("%.3gM", v/1e6)
	case a >= 1e4:
		return fmt.Sprintf("%.3gk", v/1e3)
	}
	return fmt.Sprintf("%.4g", v)
}

// timeTicks are at most five times of the simulation, as hours and minutes since its start.
func timeTicks(until float64) []plot.Tick {
	total := time.Duration(until * float64(time.Second))
	step := 24 * time.Hour
	for _, s := range []time.Duration{
		10 * time.Second, time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 30 * time.Minute,
		time.Hour, 2 * time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour,
	} {
		if total/s <= 5 {
			step = s
			break
		}
	}
	for total/step > 6 {
		step *= 2
	}
	var ticks []plot.Tick
	for t := time.Duration(0); t <= total; t += step {
		ticks = append(ticks, plot.Tick{Value: t.Seconds(), Label: clock(t)})
	}
	return ticks
}

// clock is a time since the start: h:mm, with seconds where they matter.
func clock(t time.Duration) string {
	h, m, s := int(t.Hours()), int(t.Minutes())%60, int(t.Seconds())%60
	if s != 0 {
		return fmt.Sprintf("%d:%02d:%02d", h, m, s)
	}
	return fmt.Sprintf("%d:%02d", h, m)
}
