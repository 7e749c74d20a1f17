package resource_test

import (
	"strings"
	"testing"

	"github.com/wva-go/wva"
	"github.com/wva-go/wva/internal/resource"
)

const (
	premium = "name: Premium\npriority: 1\ndata:\n- model: m\n  slo-tpot: 24\n  slo-ttft: 500\n"
	classes = "- name: Premium\n  model: m\n  priority: 1\n  slo-itl: 24\n  slo-ttw: 500\n- name: Standard\n  model: m\n  priority: 5\n  slo-itl: 50\n  slo-ttw: 1000\n"
)

// A variant's class is the one of its label, or else the one that its reference means.
func TestServiceClass(t *testing.T) {
	for name, test := range map[string]struct {
		data  map[string]string
		label string
		ref   resource.ClassRef
		want  string
		error string
	}{
		"neither":                            {data: map[string]string{"serviceClasses": classes}},
		"a label":                            {data: map[string]string{"serviceClasses": classes}, label: "Standard", want: "Standard"},
		"a label before a reference":         {data: map[string]string{"serviceClasses": classes}, label: "Standard", ref: resource.ClassRef{Name: "Premium"}, want: "Standard"},
		"a label that no class bears":        {data: map[string]string{"serviceClasses": classes}, label: "Gold", want: "Gold", error: `no service class is called "Gold": want one of Premium, Standard`},
		"an entry of one class":              {data: map[string]string{"premium": premium}, ref: resource.ClassRef{Name: "serviceclass", Key: "premium"}, want: "Premium"},
		"the name of a class":                {data: map[string]string{"serviceClasses": classes}, ref: resource.ClassRef{Name: "Premium"}, want: "Premium"},
		"the name of a class, as the key":    {data: map[string]string{"serviceClasses": classes}, ref: resource.ClassRef{Name: "serviceclass", Key: "Standard"}, want: "Standard"},
		"an entry of several classes":        {data: map[string]string{"serviceClasses": classes}, ref: resource.ClassRef{Name: "serviceclass", Key: "serviceClasses"}, error: "serviceclass/serviceClasses is no service class: want one of Premium, Standard; until then the class is chosen by model"},
		"a reference to nothing":             {data: map[string]string{"premium": premium}, ref: resource.ClassRef{Name: "gold"}, error: "gold is no service class: want one of Premium"},
		"a label while there are no classes": {label: "Gold", want: "Gold"},
		"a reference while there are none":   {ref: resource.ClassRef{Name: "premium", Key: "m"}, want: "premium"},
	} {
		t.Run(name, func(t *testing.T) {
			p := resource.Policy{Policy: wva.DefaultPolicy()}
			if test.data != nil {
				if err := p.Apply(resource.ServiceClasses, test.data); err != nil {
					t.Fatal(err)
				}
			}
			got, err := p.ServiceClass(test.label, test.ref)
			if got != test.want || (err == nil) != (test.error == "") || err != nil && !strings.Contains(err.Error(), test.error) {
				t.Errorf("class %q, error %v, want %q and %q", got, err, test.want, test.error)
			}
		})
	}
}

// Each ConfigMap is taken over into its part of the policy; other names change nothing, and what is sound counts beside what is not.
func TestApply(t *testing.T) {
	p := resource.Policy{Policy: wva.DefaultPolicy()}
	for name, data := range map[string]map[string]string{
		resource.UnitCosts:      {"accelerators": "- name: A100\n  type: T\n  cost: 40\n  memSize: 81920\n"},
		resource.ServiceClasses: {"serviceClasses": classes},
		resource.Saturation:     {"default": "kvCacheThreshold: 0.7\nqueueLengthThreshold: 5\nkvSpareTrigger: 0.1\nqueueSpareTrigger: 3\n"},
		resource.ScaleToZero:    {"default": "enable_scale_to_zero: true\nretention_period: 5m\n"},
		"somebody-else's":       {"default": "]"},
	} {
		if err := p.Apply(name, data); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if u, ok := p.UnitCosts.Lookup("A100"); !ok || u.PerHour != 40 || len(p.Policy.ServiceClasses) != 2 || p.Saturation.Default.KVCacheThreshold != 0.7 || !p.ScaleToZero.Default.Enabled {
		t.Errorf("policy %+v", p.Policy)
	}
	if err := p.Apply(resource.ServiceClasses, map[string]string{"premium": premium, "gold": "["}); err == nil || len(p.Policy.ServiceClasses) != 1 {
		t.Errorf("classes %v, error %v", p.Policy.ServiceClasses, err)
	}
}
