package kubernetes

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/wva-go/wva"
)

// publication is the scaler of a controller: it publishes what was decided, unless its target has gone meanwhile, and carries it out where that is asked for.
type publication struct {
	next   wva.Scaler                         // publishes; may be nil
	act    wva.Scaler                         // carries out; nil = nobody
	exists func(context.Context, wva.ID) bool // whether a variant still has its target

	mu sync.Mutex // so that what is withdrawn is not published again by a cycle that began before
}

// forgetter is a publisher from which single variants can be withdrawn.
type forgetter interface{ Forget(...wva.ID) }

// Scale implements [wva.Scaler].
func (p *publication) Scale(ctx context.Context, decisions []wva.Decision) error {
	var errs []error
	if p.next != nil {
		errs = append(errs, p.publish(ctx, decisions))
	}
	if p.act != nil {
		errs = append(errs, p.act.Scale(ctx, decisions))
	}
	return errors.Join(errs...)
}

func (p *publication) publish(ctx context.Context, decisions []wva.Decision) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.next.Scale(ctx, slices.DeleteFunc(slices.Clone(decisions), func(d wva.Decision) bool { return !p.exists(ctx, d.Variant) }))
}

// withdraw takes a variant out of what is published.
func (p *publication) withdraw(id wva.ID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if f, ok := p.next.(forgetter); ok {
		f.Forget(id)
	}
}
