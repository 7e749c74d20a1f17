// Command size plans capacity: for a model, a load and an SLO it prints what each accelerator arrangement would take, and the cheapest mix. It needs no benchmark: the
// performance comes from the model's architecture and the accelerator's data sheet.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/wva-go/wva/model"
	"github.com/wva-go/wva/optimizer"
)

// prices are those of the guide's accelerator-unitcost, in cents per hour and device.
var prices = map[string]float64{"A100": 40, "H100": 80, "MI300X": 65}

func main() {
	if err := run(os.Args[1:], os.Stdout, os.Stderr); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return
		}
		fmt.Fprintln(os.Stderr, "size:", err)
		os.Exit(1)
	}
}

// request is what the user asked for.
type request struct {
	transformer   model.Transformer
	input, output model.TokenLengths
	slo           model.SLO
	rate          float64
}

func run(args []string, out, messages io.Writer) error {
	flags := flag.NewFlagSet("size", flag.ContinueOnError)
	flags.SetOutput(messages)
	name := flags.String("model", "Llama-3.1-8B", "model: one of "+strings.Join(names(), ", "))
	rate := flags.Float64("rate", 20, "requests per second")
	input := flags.Float64("input", 512, "mean prompt tokens")
	output := flags.Float64("output", 256, "mean answer tokens")
	cv := flags.Float64("cv", 1, "coefficient of variation of both lengths")
	ttft := flags.Duration("ttft", 500*time.Millisecond, "time to first token, mean; 0 = no target")
	itl := flags.Duration("itl", 30*time.Millisecond, "inter-token latency, mean; 0 = no target")
	if err := flags.Parse(args); err != nil {
		return err
	}
	transformer, ok := model.LookupTransformer(*name)
	if !ok {
		return fmt.Errorf("-model %q: want one of %s", *name, strings.Join(names(), ", "))
	}
	r := request{transformer: transformer, rate: *rate, slo: model.SLO{TTFT: *ttft, ITL: *itl},
		input: model.TokenLengths{Mean: *input, CV: *cv}, output: model.TokenLengths{Mean: *output, CV: *cv}}
	candidates, err := r.table(out)
	if err != nil {
		return err
	}
	return r.cheapest(out, candidates)
}

func names() []string {
	var list []string
	for _, t := range model.Transformers() {
		list = append(list, t.Name)
	}
	return list
}

// table prints a line for each arrangement and returns those that can serve.
func (r request) table(out io.Writer) ([]optimizer.Candidate, error) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ACCELERATOR\tKV TOKENS\tRATE/REPLICA\tBOUND BY\tREPLICAS\tCOST/H\tCOST/M TOKENS")
	var candidates []optimizer.Candidate
	for _, a := range model.Accelerators() {
		price, priced := prices[a.Name]
		if !priced {
			continue
		}
		for _, devices := range []int{1, 2, 4, 8} {
			c, kv, err := r.size(a, devices, price*float64(devices))
			arrangement := fmt.Sprintf("%d×%s", devices, a.Name)
			switch {
			case errors.Is(err, model.ErrDoesNotFit):
				fmt.Fprintf(w, "%s\t-\t-\tmemory\t-\t-\t-\n", arrangement)
				continue
			case errors.Is(err, model.ErrInfeasible):
				fmt.Fprintf(w, "%s\t%d\t-\tSLO out of reach\t-\t-\t-\n", arrangement, kv)
				continue
			case err != nil:
				return nil, err
			}
			c.Name = arrangement
			replicas := int(r.rate/c.Rate) + 1
			cost := float64(replicas) * c.Cost
			fmt.Fprintf(w, "%s\t%d\t%.2f\t%s\t%d\t%.0f\t%.2f\n", arrangement, kv, c.Rate, c.Binding, replicas, cost, cost/(r.rate*r.output.Mean*3600/1e6))
			candidates = append(candidates, c)
		}
	}
	return candidates, w.Flush()
}

// size works out one arrangement.
func (r request) size(a model.Accelerator, devices int, cost float64) (optimizer.Candidate, int, error) {
	s, err := model.Roofline(r.transformer, a, devices, model.DefaultEfficiency(a))
	if err != nil {
		return optimizer.Candidate{}, s.KVCapacity, err
	}
	q, err := model.NewQueue(model.Server{Profile: s.Profile, MaxBatch: 256, KVCapacity: s.KVCapacity, MaxBatchedTokens: 8192}, r.input, r.output)
	if err != nil {
		return optimizer.Candidate{}, s.KVCapacity, err
	}
	c, err := q.MaxRate(r.slo)
	if err != nil {
		return optimizer.Candidate{}, s.KVCapacity, err
	}
	return optimizer.Candidate{Type: a.Type, Devices: devices, Cost: cost, Rate: c.Rate, Binding: string(c.Binding)}, s.KVCapacity, nil
}

// cheapest prints the cheapest mix of arrangements.
func (r request) cheapest(out io.Writer, candidates []optimizer.Candidate) error {
	if len(candidates) == 0 {
		fmt.Fprintln(out, "\nno arrangement meets the SLO")
		return nil
	}
	o := optimizer.DefaultOptions()
	o.Mixed = true
	plan, err := optimizer.Optimize(optimizer.Problem{
		Workloads: []optimizer.Workload{{Name: r.transformer.Name, Priority: 1, Rate: r.rate, Min: 1, Candidates: candidates}},
		Capacity:  optimizer.Capacity{Unlimited: true},
	}, o)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "\ncheapest: %s\n", plan.Workloads[0].Reason.Message)
	return err
}
