package main

import (
	"bytes"
	"io"
	"strings"
	"testing"
)

func TestRun(t *testing.T) {
	for _, tt := range []struct {
		args []string
		want []string
	}{
		{nil, []string{"1×A100", "8×MI300X", "cheapest: "}},
		{[]string{"-model", "Llama-3.1-70B"}, []string{"memory", "4×H100"}},
		{[]string{"-itl", "1ms"}, []string{"SLO out of reach", "no arrangement meets the SLO"}},
	} {
		var out bytes.Buffer
		if err := run(tt.args, &out, io.Discard); err != nil {
			t.Fatal(err)
		}
		for _, want := range tt.want {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%v: %s\nwant it to say %q", tt.args, out.String(), want)
			}
		}
	}
	for want, args := range map[string][]string{`-model "gpt"`: {"-model", "gpt"}, "input token lengths": {"-input", "-5"}, "rate -1": {"-rate", "-1"}} {
		if err := run(args, io.Discard, io.Discard); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: error = %v, want it to say %q", args, err, want)
		}
	}
}
