package kubernetes_test

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"runtime/pprof"
	"strings"
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/metrics"
)

// ours are the functions of a controller, those of its manager and of its watches included.
var ours = regexp.MustCompile(`wva-go/wva/adapters/kubernetes\.|controller-runtime/pkg/(manager|cache|internal|source)|leaderelection`)

// checkLeft complains of goroutines that controllers left behind, and of panics that were caught for them.
func checkLeft(t *testing.T) {
	t.Helper()
	eventually(t, func() error {
		var all bytes.Buffer
		if err := pprof.Lookup("goroutine").WriteTo(&all, 1); err != nil {
			return err
		}
		var errs []error
		for stack := range strings.SplitSeq(all.String(), "\n\n") {
			if ours.MatchString(stack) {
				errs = append(errs, fmt.Errorf("a goroutine is left:\n%s", stack))
			}
		}
		return errors.Join(errs...)
	})
	families, err := metrics.Registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == "controller_runtime_reconcile_panics_total" && m.GetCounter().GetValue() > 0 {
				t.Errorf("a reconciler panicked: %v", m)
			}
		}
	}
}
