// Command quickstart shows wva's main job from end to end: it reads the configuration guide's documents and three variants of a
// model from YAML files, reads what their vLLM servers say on /metrics, and decides every minute how many replicas of
// each to run while the load rises and falls.
//
// The servers are simulated, so it needs no network and no accelerator and ends in seconds; everything else is what a controller
// would run.
package main

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"time"

	"github.com/wva-go/wva"
	"github.com/wva-go/wva/adapters/manifest"
)

//go:embed fleet
var fleet embed.FS

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return
		}
		fmt.Fprintln(os.Stderr, "quickstart:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out, messages io.Writer) error {
	flags := flag.NewFlagSet("quickstart", flag.ContinueOnError)
	flags.SetOutput(messages)
	dir := flags.String("dir", "", "directory of YAML files, and optionally a load.csv, to read in place of the built-in ones")
	format := flags.String("o", "table", "output: table or json (one report a line)")
	steps := flags.Int("steps", 24, "number of decisions to take")
	interval := flags.Duration("interval", time.Minute, "simulated time between decisions")
	if err := flags.Parse(args); err != nil {
		return err
	}
	switch {
	case flags.NArg() > 0:
		return fmt.Errorf("unexpected argument %q: see -help", flags.Arg(0))
	case *format != "table" && *format != "json":
		return fmt.Errorf("-o %q: want table or json", *format)
	case *steps < 1:
		return fmt.Errorf("-steps %d: want at least 1", *steps)
	case *interval <= 0:
		return fmt.Errorf("-interval %v: want a positive duration", *interval)
	}
	files, err := source(*dir)
	if err != nil {
		return err
	}
	m, err := manifest.Load(files)
	if err != nil {
		return fmt.Errorf("-dir %s: %w", *dir, err)
	}
	rates, err := readLoad(files)
	if err != nil {
		return err
	}
	cluster, err := simulate(m.Fleet, rates)
	if err != nil {
		return err
	}
	defer cluster.Close()
	autoscaler, err := wva.NewAutoscaler(cluster, pages{cluster}, cluster, m.Policy)
	if err != nil {
		return err
	}
	autoscaler.Clock = cluster.Now
	show := printTable
	if *format == "json" {
		show = printJSON
	}
	for range *steps {
		cluster.Advance(*interval)
		report, err := autoscaler.Step(ctx)
		if err != nil {
			return err
		}
		if err := show(out, report, rates.at(report.At.Sub(start))); err != nil {
			return err
		}
	}
	return nil
}

// source is the directory that the user named, or the one that came with the program.
func source(dir string) (fs.FS, error) {
	if dir == "" {
		return fs.Sub(fleet, "fleet")
	}
	if info, err := os.Stat(dir); err != nil {
		return nil, fmt.Errorf("-dir: %w", err)
	} else if !info.IsDir() {
		return nil, fmt.Errorf("-dir %s: not a directory", dir)
	}
	return os.DirFS(dir), nil
}

func printJSON(out io.Writer, report wva.Report, _ float64) error {
	return json.NewEncoder(out).Encode(report)
}
