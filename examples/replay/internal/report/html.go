package report

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"time"

	"github.com/wva-go/wva"
	"github.com/wva-go/wva/examples/replay/internal/contest"
)

//go:embed page.html
var pageText string

//go:embed page.css
var style string

var page = template.Must(template.New("page").Funcs(template.FuncMap{"swatch": swatch}).Parse(pageText))

// view is what the page shows.
type view struct {
	Report
	Caption    string
	Style      template.CSS
	Columns    []string
	Policies   []policyView
	Load       []figure
	Comparison []figure
	Variants   []variantView
}

// figure is a chart as it stands on the page.
type figure struct {
	Title, Unit string
	Keys        []entry
	SVG         template.HTML
}

// entry is a line of a legend, or of the key of a plot.
type entry struct {
	Name string
	Hue  int
}

type variantView struct {
	Variant
	Hue                        int
	Size, Startup, Performance string
}

type policyView struct {
	Name, About string
	Hue         int
	Cells       []string
	Figures     []figure
	Decisions   []decisionView
	Note        string // what the table of decisions leaves out
	Changes     int
	Long        bool // too many decisions for paper, unless the reader opens them
}

type decisionView struct {
	At, Variant, Change, Why string
	Same                     bool
}

// HTML writes the page.
func (r Report) HTML(w io.Writer) error {
	v := view{Report: r, Caption: r.caption(), Style: themes() + template.CSS(style) + selection()}
	for _, c := range columns {
		v.Columns = append(v.Columns, c.name)
	}
	for i, variant := range r.Variants {
		v.Variants = append(v.Variants, newVariantView(variant, variantHue(i)))
	}
	var err error
	if v.Load, err = figures(r.loadCharts()); err != nil {
		return err
	}
	if v.Comparison, err = figures(r.comparison()); err != nil {
		return err
	}
	for i, run := range r.Runs {
		p, err := r.policy(run, policyHue(i))
		if err != nil {
			return err
		}
		v.Policies = append(v.Policies, p)
	}
	return page.Execute(w, v)
}

func newVariantView(v Variant, hue int) variantView {
	p := v.Server.Profile
	return variantView{
		Variant: v, Hue: hue, Size: fmt.Sprintf("%d×%s", v.Devices, v.Accelerator), Startup: short(v.Startup),
		Performance: fmt.Sprintf("%.3g ms + %.3g µs a token computed + %.3g ns a token read + %.3g µs a request; %s tokens of KV cache", 1e3*p.Alpha, 1e6*p.Beta, 1e9*p.Gamma, 1e6*p.Request, thousands(v.Server.KVCapacity)),
	}
}

func figures(charts []chart) ([]figure, error) {
	out := make([]figure, len(charts))
	for i, c := range charts {
		svg, err := c.SVG()
		if err != nil {
			return nil, err
		}
		out[i] = figure{Title: c.Title, Unit: c.Unit, Keys: c.keys, SVG: svg}
	}
	return out, nil
}

// mostDecisions is what a table of decisions shows in full; of more, only those that change something.
const mostDecisions = 600

// mostPrinted is what is printed of a table that the reader has not opened: two pages, say.
const mostPrinted = 60

func (r Report) policy(run contest.Run, hue int) (policyView, error) {
	p := policyView{Name: run.Policy, About: run.About, Hue: hue, Changes: run.Summary.Changes}
	for _, c := range columns {
		p.Cells = append(p.Cells, c.cell(r, run))
	}
	p.Long = p.Changes > mostPrinted
	var err error
	if p.Figures, err = figures(r.policyCharts(run)); err != nil {
		return p, err
	}
	onlyChanges := len(run.Moments)*len(r.Variants) > mostDecisions
	if onlyChanges {
		p.Note = "Only decisions that change something are shown; the JSON and CSV have all of them."
	}
	for _, m := range run.Moments {
		for _, v := range m.Variants {
			same := v.Action == wva.NoChange
			if same && onlyChanges {
				continue
			}
			p.Decisions = append(p.Decisions, decisionView{
				At: clock(time.Duration(m.Seconds * float64(time.Second))), Variant: v.Variant, Change: fmt.Sprintf("%d → %d", v.Replicas, v.Target), Why: v.Why, Same: same,
			})
		}
	}
	return p, nil
}
