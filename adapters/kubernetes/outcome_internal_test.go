package kubernetes

import (
	"context"
	"errors"
	"fmt"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/wva-go/wva"
)

// What the API server refuses is told of the variant that it is about; what passes by itself is not.
func TestScaleErrors(t *testing.T) {
	a, b, c := wva.ID{Name: "a"}, wva.ID{Name: "b"}, wva.ID{Name: "c"}
	of := schema.GroupResource{Resource: "deployments"}
	err := fmt.Errorf("wva: scaler: %w", errors.Join(fmt.Errorf("publish: %w", errors.New("closed")), errors.Join(
		&wva.ScaleError{Variant: a, Err: apierrors.NewForbidden(of, "llama", errors.New("no\nright"))},
		&wva.ScaleError{Variant: b, Err: fmt.Errorf("%w: 1 to 2", ErrChanged)}, &wva.ScaleError{Variant: b, Err: apierrors.NewConflict(of, "llama", errors.New("changed"))},
		&wva.ScaleError{Variant: c, Err: apierrors.NewTooManyRequests("later", 1)}, &wva.ScaleError{Variant: c, Err: apierrors.NewInternalError(errors.New("down"))}, &wva.ScaleError{Variant: c, Err: context.DeadlineExceeded})))
	got := scaleErrors(err, map[wva.ID]string{})
	if len(got) != 1 || got[a] != `scale a: deployments "llama" is forbidden: no` {
		t.Errorf("%v", got)
	}
	outcomes := collect(map[wva.ID]note{a: {remark: "no such class"}, c: {}}, nil, wva.Report{}, err)
	if outcomes[a].remark != "no such class\n"+got[a] || outcomes[c].remark != "" {
		t.Errorf("%+v", outcomes)
	}
}
