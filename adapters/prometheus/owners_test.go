package prometheus_test

import (
	"strings"
	"testing"

	"github.com/wva-go/wva"
	"github.com/wva-go/wva/adapters/prometheus"
)

func TestOwnersByName(t *testing.T) {
	// Names so long that those of their pods are shortened: in the hash, before it, and within the name, where two look alike.
	long50, long57, long60 := strings.Repeat("a", 50), strings.Repeat("b", 57), strings.Repeat("c", 60)
	variant := func(namespace, name, kind, target string) wva.Variant {
		return wva.Variant{ID: wva.ID{Namespace: namespace, Name: name}, Model: "m", Target: wva.TargetRef{Kind: kind, Name: target}}
	}
	owner, err := prometheus.OwnersByName(t.Context(), []wva.Variant{
		variant("ns", "small", "Deployment", "llama"),
		variant("ns", "large", "Deployment", "llama-8b"),
		variant("ns", "stateful", "StatefulSet", "qwen"),
		variant("ns", "many", "LeaderWorkerSet", "deepseek"),
		variant("ns", "bare", "", ""),
		variant("ns", "twin-b", "Deployment", "shared"),
		variant("ns", "twin-a", "Deployment", "shared"),
		variant("ns", "any", "", "qwen-2"),
		variant("other", "elsewhere", "Deployment", "llama"),
		variant("ns", "l50", "Deployment", long50), variant("ns", "l57", "Deployment", long57),
		variant("ns", "l60-x", "Deployment", long60+"x"), variant("ns", "l60-y", "Deployment", long60+"y"), variant("ns", "l60-z", "StatefulSet", strings.Repeat("d", 60)),
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ namespace, pod, want string }{ // want is empty where nobody owns the pod
		{"ns", "llama-7c9f8d7b4-x2bcd", "small"},
		{"ns", "llama-8b-7c9f8d7b4-x2bcd", "large"},
		{"other", "llama-7c9f8d7b4-x2bcd", "elsewhere"},
		{"third", "llama-7c9f8d7b4-x2bcd", ""},
		{"ns", "llama-70b-7c9f8d7b4-x2bcd", ""},
		{"ns", "llama-8b-fp8-7c9f8d7b4-x2bcd", ""},
		{"ns", "llama-0", ""},               // a StatefulSet's name, of a Deployment
		{"ns", "llama-7c9f8d7b4-x2bc", ""},  // four characters
		{"ns", "llama-7c9f8d7b4-aeiou", ""}, // vowels
		{"ns", "llama-8b-x2bcd", ""},        // a job's
		{"ns", "llama", ""},
		{"ns", "", ""},
		{"ns", "-", ""},
		{"ns", "--", ""},
		{"ns", "qwen-0", "stateful"},
		{"ns", "qwen-12", "stateful"},
		{"ns", "qwen-x2bcd", ""},
		{"ns", "qwen-2-0", "any"}, // not the twelfth of something else
		{"ns", "qwen-2-7c9f8d7b4-x2bcd", "any"},
		{"ns", "deepseek-0", "many"},
		{"ns", "deepseek-0-1", "many"},
		{"ns", "deepseek-7c9f8d7b4-x2bcd", ""},
		{"ns", "bare-3", "bare"},
		{"ns", "bare-3-1", "bare"},
		{"ns", "bare-7c9f8d7b4-x2bcd", "bare"},
		{"ns", "shared-7c9f8d7b4-x2bcd", "twin-a"},
		{"ns", long50 + "-7c9f8d7" + "x2bcd", "l50"},
		{"ns", long57 + "-" + "x2bcd", "l57"},
		{"ns", long60[:58] + "x2bcd", ""},
		{"ns", strings.Repeat("d", 58) + "x2bcd", ""},
		{"ns", strings.Repeat("e", 58) + "x2bcd", ""},
	} {
		id, ok := owner(tt.namespace, tt.pod)
		if ok != (tt.want != "") || id.Name != tt.want {
			t.Errorf("%s/%s belongs to %v, %v, want %q", tt.namespace, tt.pod, id, ok, tt.want)
		}
	}
}
