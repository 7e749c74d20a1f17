// Command whatif decides a stored cycle again with something changed, and prints both decisions and what the difference costs.
//
//	go run ./examples/whatif -mode HYBRID -inventory H100=-1
//	go run ./examples/whatif -mode HYBRID -load 2 -config DIR /var/lib/wva
//
// The cycle is the last one of a recording (see adapters/recording), one chosen by -n, or a Snapshot as JSON; without an argument it is a sample that comes with the
// program, of two models on three accelerators. The policy is read from a directory of the guide's documents.
package main

import (
	"embed"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/wva-go/wva"
)

//go:embed testdata/sample
var sample embed.FS

func main() {
	if err := run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return
		}
		fmt.Fprintln(os.Stderr, "whatif:", err)
		os.Exit(1)
	}
}

const usage = `usage: whatif [flags] [recording directory | recording.jsonl | snapshot.json | -]

Decides a stored cycle as it is and as the flags change it, and prints both. Each change may be given several times.

`

// settings are what the command line says.
type settings struct {
	n            int
	config, then string
	mode         string
	thenMode     string
	format       string
	changes      []change
}

func run(args []string, in io.Reader, out, messages io.Writer) error {
	var s settings
	flags := flag.NewFlagSet("whatif", flag.ContinueOnError)
	flags.SetOutput(messages)
	flags.Usage = func() {
		fmt.Fprint(messages, usage)
		flags.PrintDefaults()
	}
	flags.IntVar(&s.n, "n", 0, "which entry of a recording: 1 is the first, -1 the last but one, 0 the last")
	flags.StringVar(&s.config, "config", "", "`directory` of the guide's YAML documents that make the policy; default: WVA's defaults, or the sample's own")
	flags.StringVar(&s.mode, "mode", "", "`mode`: CAPACITY-ONLY (default), HYBRID or MODEL-ONLY")
	flags.StringVar(&s.format, "o", "table", "output: table or json")
	flags.StringVar(&s.then, "then", "", "`directory` of the documents that make the changed policy")
	flags.StringVar(&s.thenMode, "then-mode", "", "`mode` of the changed policy")
	for _, k := range kinds {
		flags.Func(k.flag, k.usage, func(text string) error {
			c, err := k.parse(text)
			s.changes = append(s.changes, c)
			return err
		})
	}
	if err := flags.Parse(args); err != nil {
		return err
	}
	switch {
	case flags.NArg() > 1:
		return fmt.Errorf("unexpected argument %q: want one recording or snapshot: see -help", flags.Arg(1))
	case s.format != "table" && s.format != "json":
		return fmt.Errorf("-o %q: want table or json", s.format)
	}
	before, err := load(flags.Arg(0), s, in, messages)
	if err != nil {
		return err
	}
	after, err := s.change(before)
	if err != nil {
		return err
	}
	result, err := compare(before, after)
	if err != nil {
		return err
	}
	if s.format == "json" {
		return result.writeJSON(out)
	}
	return result.writeTable(out)
}

// change returns the case with everything changed that the settings ask for.
func (s settings) change(before scenario) (scenario, error) {
	after := before.clone()
	if s.then != "" {
		policy, err := readPolicy(os.DirFS(s.then), string(before.policy.Mode))
		if err != nil {
			return after, fmt.Errorf("-then %s: %w", s.then, err)
		}
		after.policy = policy
		after.said = append(after.said, "policy of "+s.then)
	}
	if s.thenMode != "" {
		after.policy.Mode = wva.Mode(s.thenMode)
		after.said = append(after.said, "mode "+s.thenMode)
	}
	var errs []error
	for _, c := range s.changes {
		errs = append(errs, c.apply(&after))
		after.said = append(after.said, c.text)
	}
	if len(after.said) == 0 {
		errs = append(errs, errors.New("nothing is changed: say what, such as -load 2, -inventory H100=-1 or -ttft Premium=300ms: see -help"))
	}
	return after, errors.Join(errs...)
}
