// Command replay shows what wva would have done with your traffic: it plays a load against simulated fleets, one for each policy, and compares what the requests
// met and what it cost. It writes a report for a browser, and the same as JSON and CSV.
//
//	go run ./examples/replay                                  # a made-up day
//	go run ./examples/replay -trace trace.csv -scale 10       # a trace of requests, ten times over
//	go run ./examples/replay -trace rates.csv -fleet my-fleet # a curve of rates on a fleet of one's own
//
// Traces of requests are in the format of the Azure LLM inference traces (github.com/Azure/AzurePublicDataset): TIMESTAMP,ContextTokens,GeneratedTokens.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"strings"
	"syscall"

	"github.com/wva-go/wva/examples/replay/internal/contest"
	"github.com/wva-go/wva/examples/replay/internal/report"
	"github.com/wva-go/wva/examples/replay/internal/trace"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	switch {
	case err == nil || errors.Is(err, flag.ErrHelp):
		return
	case errors.Is(err, context.Canceled):
		fmt.Fprintln(os.Stderr, "replay: interrupted; no file is left half written")
		os.Exit(130)
	}
	fmt.Fprintln(os.Stderr, "replay:", err)
	os.Exit(1)
}

func run(ctx context.Context, args []string, out, messages io.Writer) error {
	s, err := parse(args, messages)
	if err != nil {
		return err
	}
	for _, path := range []string{s.html, s.json, s.csv} {
		if path == "" {
			continue
		}
		if err := writable(path); err != nil {
			return err
		}
	}
	load, err := s.load()
	if err != nil {
		return err
	}
	variants, policy, err := s.fleetAndPolicy()
	if err != nil {
		return err
	}
	c, err := contest.New(ctx, variants, policy, load, s.interval)
	if err != nil {
		return err
	}
	show, done := progress(messages, len(s.policies))
	runs, err := c.PlayAll(ctx, s.policies, show)
	done()
	if err != nil {
		return err
	}
	r := report.New(c, runs, command(args))
	return s.write(ctx, r, out)
}

// bare are arguments that a shell takes as they are.
var bare = regexp.MustCompile(`^[\w@%+=:,./-]+$`)

// command is what to type for the same report.
func command(args []string) string {
	words := []string{"go run ./examples/replay"}
	for _, arg := range args {
		if !bare.MatchString(arg) {
			arg = "'" + strings.ReplaceAll(arg, "'", `'\''`) + "'"
		}
		words = append(words, arg)
	}
	return strings.Join(words, " ")
}

// load opens the load that was asked for.
func (s settings) load() (trace.Source, error) {
	if s.trace == "" {
		return trace.Day(s.options)
	}
	return trace.Open(s.trace, s.options)
}

// write writes what was asked for, the files one by one, each whole or not at all.
func (s settings) write(ctx context.Context, r report.Report, out io.Writer) error {
	for _, f := range []struct {
		path  string
		write func(io.Writer) error
	}{{s.html, r.HTML}, {s.json, r.JSON}, {s.csv, r.CSV}} {
		if f.path == "" {
			continue
		}
		if err := replaceFile(ctx, f.path, f.write); err != nil {
			return err
		}
	}
	if s.markdown {
		return r.Markdown(out)
	}
	if err := r.Table(out); err != nil {
		return err
	}
	if s.html == "" {
		return nil
	}
	_, err := fmt.Fprintf(out, "\n%s has the whole story.\n", s.html)
	return err
}
