package recording

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/fstest"
	"testing/iotest"
	"time"

	"github.com/wva-go/wva"
)

const sound = `{"version":1,"snapshot":{"at":"2026-01-05T09:00:00Z","variants":null,"inventory":{"limit":"unlimited"},"metrics":{}}}`

// outcome renders what reading yields: the minute of an entry, or the error.
func outcome(entry Entry, err error) string {
	if err != nil {
		return err.Error()
	}
	return entry.Snapshot.At.Format("15:04")
}

func TestRead(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		want       []string
	}{
		{"nothing", "", nil},
		{"whole lines", sound + "\n" + sound + "\n", []string{"09:00", "09:00"}},
		{"no newline at the end, and whole all the same", sound + "\n" + sound, []string{"09:00", "09:00"}},
		{"torn", sound + "\n" + sound[:50], []string{"09:00", "recording: f:2: torn"}},
		{"torn by a machine that lost power", sound + "\n\x00\x00\x00", []string{"09:00", "recording: f:2: torn"}},
		{"garbage is passed over", "garbage\n" + sound + "\n", []string{"recording: f:1: no entry: invalid character 'g'", "09:00"}},
		{"an empty line", "\n" + sound + "\n", []string{"f:1: empty: want an entry", "09:00"}},
		{"two entries in a line", sound + sound + "\n", []string{"f:1: no entry: invalid character '{' after top-level value"}},
		{"a line of Windows", sound + "\r\n", []string{"09:00"}},
		{"a list", "[]\n", []string{"f:1: no entry: json: cannot unmarshal array"}},
		{"a newer format", `{"version":2,"snapshot":[]}` + "\n", []string{"f:1: version 2: not of format version 1: read it with a newer release"}},
		{"whole, but not of this format", `{"version":2,"snapshot":{}}`, []string{"version 2"}},
		{"no version", `{"snapshot":{}}` + "\n", []string{"f:1: version 0: not of format version 1: want \"version\":1"}},
		{"a negative version", `{"version":-1,"snapshot":{}}` + "\n", []string{"version -1"}},
		{"no snapshot", `{"version":1}` + "\n", []string{"f:1: no snapshot"}},
		{"a null snapshot", `{"version":1,"snapshot":null}` + "\n", []string{"f:1: no snapshot"}},
		{"no time", `{"version":1,"snapshot":{}}` + "\n", []string{"f:1: snapshot: at is not set"}},
		{"a field of another release", strings.Replace(sound, `"metrics"`, `"metric"`, 1) + "\n", []string{`f:1: json: unknown field "metric"`}},
		{"a huge number", strings.Replace(sound, `"metrics":{}`, `"metrics":{"replicas":[{"kvUsage":1e999}]}`, 1) + "\n", []string{"f:1: json: cannot unmarshal number 1e999"}},
		{"a number for a name", strings.Replace(sound, `"metrics":{}`, `"metrics":{"replicas":[{"replica":7}]}`, 1) + "\n", []string{"f:1: json: cannot unmarshal number"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for entry, err := range Read("f", strings.NewReader(tt.text)) {
				got = append(got, outcome(entry, err))
			}
			if len(got) != len(tt.want) {
				t.Fatalf("read %q, want %q", got, tt.want)
			}
			for i := range got {
				if !strings.Contains(got[i], tt.want[i]) {
					t.Errorf("line %d: %q, want %q", i+1, got[i], tt.want[i])
				}
			}
		})
	}
}

// Lines beyond the limit are passed over without being held in memory: the first one has 256 MiB.
func TestReadPassesOverLongLines(t *testing.T) {
	const limit = 1 << 10
	endless := io.LimitReader(zeros{}, 1<<28)
	var got []string
	for entry, err := range read("f", io.MultiReader(endless, strings.NewReader("\n"+sound+"\n"), io.LimitReader(zeros{}, limit+1)), limit) {
		if err != nil && !errors.Is(err, ErrLong) {
			t.Errorf("error = %v", err)
		}
		got = append(got, outcome(entry, err))
	}
	if len(got) != 3 || got[1] != "09:00" {
		t.Errorf("read %q, want the entry between two lines that are too long", got)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

func TestReadStopsWhereTheDiskFails(t *testing.T) {
	broken := errors.New("input/output error")
	var got []string
	for entry, err := range Read("f", io.MultiReader(strings.NewReader(sound+"\n"+sound[:9]), iotest.ErrReader(broken))) {
		var of *LineError
		if err != nil && (!errors.Is(err, broken) || !errors.As(err, &of) || of.Line != 2) {
			t.Errorf("error = %v, want line 2 and the cause", err)
		}
		got = append(got, outcome(entry, err))
	}
	if len(got) != 2 {
		t.Errorf("read %q, want an entry and an error", got)
	}
}

// Files come in the order of their numbers, whatever else lies in the directory, and a bad one does not hide the others.
func TestEntries(t *testing.T) {
	minute := func(m string) *fstest.MapFile {
		return &fstest.MapFile{Data: []byte(strings.Replace(sound, "09:00", "09:"+m, 1) + "\n")}
	}
	fsys := fstest.MapFS{
		"snapshots-000009.jsonl": minute("09"), "snapshots-000010.jsonl": minute("10"), "snapshots-1000000.jsonl": minute("12"),
		"snapshots-000011.jsonl": {Data: []byte(sound[:40])},
		"snapshots-9.jsonl":      {Data: []byte("not ours")}, "snapshots-.jsonl": {}, "notes.txt": {}, "snapshots-0000010.jsonl": {}, "other-000001.jsonl": {},
	}
	var got []string
	for entry, err := range Entries(fsys) {
		got = append(got, outcome(entry, err))
	}
	if want := "09:09 09:10 recording: snapshots-000011.jsonl:1: torn: its write did not finish 09:12"; strings.Join(got, " ") != want {
		t.Errorf("read  %q\nwant %q", strings.Join(got, " "), want)
	}
	for range Entries(fsys) {
		break // a consumer may have enough
	}
	for _, empty := range []fstest.MapFS{{}, {"notes.txt": {}}} {
		for _, err := range Entries(empty) {
			if err == nil || !strings.Contains(err.Error(), "want files called snapshots-000001.jsonl") {
				t.Errorf("error = %v", err)
			}
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(sound + "\n" + sound))
	f.Add([]byte(`{"version":2}` + "\n\n" + `{"version":1,"snapshot":{"at":"0001-01-01T00:00:00Z"}}`))
	entry := Entry{Snapshot: wva.Snapshot{At: time.Unix(1, 0), Variants: []wva.Variant{{ID: wva.ID{Name: "a"}, Labels: map[string]string{"\xff\n": "\u2028"}}}}}
	text, err := encode(entry)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Fuzz(func(t *testing.T, text []byte) {
		lines := 0
		for entry, err := range read("f", strings.NewReader(string(text)), 4096) {
			lines++
			if err != nil {
				var of *LineError
				if !errors.As(err, &of) || of.Line != lines {
					t.Fatalf("item %d: %v does not say so", lines, err)
				}
				continue
			}
			// What was read can be written, and reads as the same again.
			again, err := encode(entry)
			if err != nil {
				t.Fatalf("%+v cannot be written: %v", entry, err)
			}
			for second, err := range read("f", strings.NewReader(string(again)), 1<<20) {
				if err != nil {
					t.Fatalf("%s: %v", again, err)
				}
				if third, _ := encode(second); string(third) != string(again) {
					t.Fatalf("%s\nbecame\n%s", again, third)
				}
			}
		}
		if most := strings.Count(string(text), "\n") + 1; lines > most {
			t.Fatalf("%d items of %d lines", lines, most)
		}
	})
}
