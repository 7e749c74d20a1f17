package prometheus

import (
	"context"

	"github.com/wva-go/wva"
)

// Owners tells, for the variants of one Collect, which of them a pod belongs to; false = to none of them. The function that it returns is called once for each pod, from one goroutine at a time.
type Owners func(ctx context.Context, variants []wva.Variant) (func(namespace, pod string) (wva.ID, bool), error)
