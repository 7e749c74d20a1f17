package kubernetes

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"strconv"

	"github.com/wva-go/wva"
	"github.com/wva-go/wva/adapters/kubernetes/api/v1alpha1"
	"github.com/wva-go/wva/cost"
	"github.com/wva-go/wva/internal/resource"
)

func idOf(va *v1alpha1.VariantAutoscaling) wva.ID {
	return wva.ID{Namespace: va.Namespace, Name: va.Name}
}

// declare returns the variant as its resource declares it. A remark is what is wrong with it and does not keep it from being scaled; an error does.
func declare(va *v1alpha1.VariantAutoscaling, policy *resource.Policy) (v wva.Variant, remark, err error) {
	kind, err := kindOf(va.Spec.ScaleTargetRef)
	v = wva.Variant{
		ID: idOf(va), Model: va.Spec.Model(), Accelerator: va.Labels[resource.LabelAccelerator], Labels: va.Labels,
		Target: wva.TargetRef{APIVersion: kind.GroupVersion().String(), Kind: kind.Kind, Name: va.Spec.ScaleTargetRef.Name},
	}
	if va.Spec.Model() == "" {
		err = errors.Join(err, errors.New("modelID: missing"))
	}
	if va.Spec.MinReplicas != nil {
		v.Min = int(*va.Spec.MinReplicas)
	}
	if va.Spec.MaxReplicas != nil {
		v.Max = int(*va.Spec.MaxReplicas)
	}
	var bad error
	if v.Cost, bad = cost.ParseVariantCost(va.Spec.VariantCost); bad != nil {
		err = errors.Join(err, fmt.Errorf(`variantCost %.80q: want a finite number without sign or exponent, such as "10.0"`, va.Spec.VariantCost))
	}
	var ref resource.ClassRef
	if r := va.Spec.SLOClassRef; r != nil {
		ref = resource.ClassRef{Name: r.Name, Key: r.Key}
	}
	v.ServiceClass, remark = policy.ServiceClass(va.Labels[resource.LabelServiceClass], ref)
	return v, remark, err
}

// equip completes a variant by what its target says and by the profile for its accelerator.
func equip(v *wva.Variant, va *v1alpha1.VariantAutoscaling, t target, policy *resource.Policy) (remark error) {
	v.Accelerator = cmp.Or(v.Accelerator, t.accelerator)
	v.Devices, v.Current = t.devices, t.replicas
	profiles, remark := readProfiles(va.Spec.ModelProfile)
	if p, ok := resource.SelectProfile(profiles, v.Accelerator, policy.UnitCosts); ok {
		v.Accelerator = cmp.Or(v.Accelerator, p.Accelerator)
		v.Devices = cmp.Or(v.Devices, p.Devices)
		v.Server = p.Server()
	}
	return remark
}

// readProfiles reads the entries that are sound.
func readProfiles(m *v1alpha1.ModelProfile) (profiles []resource.Profile, remark error) {
	if m == nil {
		return nil, nil
	}
	var errs []error
	for i, a := range m.Accelerators {
		p := resource.Profile{Accelerator: a.Acc, Devices: int(max(a.AccCount, 1)), MaxBatch: int(max(a.MaxBatchSize, 0))}
		sound := true
		for _, parameter := range []struct {
			name string
			text v1alpha1.Parameter
			into *float64
		}{
			{"alpha", a.PerfParms.DecodeParms.Alpha, &p.Alpha}, {"beta", a.PerfParms.DecodeParms.Beta, &p.Beta},
			{"gamma", a.PerfParms.PrefillParms.Gamma, &p.Gamma}, {"delta", a.PerfParms.PrefillParms.Delta, &p.Delta},
		} {
			if parameter.text == "" {
				continue
			}
			ms, err := strconv.ParseFloat(string(parameter.text), 64)
			if err != nil || !(ms >= 0) || math.IsInf(ms, 0) {
				errs = append(errs, fmt.Errorf("modelProfile.accelerators[%d] %s: %s %.80q: want a number of milliseconds, 0 or more", i, a.Acc, parameter.name, parameter.text))
				sound = false
			}
			*parameter.into = ms
		}
		if sound {
			profiles = append(profiles, p)
		}
	}
	return profiles, errors.Join(errs...)
}
