package trace

import (
	"errors"
	"io"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/wva-go/wva/adapters/simulator"
)

// text opens a string as often as one likes.
func text(s string) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(s)), nil }
}

// collect plays a load to its end, or to so many requests.
func collect(s Source, most int) ([]simulator.Request, error) {
	var all []simulator.Request
	for r, err := range s.Requests() {
		if err != nil {
			return all, err
		}
		if all = append(all, r); len(all) == most {
			break
		}
	}
	return all, nil
}

const azure = "TIMESTAMP,ContextTokens,GeneratedTokens\r\n" +
	"2023-11-16 18:17:03.9799600,4808,10\r\n2023-11-16 18:17:04.0319600,3180,8\r\n2023-11-16 18:18:03.9799600,110,27\r\n"

func TestRequests(t *testing.T) {
	for _, tt := range []struct {
		name, text string
	}{
		{"2023", azure},
		{"2024, with a time zone", strings.ReplaceAll(strings.ReplaceAll(azure, "600,", "600+00:00,"), "\r", "")},
		{"RFC 3339, byte order mark, spaces and empty lines", "\ufeff" + strings.ReplaceAll(strings.ReplaceAll(azure, "600,", "600Z, "), "16 1", "16T1") + "\n\n"},
	} {
		source, err := Read("trace.csv", text(tt.text), DefaultOptions())
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		got, err := collect(source, -1)
		want := []simulator.Request{{At: 0, Input: 4808, Output: 10}, {At: 0.052, Input: 3180, Output: 8}, {At: 60, Input: 110, Output: 27}}
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %v, %v; want %v", tt.name, got, err, want)
		}
	}
}

func TestSpeed(t *testing.T) {
	source, err := Read("trace.csv", text(azure), Options{Scale: 1, Speed: 4})
	if err != nil {
		t.Fatal(err)
	}
	got, err := collect(source, -1)
	if err != nil || got[2].At != 15 {
		t.Errorf("at four times the speed: %v, %v", got, err)
	}
}

// Every way in which a file can be wrong is named with its line, and says what to mend.
func TestRefuses(t *testing.T) {
	const head = "TIMESTAMP,ContextTokens,GeneratedTokens\n"
	const at = "2023-11-16 18:17:03,"
	for _, tt := range []struct{ name, text, want string }{
		{"empty", "", "f.csv: empty"},
		{"only empty lines", "\n\n", "f.csv: empty"},
		{"no columns", "1,2,3\n", "f.csv:1: want the columns TIMESTAMP"},
		{"no line", head, "f.csv has no request"},
		{"bad time", head + at + "1,2\nyesterday,1,2\n", `f.csv:3: timestamp "yesterday": want a time as 2023`},
		{"negative prompt", head + at + "-5,2\n", `f.csv:2: ContextTokens "-5": want a whole number from 0`},
		{"negative answer", head + at + "5,-2\n", `f.csv:2: GeneratedTokens "-2"`},
		{"fraction", head + at + "5,2.5\n", `f.csv:2: GeneratedTokens "2.5"`},
		{"huge", head + at + "5,99999999999999999999\n", `f.csv:2: GeneratedTokens "99999999999999999999"`},
		{"missing column", head + at + "5\n", "f.csv:2: 2 values: want a timestamp"},
		{"unsorted", head + at + "1,2\n2023-11-16 18:17:02,1,2\n", "f.csv:3: timestamp 2023-11-16 18:17:02 is before the 2023-11-16 18:17:03 of an earlier line: sort"},
		{"a year later", head + at + "1,2\n2025-11-16 18:17:02,1,2\n", "f.csv:3: timestamp 2025-11-16 18:17:02: more than a year"},
		{"long line", head + strings.Repeat("9", 5000), "f.csv:2: more than 4096 bytes in one line"},
		{"too many intervals", head + at + "1,2\n2024-01-16 18:17:02,1,2\n", "more than 45000 intervals"},
		{"curve: no line", "time,rate\n", "f.csv: no line of numbers"},
		{"curve: bad time", "time,rate\nnoon,2\n", `f.csv:2: time "noon": want seconds, a duration`},
		{"curve: negative time", "time,rate\n-1,2\n", `f.csv:2: time "-1"`},
		{"curve: negative rate", "time,rate\n0,-2\n", `f.csv:2: rate "-2": want a number from 0 to 100000`},
		{"curve: no number", "time,rate\n0,NaN\n", `f.csv:2: rate "NaN"`},
		{"curve: infinite", "time,rate\n0,Inf\n", `f.csv:2: rate "Inf"`},
		{"curve: huge rate", "time,rate\n0,1e9\n", `f.csv:2: rate "1e9": want a number from 0 to 100000`},
		{"curve: unsorted", "time,rate\n60,2\n30,3\n", "f.csv:3: time 30 is not after"},
		{"curve: twice", "time,rate\n60,2\n60,3\n", "f.csv:3: time 60 is not after"},
		{"curve: short answers", "time,rate,input,output\n0,2,100,0.5\n", `f.csv:2: output "0.5": want a number from 1`},
		{"curve: columns", "time,rate\n0,2,3,4,5\n", "f.csv:2: 5 values"},
		{"curve: no load", "time,rate\n0,0\n60,0\n", "f.csv has no request"},
	} {
		source, err := Read("f.csv", text(tt.text), DefaultOptions())
		if err == nil {
			_, err = Take(t.Context(), source, time.Minute, nil)
		}
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v; want it to say %q", tt.name, err, tt.want)
		}
	}
	for _, o := range []Options{{Scale: 0, Speed: 1}, {Scale: -1, Speed: 1}, {Scale: 1, Speed: math.NaN()}, {Scale: math.Inf(1), Speed: 1}} {
		if _, err := Read("f.csv", text(azure), o); err == nil || !strings.Contains(err.Error(), "want a number above 0") {
			t.Errorf("%+v: %v", o, err)
		}
	}
	if _, err := Open("no-such-file.csv", DefaultOptions()); err == nil || !strings.Contains(err.Error(), "no-such-file.csv") {
		t.Errorf("a file that is not there: %v", err)
	}
}

// failing breaks off with an error.
type failing struct{ io.Reader }

func (f failing) Read(p []byte) (int, error) {
	n, err := f.Reader.Read(p)
	if errors.Is(err, io.EOF) {
		err = errors.New("the disk is gone")
	}
	return n, err
}

func TestReadError(t *testing.T) {
	source, err := Read("f.csv", func() (io.ReadCloser, error) { return io.NopCloser(failing{strings.NewReader(azure)}), nil }, DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	if got, err := collect(source, -1); len(got) != 3 || err == nil || !strings.Contains(err.Error(), "f.csv:5: the disk is gone") {
		t.Errorf("%d requests, %v", len(got), err)
	}
}

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

func TestCurve(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		until      float64
	}{
		{"seconds", "time,rate\n0,10\n600,0\n1200,20\n", 1800},
		{"durations", "time,rate,input,output\n0s,10,100,50\n10m,0,100,50\n20m,20,100,50\n", 1800},
		{"timestamps", "time,rate\n2026-01-05 10:00:00,10\n2026-01-05 10:10:00,0\n2026-01-05 10:20:00,20\n", 1800},
	} {
		source, err := Read("curve.csv", text(tt.text), Options{Scale: 2, Speed: 1, Seed: 3})
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		s, err := Take(t.Context(), source, 10*time.Minute, nil)
		if err != nil || len(s.Slots) != 3 {
			t.Fatalf("%s: %d intervals, %v", tt.name, len(s.Slots), err)
		}
		for i, want := range []float64{20, 0, 40} {
			if got := s.Rate(i); math.Abs(got-want) > 4*math.Sqrt(want/600) {
				t.Errorf("%s: %g requests/s in the interval %d, want about %g", tt.name, got, i, want)
			}
		}
		mean := map[bool]float64{true: 100, false: 512}[tt.name == "durations"]
		if got := s.Slots[0].Input(); math.Abs(got.Mean/mean-1) > 0.05 || math.Abs(got.CV-1) > 0.1 {
			t.Errorf("%s: prompts of %+v tokens, want %g", tt.name, got, mean)
		}
	}
}

// The day has the loads that it says, and is the same each time.
func TestDay(t *testing.T) {
	day, err := Day(Options{Scale: 0.1, Speed: 1, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	one, err := Take(t.Context(), day, time.Hour, nil)
	if err != nil {
		t.Fatal(err)
	}
	two, _ := Take(t.Context(), day, time.Hour, nil)
	if !slices.Equal(one.Slots, two.Slots) || len(one.Slots) != 24 {
		t.Errorf("%d hours, %d requests and then %d", len(one.Slots), one.Requests, two.Requests)
	}
	if night, noon := one.Rate(4), one.Rate(15); night > 1 || noon < 2 {
		t.Errorf("%g requests/s at night and %g at noon", night, noon)
	}
	if _, err := Day(Options{Scale: 1e5, Speed: 1}); err == nil || !strings.Contains(err.Error(), "want at most") {
		t.Errorf("a day of too many requests: %v", err)
	}
}

// Whatever the scale, requests come in order, in the number that the scale says, and the first of each at its own time.
func TestCopies(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		gaps := rapid.SliceOfN(rapid.Float64Range(0, 5), 1, 200).Draw(t, "gaps")
		o := Options{Scale: rapid.Float64Range(0.1, 12).Draw(t, "scale"), Speed: rapid.Float64Range(0.5, 4).Draw(t, "speed"), Seed: rapid.Uint64().Draw(t, "seed")}
		requests := func(yield func(simulator.Request, error) bool) {
			at := 0.0
			for i, gap := range gaps {
				if at += gap; !yield(simulator.Request{At: at, Input: i}, nil) {
					return
				}
			}
		}
		counts := make([]int, len(gaps))
		last := 0.0
		for r, err := range copies(requests, o) {
			if err != nil || r.At < last {
				t.Fatalf("%v after %g: %v", r, last, err)
			}
			last = r.At
			counts[r.Input]++
		}
		for i, n := range counts {
			if o.Scale != 1 && (n < int(o.Scale) || n > int(o.Scale)+1) {
				t.Fatalf("request %d comes %d times at a scale of %g", i, n, o.Scale)
			}
		}
	})
}

// Whatever a file says, it is refused by name, or gives requests in order of time.
func FuzzRead(f *testing.F) {
	f.Add(azure, 1.0)
	f.Add("time,rate,input,output\n0,10,5,5\n60,0\n2m,3\n", 2.5)
	f.Add("time,rate\n2026-01-05 10:00:00,1e5\n2026-01-05 10:00:01,NaN\n", 0.5)
	f.Add("TIMESTAMP,ContextTokens,GeneratedTokens\n\"2023-11-16 18:17:03\",1,1\n", 1.0)
	f.Add("\ufeffTime , rate\n\x00,\n", 1e9)
	f.Fuzz(func(t *testing.T, s string, scale float64) {
		source, err := Read("f.csv", text(s), Options{Scale: scale, Speed: 1, Seed: 1})
		if err == nil {
			var all []simulator.Request
			all, err = collect(source, 1000)
			last := 0.0
			for _, r := range all {
				if !(r.At >= last) || math.IsInf(r.At, 0) || r.Input < 0 || r.Output < 0 {
					t.Fatalf("request %+v after %g", r, last)
				}
				last = r.At
			}
		}
		if err != nil && !strings.Contains(err.Error(), "f.csv") && !strings.Contains(err.Error(), "scale") {
			t.Fatalf("the error names neither file nor option: %v", err)
		}
	})
}
