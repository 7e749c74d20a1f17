package report

import (
	"fmt"
	"html/template"
	"image/color"
	"strings"

	"gonum.org/v1/plot/vg"
)

// hue is a colour of a line: on light and on dark, and the dashes that tell it from others without colour. The hues are Okabe and Ito's (Color Universal
// Design, 2008), made darker or lighter where they would be too faint on the page.
type hue struct {
	light, dark string
	dashes      []vg.Length
}

var hues = []hue{
	{"#5f5f5f", "#b0b0b0", []vg.Length{1.5, 2.5}},
	{"#b36b00", "#e69f00", []vg.Length{7, 3}},
	{"#0072b2", "#56b4e9", nil},
	{"#c04a00", "#ff8c4d", []vg.Length{14, 2}},
	{"#007a5a", "#2fc596", []vg.Length{7, 2, 1.5, 2}},
	{"#a8447c", "#e08ab8", []vg.Length{3, 2}},
	{"#111111", "#f2f2f2", []vg.Length{10, 3}},
	median:  {"#7d6bb5", "#9d8fd6", []vg.Length{5, 3}},
	tail:    {"#3d2c8d", "#d3c8ff", nil},
	extreme: {"#6a4fa3", "#b9a3ec", []vg.Length{1.5, 2.5}},
	limit:   {"#b00020", "#ff7b8a", []vg.Length{4, 3}},
}

// The hues of policies and variants, which take them in turn, and those that mean the same in every plot: percentiles are never taken for a variant.
const (
	turns   = 7
	median  = 7  // 50th percentile
	tail    = 8  // 95th
	extreme = 9  // 99th
	limit   = 10 // what is promised, or a trigger
)

// Colours of the page itself.
var surfaces = []struct{ name, light, dark string }{
	{"page", "#ffffff", "#14171a"},
	{"ink", "#1a1d21", "#e8eaed"},
	{"soft", "#555c64", "#a9b1ba"},
	{"grid", "#d9dde2", "#3a4149"},
	{"edge", "#00000033", "#ffffff40"}, // of a table that goes on
}

// Plots are drawn in colours that nothing else has, which then give way to variables of the page.
var (
	softColor = color.RGBA{0xfe, 0xfd, 0x01, 0xff}
	gridColor = color.RGBA{0xfe, 0xfd, 0x02, 0xff}
)

func hueColor(i int) color.RGBA { return color.RGBA{0xfe, 0xfd, uint8(0x10 + i), 0xff} }

func dashes(i int) []vg.Length { return hues[i].dashes }

// variables replaces the stand-in colours of a plot.
var variables = func() *strings.Replacer {
	pairs := []string{"#FEFD01", "var(--soft)", "#FEFD02", "var(--grid)"}
	for i := range hues {
		pairs = append(pairs, fmt.Sprintf("#FEFD%02X", 0x10+i), fmt.Sprintf("var(--c%d)", i))
	}
	return strings.NewReplacer(pairs...)
}()

// themes are the variables for light and dark.
func themes() template.CSS {
	var light, dark strings.Builder
	for _, s := range surfaces {
		fmt.Fprintf(&light, "--%s:%s;", s.name, s.light)
		fmt.Fprintf(&dark, "--%s:%s;", s.name, s.dark)
	}
	for i, h := range hues {
		fmt.Fprintf(&light, "--c%d:%s;", i, h.light)
		fmt.Fprintf(&dark, "--c%d:%s;", i, h.dark)
	}
	return template.CSS(fmt.Sprintf(":root{%s}\n@media screen and (prefers-color-scheme: dark){:root{%s}}\n", light.String(), dark.String()))
}

// selection are the rules by which a section whose legend has a tick fades the lines that have none.
func selection() template.CSS {
	var b strings.Builder
	for i := range turns {
		fmt.Fprintf(&b, "section:has(.legend :checked):not(:has(.legend [value=\"%d\"]:checked)) figure [style*=\"var(--c%d)\"]{opacity:0.1}\n", i, i)
	}
	return template.CSS(b.String())
}

// swatch is a sample of a line, for a legend.
func swatch(i int) template.HTML {
	var pattern []string
	for _, d := range dashes(i) {
		pattern = append(pattern, fmt.Sprintf("%g", float64(d)))
	}
	return template.HTML(fmt.Sprintf(
		`<svg class="swatch" viewBox="0 0 32 8" aria-hidden="true"><path d="M1 4H31" style="fill:none;stroke:var(--c%d);stroke-width:2.5;stroke-dasharray:%s"/></svg>`,
		i, strings.Join(append(pattern, map[bool]string{true: "none"}[len(pattern) == 0])[:max(len(pattern), 1)], " ")))
}
