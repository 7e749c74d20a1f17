// Command size plans capacity: for a model, a load and an SLO it prints what each accelerator arrangement would take, and the cheapest mix.
//
//	go run ./examples/size -model Llama-3.1-70B -rate 20
//	go run ./examples/size -model Llama-3.1-8B -points measured.csv -unit-costs accelerator-unitcost.yaml -json
//
// It needs no benchmark: the performance comes from the model's architecture and the accelerator's data sheet. Where there is one, its points replace that.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
)

func main() {
	if err := run(os.Args[1:], os.Stdout, os.Stderr); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return
		}
		fmt.Fprintln(os.Stderr, "size:", err)
		os.Exit(1)
	}
}

func run(args []string, out, messages io.Writer) error {
	r, asJSON, err := parse(args, messages)
	if err != nil {
		return err
	}
	a, err := r.answer()
	if err != nil {
		return err
	}
	if asJSON {
		return a.writeJSON(out)
	}
	return a.writeTable(out)
}
