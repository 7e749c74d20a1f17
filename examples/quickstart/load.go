package main

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"time"
)

// rates is a load curve: requests per second from a minute on.
type rates []point

type point struct {
	from time.Duration
	rate float64
}

// mostRate is what the simulation still gets through, in requests per second.
const mostRate = 10_000

// readLoad reads load.csv, or takes a curve that rises and falls where there is none.
func readLoad(files fs.FS) (rates, error) {
	f, err := files.Open("load.csv")
	if errors.Is(err, fs.ErrNotExist) {
		return rates{{0, 5}, {2 * time.Minute, 25}, {4 * time.Minute, 60}, {12 * time.Minute, 5}}, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("load.csv: %w", err)
	}
	if len(rows) < 2 || len(rows[0]) != 2 {
		return nil, errors.New("load.csv: want a line minute,requests_per_second and at least one line of numbers")
	}
	var curve rates
	for i, row := range rows[1:] {
		minute, err1 := strconv.ParseFloat(row[0], 64)
		rate, err2 := strconv.ParseFloat(row[1], 64)
		p := point{time.Duration(minute * float64(time.Minute)), rate}
		switch {
		case err1 != nil || err2 != nil || !(minute >= 0 && minute < 1e6) || !(rate >= 0 && rate <= mostRate):
			return nil, fmt.Errorf("load.csv:%d: %q: want a minute, 0 or more, and requests per second from 0 to %d", i+2, row, mostRate)
		case i > 0 && p.from <= curve[i-1].from:
			return nil, fmt.Errorf("load.csv:%d: minute %s: want the minutes in order", i+2, row[0])
		}
		curve = append(curve, p)
	}
	return curve, nil
}

// at returns the rate at a time.
func (r rates) at(t time.Duration) float64 {
	rate := 0.0
	for _, p := range r {
		if p.from <= t {
			rate = p.rate
		}
	}
	return rate
}

func (r rates) peak() float64 {
	highest := 0.0
	for _, p := range r {
		highest = max(highest, p.rate)
	}
	return highest
}
