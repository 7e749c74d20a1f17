package prometheus

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/wva-go/wva"
)

// Owners tells, for the variants of one Collect, which of them a pod belongs to; false = to none of them. The function that it returns is called by one
// goroutine.
type Owners func(ctx context.Context, variants []wva.Variant) (func(namespace, pod string) (wva.ID, bool), error)

// OwnersByName goes by the names that Kubernetes gives pods: a Deployment's are target-<hash>-<5 characters>, a StatefulSet's target-<n>, a LeaderWorkerSet's target-<n> and
// target-<n>-<n>. The target is the variant's scale target, or where that has no name the variant's own; one without a kind may be any of the three. Of several targets that
// fit, the longest name owns the pod. Two variants with one target cannot be told apart: the first by name owns the pods.
func OwnersByName(_ context.Context, variants []wva.Variant) (func(namespace, pod string) (wva.ID, bool), error) {
	o := ownersByName{targets: map[target]owned{}}
	sorted := slices.Clone(variants)
	slices.SortStableFunc(sorted, func(a, b wva.Variant) int { return a.ID.Compare(b.ID) })
	for _, v := range sorted {
		t := target{v.ID.Namespace, cmp.Or(v.Target.Name, v.ID.Name)}
		if _, taken := o.targets[t]; taken {
			continue
		}
		o.targets[t] = owned{v.ID, v.Target.Kind}
		if len(t.name) > longestWhole {
			o.long = append(o.long, t)
		}
	}
	slices.SortFunc(o.long, func(a, b target) int {
		return cmp.Or(-cmp.Compare(len(a.name), len(b.name)), cmp.Compare(a.name, b.name))
	})
	return o.owner, nil
}

// Kinds of scale target whose pods are named in a way of their own.
const (
	kindDeployment      = "Deployment"
	kindStatefulSet     = "StatefulSet"
	kindLeaderWorkerSet = "LeaderWorkerSet"
)

type target struct{ namespace, name string }

// owned is a variant and the kind of its target.
type owned struct {
	id   wva.ID
	kind string
}

type ownersByName struct {
	targets map[target]owned
	long    []target // those whose pods may have shortened names, the longest first
}

func (o ownersByName) owner(namespace, pod string) (wva.ID, bool) {
	first, last, ok := cutLast(pod)
	if !ok {
		return wva.ID{}, false
	}
	if number(last) {
		if v, ok := o.targets[target{namespace, first}]; ok && v.is(kindStatefulSet, kindLeaderWorkerSet) {
			return v.id, true
		}
	}
	if name, middle, ok := cutLast(first); ok {
		v, known := o.targets[target{namespace, name}]
		switch {
		case !known:
		case v.is(kindDeployment) && len(middle) >= shortestHash && hash(middle) && len(last) == suffixLength && hash(last),
			v.is(kindLeaderWorkerSet) && number(middle) && number(last):
			return v.id, true
		}
	}
	return o.shortened(namespace, pod)
}

// Generated names are cut so that with the suffix they fit into a label, which has at most 63 characters.
const (
	suffixLength = 5
	longestName  = 63
	longestBase  = longestName - suffixLength
	hashLength   = 10
	shortestHash = 6 // shorter ones come once in 40,000, and would take names like 8b for a hash
	// longestWhole is the longest name of a Deployment that leaves room for both dashes and a whole hash.
	longestWhole = longestBase - hashLength - 2
)

// shortened finds the Deployment of a pod whose name was too long: the end of the hash, or of the Deployment's name itself, is cut off. Where the names of two begin alike that far,
// nobody owns the pod.
func (o ownersByName) shortened(namespace, pod string) (wva.ID, bool) {
	if len(pod) != longestName || !hash(pod[longestBase:]) {
		return wva.ID{}, false
	}
	base := pod[:longestBase]
	var found []owned
	for _, t := range o.long {
		v := o.targets[t]
		if t.namespace != namespace || !v.is(kindDeployment) {
			continue
		}
		whole := t.name + "-"
		if len(whole) >= longestBase {
			if whole[:longestBase] == base {
				found = append(found, v)
			}
		} else if rest, ok := strings.CutPrefix(base, whole); ok && hash(strings.TrimSuffix(rest, "-")) {
			return v.id, true
		}
	}
	if len(found) != 1 {
		return wva.ID{}, false
	}
	return found[0].id, true
}

func (v owned) is(kinds ...string) bool { return v.kind == "" || slices.Contains(kinds, v.kind) }

// cutLast divides a name at its last dash.
func cutLast(name string) (before, after string, ok bool) {
	i := strings.LastIndexByte(name, '-')
	if i <= 0 {
		return "", "", false
	}
	return name[:i], name[i+1:], true
}

func number(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool { return r < '0' || r > '9' })
}

// hash tells whether a text consists of the characters that Kubernetes generates names of: no vowels, and nothing that looks like one.
func hash(s string) bool {
	return s != "" && len(s) <= hashLength && !strings.ContainsFunc(s, func(r rune) bool { return !strings.ContainsRune("bcdfghjklmnpqrstvwxz2456789", r) })
}
