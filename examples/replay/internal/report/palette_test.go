package report

import (
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
)

// rgb is a colour in linear light, from 0 to 1.
type rgb [3]float64

func parse(t *testing.T, hex string) rgb {
	t.Helper()
	var c [3]uint8
	if _, err := fmt.Sscanf(hex, "#%02x%02x%02x", &c[0], &c[1], &c[2]); err != nil {
		t.Fatalf("%s: %v", hex, err)
	}
	var out rgb
	for i, v := range c {
		if x := float64(v) / 255; x <= 0.04045 {
			out[i] = x / 12.92
		} else {
			out[i] = math.Pow((x+0.055)/1.055, 2.4)
		}
	}
	return out
}

// contrast is that of WCAG 2: 1 for the same, 21 for black on white.
func contrast(a, b rgb) float64 {
	luminance := func(c rgb) float64 { return 0.2126*c[0] + 0.7152*c[1] + 0.0722*c[2] }
	low, high := luminance(a), luminance(b)
	if low > high {
		low, high = high, low
	}
	return (high + 0.05) / (low + 0.05)
}

// Lines stand out from the page, and text is readable on it, light and dark: WCAG 2 wants 3 for graphics and 4.5 for text.
func TestContrast(t *testing.T) {
	surface := map[string][2]string{}
	for _, s := range surfaces {
		surface[s.name] = [2]string{s.light, s.dark}
	}
	for mode, name := range []string{"light", "dark"} {
		page := parse(t, surface["page"][mode])
		for i, h := range hues {
			if c := contrast(parse(t, [2]string{h.light, h.dark}[mode]), page); c < 3 {
				t.Errorf("%s: line %d has a contrast of %.1f", name, i, c)
			}
		}
		for _, text := range []string{"ink", "soft"} {
			if c := contrast(parse(t, surface[text][mode]), page); c < 4.5 {
				t.Errorf("%s: %s has a contrast of %.1f", name, text, c)
			}
		}
	}
}

// The matrices of Machado, Oliveira and Fernandes (2009) for people without one kind of cones, in linear light.
var seenBy = map[string][3][3]float64{
	"everybody":          {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}},
	"without red":        {{0.152286, 1.052583, -0.204868}, {0.114503, 0.786281, 0.099216}, {-0.003882, -0.048116, 1.051998}},
	"without green":      {{0.367322, 0.860646, -0.227968}, {0.280085, 0.672501, 0.047413}, {-0.011820, 0.042940, 0.968881}},
	"without blue":       {{1.255528, -0.076749, -0.178779}, {-0.078411, 0.930809, 0.147602}, {0.004733, 0.691367, 0.303900}},
	"without any (gray)": {{0.2126, 0.7152, 0.0722}, {0.2126, 0.7152, 0.0722}, {0.2126, 0.7152, 0.0722}},
}

// lab is CIE L*a*b*, in which a distance of 2.3 is just noticeable.
func lab(c rgb) [3]float64 {
	f := func(t float64) float64 {
		if t = max(t, 0); t > 216.0/24389 {
			return math.Cbrt(t)
		}
		return (24389.0/27*t + 16) / 116
	}
	x := f((0.4124*c[0] + 0.3576*c[1] + 0.1805*c[2]) / 0.95047)
	y := f(0.2126*c[0] + 0.7152*c[1] + 0.0722*c[2])
	z := f((0.0193*c[0] + 0.1192*c[1] + 0.9505*c[2]) / 1.08883)
	return [3]float64{116*y - 16, 500 * (x - y), 200 * (y - z)}
}

// Two lines are told apart by colour, whoever looks, or else by their dashes.
func TestTellApart(t *testing.T) {
	for who, m := range seenBy {
		seen := func(hex string) [3]float64 {
			c := parse(t, hex)
			var out rgb
			for i := range 3 {
				out[i] = m[i][0]*c[0] + m[i][1]*c[1] + m[i][2]*c[2]
			}
			return lab(out)
		}
		for i, a := range hues {
			for j, b := range hues[:i] {
				if j < turns && i >= median && i <= extreme {
					continue // never in one plot
				}
				for mode, pair := range [][2]string{{a.light, b.light}, {a.dark, b.dark}} {
					p, q := seen(pair[0]), seen(pair[1])
					distance := math.Hypot(math.Hypot(p[0]-q[0], p[1]-q[1]), p[2]-q[2])
					if distance < 15 && reflect.DeepEqual(a.dashes, b.dashes) {
						t.Errorf("%s, mode %d: lines %d and %d are %.0f apart and have the same dashes", who, mode, j, i, distance)
					}
				}
			}
		}
	}
}

func TestThemes(t *testing.T) {
	css := string(themes())
	for i := range hues {
		if want := fmt.Sprintf("--c%d:", i); strings.Count(css, want) != 2 {
			t.Errorf("%s is not there for light and dark", want)
		}
	}
	if s := string(swatch(2)); !strings.Contains(s, "stroke-dasharray:none") {
		t.Errorf("a line without dashes: %s", s)
	}
}
