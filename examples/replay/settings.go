package main

import (
	"flag"
	"fmt"
	"io"
	"time"

	"github.com/wva-go/wva/examples/replay/internal/contest"
	"github.com/wva-go/wva/examples/replay/internal/trace"
)

// settings are what the command line says.
type settings struct {
	trace, fleet    string
	transformer     string
	options         trace.Options
	interval        time.Duration
	startup         time.Duration
	most            int
	ttft, itl       time.Duration
	quantile        float64
	policies        []contest.Policy
	html, json, csv string
	markdown        bool
}

const usage = `Usage: go run ./examples/replay [flags]

Plays a load against simulated fleets, one for each policy, and compares what the requests met and what it cost.

The load is a made-up day, or with -trace a CSV file, told apart by its first line:

  TIMESTAMP,ContextTokens,GeneratedTokens   single requests, as in the Azure LLM inference traces
  time,rate[,input[,output]]                requests per second from a time on, and mean tokens of prompts and answers

The fleet is two variants of Llama-3.1-70B on four A100 and four H100 a replica, or with -fleet a directory of YAML files in the formats of the
configuration guide: VariantAutoscaling resources, their Deployments and the ConfigMaps. A variant without a modelProfile takes its performance from
the architecture of its model and the data sheet of its accelerator. Every model of the fleet is sent the whole load.

Flags:
`

func parse(args []string, messages io.Writer) (settings, error) {
	s := settings{options: trace.DefaultOptions()}
	flags := flag.NewFlagSet("replay", flag.ContinueOnError)
	flags.SetOutput(messages)
	flags.Usage = func() {
		fmt.Fprint(messages, usage)
		flags.PrintDefaults()
	}
	flags.StringVar(&s.trace, "trace", "", "`file` with the load; a made-up day where there is none")
	flags.Float64Var(&s.options.Scale, "scale", 1, "`times` as many requests: copies within ten seconds of each, or higher rates")
	flags.Float64Var(&s.options.Speed, "speed", 1, "`times` as fast: higher rates for a shorter time")
	flags.Uint64Var(&s.options.Seed, "seed", 1, "`number` that everything random is drawn from")
	flags.StringVar(&s.fleet, "fleet", "", "`directory` of YAML files; a built-in fleet where there is none")
	flags.StringVar(&s.transformer, "architecture", "", "`name` of the model whose architecture variants without a modelProfile have; by their modelID where it is empty")
	flags.DurationVar(&s.interval, "interval", time.Minute, "simulated `time` between decisions")
	flags.DurationVar(&s.startup, "startup", 2*time.Minute, "`time` that a new replica takes until it serves, where the fleet does not say")
	flags.IntVar(&s.most, "max", 40, "replicas that no variant exceeds, where the fleet does not say")
	flags.DurationVar(&s.ttft, "ttft", 0, "`time` to the first token that is promised, in place of the service class's")
	flags.DurationVar(&s.itl, "itl", 0, "`time` between tokens that is promised, in place of the service class's")
	flags.Float64Var(&s.quantile, "quantile", 0.95, "`part` of the requests for which the promises hold; 0 = they are about the mean")
	policies := flags.String("policies", "all", "`names` of the policies to compare, separated by commas")
	flags.StringVar(&s.html, "html", "replay.html", "`file` for the report; empty = none")
	flags.StringVar(&s.json, "json", "", "`file` for the report as JSON")
	flags.StringVar(&s.csv, "csv", "", "`file` for every interval and decision as CSV")
	flags.BoolVar(&s.markdown, "markdown", false, "print the table of policies as Markdown")
	if err := flags.Parse(args); err != nil {
		return s, err
	}
	if flags.NArg() > 0 {
		return s, fmt.Errorf("unexpected argument %q: see -help", flags.Arg(0))
	}
	var err error
	if s.policies, err = contest.ParsePolicies(*policies); err != nil {
		return s, fmt.Errorf("-policies: %w", err)
	}
	return s, s.validate()
}

func (s settings) validate() error {
	switch {
	case s.interval < time.Second || s.interval > time.Hour:
		return fmt.Errorf("-interval %v: want 1s to 1h", s.interval)
	case s.startup < 0 || s.startup > time.Hour:
		return fmt.Errorf("-startup %v: want 0s to 1h", s.startup)
	case s.most < 1 || s.most > 10_000:
		return fmt.Errorf("-max %d: want 1 to 10000", s.most)
	case s.ttft < 0:
		return fmt.Errorf("-ttft %v: want a positive duration", s.ttft)
	case s.itl < 0:
		return fmt.Errorf("-itl %v: want a positive duration", s.itl)
	case !(s.quantile >= 0 && s.quantile < 1):
		return fmt.Errorf("-quantile %v: want 0 for the mean, or a number below 1", s.quantile)
	}
	if err := s.options.Validate(); err != nil {
		return fmt.Errorf("-%w", err) // it begins with the name
	}
	return nil
}
