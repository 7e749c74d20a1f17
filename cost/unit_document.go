package cost

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/wva-go/wva/internal/document"
)

// ParseUnitCosts reads the data of an accelerator-unitcost document: entry name → YAML text, as in a ConfigMap. Each
// entry is a list of
//
//	name: A100                    # what variants call it
//	type: NVIDIA-A100-PCIE-80GB   # product name
//	cost: 40                      # per hour and device
//	memSize: 81920                # MiB of one device; may be left out
//
// The published document has one entry, accelerators. Several entries make one price list.
//
// The sound items are returned, ordered by name, even when the error is not nil: it joins one failure for each thing
// wrong and names its entry, line, field and value. Of two items that share a name or a type the first stands, in
// order of entry name and line.
func ParseUnitCosts(data map[string]string) (UnitCosts, error) {
	if len(data) == 0 {
		return nil, errors.New(`accelerator unit costs: no entry: want "accelerators" with a list of accelerators`)
	}
	list := priceList{places: map[string]string{}}
	var errs []error
	for _, entry := range slices.Sorted(maps.Keys(data)) {
		r, root := document.Read(entry, data[entry])
		items := root.List()
		if root.IsList() && len(items) == 0 {
			root.Fail("empty list: want at least one accelerator")
		}
		for _, item := range items {
			list.add(entry, r, item)
		}
		errs = append(errs, r.Err())
	}
	slices.SortFunc(list.costs, func(a, b UnitCost) int { return cmp.Compare(a.Accelerator, b.Accelerator) })
	return list.costs, errors.Join(errs...)
}

// priceList grows by one item at a time and remembers where each of its words was first used.
type priceList struct {
	costs  UnitCosts
	places map[string]string
}

func (l *priceList) add(entry string, r *document.Reader, item document.Value) {
	before := r.Failures()
	u := readUnitCost(item)
	if r.Failures() > before {
		return
	}
	for _, word := range u.words() {
		if place, taken := l.places[word]; taken {
			item.Named(u.Accelerator).Fail("%q already has a price at %s: want one price for each accelerator", word, place)
			return
		}
	}
	for _, word := range u.words() {
		l.places[word] = fmt.Sprintf("%s:%d", entry, item.Line())
	}
	l.costs = append(l.costs, u)
}

func readUnitCost(item document.Value) UnitCost {
	const bytesPerMiB = 1 << 20
	if !item.Present() {
		item.Fail("empty: want name, type, cost and memSize")
		return UnitCost{}
	}
	fields := item.NamedBy("name").Map("name", "type", "cost", "memSize")
	fields.Require("name", "type", "cost")
	var u UnitCost
	u.Accelerator, _ = fields.Get("name").Name()
	u.Type, _ = fields.Get("type").Name()
	if u.PerHour, _ = fields.Get("cost").NonNegative(); u.PerHour > Highest {
		fields.Get("cost").Fail("want a number from 0 to %g", Highest)
	}
	if memory := fields.Get("memSize"); memory.Present() {
		mebibytes, ok := memory.Int()
		if ok && (mebibytes <= 0 || mebibytes > math.MaxInt64/bytesPerMiB) {
			memory.Fail("want the MiB of one device, more than 0")
		}
		u.Memory = int64(mebibytes) * bytesPerMiB
	}
	return u
}
