package prometheus

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	promodel "github.com/prometheus/common/model"
)

// Labels are the names of the labels that say whose a series is.
type Labels struct {
	Namespace string `json:"namespace,omitempty" yaml:"namespace,omitempty"` // empty = "namespace"
	Pod       string `json:"pod,omitempty" yaml:"pod,omitempty"`             // empty = "pod"
	Model     string `json:"model,omitempty" yaml:"model,omitempty"`         // empty = "model_name"
}

// Windows are the spans of time that queries look back. Zero values take the default.
type Windows struct {
	Peak  time.Duration `json:"peak,omitempty" yaml:"peak,omitempty"`   // KV usage and queue length count at their highest within it; 0 = 1 min. Longer than the scrape interval
	Rate  time.Duration `json:"rate,omitempty" yaml:"rate,omitempty"`   // rates of requests; 0 = 2 min. Longer than two scrape intervals, or there is no rate
	Mean  time.Duration `json:"mean,omitempty" yaml:"mean,omitempty"`   // means of token lengths and latencies; 0 = 5 min
	Shape time.Duration `json:"shape,omitempty" yaml:"shape,omitempty"` // spread of token lengths, which changes slowly; 0 = 30 min
	Last  time.Duration `json:"last,omitempty" yaml:"last,omitempty"`   // how far back the last sample of a silent server is looked for; 0 = 1 h
}

// placeholder is one word that templates may use.
type placeholder string

// The placeholders. A template writes them with a $ in front.
const (
	phMatch       placeholder = "match"       // the matchers of namespaces and models, without braces
	phInNamespace placeholder = "inNamespace" // the matcher of the namespaces alone, for metrics that do not name the model
	phModels      placeholder = "models"      // a quoted regular expression of the models, to match another label with =~
	phNamespace   placeholder = "namespace"   // name of the label
	phPod         placeholder = "pod"         // name of the label
	phModel       placeholder = "model"       // name of the label
	phPeak        placeholder = "peak"        // a window
	phRate        placeholder = "rate"        // a window
	phMean        placeholder = "mean"        // a window
	phShape       placeholder = "shape"       // a window
	phLast        placeholder = "last"        // a window, and the step within it
	phStep        placeholder = "step"
	phRetention   placeholder = "retention" // a window: the model's retention period
)

var (
	selectors  = []placeholder{phMatch, phInNamespace, phModels}
	labelNames = []placeholder{phNamespace, phPod, phModel}
	windows    = []placeholder{phPeak, phRate, phMean, phShape, phLast, phStep}
)

// words are the values of placeholders.
type words map[placeholder]string

// word matches a placeholder; $1 of label_replace is none.
var word = regexp.MustCompile(`\$[A-Za-z_][A-Za-z0-9_]*`)

// render fills in a template that was validated.
func (w words) render(template string) string {
	return word.ReplaceAllStringFunc(template, func(found string) string { return w[placeholder(found[1:])] })
}

// newWords returns the placeholders that are the same for every query.
func newWords(l Labels, w Windows) words {
	return words{
		phNamespace: l.Namespace, phPod: l.Pod, phModel: l.Model,
		phPeak: window(w.Peak), phRate: window(w.Rate), phMean: window(w.Mean), phShape: window(w.Shape),
		phLast: window(w.Last), phStep: window(max(w.Last/60, time.Second)),
	}
}

// with adds the matchers of namespaces and models, both in order and without doubles.
func (w words) with(l Labels, namespaces, models []string) words {
	out := words{}
	for name, value := range w {
		out[name] = value
	}
	inNamespace := l.Namespace + "=~" + alternatives(namespaces)
	out[phInNamespace] = inNamespace
	out[phModels] = alternatives(models)
	out[phMatch] = inNamespace + "," + l.Model + "=~" + alternatives(models)
	return out
}

// alternatives returns a PromQL string that holds a regular expression which matches these values and no others: every character that means something to the
// expression or to the string is escaped.
func alternatives(values []string) string {
	var b strings.Builder
	for i, v := range values {
		if i > 0 {
			b.WriteByte('|')
		}
		b.WriteString(regexp.QuoteMeta(v))
	}
	return strconv.Quote(b.String())
}

// window writes a duration as PromQL does, in whole milliseconds.
func window(d time.Duration) string {
	return promodel.Duration(max(d.Round(time.Millisecond), time.Millisecond)).String()
}

// checkTemplate reports a template that is unbalanced, uses a word that there is not, one where it cannot stand, or does not select whose series it wants.
func checkTemplate(text string, allowed []placeholder) error {
	selects := false
	var open []byte
	for i := 0; i < len(text); {
		switch c := text[i]; c {
		case '"', '\'', '`':
			end := stringEnd(text, i)
			if end < 0 {
				return fmt.Errorf("the string that begins at %.20q does not end: close it with %c", text[i:], c)
			}
			for _, found := range word.FindAllString(text[i:end], -1) {
				if !slices.Contains(labelNames, placeholder(found[1:])) {
					return fmt.Errorf("placeholder %s stands in a string, where only $namespace, $pod and $model mean something", found)
				}
			}
			i = end
			continue
		case '#':
			end := strings.IndexByte(text[i:], '\n')
			if end < 0 {
				end = len(text) - i
			}
			if found := word.FindString(text[i : i+end]); found != "" {
				return fmt.Errorf("placeholder %s stands in a comment: take it out", found)
			}
			i += end
			continue
		case '(', '[', '{':
			open = append(open, c)
		case ')', ']', '}':
			if len(open) == 0 || open[len(open)-1] != opening[c] {
				return fmt.Errorf("%q at %.20q closes nothing", c, text[i:])
			}
			open = open[:len(open)-1]
		case '$':
			found := word.FindString(text[i:])
			if found == "" || !strings.HasPrefix(text[i:], found) {
				return fmt.Errorf("a lone $ at %.20q: want a placeholder such as $match", text[i:])
			}
			name := placeholder(found[1:])
			if !slices.Contains(allowed, name) {
				return fmt.Errorf("unknown placeholder %s: want %s", found, list(allowed))
			}
			selects = selects || slices.Contains(selectors, name)
			i += len(found)
			continue
		}
		i++
	}
	switch {
	case len(open) > 0:
		return fmt.Errorf("%q is not closed", open[len(open)-1])
	case !selects:
		return fmt.Errorf("no placeholder selects whose series are wanted: use %s", list(selectors))
	}
	return nil
}

var opening = map[byte]byte{')': '(', ']': '[', '}': '{'}

// stringEnd returns where the string that begins at i is over, or -1.
func stringEnd(text string, i int) int {
	quote := text[i]
	for i++; i < len(text); i++ {
		switch {
		case text[i] == quote:
			return i + 1
		case text[i] == '\\' && quote != '`':
			i++
		case text[i] == '\n' && quote != '`':
			return -1
		}
	}
	return -1
}

func list(names []placeholder) string {
	var out []string
	for _, n := range names {
		out = append(out, "$"+string(n))
	}
	return strings.Join(out, ", ")
}
