package saturation_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wva-go/wva/saturation"
)

func TestParseConfigs(t *testing.T) {
	got, err := saturation.ParseConfigs(map[string]string{
		"default":   "kvCacheThreshold: 0.75\nqueueSpareTrigger: 2\n",
		"llama":     "model_id: meta/llama-3.1-8b\nnamespace: prod\nkvCacheThreshold: 0.6\ntransition: perVariant\n",
		"inherited": "model_id: a\nnamespace: dev\n",
	})
	if err != nil {
		t.Fatal(err)
	}
	base := saturation.Config{KVCacheThreshold: 0.75, QueueLengthThreshold: 5, KVSpareTrigger: 0.1, QueueSpareTrigger: 2}
	llama := base
	llama.KVCacheThreshold, llama.Transition = 0.6, saturation.PerVariant
	want := saturation.Configs{Default: base, Overrides: []saturation.Override{
		{Namespace: "dev", Model: "a", Config: base},
		{Namespace: "prod", Model: "meta/llama-3.1-8b", Config: llama},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if got.For("prod", "meta/llama-3.1-8b") != llama || got.For("dev", "meta/llama-3.1-8b") != base {
		t.Error("an override counts in its namespace alone")
	}
}

// The thresholds of the token-based analysis stand in the same document.
func TestParseConfigsTokens(t *testing.T) {
	configs, err := saturation.ParseConfigs(map[string]string{
		"default": "kvCacheThreshold: 0.75\nscaleUpThreshold: 0.9\n",
		"llama":   "model_id: m\nnamespace: ns\nscaleDownBoundary: 0.5\nqueueLengthThreshold: 8\n",
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		model string
		want  saturation.TokenConfig
	}{
		{"other", saturation.TokenConfig{KVCacheThreshold: 0.75, QueueLengthThreshold: 5, ScaleUpThreshold: 0.9, ScaleDownBoundary: 0.7}},
		{"m", saturation.TokenConfig{KVCacheThreshold: 0.75, QueueLengthThreshold: 8, ScaleUpThreshold: 0.9, ScaleDownBoundary: 0.5}},
	} {
		if got := configs.For("ns", tt.model).Tokens(); got != tt.want {
			t.Errorf("%s: %+v, want %+v", tt.model, got, tt.want)
		}
	}
	if got := saturation.DefaultConfig().Tokens(); got != saturation.DefaultTokenConfig() {
		t.Errorf("default = %+v", got)
	}
}

// What is wrong is reported and skipped; the rest stays in force.
func TestParseConfigsSkips(t *testing.T) {
	good := "model_id: m\nnamespace: ns\nkvSpareTrigger: 0.2\n"
	for _, tt := range []struct {
		name string
		data map[string]string
		want []string
	}{
		{"a default above 1", map[string]string{"default": "kvCacheThreshold: 80", "good": good}, []string{"default:1", "kvCacheThreshold 80"}},
		{"a negative trigger", map[string]string{"bad": "model_id: x\nnamespace: ns\nqueueSpareTrigger: -1", "good": good}, []string{"bad:3: x: queueSpareTrigger"}},
		{"not a number", map[string]string{"bad": "model_id: x\nnamespace: ns\nkvSpareTrigger: .nan", "good": good}, []string{"bad:3", "kvSpareTrigger"}},
		{"no headroom for tokens", map[string]string{"bad": "model_id: x\nnamespace: ns\nscaleUpThreshold: 0", "good": good}, []string{"bad:3: x: scaleUpThreshold"}},
		{"token boundaries crossed", map[string]string{"bad": "model_id: x\nnamespace: ns\nscaleDownBoundary: 0.9", "good": good}, []string{"bad:1: x: ", "scaleDownBoundary 0.9 is above scaleUpThreshold 0.85"}},
		{"no model", map[string]string{"bad": "namespace: ns", "good": good}, []string{"bad:1: model_id: missing"}},
		{"an unknown field", map[string]string{"bad": "model_id: x\nnamespace: ns\nkvTreshold: 1", "good": good}, []string{"bad:3", "kvTreshold", "unknown field"}},
		{"the same model twice", map[string]string{"good": good, "later": good}, []string{"later", `"good"`}},
		{"no YAML", map[string]string{"bad": "{", "good": good}, []string{"bad"}},
		{"nothing", map[string]string{"bad": "", "good": good}, []string{"bad", "empty"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			configs, err := saturation.ParseConfigs(tt.data)
			if err == nil {
				t.Fatal("no error")
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error = %q, want it to say %q", err, want)
				}
			}
			if got := configs.For("ns", "m").KVSpareTrigger; got != 0.2 {
				t.Errorf("the sound entry has kvSpareTrigger %v, want 0.2", got)
			}
			if configs.Default != saturation.DefaultConfig() {
				t.Errorf("default = %+v", configs.Default)
			}
		})
	}
}

func FuzzParseConfigs(f *testing.F) {
	f.Add("default", "kvCacheThreshold: 0.80\nqueueLengthThreshold: 5\nkvSpareTrigger: 0.1\nqueueSpareTrigger: 3\n")
	f.Add("llama", "model_id: m\nnamespace: ns\nkvCacheThreshold: 1e999")
	f.Add("x", "&a [*a]")
	f.Fuzz(func(t *testing.T, entry, text string) {
		configs, err := saturation.ParseConfigs(map[string]string{entry: text, "good": "model_id: m\nnamespace: ns"})
		if invalid := configs.Validate(); invalid != nil {
			t.Fatalf("the result is not fit for use: %v", invalid)
		}
		if err != nil && !strings.Contains(err.Error(), entry) && !strings.Contains(err.Error(), "good") {
			t.Fatalf("the error does not name the entry: %v", err)
		}
	})
}
