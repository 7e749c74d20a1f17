package saturation

// grouping collects the replicas of a model by variant. Replicas of one variant usually come together, and most models have
// few variants, so it looks at the last variant first, then through a short list, and builds an index only for many.
type grouping struct {
	variants []VariantAnalysis
	spares   []spare // of the variant at the same position
	index    map[string]int
	last     int
}

// shortList is the number of variants up to which a linear search beats a map.
const shortList = 8

// find returns the position of a variant, which is new where it has not been seen.
func (g *grouping) find(name string) int {
	if g.last < len(g.variants) && g.variants[g.last].Variant == name {
		return g.last
	}
	if i, ok := g.seek(name); ok {
		g.last = i
		return i
	}
	g.last = len(g.variants)
	g.variants = append(g.variants, VariantAnalysis{Variant: name})
	g.spares = append(g.spares, spare{})
	switch {
	case g.index != nil:
		g.index[name] = g.last
	case len(g.variants) > shortList:
		g.index = make(map[string]int, 4*shortList)
		for i := range g.variants {
			g.index[g.variants[i].Variant] = i
		}
	}
	return g.last
}

func (g *grouping) seek(name string) (int, bool) {
	if g.index != nil {
		i, ok := g.index[name]
		return i, ok
	}
	for i := range g.variants {
		if g.variants[i].Variant == name {
			return i, true
		}
	}
	return 0, false
}
