package kubernetes

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"

	"github.com/wva-go/wva"
)

// outcome is what the last cycle that saw a resource came to.
type outcome struct {
	note
	at       time.Time
	decision *wva.Decision // nil = none
	metrics  wva.MetricsReason
	message  string // about the metrics
	held     string // why the model's targets were held; empty = they were not
	failed   string // why there is no decision although the resource takes part
}

// outcomes are those of all resources. They are safe for concurrent use.
type outcomes struct {
	mu   sync.Mutex
	byID map[wva.ID]outcome
}

func (o *outcomes) of(id wva.ID) (outcome, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	found, ok := o.byID[id]
	return found, ok
}

// replace takes the outcomes of a cycle in place of all earlier ones.
func (o *outcomes) replace(all map[wva.ID]outcome) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.byID = all
}

// collect puts together what a cycle found out about each resource of the reading that it was based on.
func collect(notes map[wva.ID]note, variants []wva.Variant, report wva.Report, err error) map[wva.ID]outcome {
	all := make(map[wva.ID]outcome, len(notes))
	models := make(map[wva.ModelKey]*wva.ModelReport, len(report.Models))
	for i := range report.Models {
		models[report.Models[i].ModelKey] = &report.Models[i]
	}
	decisions := make(map[wva.ID]*wva.Decision, len(report.Decisions))
	for i := range report.Decisions {
		decisions[report.Decisions[i].Variant] = &report.Decisions[i]
	}
	keys := make(map[wva.ID]wva.ModelKey, len(variants))
	for _, v := range variants {
		keys[v.ID] = v.Key()
	}
	unscaled := scaleErrors(err, map[wva.ID]string{})
	for id, n := range notes {
		if why, ok := unscaled[id]; ok {
			n.remark = strings.TrimPrefix(n.remark+"\n"+why, "\n")
		}
		o := outcome{note: n, at: report.At, decision: decisions[id]}
		if m := models[keys[id]]; m != nil {
			o.metrics, o.message, o.held = m.Metrics, m.Message, m.SafetyNet
		}
		if o.decision == nil && o.invalid == "" && err != nil {
			o.failed = firstLine(err)
		}
		all[id] = o
	}
	return all
}

// scaleErrors adds which variants the API server refuses to scale, and why.
func scaleErrors(err error, into map[wva.ID]string) map[wva.ID]string {
	switch e := err.(type) {
	case *wva.ScaleError:
		if refused(e) {
			into[e.Variant] = firstLine(e)
		}
	case interface{ Unwrap() error }:
		return scaleErrors(e.Unwrap(), into)
	case interface{ Unwrap() []error }:
		for _, one := range e.Unwrap() {
			scaleErrors(one, into)
		}
	}
	return into
}

// refused tells whether the API server answered that a request will not do, rather than that it comes at a bad time.
func refused(err error) bool {
	var answer apierrors.APIStatus
	if !errors.As(err, &answer) {
		return false
	}
	switch code := answer.Status().Code; code {
	case http.StatusRequestTimeout, http.StatusConflict, http.StatusTooManyRequests:
		return false
	default:
		return code >= 400 && code < 500
	}
}

// firstLine keeps stack traces out of conditions.
func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return clip(line)
}

// standing is how things stand with a resource now.
type standing struct {
	target     types.UID // empty = there is none, or it cannot be read
	ref        string    // kind and name of the target
	missing    bool
	unreadable string // why the target cannot be read
	excluded   bool   // its namespace is left alone
	vanished   bool   // the target that is missing was there once
}

func (s standing) gone() string {
	kind, name, _ := strings.Cut(s.ref, " ")
	if s.vanished {
		return fmt.Sprintf("Target %s '%s' no longer exists", strings.ToLower(kind), name)
	}
	return fmt.Sprintf("Target %s '%s' does not exist: autoscaling begins by itself when it is created", strings.ToLower(kind), name)
}
