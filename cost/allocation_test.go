package cost_test

import (
	"errors"
	"math"
	"testing"

	"github.com/wva-go/wva/cost"
)

func TestPerHour(t *testing.T) {
	costs := guideCosts(t)
	for _, test := range []struct {
		of   cost.Allocation
		want float64
	}{
		{cost.Allocation{Accelerator: "A100", Replicas: 3}, 120},
		{cost.Allocation{Accelerator: "MI300X", Replicas: 1, DevicesPerReplica: 2}, 130}, // as free-70b of golden/solver_wva04_a.json
		{cost.Allocation{Accelerator: "NVIDIA-H100-80GB-HBM3", Replicas: 2, DevicesPerReplica: 4}, 640},
		{cost.Allocation{Accelerator: "H100"}, 0},
		{cost.Allocation{}, 0},
	} {
		if got, err := costs.PerHour(test.of); err != nil || got != test.want {
			t.Errorf("PerHour(%+v) = %v, %v; want %v", test.of, got, err, test.want)
		}
	}
}

func TestPerHourRefuses(t *testing.T) {
	costs := append(guideCosts(t), cost.UnitCost{Accelerator: "dear", Type: "dearest", PerHour: math.MaxFloat64})
	for name, of := range map[string]cost.Allocation{
		"negative replicas": {Accelerator: "A100", Replicas: -1},
		"negative devices":  {Accelerator: "A100", Replicas: 1, DevicesPerReplica: -2},
		"overflow":          {Accelerator: "dear", Replicas: 2},
	} {
		if got, err := costs.PerHour(of); err == nil {
			t.Errorf("%s: PerHour = %v, want an error", name, got)
		}
	}
	_, err := costs.PerHour(cost.Allocation{Accelerator: "B200", Replicas: 1})
	if !errors.Is(err, cost.ErrUnknownAccelerator) {
		t.Errorf("error %v, want ErrUnknownAccelerator", err)
	}
}

func TestDifference(t *testing.T) {
	costs := guideCosts(t)
	twoA100 := cost.Allocation{Accelerator: "A100", Replicas: 2}
	oneH100 := cost.Allocation{Accelerator: "H100", Replicas: 1}
	oneMI300X := cost.Allocation{Accelerator: "MI300X", Replicas: 1}
	for _, test := range []struct {
		from, to cost.Allocation
		want     float64
	}{
		{twoA100, oneH100, 0},
		{twoA100, oneMI300X, -15},
		{oneMI300X, oneH100, 15},
		{cost.Allocation{}, oneH100, 80},
		{oneH100, cost.Allocation{}, -80},
	} {
		if got, err := costs.Difference(test.from, test.to); err != nil || got != test.want {
			t.Errorf("Difference(%+v, %+v) = %v, %v; want %v", test.from, test.to, got, err, test.want)
		}
	}
	unknown := cost.Allocation{Accelerator: "B200", Replicas: 1}
	for _, pair := range [][2]cost.Allocation{{unknown, oneH100}, {oneH100, unknown}} {
		if _, err := costs.Difference(pair[0], pair[1]); !errors.Is(err, cost.ErrUnknownAccelerator) {
			t.Errorf("Difference(%+v): error %v, want ErrUnknownAccelerator", pair, err)
		}
	}
}
