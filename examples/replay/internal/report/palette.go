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
}

// Colours of the page itself.
var surfaces = []struct{ name, light, dark string }{
	{"page", "#ffffff", "#14171a"},
	{"card", "#ffffff", "#14171a"},
	{"band", "#f3f5f7", "#20252a"},
	{"ink", "#1a1d21", "#e8eaed"},
	{"soft", "#555c64", "#a9b1ba"},
	{"grid", "#d9dde2", "#3a4149"},
	{"promise", "#b00020", "#ff7b8a"},
}

// Plots are drawn in colours that nothing else has, which then give way to variables of the page.
var (
	inkColor     = color.RGBA{0xfe, 0xfd, 0x00, 0xff}
	softColor    = color.RGBA{0xfe, 0xfd, 0x01, 0xff}
	gridColor    = color.RGBA{0xfe, 0xfd, 0x02, 0xff}
	promiseColor = color.RGBA{0xfe, 0xfd, 0x03, 0xff}
)

func hueColor(i int) color.RGBA { return color.RGBA{0xfe, 0xfd, uint8(0x10 + i%len(hues)), 0xff} }

func dashes(i int) []vg.Length { return hues[i%len(hues)].dashes }

// variables replaces the stand-in colours of a plot.
var variables = func() *strings.Replacer {
	pairs := []string{"#FEFD00", "var(--ink)", "#FEFD01", "var(--soft)", "#FEFD02", "var(--grid)", "#FEFD03", "var(--promise)"}
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
	return template.CSS(fmt.Sprintf(":root{%s}\n@media screen and (prefers-color-scheme: dark){:root{%s}}", light.String(), dark.String()))
}

// swatch is a sample of a line, for a legend.
func swatch(i int) template.HTML {
	var pattern []string
	for _, d := range dashes(i) {
		pattern = append(pattern, fmt.Sprintf("%g", float64(d)))
	}
	return template.HTML(fmt.Sprintf(
		`<svg class="swatch" viewBox="0 0 32 8" aria-hidden="true"><path d="M1 4H31" style="fill:none;stroke:var(--c%d);stroke-width:2.5;stroke-dasharray:%s"/></svg>`,
		i%len(hues), strings.Join(append(pattern, map[bool]string{true: "none"}[len(pattern) == 0])[:max(len(pattern), 1)], " ")))
}
