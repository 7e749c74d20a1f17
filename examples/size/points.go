package main

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/wva-go/wva/model"
)

const pointColumns = "accelerator, devices, batch, input, output, and the seconds that were measured: latency_seconds, ttft_seconds, itl_seconds; with a column model, rows of other models are left out"

// columns are where the table has what; -1 = nowhere.
type columns map[string]int

func (c columns) text(row []string, name string) string {
	if i := c[name]; i >= 0 {
		return strings.TrimSpace(row[i])
	}
	return ""
}

// readPoints reads measured points by arrangement. A column input_and_output_tokens stands for both.
func readPoints(name string, in io.Reader, modelName string) (map[arrangement][]model.Point, error) {
	r := csv.NewReader(in)
	r.ReuseRecord = true
	header, err := r.Read()
	if errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("-points %s: empty: want a line of column names: %s", name, pointColumns)
	}
	if err != nil {
		return nil, fmt.Errorf("-points %s: %w", name, err)
	}
	c, err := findColumns(header)
	if err != nil {
		return nil, fmt.Errorf("-points %s: %w", name, err)
	}
	points := map[arrangement][]model.Point{}
	for {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("-points %s: %w", name, err)
		}
		if other := c.text(row, "model"); other != "" && !strings.EqualFold(path.Base(other), modelName) {
			continue
		}
		line, _ := r.FieldPos(0)
		a, p, err := c.point(row)
		if err != nil {
			return nil, fmt.Errorf("-points %s:%d: %w", name, line, err)
		}
		points[a] = append(points[a], p)
	}
	if len(points) == 0 {
		return nil, fmt.Errorf("-points %s: no point of %s in it", name, modelName)
	}
	return points, nil
}

func findColumns(header []string) (columns, error) {
	c := columns{}
	for _, name := range []string{"model", "accelerator", "devices", "batch", "input", "output", "input_and_output_tokens", "latency_seconds", "ttft_seconds", "itl_seconds"} {
		c[name] = slices.IndexFunc(header, func(h string) bool { return strings.TrimSpace(h) == name })
	}
	missing := ""
	for _, name := range []string{"accelerator", "devices", "batch", "input", "output"} {
		if c[name] < 0 && !((name == "input" || name == "output") && c["input_and_output_tokens"] >= 0) {
			missing += " " + name
		}
	}
	if c["latency_seconds"] < 0 && c["ttft_seconds"] < 0 && c["itl_seconds"] < 0 {
		missing += " latency_seconds"
	}
	if missing != "" {
		return nil, fmt.Errorf("no column called%s: want %s", missing, pointColumns)
	}
	return c, nil
}

// point reads a row.
func (c columns) point(row []string) (arrangement, model.Point, error) {
	var a arrangement
	var p model.Point
	accelerator, ok := model.LookupAccelerator(c.text(row, "accelerator"))
	if !ok {
		return a, p, unknownAccelerator(c.text(row, "accelerator"))
	}
	a.accelerator = accelerator.Name
	for _, f := range []struct {
		names []string
		into  *int
		least int
	}{{[]string{"devices"}, &a.devices, 1}, {[]string{"batch"}, &p.Requests, 1}, {[]string{"input", "input_and_output_tokens"}, &p.Input, 0}, {[]string{"output", "input_and_output_tokens"}, &p.Output, 1}} {
		name := f.names[0]
		if c[name] < 0 {
			name = f.names[1]
		}
		n, err := strconv.Atoi(c.text(row, name))
		if err != nil || n < f.least || n > 1e9 {
			return a, p, fmt.Errorf("%s %q: want a whole number, %d or more", name, c.text(row, name), f.least)
		}
		*f.into = n
	}
	measured := false
	for _, f := range []struct {
		name string
		into *float64
	}{{"latency_seconds", &p.Latency}, {"ttft_seconds", &p.TTFT}, {"itl_seconds", &p.ITL}} {
		text := c.text(row, f.name)
		if text == "" {
			continue
		}
		seconds, err := strconv.ParseFloat(text, 64)
		if err != nil || !(seconds > 0) || math.IsInf(seconds, 0) {
			return a, p, fmt.Errorf("%s %q: want a positive number of seconds, or nothing where it was not measured", f.name, text)
		}
		*f.into = seconds
		measured = true
	}
	if !measured {
		return a, p, errors.New("nothing was measured: want latency_seconds, ttft_seconds or itl_seconds")
	}
	return a, p, nil
}
