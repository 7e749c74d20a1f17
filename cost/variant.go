package cost

import (
	"fmt"
	"strconv"
)

// DefaultVariantCost is the cost per hour of one replica of a variant that does not state it.
const DefaultVariantCost = 10.0

// ParseVariantCost reads a variantCost, the cost per hour of one replica, in the form that the VariantAutoscaling
// resource takes: a string of digits with an optional fraction, ^\d+(\.\d+)?$. An empty string is [DefaultVariantCost].
func ParseVariantCost(s string) (float64, error) {
	if s == "" {
		return DefaultVariantCost, nil
	}
	if !isDecimal(s) {
		return 0, fmt.Errorf(`cost: variantCost %q: want digits with an optional fraction, such as "10.0"`, s)
	}
	perHour, err := strconv.ParseFloat(s, 64)
	if err != nil || perHour > Highest {
		return 0, fmt.Errorf("cost: variantCost %q: want a number from 0 to %g", s, Highest)
	}
	return perHour, nil
}

// isDecimal matches ^\d+(\.\d+)?$.
func isDecimal(s string) bool {
	digits, points := 0, 0
	for _, c := range []byte(s) {
		switch {
		case c >= '0' && c <= '9':
			digits++
		case c == '.' && digits > 0 && points == 0:
			digits, points = 0, 1
		default:
			return false
		}
	}
	return digits > 0
}
