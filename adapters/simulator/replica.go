package simulator

import (
	"fmt"
	"time"
)

// replica is one server of a variant.
type replica struct {
	name     string
	born     float64
	readyAt  float64
	ready    bool
	draining bool
	server   *Server

	kv, waiting     peak
	finished        window
	input, output   moments
	ttftSum, itlSum window
	itlCount        window
	vllm            *exposition
}

// moments are windows of token lengths.
type moments struct{ sum, squares window }

// recent is the span that metrics cover.
const recent = time.Minute

// launchNext starts a replica that is named after its variant and a running number.
func (c *Cluster) launchNext(v *variant, readyAt float64) {
	c.launch(v, fmt.Sprintf("%s-%d", v.ID.Name, v.born), readyAt)
	v.born++
}

// launch starts a replica that can serve from readyAt on.
func (c *Cluster) launch(v *variant, name string, readyAt float64) {
	r := &replica{
		name: name, born: c.now, readyAt: readyAt, ready: readyAt <= c.now,
		kv: newPeak(recent), waiting: newPeak(recent), finished: newWindow(recent),
		input: moments{newWindow(recent), newWindow(recent)}, output: moments{newWindow(recent), newWindow(recent)},
		vllm: newExposition(), ttftSum: newWindow(recent), itlSum: newWindow(recent), itlCount: newWindow(recent),
	}
	t := c.traffic(v.Key())
	r.server, _ = NewServer(*v.Server, func(record Record) { r.finish(t, record) }) // validated when the variant came
	r.server.AdvanceTo(c.now)
	v.replicas = append(v.replicas, r)
}

// finish takes note of a request that ended.
func (r *replica) finish(t *traffic, record Record) {
	t.done = append(t.done, record)
	if record.Rejected {
		return
	}
	at := record.Finished
	r.finished.add(at, 1)
	in, out := float64(record.Input), float64(record.Output)
	r.input.sum.add(at, in)
	r.input.squares.add(at, in*in)
	r.output.sum.add(at, out)
	r.output.squares.add(at, out*out)
	r.ttftSum.add(at, record.TTFT())
	if record.Output > 1 {
		r.itlSum.add(at, record.Finished-record.FirstToken)
		r.itlCount.add(at, out-1)
	}
	r.vllm.observe(record)
}

// observe samples what is reported as a peak.
func (r *replica) observe(at float64) {
	r.kv.add(at, r.server.KVUsage())
	r.waiting.add(at, float64(r.server.Waiting()))
}

// gone tells whether a replica has left: a draining one without requests.
func (r *replica) gone() bool {
	return r.draining && r.server.Running() == 0 && r.server.Waiting() == 0
}

// resize brings a variant to a number of replicas: new ones start, and the latest leave, those first that do not serve yet.
// A replica that serves drains: it takes no more requests and leaves when it has finished those that it has.
func (c *Cluster) resize(v *variant, want int) {
	serving := v.count()
	for range want - serving {
		c.launchNext(v, c.now+v.Startup.Seconds())
	}
	for _, ready := range []bool{false, true} {
		for i := len(v.replicas) - 1; i >= 0 && serving > want; i-- {
			r := v.replicas[i]
			if r.draining || r.ready != ready {
				continue
			}
			r.draining = true
			serving--
		}
	}
	kept := v.replicas[:0]
	for _, r := range v.replicas {
		if !r.gone() {
			kept = append(kept, r)
		}
	}
	v.replicas = kept
}

// count is the number of replicas that the scale target asks for.
func (v *variant) count() int {
	n := 0
	for _, r := range v.replicas {
		if !r.draining {
			n++
		}
	}
	return n
}
