package kubernetes

import (
	"context"
	"errors"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/wva-go/wva"
	"github.com/wva-go/wva/adapters/kubernetes/api/v1alpha1"
	"github.com/wva-go/wva/internal/resource"
)

// reading is one reading of a fleet.
type reading struct {
	fleet  *Fleet
	policy *resource.Policy
	last   map[wva.ID]wva.Variant // as they were before; nil = this is the first reading
	taken  map[reference]wva.ID   // which resource scales a target, of any version; the oldest has it
	owners []owner
	view   *view
}

// read takes a resource in as a variant, or notes why it takes no part.
func (r *reading) read(ctx context.Context, va *v1alpha1.VariantAutoscaling) {
	v, remark, err := declare(va, r.policy)
	n := note{generation: va.Generation}
	defer func() { r.view.notes[v.ID] = n }()
	if err != nil {
		n.invalid = err.Error()
		return
	}
	kind, _ := kindOf(va.Spec.ScaleTargetRef)
	kind.Version = "" // the versions of a kind show the same objects
	ref := reference{kind, types.NamespacedName{Namespace: va.Namespace, Name: va.Spec.ScaleTargetRef.Name}}
	if other, twice := r.taken[ref]; twice {
		n.invalid = fmt.Sprintf("%s %s is scaled already by %s, which is older: want one resource for each target", kind.Kind, ref.Name, other)
		return
	}
	r.taken[ref] = v.ID
	switch t, err := r.fleet.finder.find(ctx, va); {
	case errors.Is(err, errMissing):
		v.TargetMissing = true
	case err != nil:
		if !r.recall(&v, va) {
			return // nothing is known of it: the next reading may know
		}
	default:
		n.target = t.uid
		remark = errors.Join(remark, equip(&v, va, t, r.policy))
		r.owners = append(r.owners, owner{v.ID, t})
	}
	if remark != nil {
		n.remark = remark.Error()
	}
	if err := v.Validate(); err != nil {
		n.invalid = err.Error() // the variant goes on to Decide, which holds its model
	}
	r.view.variants = append(r.view.variants, v)
}

// recall takes over what was known of a variant whose target cannot be read, since what is not known is not gone: what was read last, or in the first reading of a process what
// an earlier one wrote.
func (r *reading) recall(v *wva.Variant, va *v1alpha1.VariantAutoscaling) bool {
	if r.last != nil {
		last, ok := r.last[v.ID]
		v.Accelerator, v.Devices, v.Current, v.Pending, v.Server = last.Accelerator, last.Devices, last.Current, last.Pending, last.Server
		return ok && !last.TargetMissing && last.Target == v.Target
	}
	n := va.Status.CurrentAlloc.NumReplicas
	if n == nil {
		return false
	}
	v.Accelerator, v.Current = va.Status.CurrentAlloc.Accelerator, int(*n)
	return true
}

// count gives every variant its pods: how many of its replicas are ready, and what they run on where the target does not say.
func (r *reading) count(pods []corev1.Pod) {
	r.view.pods, r.view.owners = pods, assign(pods, r.owners)
	ready := map[wva.ID]int{}
	sample := map[wva.ID]*corev1.Pod{}
	for i, o := range r.view.owners {
		if o == nil || pods[i].DeletionTimestamp != nil || !o.target.replica(&pods[i]) {
			continue
		}
		r.view.byPod[podKey{Namespace: pods[i].Namespace, Name: pods[i].Name}] = o.id
		if first := sample[o.id]; first == nil || pods[i].Name < first.Name {
			sample[o.id] = &pods[i]
		}
		if serves(&pods[i]) {
			ready[o.id]++
		}
	}
	read := map[wva.ID]bool{}
	for _, o := range r.owners {
		read[o.id] = true
	}
	for i := range r.view.variants {
		v := &r.view.variants[i]
		if !read[v.ID] {
			continue
		}
		v.Pending = max(0, v.Current-ready[v.ID])
		if pod := sample[v.ID]; pod != nil {
			if v.Accelerator == "" {
				v.Accelerator = product(pod.Spec.NodeSelector)
			}
			if v.Devices == 0 {
				v.Devices = podDevices(&pod.Spec)
			}
		}
	}
	slices.SortFunc(r.view.variants, func(a, b wva.Variant) int { return a.ID.Compare(b.ID) })
}
