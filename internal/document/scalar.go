package document

import (
	"errors"
	"math"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// Text returns a scalar as written. Numbers and booleans are accepted as their text.
func (v Value) Text() (string, bool) {
	if !v.Present() {
		return "", false
	}
	if v.node.Kind != yaml.ScalarNode {
		v.Fail("want text, have %s", kind(v.node))
		return "", false
	}
	return v.node.Value, true
}

// Name returns text that is not blank.
func (v Value) Name() (string, bool) {
	text, ok := v.Text()
	if ok && strings.TrimSpace(text) == "" {
		v.Fail("empty")
		return "", false
	}
	return text, ok
}

// Float returns a finite number; text that spells one, as in "40", counts.
func (v Value) Float() (float64, bool) {
	text, ok := v.Text()
	if !ok {
		return 0, false
	}
	x, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	switch {
	case errors.Is(err, strconv.ErrRange), err == nil && (math.IsInf(x, 0) || math.IsNaN(x)):
		v.Fail("want a finite number")
		return 0, false
	case err != nil:
		v.Fail("want a number")
		return 0, false
	}
	return x, true
}

// Int returns a whole number.
func (v Value) Int() (int, bool) {
	text, ok := v.Text()
	if !ok {
		return 0, false
	}
	n, err := strconv.Atoi(strings.TrimSpace(text))
	switch {
	case errors.Is(err, strconv.ErrRange):
		v.Fail("number out of range")
		return 0, false
	case err != nil:
		v.Fail("want a whole number")
		return 0, false
	}
	return n, true
}

// NonNegative returns a finite number that is 0 or more.
func (v Value) NonNegative() (float64, bool) {
	x, ok := v.Float()
	if ok && math.Signbit(x) {
		v.Fail("want 0 or more")
		return 0, false
	}
	return x, ok
}

// Bool returns true or false.
func (v Value) Bool() (bool, bool) {
	text, ok := v.Text()
	if !ok {
		return false, false
	}
	switch strings.ToLower(text) {
	case "true":
		return true, true
	case "false":
		return false, true
	}
	v.Fail("want true or false")
	return false, false
}

// Block returns a scalar that is a document itself, such as an entry of a ConfigMap. The text of a block scalar (| or >)
// comes with so many empty lines before it that its lines are those of the surrounding text; the lines of any other
// scalar count from 1.
func (v Value) Block() (string, bool) {
	text, ok := v.Text()
	if ok && v.isBlock() {
		text = strings.Repeat("\n", v.Line()) + text
	}
	return text, ok
}

func (v Value) isBlock() bool {
	return v.Present() && v.node.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0
}
