package main

import (
	"fmt"
	"io"
	"os"
	"sync"
)

// progress shows on a terminal how far the policies are, all together; done takes the line away. Elsewhere nothing is shown.
func progress(w io.Writer, policies int) (show func(policy string, step, steps int), done func()) {
	if !isTerminal(w) {
		return nil, func() {}
	}
	var mu sync.Mutex
	parts := map[string]float64{}
	last := -1
	show = func(policy string, step, steps int) {
		mu.Lock()
		defer mu.Unlock()
		parts[policy] = float64(step) / float64(steps)
		sum, finished := 0.0, 0
		for _, part := range parts {
			sum += part
			if part >= 1 {
				finished++
			}
		}
		if percent := int(100 * sum / float64(policies)); percent != last {
			last = percent
			fmt.Fprintf(w, "\r\033[K%3d%%  %d of %d policies done", percent, finished, policies)
		}
	}
	return show, func() {
		mu.Lock()
		defer mu.Unlock()
		fmt.Fprint(w, "\r\033[K")
	}
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0 && f.Name() != os.DevNull
}
