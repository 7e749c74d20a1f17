package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/wva-go/wva/cost"
	"github.com/wva-go/wva/model"
)

// request is what the user asked for.
type request struct {
	transformer   model.Transformer
	input, output model.TokenLengths
	slo           model.SLO
	rate          float64 // requests per second
	maxBatch      int
	budget        int // tokens computed in an iteration
	prices        cost.UnitCosts
	devices       []int
	points        map[arrangement][]model.Point
}

// arrangement is so many devices of an accelerator in tensor parallel.
type arrangement struct {
	accelerator string // by its name in the catalogue
	devices     int
}

func (a arrangement) String() string { return fmt.Sprintf("%d×%s", a.devices, a.accelerator) }

// flagSet is the command line as it is written.
type flagSet struct {
	model, architecture, points, unitCosts string
	accelerators, devices                  string
	costs                                  []string
	input, output, cv, quantile            float64
}

func parse(args []string, messages io.Writer) (r request, asJSON bool, err error) {
	var f flagSet
	flags := flag.NewFlagSet("size", flag.ContinueOnError)
	flags.SetOutput(messages)
	flags.StringVar(&f.model, "model", "Llama-3.1-8B", "`name` of a model in the catalogue: "+strings.Join(models(), ", "))
	flags.StringVar(&f.architecture, "architecture", "", "JSON `file` with the architecture of another model: "+architectureFields)
	flags.StringVar(&f.points, "points", "", "CSV `file` of measured points: "+pointColumns)
	flags.StringVar(&f.unitCosts, "unit-costs", "", "YAML `file` with the guide's ConfigMap accelerator-unitcost; default: the guide's own")
	flags.Func("unit-cost", "`ACCELERATOR=COST` of one device per hour, beside the file or instead of it; may be given several times", func(s string) error {
		f.costs = append(f.costs, s)
		return nil
	})
	flags.StringVar(&f.accelerators, "accelerators", "", "`names`, comma-separated, of the accelerators to compare; default: all that have a unit cost")
	flags.StringVar(&f.devices, "devices", "1,2,4,8", "`numbers`, comma-separated, of devices in tensor parallel for one replica")
	flags.Float64Var(&r.rate, "rate", 20, "requests per second")
	flags.Float64Var(&f.input, "input", 512, "mean prompt tokens")
	flags.Float64Var(&f.output, "output", 256, "mean answer tokens")
	flags.Float64Var(&f.cv, "cv", 1, "coefficient of variation of both lengths")
	flags.DurationVar(&r.slo.TTFT, "ttft", 500*time.Millisecond, "time to first token; 0 = no target")
	flags.DurationVar(&r.slo.ITL, "itl", 30*time.Millisecond, "inter-token latency; 0 = no target")
	flags.Float64Var(&f.quantile, "quantile", 0, "what the targets bound: 0 the mean, 0.95 the 95th percentile")
	flags.IntVar(&r.maxBatch, "max-batch", 256, "requests that a server runs at once (vLLM's max-num-seqs)")
	flags.IntVar(&r.budget, "batched-tokens", 8192, "tokens that it computes in one iteration (vLLM's max-num-batched-tokens)")
	flags.BoolVar(&asJSON, "json", false, "print JSON")
	if err := flags.Parse(args); err != nil {
		return r, false, err
	}
	if flags.NArg() > 0 {
		return r, false, fmt.Errorf("unexpected argument %q: see -help", flags.Arg(0))
	}
	return r, asJSON, r.complete(f)
}

// complete reads what the flags point at, and refuses what cannot be.
func (r *request) complete(f flagSet) (err error) {
	if !(r.rate >= 0) || math.IsInf(r.rate, 0) {
		return fmt.Errorf("-rate %v: want a finite number of requests per second, 0 or more", r.rate)
	}
	if !(f.output >= 1) {
		return fmt.Errorf("-output %v: want at least 1 token", f.output)
	}
	r.input, r.output = model.TokenLengths{Mean: f.input, CV: f.cv}, model.TokenLengths{Mean: f.output, CV: f.cv}
	r.slo.TTFTQuantile, r.slo.ITLQuantile = f.quantile, f.quantile
	if err := r.slo.Validate(); err != nil {
		return err
	}
	if r.transformer, err = readTransformer(f); err != nil {
		return err
	}
	if r.prices, err = readPrices(f); err != nil {
		return err
	}
	if r.devices, err = readDevices(f.devices); err != nil {
		return err
	}
	if f.points == "" {
		return nil
	}
	file, err := os.Open(f.points)
	if err != nil {
		return fmt.Errorf("-points: %w", err)
	}
	defer file.Close()
	r.points, err = readPoints(f.points, file, r.transformer.Name)
	return err
}

const architectureFields = "name, parameters, layers, hidden, kvHeads, headSize, vocabulary, weightBytes, kvBytes"

func readTransformer(f flagSet) (model.Transformer, error) {
	if f.architecture == "" {
		t, ok := model.LookupTransformer(f.model)
		if !ok {
			return t, fmt.Errorf("-model %q: want one of %s, or an -architecture", f.model, strings.Join(models(), ", "))
		}
		return t, nil
	}
	var t model.Transformer
	file, err := os.Open(f.architecture)
	if err != nil {
		return t, fmt.Errorf("-architecture: %w", err)
	}
	defer file.Close()
	decoder := json.NewDecoder(file)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&t); err != nil {
		return t, fmt.Errorf("-architecture %s: %w: want the fields %s", f.architecture, err, architectureFields)
	}
	if err := t.Validate(); err != nil {
		return t, fmt.Errorf("-architecture %s: %w", f.architecture, err)
	}
	return t, nil
}

func models() []string {
	var names []string
	for _, t := range model.Transformers() {
		names = append(names, t.Name)
	}
	return names
}

func readDevices(text string) ([]int, error) {
	var list []int
	for _, word := range strings.Split(text, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(word))
		if err != nil || n < 1 || n > 1024 {
			return nil, fmt.Errorf("-devices %q: %q: want numbers from 1 to 1024, such as 1,2,4", text, word)
		}
		list = append(list, n)
	}
	slices.Sort(list)
	return slices.Compact(list), nil
}
