package report

import (
	"bytes"
	"fmt"
	"html"
	"html/template"
	"regexp"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// chart is one plot, over time or over percentiles.
type chart struct {
	Title       string
	Unit        string // of the vertical axis, for people
	series      []series
	keys        []entry              // what the lines are, where the legend above does not say
	promise     float64              // a line that should not be crossed; 0 = none
	log         bool                 // logarithmic: what is not positive is a gap
	tick        func(float64) string // labels of a logarithmic axis; nil = numbers
	marks       []mark
	until       float64 // the end of the horizontal axis: seconds, or
	percentiles bool    // percent of the requests
}

// series is a line. A step holds its value until the next point; a gap in it is a missing point.
type series struct {
	name   string
	hue    int
	thin   bool
	points plotter.XYs
}

// mark is a decision.
type mark struct {
	x, y float64
	hue  int
	text string // shown while the pointer rests on it
}

// The size of a plot in points, which are pixels where it is as wide: three beside each other on a desk, one on a telephone.
const (
	plotWidth  = 400
	plotHeight = 210
	textSize   = 11
)

// SVG draws the chart. Its colours are variables of the page.
func (c chart) SVG() (template.HTML, error) {
	p := plot.New()
	c.dress(p)
	for _, s := range c.series {
		for _, part := range parts(s.points) {
			line, err := plotter.NewLine(part)
			if err != nil {
				return "", fmt.Errorf("plot %s: %w", c.Title, err)
			}
			line.LineStyle = draw.LineStyle{Color: hueColor(s.hue), Width: 1.6, Dashes: dashes(s.hue)}
			if s.thin {
				line.LineStyle.Width, line.LineStyle.Dashes = 0.8, nil
			}
			p.Add(line)
		}
	}
	if c.promise > 0 {
		line, err := plotter.NewLine(plotter.XYs{{X: 0, Y: c.promise}, {X: c.until, Y: c.promise}})
		if err != nil {
			return "", fmt.Errorf("plot %s: %w", c.Title, err)
		}
		line.LineStyle = draw.LineStyle{Color: hueColor(limit), Width: 1.2, Dashes: dashes(limit)}
		p.Add(line)
	}
	c.scale(p)
	canvas := vgsvg.New(plotWidth, plotHeight)
	area := draw.Crop(draw.New(canvas), 2, -8, 2, -6)
	p.Draw(area)
	var out bytes.Buffer
	if _, err := canvas.WriteTo(&out); err != nil {
		return "", fmt.Errorf("plot %s: %w", c.Title, err)
	}
	return template.HTML(c.rework(out.String(), p, p.DataCanvas(area))), nil
}

// dress sets fonts, colours and the grid.
func (c chart) dress(p *plot.Plot) {
	p.BackgroundColor = nil
	for _, axis := range []*plot.Axis{&p.X, &p.Y} {
		axis.LineStyle = draw.LineStyle{Color: softColor, Width: 0.7}
		axis.Tick.LineStyle = axis.LineStyle
		axis.Tick.Length = 3
		axis.Tick.Label.Font.Variant = "Sans"
		axis.Tick.Label.Font.Size = textSize
		axis.Tick.Label.Color = softColor
		axis.Padding = 5
	}
	p.Y.LineStyle.Width, p.Y.Tick.LineStyle.Width = 0, 0
	grid := plotter.NewGrid()
	grid.Vertical.Color = nil
	grid.Horizontal = draw.LineStyle{Color: gridColor, Width: 0.6}
	p.Add(grid)
}

// parts splits points at gaps, which are points whose value is not positive on a logarithmic axis: they come as NaN.
func parts(points plotter.XYs) []plotter.XYs {
	var all []plotter.XYs
	var part plotter.XYs
	for _, xy := range points {
		if xy.Y != xy.Y {
			if len(part) > 0 {
				all = append(all, part)
			}
			part = nil
			continue
		}
		part = append(part, xy)
	}
	if len(part) > 0 {
		all = append(all, part)
	}
	return all
}

var (
	prologue = regexp.MustCompile(`(?s)^.*?<svg[^>]*>`)
	fonts    = regexp.MustCompile(`font-family:[^;"]*;font-variant:[^;"]*;font-weight:[^;"]*;font-style:[^;"]*;?`)
	decimals = regexp.MustCompile(`(\d+\.\d)\d+`)
)

// rework makes a file of its own into a part of the page: its size and fonts are the page's, its colours variables, and its decisions
// tell their reasons.
func (c chart) rework(svg string, p *plot.Plot, data draw.Canvas) string {
	svg = prologue.ReplaceAllString(svg, "")
	svg = fonts.ReplaceAllString(svg, "")
	svg = decimals.ReplaceAllString(svg, "$1")
	svg = variables.Replace(svg)
	var marks strings.Builder
	x, y := p.Transforms(&data)
	for _, m := range c.marks {
		fmt.Fprintf(&marks, `<circle cx="%.1f" cy="%.1f" r="2.6" class="mark" style="fill:var(--c%d)"><title>%s</title></circle>`+"\n",
			x(m.x).Points(), y(m.y).Points(), m.hue, html.EscapeString(m.text))
	}
	end := strings.LastIndex(svg, "</g>")
	svg = svg[:end] + marks.String() + svg[end:]
	return fmt.Sprintf(`<svg viewBox="0 0 %d %d" role="img" aria-label="%s">`, plotWidth, plotHeight, html.EscapeString(c.Title+", "+c.Unit)) + svg
}
