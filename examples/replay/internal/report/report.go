package report

import (
	"encoding/json"
	"io"
	"time"

	"github.com/wva-go/wva"
	"github.com/wva-go/wva/examples/replay/internal/contest"
	"github.com/wva-go/wva/model"
)

// Report is a contest and what the policies made of it: what the JSON has, and the page shows.
type Report struct {
	Command  string        `json:"command"` // that makes the report again
	Load     Load          `json:"load"`
	Interval time.Duration `json:"interval"` // between decisions, nanoseconds
	Models   []Model       `json:"models"`
	Variants []Variant     `json:"variants"`
	Floor    float64       `json:"floor"` // what no policy that serves everything can cost less than
	Runs     []contest.Run `json:"runs"`
}

// Load is the requests that arrived.
type Load struct {
	Name     string    `json:"name"`
	Requests int       `json:"requests"` // to each model
	Rates    []float64 `json:"rates"`    // requests per second, in each interval
	Prompts  []float64 `json:"prompts"`  // prompt tokens per second
	Answers  []float64 `json:"answers"`  // answer tokens per second
}

// Model is what is promised for a model, and the thresholds of its saturation analysis.
type Model struct {
	Name           string    `json:"name"`
	SLO            model.SLO `json:"slo"`
	KVThreshold    float64   `json:"kvThreshold"`
	KVTrigger      float64   `json:"kvTrigger"`
	QueueThreshold float64   `json:"queueThreshold"`
	QueueTrigger   float64   `json:"queueTrigger"`
}

// Variant is a variant as it started.
type Variant struct {
	Name        string        `json:"name"`
	Model       string        `json:"model"`
	Accelerator string        `json:"accelerator"`
	Devices     int           `json:"devices"` // per replica
	Cost        float64       `json:"cost"`    // per replica and hour
	Replicas    int           `json:"replicas"`
	Max         int           `json:"max"`
	Startup     time.Duration `json:"startup"` // nanoseconds
	Server      model.Server  `json:"server"`
}

// New puts a report together.
func New(c *contest.Contest, runs []contest.Run, command string) Report {
	r := Report{Command: command, Load: load(c), Interval: c.Survey.Interval, Floor: c.Floor, Runs: runs}
	for _, key := range c.Models() {
		thresholds := c.Policy.Saturation.For(key.Namespace, key.Model)
		r.Models = append(r.Models, Model{
			Name: key.String(), SLO: c.SLO(key),
			KVThreshold: thresholds.KVCacheThreshold, KVTrigger: thresholds.KVSpareTrigger,
			QueueThreshold: thresholds.QueueLengthThreshold, QueueTrigger: thresholds.QueueSpareTrigger,
		})
	}
	for _, v := range c.Variants {
		r.Variants = append(r.Variants, variant(v))
	}
	return r
}

func load(c *contest.Contest) Load {
	l := Load{Name: c.Load.Name, Requests: c.Survey.Requests}
	for i, slot := range c.Survey.Slots {
		rate := c.Survey.Rate(i)
		l.Rates = append(l.Rates, rate)
		l.Prompts = append(l.Prompts, rate*slot.Input().Mean)
		l.Answers = append(l.Answers, rate*slot.Output().Mean)
	}
	return l
}

func variant(v wva.Variant) Variant {
	return Variant{
		Name: v.ID.String(), Model: v.Key().String(), Accelerator: v.Accelerator, Devices: v.DevicesPerReplica(), Cost: v.Cost,
		Replicas: v.Current, Max: v.Max, Startup: v.Startup, Server: *v.Server,
	}
}

// model finds a model by name.
func (r Report) model(name string) Model {
	for _, m := range r.Models {
		if m.Name == name {
			return m
		}
	}
	return Model{}
}

// JSON writes the report as JSON.
func (r Report) JSON(w io.Writer) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", " ")
	return encoder.Encode(r)
}
