package kubernetes

import (
	"maps"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/wva-go/wva"
	"github.com/wva-go/wva/internal/resource"
)

const (
	pricesA = "- name: A100\n  type: NVIDIA-A100-PCIE-80GB\n  cost: 40\n  memSize: 81920\n"
	pricesB = "- name: A100\n  type: NVIDIA-A100-PCIE-80GB\n  cost: 50\n  memSize: 81920\n"
)

func thresholds(kv string) string {
	return "kvCacheThreshold: " + kv + "\nqueueLengthThreshold: 5\nkvSpareTrigger: 0.1\nqueueSpareTrigger: 3\n"
}

// configured is a configuration in namespace wva-system with a ConfigMap of settings.
func configured(environment map[string]string) *configuration {
	c := newConfiguration(wva.DefaultPolicy(), lookup(environment))
	c.namespace, c.settings = "wva-system", "settings"
	return c
}

func (c *configuration) mustCompose(t *testing.T, enabled string, models ...wva.ModelKey) wva.Policy {
	t.Helper()
	p, err := c.compose(models, func(ns string) bool { return ns == enabled })
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func own(name string) types.NamespacedName {
	return types.NamespacedName{Namespace: "wva-system", Name: name}
}

// Of each entry the last one that could be read is in force; those of a ConfigMap that is gone are not.
func TestLastGoodValueStays(t *testing.T) {
	c := configured(nil)
	price := func() float64 {
		u, _ := c.mustCompose(t, "").UnitCosts.Lookup("A100")
		return u.PerHour
	}
	for _, step := range []struct {
		what     string
		data     map[string]string
		problems string
		want     float64
	}{
		{"a price", map[string]string{"accelerators": pricesA}, "", 40},
		{"a price that is none", map[string]string{"accelerators": strings.Replace(pricesA, "40", "much", 1)}, `accelerators:3: A100: cost "much"`, 40},
		{"no YAML", map[string]string{"accelerators": "[", "more": strings.ReplaceAll(pricesA, "A100", "B200")}, "not YAML", 40},
		{"another price", map[string]string{"accelerators": pricesB}, "", 50},
		{"no entry", map[string]string{}, `no entry: want "accelerators"`, 50},
		{"no ConfigMap", nil, "", 0},
		{"a price that is none, and none before", map[string]string{"accelerators": "- cost: x\n"}, "accelerators:1", 0},
		{"a price", map[string]string{"accelerators": pricesA}, "", 40},
	} {
		problems := c.apply(own(resource.UnitCosts), step.data)
		if step.problems == "" && len(problems) > 0 || step.problems != "" && (len(problems) == 0 || !strings.Contains(problems[0].Error(), step.problems)) {
			t.Errorf("%s: problems %v, want %q", step.what, problems, step.problems)
		}
		if got := price(); got != step.want {
			t.Errorf("%s: the price in force is %v, want %v", step.what, got, step.want)
		}
	}
}

// Whatever the data are, what is in force can be used.
func FuzzApply(f *testing.F) {
	f.Add("accelerators", pricesA, "default", thresholds("0.8"))
	f.Add("default", thresholds("1.5"), "llama", "model_id: m\nnamespace: n\n")
	f.Add("", "", "a", "- {name: a, model: m, priority: 1}\n")
	f.Fuzz(func(t *testing.T, a, textA, b, textB string) {
		c := configured(nil)
		for _, name := range append(resource.ConfigMaps(), "settings") {
			data := map[string]string{a: textA, b: textB}
			c.apply(own(name), data)
			c.apply(types.NamespacedName{Namespace: "n", Name: name}, maps.Clone(data))
			if problems := c.apply(own(name), c.good[own(name)]); len(problems) > 0 {
				t.Errorf("what is in force of %s has problems: %v", name, problems)
			}
		}
		if _, err := c.compose([]wva.ModelKey{{Namespace: "n", Model: "m"}}, func(string) bool { return true }); err != nil {
			t.Error(err)
		}
	})
}

// The environment wins over the settings, which win over what is built in.
func TestSettings(t *testing.T) {
	c := configured(map[string]string{"WVA_SCALE_TO_ZERO": "false"})
	if p := c.mustCompose(t, ""); p.Mode != wva.CapacityOnly || c.interval(time.Minute) != time.Minute {
		t.Errorf("mode %s, interval %v without settings", p.Mode, c.interval(time.Minute))
	}
	settings := map[string]string{"EXPERIMENTAL_PROACTIVE_MODEL": "true", "WVA_SCALE_TO_ZERO": "true", "GLOBAL_OPT_INTERVAL": "20s", "PROMETHEUS_BASE_URL": "none of ours"}
	if problems := c.apply(own("settings"), settings); len(problems) > 0 {
		t.Fatal(problems)
	}
	p := c.mustCompose(t, "")
	if p.Mode != wva.Hybrid || p.ScaleToZero.Default.Enabled || c.interval(time.Minute) != 20*time.Second {
		t.Errorf("mode %s, scale to zero %v, interval %v", p.Mode, p.ScaleToZero.Default.Enabled, c.interval(time.Minute))
	}
	problems := c.apply(own("settings"), map[string]string{"EXPERIMENTAL_PROACTIVE_MODEL": "maybe", "GLOBAL_OPT_INTERVAL": "0s"})
	if len(problems) != 2 {
		t.Errorf("problems %v, want two", problems)
	}
	if p := c.mustCompose(t, ""); p.Mode != wva.Hybrid || c.interval(time.Minute) != 20*time.Second {
		t.Errorf("mode %s, interval %v by settings that cannot be read", p.Mode, c.interval(time.Minute))
	}
}

// A namespace with the label has thresholds and retentions of its own; what it leaves out is as in the whole cluster.
func TestNamespaceOverrides(t *testing.T) {
	c := configured(nil)
	local := types.NamespacedName{Namespace: "ns", Name: resource.Saturation}
	c.apply(own(resource.Saturation), map[string]string{"default": thresholds("0.7"), "m": "model_id: m\nnamespace: ns\nkvCacheThreshold: 0.6\n"})
	c.apply(local, map[string]string{"n": "model_id: n\nnamespace: ns\nqueueLengthThreshold: 9\n"})
	c.apply(types.NamespacedName{Namespace: "ns", Name: resource.ScaleToZero}, map[string]string{"default": "enable_scale_to_zero: true\nretention_period: 5m\n"})
	models := []wva.ModelKey{{Namespace: "ns", Model: "m"}, {Namespace: "ns", Model: "n"}, {Namespace: "other", Model: "m"}}

	p := c.mustCompose(t, "", models...)
	if got := p.Saturation.For("ns", "m").KVCacheThreshold; got != 0.6 || p.ScaleToZero.For(models[0]).Enabled {
		t.Errorf("threshold %v, scale to zero %v without the label", got, p.ScaleToZero.For(models[0]).Enabled)
	}
	p = c.mustCompose(t, "ns", models...)
	if got := p.Saturation.For("ns", "m").KVCacheThreshold; got != 0.7 {
		t.Errorf("threshold %v of m: want the cluster's default, since the namespace has documents of its own", got)
	}
	if got := p.Saturation.For("ns", "n"); got.KVCacheThreshold != 0.7 || got.QueueLengthThreshold != 9 {
		t.Errorf("thresholds %+v of n", got)
	}
	if got := c.retention(models[1]); !got.Enabled || got.Period != 5*time.Minute {
		t.Errorf("retention %+v", got)
	}
	if p.Saturation.For("other", "m").KVCacheThreshold != 0.7 || p.ScaleToZero.For(models[2]).Enabled {
		t.Error("the documents of one namespace count in another")
	}

	c.apply(local, nil)
	p = c.mustCompose(t, "ns", models...)
	if got := p.Saturation.For("ns", "n"); got.QueueLengthThreshold != 5 || p.Saturation.For("ns", "m").KVCacheThreshold != 0.6 || !c.retention(models[1]).Enabled {
		t.Errorf("thresholds %+v of n after the document of the namespace is gone: want those of the cluster, and its retention as before", got)
	}
	if p = c.mustCompose(t, "", models...); p.ScaleToZero.For(models[1]).Enabled {
		t.Error("the documents of a namespace count without the label")
	}
}
