package recording

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/wva-go/wva"
)

// Entry is one line of a recording: what a step decided on.
type Entry struct {
	Snapshot wva.Snapshot `json:"snapshot"`
	// History is what the steps before it had left behind.
	History wva.History `json:"history,omitzero"`
}

// version is that of the format. It goes up when a reader of the one before would misread a line.
const version = 1

// maxLine bounds a line, in bytes: a hundred thousand replicas fit. A longer one is never written, and not read into memory either.
const maxLine = 64 << 20

// line is an Entry as it is stored.
type line struct {
	Version int `json:"version"`
	Entry
}

// encode returns the line of an entry, its newline included.
func encode(e Entry) ([]byte, error) {
	text, err := json.Marshal(line{version, e})
	if err != nil {
		return nil, err
	}
	if len(text) >= maxLine {
		return nil, fmt.Errorf("%w: %d bytes", ErrLong, len(text))
	}
	return append(text, '\n'), nil
}

// What may be wrong with a line, beside being no JSON.
var (
	ErrTorn    = errors.New("torn: its write did not finish")
	ErrLong    = fmt.Errorf("longer than %d MiB", maxLine>>20)
	ErrVersion = fmt.Errorf("not of format version %d", version)
)

// decode reads a line without its newline.
func decode(text []byte) (Entry, error) {
	var format struct {
		Version  int              `json:"version"`
		Snapshot *json.RawMessage `json:"snapshot"`
	}
	switch err := json.Unmarshal(text, &format); {
	case len(bytes.TrimSpace(text)) == 0:
		return Entry{}, errors.New("empty: want an entry")
	case err != nil:
		return Entry{}, fmt.Errorf("no entry: %w", err)
	case format.Version > version:
		return Entry{}, fmt.Errorf("version %d: %w: read it with a newer release of wva", format.Version, ErrVersion)
	case format.Version != version:
		return Entry{}, fmt.Errorf("version %d: %w: want \"version\":%[3]d, as a Recorder writes it", format.Version, ErrVersion, version)
	case format.Snapshot == nil:
		return Entry{}, errors.New("no snapshot")
	}
	var l line
	if err := strict(bytes.NewReader(text), &l); err != nil {
		return Entry{}, err
	}
	if l.Snapshot.At.IsZero() {
		return Entry{}, errors.New("snapshot: at is not set")
	}
	return l.Entry, nil
}

// strict decodes JSON in which every field has to be known: one that this release does not know may be what a decision depended on.
func strict(r io.Reader, into any) error {
	decoder := json.NewDecoder(r)
	decoder.DisallowUnknownFields()
	return decoder.Decode(into)
}
