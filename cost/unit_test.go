package cost_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/wva-go/wva/cost"
)

// guide is the accelerator-unitcost document of the configuration guide.
const guide = `- name: A100
  type: NVIDIA-A100-PCIE-80GB
  cost: 40
  memSize: 81920
- name: MI300X
  type: AMD-MI300X-192GB
  cost: 65
  memSize: 196608
- name: H100
  type: NVIDIA-H100-80GB-HBM3
  cost: 80
  memSize: 81920
`

func guideCosts(t testing.TB) cost.UnitCosts {
	t.Helper()
	costs, err := cost.ParseUnitCosts(map[string]string{"accelerators": guide})
	if err != nil {
		t.Fatal(err)
	}
	return costs
}

func TestParseUnitCostsOfTheGuide(t *testing.T) {
	const gib = 1 << 30
	want := cost.UnitCosts{
		{Accelerator: "A100", Type: "NVIDIA-A100-PCIE-80GB", PerHour: 40, Memory: 80 * gib},
		{Accelerator: "H100", Type: "NVIDIA-H100-80GB-HBM3", PerHour: 80, Memory: 80 * gib},
		{Accelerator: "MI300X", Type: "AMD-MI300X-192GB", PerHour: 65, Memory: 192 * gib},
	}
	costs := guideCosts(t)
	if diff := cmp.Diff(want, costs); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if err := costs.Validate(); err != nil {
		t.Error(err)
	}
}

// Every broken item names its place and what is wrong; the sound item after it is still read.
func TestParseUnitCostsReportsAndGoesOn(t *testing.T) {
	const sound = "- {name: L4, type: NVIDIA-L4, cost: 5}\n"
	for name, test := range map[string]struct{ item, want string }{
		"negative":          {"- {name: A, type: TA, cost: -1}\n", `accelerators:1: A: cost "-1": want 0 or more`},
		"negative zero":     {"- {name: A, type: TA, cost: -0}\n", `accelerators:1: A: cost "-0": want 0 or more`},
		"NaN":               {"- {name: A, type: TA, cost: .nan}\n", `accelerators:1: A: cost ".nan": want a number`},
		"NaN as Go has it":  {"- {name: A, type: TA, cost: NaN}\n", `accelerators:1: A: cost "NaN": want a finite number`},
		"infinite":          {"- {name: A, type: TA, cost: inf}\n", `accelerators:1: A: cost "inf": want a finite number`},
		"higher than any":   {"- {name: A, type: TA, cost: 1e13}\n", `accelerators:1: A: cost "1e13": want a number from 0 to 1e+12`},
		"overflow":          {"- {name: A, type: TA, cost: 1e400}\n", `accelerators:1: A: cost "1e400": want a finite number`},
		"malformed":         {"- {name: A, type: TA, cost: 40 cents}\n", `accelerators:1: A: cost "40 cents": want a number`},
		"empty cost":        {"- {name: A, type: TA, cost: ''}\n", `accelerators:1: A: cost: want a number`},
		"null cost":         {"- {name: A, type: TA, cost: }\n", `accelerators:1: A: cost: missing`},
		"cost missing":      {"- {name: A, type: TA}\n", `accelerators:1: A: cost: missing`},
		"cost a list":       {"- {name: A, type: TA, cost: [40]}\n", `accelerators:1: A: cost: want text, have a list`},
		"name missing":      {"- {type: TA, cost: 40}\n", `accelerators:1: name: missing`},
		"name empty":        {"- {name: '', type: TA, cost: 40}\n", `accelerators:1: name: empty`},
		"type missing":      {"- {name: A, cost: 40}\n", `accelerators:1: A: type: missing`},
		"type blank":        {"- {name: A, type: ' ', cost: 40}\n", `accelerators:1: A: type " ": empty`},
		"memory fractional": {"- {name: A, type: TA, cost: 1, memSize: 80.5}\n", `accelerators:1: A: memSize "80.5": want a whole number`},
		"memory zero":       {"- {name: A, type: TA, cost: 1, memSize: 0}\n", `accelerators:1: A: memSize "0": want the MiB of one device, more than 0`},
		"memory overflow":   {"- {name: A, type: TA, cost: 1, memSize: 9223372036854775807}\n", `accelerators:1: A: memSize "9223372036854775807": want the MiB of one device, more than 0`},
		"empty item":        {"-\n", `accelerators:1: empty: want name, type, cost and memSize`},
		"item not a map":    {"- A100\n", `accelerators:1: want a mapping, have the scalar "A100"`},
		"unknown field":     {"- name: A\n  type: TA\n  cost: 1\n  price: 2\n", `accelerators:4: A: price: unknown field; known are name, type, cost, memSize`},
		"field twice":       {"- name: A\n  type: TA\n  cost: 1\n  cost: 2\n", `accelerators:4: A: cost "2": field occurs twice`},
	} {
		t.Run(name, func(t *testing.T) {
			costs, err := cost.ParseUnitCosts(map[string]string{"accelerators": test.item + sound})
			if err == nil || err.Error() != test.want {
				t.Errorf("error %v\nwant  %v", err, test.want)
			}
			if len(costs) != 1 || costs[0].Accelerator != "L4" {
				t.Errorf("the sound item was lost: %v", costs)
			}
		})
	}
}

func TestParseUnitCostsRefusesDocuments(t *testing.T) {
	for name, test := range map[string]struct {
		data map[string]string
		want string
	}{
		"no entry":      {nil, `accelerator unit costs: no entry: want "accelerators" with a list of accelerators`},
		"empty entry":   {map[string]string{"accelerators": ""}, "accelerators: empty document"},
		"null":          {map[string]string{"accelerators": "~"}, "accelerators: empty document"},
		"empty list":    {map[string]string{"accelerators": "[]"}, "accelerators:1: empty list: want at least one accelerator"},
		"mapping":       {map[string]string{"accelerators": "name: A100"}, "accelerators:1: want a list, have a mapping"},
		"not YAML":      {map[string]string{"accelerators": "- name: A100\n  cost: 1: 2\n"}, "accelerators:2: not YAML: mapping values are not allowed in this context"},
		"two documents": {map[string]string{"accelerators": guide + "---\n" + guide}, "accelerators:13: more than one YAML document in one entry"},
	} {
		t.Run(name, func(t *testing.T) {
			costs, err := cost.ParseUnitCosts(test.data)
			if err == nil || err.Error() != test.want {
				t.Errorf("error %v\nwant  %v", err, test.want)
			}
			if len(costs) != 0 {
				t.Errorf("got %v", costs)
			}
		})
	}
}

// The first of two items that mean the same accelerator stands, and the error names both places.
func TestParseUnitCostsRefusesDuplicates(t *testing.T) {
	costs, err := cost.ParseUnitCosts(map[string]string{
		"b": "- {name: A100, type: other, cost: 2}\n- {name: other, type: T1, cost: 3}\n",
		"a": "- {name: A100, type: T1, cost: 1}\n",
	})
	want := `b:1: A100: "A100" already has a price at a:1: want one price for each accelerator
b:2: other: "T1" already has a price at a:1: want one price for each accelerator`
	if err == nil || err.Error() != want {
		t.Errorf("error %v\nwant  %v", err, want)
	}
	if diff := cmp.Diff(cost.UnitCosts{{Accelerator: "A100", Type: "T1", PerHour: 1}}, costs); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestLookupByNameOrType(t *testing.T) {
	costs := guideCosts(t)
	for _, word := range []string{"H100", "NVIDIA-H100-80GB-HBM3"} {
		if u, ok := costs.Lookup(word); !ok || u.PerHour != 80 {
			t.Errorf("Lookup(%q) = %v, %v; want the H100 at 80", word, u, ok)
		}
	}
	if u, ok := costs.Lookup("B200"); ok {
		t.Errorf("Lookup of an accelerator without a price = %v", u)
	}
}

func TestUnitCostsValidate(t *testing.T) {
	for name, test := range map[string]struct {
		costs cost.UnitCosts
		want  string
	}{
		"name":      {cost.UnitCosts{{Type: "T"}}, "accelerator is empty"},
		"type":      {cost.UnitCosts{{Accelerator: "A"}}, "type is empty"},
		"NaN":       {cost.UnitCosts{{Accelerator: "A", Type: "T", PerHour: math.NaN()}}, "unit cost of A: NaN per hour"},
		"infinite":  {cost.UnitCosts{{Accelerator: "A", Type: "T", PerHour: math.Inf(1)}}, "unit cost of A: +Inf per hour"},
		"negative":  {cost.UnitCosts{{Accelerator: "A", Type: "T", PerHour: -1}}, "unit cost of A: -1 per hour"},
		"memory":    {cost.UnitCosts{{Accelerator: "A", Type: "T", Memory: -1}}, "unit cost of A: memory -1"},
		"duplicate": {cost.UnitCosts{{Accelerator: "A", Type: "T"}, {Accelerator: "B", Type: "A"}}, `"A" means both entry 0 and entry 1`},
	} {
		t.Run(name, func(t *testing.T) {
			if err := test.costs.Validate(); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want one that says %q", err, test.want)
			}
		})
	}
	if err := (cost.UnitCosts{{Accelerator: "same", Type: "same"}}).Validate(); err != nil {
		t.Errorf("a name that is also the type: %v", err)
	}
}

// The order of the items does not matter to the price list.
func TestParseUnitCostsIgnoresOrder(t *testing.T) {
	items := strings.SplitAfter(strings.TrimSuffix(guide, "\n"), "\n- ")
	for i := range items {
		items[i] = strings.TrimSuffix(strings.TrimPrefix(items[i], "- "), "\n- ")
	}
	want := guideCosts(t)
	rapid.Check(t, func(t *rapid.T) {
		order := rapid.Permutation(slices.Clone(items)).Draw(t, "order")
		got, err := cost.ParseUnitCosts(map[string]string{"accelerators": "- " + strings.Join(order, "\n- ")})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("(-want +got)\n%s", diff)
		}
	})
}

func FuzzParseUnitCosts(f *testing.F) {
	f.Add(guide)
	f.Add("- {name: A, type: T, cost: .inf}\n- &x {name: A, type: T, cost: 1}\n- *x\n")
	f.Add("- <<: {name: A}\n  cost: 0x1p-1074\n")
	f.Add("&a [*a]")
	f.Add("---\n[]\n---\n}")
	f.Fuzz(func(t *testing.T, text string) {
		costs, err := cost.ParseUnitCosts(map[string]string{"accelerators": text})
		if invalid := costs.Validate(); invalid != nil {
			t.Fatalf("an invalid price list was read: %v", invalid)
		}
		if err == nil && len(costs) == 0 {
			t.Fatal("nothing was read and nothing reported")
		}
		if err != nil && !strings.HasPrefix(err.Error(), "accelerators:") {
			t.Fatalf("the error does not name the entry: %v", err)
		}
	})
}
