package simulator

import (
	"slices"

	"github.com/wva-go/wva"
)

// Follow makes the replicas of a variant those with the given names, for a fleet that is kept elsewhere, such as the ready pods of a cluster: a name that is new serves
// from now on, and a replica that is no longer named drains.
func (c *Cluster) Follow(id wva.ID, names []string) error {
	return c.edit(id, func(v *variant) {
		missing := slices.Clone(names)
		for _, r := range v.replicas {
			i := slices.Index(missing, r.name)
			r.draining = i < 0
			if i >= 0 {
				missing = slices.Delete(missing, i, i+1)
			}
		}
		for _, name := range missing {
			c.launch(v, name, c.now)
		}
		v.replicas = slices.DeleteFunc(v.replicas, (*replica).gone)
	})
}
