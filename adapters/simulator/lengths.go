package simulator

import (
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/wva-go/wva/model"
)

// Lengths returns a source of token counts with the given mean and spread, none below least: constant where the spread is 0, and
// otherwise gamma distributed above least (a spread of 1 is the exponential, the continuous geometric distribution). Fractions are
// rounded up or down by chance, which keeps the mean exact and adds at most a quarter of a token² to the variance.
func Lengths(l model.TokenLengths, least int, src rand.Source) func() int {
	chance := rand.New(src)
	round := func(x float64) int {
		whole := math.Floor(x)
		if chance.Float64() < x-whole {
			whole++
		}
		return int(whole)
	}
	above := l.Mean - float64(least)
	if above <= 0 {
		return func() int { return least }
	}
	deviation := l.CV * l.Mean
	if deviation == 0 {
		return func() int { return round(l.Mean) }
	}
	// shape = mean²/variance, rate = mean/variance
	gamma := distuv.Gamma{Alpha: above * above / (deviation * deviation), Beta: above / (deviation * deviation), Src: src}
	return func() int { return least + round(min(gamma.Rand(), maxTokens)) }
}

// maxTokens keeps a wild draw within what an int of any platform holds.
const maxTokens = 1 << 30
