package cost_test

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/wva-go/wva/cost"
)

func TestParseVariantCost(t *testing.T) {
	for s, want := range map[string]float64{"": 10, "10.0": 10, "15.5": 15.5, "80": 80, "0": 0, "007": 7, "0.05": 0.05} {
		if got, err := cost.ParseVariantCost(s); err != nil || got != want {
			t.Errorf("ParseVariantCost(%q) = %v, %v; want %v", s, got, err, want)
		}
	}
	if got, err := cost.ParseVariantCost("1000000000000"); err != nil || got != cost.Highest {
		t.Errorf("the highest cost: %v, %v", got, err)
	}
	for _, s := range []string{"1000000000001", "-1", "+1", ".5", "5.", "1.2.3", "1e3", "NaN", "inf", " 1", "1 ", "1_000", "0x10", "١", strings.Repeat("9", 400)} {
		if got, err := cost.ParseVariantCost(s); err == nil || !strings.Contains(err.Error(), "variantCost") {
			t.Errorf("ParseVariantCost(%q) = %v, %v; want an error that names variantCost", s, got, err)
		}
	}
}

func FuzzParseVariantCost(f *testing.F) {
	for _, s := range []string{"", "10.0", "-1", "1.", ".1", "1e9", "NaN"} {
		f.Add(s)
	}
	pattern := regexp.MustCompile(`\A[0-9]+(\.[0-9]+)?\z`) // the pattern of the CRD
	f.Fuzz(func(t *testing.T, s string) {
		perHour, err := cost.ParseVariantCost(s)
		if err == nil && (math.IsNaN(perHour) || math.IsInf(perHour, 0) || perHour < 0) {
			t.Fatalf("ParseVariantCost(%q) = %v", s, perHour)
		}
		number, _ := strconv.ParseFloat(s, 64)
		if accepted := err == nil; accepted != (s == "" || pattern.MatchString(s) && number <= cost.Highest) {
			t.Fatalf("ParseVariantCost(%q) = %v, %v; the pattern and the highest cost say otherwise", s, perHour, err)
		}
	})
}
