package prometheus

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	promodel "github.com/prometheus/common/model"
)

// label is a label that the source looks at; all others are passed over.
type label int

const (
	labelNamespace label = iota
	labelPod
	labelModel
	labelBucket
	labelBlocks
	labelBlockSize
	labelCount
)

// vocabulary maps the names of labels to what they mean.
type vocabulary map[string]label

func newVocabulary(l Labels) vocabulary {
	return vocabulary{
		promodel.BucketLabel: labelBucket, "num_gpu_blocks": labelBlocks, "block_size": labelBlockSize,
		l.Namespace: labelNamespace, l.Pod: labelPod, l.Model: labelModel,
	}
}

// series is one series of an instant vector: its labels as far as they matter, its value, and the instant that it is about.
type series struct {
	labels [labelCount]string
	has    [labelCount]bool
	value  float64
	at     promodel.Time
}

func (s *series) set(l label, value string) { s.labels[l], s.has[l] = value, true }

// finite tells whether the value is a number at all.
func (s *series) finite() bool { return !math.IsNaN(s.value) && !math.IsInf(s.value, 0) }

// ofVector converts what the API client decoded.
func (v vocabulary) ofVector(vector promodel.Vector) []series {
	all := make([]series, 0, len(vector))
	for _, sample := range vector {
		if sample == nil || sample.Histogram != nil {
			continue
		}
		s := series{value: float64(sample.Value), at: sample.Timestamp}
		for name, value := range sample.Metric {
			if l, ok := v[string(name)]; ok {
				s.set(l, string(value))
			}
		}
		all = append(all, s)
	}
	return all
}

// head is how the series of an answer begin, in the order in which Prometheus and those that speak as it does write the fields.
var head = []byte(`"data":{"resultType":"vector","result":[`)

// headWithin is how far into an answer they begin.
const headWithin = 512

// cut takes the series out of an answer and returns the rest, with an empty vector in it, for the API client to decode: its decoder builds a map for each series, which for the
// 100,000 of a large fleet takes longer than the server takes to compute them. What is not exactly in the form that Prometheus writes is left to the API client altogether; ok is
// false then.
func (v vocabulary) cut(body []byte) (all []series, rest []byte, ok bool) {
	start := bytes.Index(body[:min(len(body), headWithin)], head)
	if start < 0 || !utf8.Valid(body) {
		return nil, nil, false
	}
	start += len(head)
	c := cursor{text: string(body[start:])}
	for !c.eat(`]`) {
		if len(all) > 0 && !c.eat(`,`) {
			return nil, nil, false
		}
		s, ok := v.next(&c)
		if !ok {
			return nil, nil, false
		}
		all = append(all, s)
	}
	rest = append(bytes.Clone(body[:start]), ']')
	return all, append(rest, c.text...), true
}

// next reads one series.
func (v vocabulary) next(c *cursor) (s series, ok bool) {
	if !c.eat(`{"metric":{`) {
		return s, false
	}
	for first := true; !c.eat(`}`); first = false {
		if !first && !c.eat(`,`) {
			return s, false
		}
		name, ok := c.quoted()
		if !ok || !c.eat(`:`) {
			return s, false
		}
		value, ok := c.quoted()
		if !ok {
			return s, false
		}
		if l, known := v[name]; known {
			s.set(l, value)
		}
	}
	if !c.eat(`,"value":[`) {
		return s, false
	}
	at, ok := c.time()
	if !ok || !c.eat(`,`) {
		return s, false
	}
	text, ok := c.quoted()
	if !ok || !c.eat(`]}`) {
		return s, false
	}
	value, err := strconv.ParseFloat(text, 64)
	s.at, s.value = at, value
	return s, err == nil
}

// cursor reads JSON from the front, as far as it is in the one form that Prometheus writes.
type cursor struct{ text string }

func (c *cursor) eat(token string) bool {
	rest, ok := strings.CutPrefix(c.text, token)
	if ok {
		c.text = rest
	}
	return ok
}

// quoted reads a string.
func (c *cursor) quoted() (string, bool) {
	if !c.eat(`"`) {
		return "", false
	}
	for i := 0; i < len(c.text); i++ {
		switch b := c.text[i]; {
		case b == '"':
			s := c.text[:i]
			c.text = c.text[i+1:]
			return s, true
		case b == '\\':
			return c.escaped(i)
		case b < ' ':
			return "", false
		}
	}
	return "", false
}

// escaped reads a string with an escape at i.
func (c *cursor) escaped(i int) (string, bool) {
	for ; i < len(c.text) && c.text[i] != '"'; i++ {
		if c.text[i] == '\\' {
			i++
		}
	}
	if i >= len(c.text) {
		return "", false
	}
	var s string
	err := json.Unmarshal([]byte(`"`+c.text[:i]+`"`), &s)
	c.text = c.text[i+1:]
	return s, err == nil
}

// time reads Unix time in seconds with at most three decimals.
func (c *cursor) time() (promodel.Time, bool) {
	end := strings.IndexByte(c.text, ',')
	if end <= 0 || end > 16 {
		return 0, false
	}
	whole, fraction, _ := strings.Cut(c.text[:end], ".")
	if !number(whole) || fraction != "" && !number(fraction) || len(fraction) > 3 || c.text[end-1] == '.' || len(whole) > 1 && whole[0] == '0' {
		return 0, false
	}
	ms, err := strconv.ParseInt(whole+(fraction + "000")[:3], 10, 64)
	c.text = c.text[end:]
	return promodel.Time(ms), err == nil
}
