package trace

import (
	"io"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/wva-go/wva/adapters/simulator"
)

// endless repeats a line, up to so many bytes.
type endless struct {
	line       string
	at, remain int
}

func (e *endless) Read(p []byte) (int, error) {
	if e.remain <= 0 {
		return 0, io.EOF
	}
	n := 0
	for n < min(len(p), e.remain) {
		k := copy(p[n:min(len(p), e.remain)], e.line[e.at:])
		n, e.at = n+k, (e.at+k)%len(e.line)
	}
	e.remain -= n
	return n, nil
}

// A gigabyte streams through in the memory of a few lines; further columns are ignored. So does a gigabyte that is all one line, to its refusal.
func TestGigabyte(t *testing.T) {
	size := 1 << 30
	if testing.Short() {
		size = 1 << 25
	}
	for _, tt := range []struct {
		name, line string
		refused    bool
	}{
		{"lines", "2023-11-16 18:17:03.9799600,4808,10," + strings.Repeat("x", 963) + "\n", false},
		{"one line", "9", true},
	} {
		open := func() (io.ReadCloser, error) {
			return io.NopCloser(io.MultiReader(strings.NewReader("TIMESTAMP,ContextTokens,GeneratedTokens\n"), &endless{line: tt.line, remain: size / len(tt.line) * len(tt.line)})), nil
		}
		source, err := Read("big.csv", open, DefaultOptions())
		if err != nil {
			t.Fatal(err)
		}
		var before, now runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		most, n := uint64(0), 0
		survey, err := Take(t.Context(), source, time.Minute, func(simulator.Request) {
			if n++; n%100_000 == 0 {
				runtime.ReadMemStats(&now)
				most = max(most, now.HeapAlloc)
			}
		})
		if tt.refused {
			if err == nil || !strings.Contains(err.Error(), "big.csv:2: more than 4096 bytes") {
				t.Errorf("%s: %v", tt.name, err)
			}
			continue
		}
		if err != nil || survey.Requests != size/len(tt.line) {
			t.Fatalf("%s: %d requests, %v", tt.name, survey.Requests, err)
		}
		if most > before.HeapAlloc+32<<20 {
			t.Errorf("%s: the heap grew from %d to %d MiB", tt.name, before.HeapAlloc>>20, most>>20)
		}
	}
}
