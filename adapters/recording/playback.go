package recording

import (
	"context"
	"time"

	"github.com/wva-go/wva"
)

// Playback plays entries to an Autoscaler, as its fleet, metrics source, scaler and clock:
//
//	var playback recording.Playback
//	autoscaler, err := wva.NewAutoscaler(&playback, &playback, &playback, policy)
//	autoscaler.Clock = playback.Now
//	for playback.Entry, err = range entries {
//		report, err := autoscaler.Step(ctx)
//
// The Autoscaler keeps its own history from step to step; give it that of the first entry to begin with (SetHistory). Decisions have no
// effect: what comes next has happened.
type Playback struct {
	Entry // what the next step sees
}

// Now returns the time at which the entry was recorded.
func (p *Playback) Now() time.Time { return p.Snapshot.At }

// Variants implements [wva.Fleet].
func (p *Playback) Variants(ctx context.Context) ([]wva.Variant, error) {
	return p.Snapshot.Variants, ctx.Err()
}

// Inventory implements [wva.Fleet]. An inventory that could not be read when it was recorded says so itself.
func (p *Playback) Inventory(ctx context.Context) (wva.Inventory, error) {
	return p.Snapshot.Inventory, ctx.Err()
}

// Collect implements [wva.MetricsSource].
func (p *Playback) Collect(ctx context.Context, _ []wva.Variant) (wva.Metrics, error) {
	return p.Snapshot.Metrics, ctx.Err()
}

// Scale implements [wva.Scaler] and does nothing.
func (p *Playback) Scale(ctx context.Context, _ []wva.Decision) error { return ctx.Err() }
