package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"

	"github.com/wva-go/wva"
	"github.com/wva-go/wva/adapters/manifest"
	"github.com/wva-go/wva/adapters/recording"
)

// scenario is what a decision is made of.
type scenario struct {
	snapshot wva.Snapshot
	history  wva.History
	policy   wva.Policy
	said     []string // what was changed
	notes    []string // what to know about it
}

// clone copies what changes may touch.
func (s scenario) clone() scenario {
	s.snapshot.Variants = slices.Clone(s.snapshot.Variants)
	s.snapshot.Inventory.Devices = slices.Clone(s.snapshot.Inventory.Devices)
	s.snapshot.Metrics.Replicas = slices.Clone(s.snapshot.Metrics.Replicas)
	s.snapshot.Metrics.Models = slices.Clone(s.snapshot.Metrics.Models)
	s.history.Models = slices.Clone(s.history.Models)
	for i := range s.history.Models {
		s.history.Models[i].Samples = slices.Clone(s.history.Models[i].Samples)
	}
	s.policy.UnitCosts = slices.Clone(s.policy.UnitCosts)
	s.policy.ServiceClasses = slices.Clone(s.policy.ServiceClasses)
	for i := range s.policy.ServiceClasses {
		s.policy.ServiceClasses[i].Models = slices.Clone(s.policy.ServiceClasses[i].Models)
	}
	return s
}

// load reads the cycle and its policy.
func load(name string, s settings, in io.Reader, messages io.Writer) (scenario, error) {
	var c scenario
	entry, err := readEntry(name, s.n, in, messages)
	if err != nil {
		return c, err
	}
	c.snapshot, c.history = entry.Snapshot, entry.History
	switch {
	case s.config != "":
		if c.policy, err = readPolicy(os.DirFS(s.config), s.mode); err != nil {
			return c, fmt.Errorf("-config %s: %w", s.config, err)
		}
	case name == "":
		c.policy, err = readPolicy(sampleFiles(), s.mode)
	default:
		c.policy = wva.DefaultPolicy()
		c.policy.Mode = modeOr(s.mode)
	}
	return c, err
}

func readPolicy(files fs.FS, mode string) (wva.Policy, error) {
	m, err := manifest.Load(files)
	m.Policy.Mode = modeOr(mode)
	return m.Policy, err
}

func modeOr(mode string) wva.Mode {
	if mode == "" {
		return wva.CapacityOnly
	}
	return wva.Mode(mode)
}

func sampleFiles() fs.FS {
	files, err := fs.Sub(sample, "testdata/sample")
	if err != nil {
		return sample
	}
	return files
}

// readEntry finds the entry that the name and n mean.
func readEntry(name string, n int, in io.Reader, messages io.Writer) (recording.Entry, error) {
	if name == "" {
		return choose(recording.Entries(sampleFiles()), n, messages)
	}
	if name != "-" {
		if info, err := os.Stat(name); err != nil {
			return recording.Entry{}, err
		} else if info.IsDir() {
			return choose(recording.Entries(os.DirFS(name)), n, messages)
		}
		file, err := os.Open(name)
		if err != nil {
			return recording.Entry{}, err
		}
		defer file.Close()
		in = file
	}
	if filepath.Ext(name) == ".jsonl" {
		return choose(recording.Read(name, in), n, messages)
	}
	entry, err := readSnapshot(name, in)
	if err == nil && n != 0 && n != 1 {
		err = fmt.Errorf("-n %d: there is one snapshot in %s", n, name)
	}
	return entry, err
}

// choose returns the nth entry, or the nth before the last. Lines that cannot be read are told of and passed over; no more entries are held than needed.
func choose(entries iter.Seq2[recording.Entry, error], n int, messages io.Writer) (recording.Entry, error) {
	var kept []recording.Entry
	count := 0
	var failed error
	for entry, err := range entries {
		if err != nil {
			fmt.Fprintf(messages, "whatif: passed over: %v\n", err)
			failed = err
			continue
		}
		count++
		if count == n {
			return entry, nil
		}
		if kept = append(kept, entry); len(kept) > 1-min(n, 0) {
			kept = slices.Delete(kept, 0, 1)
		}
	}
	switch {
	case count == 0 && failed != nil:
		return recording.Entry{}, fmt.Errorf("no entry could be read: %w", failed)
	case count == 0:
		return recording.Entry{}, errors.New("the recording is empty")
	case n > 0 || -n >= count:
		return recording.Entry{}, fmt.Errorf("-n %d: the recording has %d entries: want %d to %d", n, count, 1-count, count)
	}
	return kept[0], nil
}

// readSnapshot reads a Snapshot, or an entry of a recording laid out as one likes.
func readSnapshot(name string, in io.Reader) (recording.Entry, error) {
	var entry recording.Entry
	text, err := io.ReadAll(in)
	if err != nil {
		return entry, err
	}
	var top map[string]json.RawMessage
	if err := json.Unmarshal(text, &top); err != nil {
		return entry, fmt.Errorf("%s: no snapshot: %w", name, place(text, err))
	}
	if _, ok := top["snapshot"]; ok {
		var line bytes.Buffer
		if err := json.Compact(&line, text); err != nil {
			return entry, fmt.Errorf("%s: %w", name, err)
		}
		line.WriteByte('\n')
		for entry, err = range recording.Read(name, &line) {
			return entry, err
		}
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&entry.Snapshot); err != nil {
		return entry, fmt.Errorf("%s: no snapshot: %w", name, place(text, err))
	}
	return entry, nil
}

// place adds the line to an error of encoding/json that knows its offset.
func place(text []byte, err error) error {
	offset := int64(-1)
	if e, ok := errors.AsType[*json.SyntaxError](err); ok {
		offset = e.Offset
	}
	if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		offset = e.Offset
	}
	if offset < 0 || offset > int64(len(text)) {
		return err
	}
	return fmt.Errorf("line %d: %w", 1+bytes.Count(text[:offset], []byte("\n")), err)
}
