package wva

import (
	"math"
	"slices"
	"time"
)

// A Forecaster predicts the demand that replicas started now will meet once they serve.
type Forecaster interface {
	// Forecast returns the demand, in requests per second, that is not exceeded with the given probability a horizon after
	// the last sample. Samples are in order of time and there is at least one. The result is finite and not negative.
	Forecast(samples []DemandSample, horizon time.Duration, quantile float64) float64
}

// DemandSample is the arrival rate of a model at one time.
type DemandSample struct {
	At   time.Time `json:"at"`
	Rate float64   `json:"rate"` // requests per second
}

// LastValue expects the future to be as the present is: it forecasts the last sample, whatever the quantile.
type LastValue struct{}

// Forecast implements Forecaster.
func (LastValue) Forecast(samples []DemandSample, _ time.Duration, _ float64) float64 {
	return samples[len(samples)-1].Rate
}

// Holt is double exponential smoothing (Holt 1957): a level and a damped linear trend (Gardner and McKenzie 1985), for
// load that rises and falls over many samples. The quantile comes from the spread of its own past errors.
type Holt struct {
	Level float64 // smoothing of the level, in (0, 1]; 0 = 0.5
	Trend float64 // smoothing of the trend, in (0, 1]; 0 = 0.2
	Damp  float64 // share of the trend that survives a sample, in (0, 1]; 0 = 0.95
}

// Forecast implements Forecaster.
func (f Holt) Forecast(samples []DemandSample, horizon time.Duration, quantile float64) float64 {
	return smooth(samples, horizon, quantile, 0, orDefault(f.Level, 0.5), orDefault(f.Trend, 0.2), 0, orDefault(f.Damp, 0.95))
}

// HoltWinters adds an additive season (Winters 1960) to Holt's smoothing, for load that repeats by the day. Until it has
// seen two seasons it forecasts as Holt does.
type HoltWinters struct {
	Season   time.Duration // length of a season; 0 = 24 h
	Level    float64       // smoothing of the level; 0 = 0.3
	Trend    float64       // smoothing of the trend; 0 = 0.05
	Seasonal float64       // smoothing of the season; 0 = 0.3
	Damp     float64       // share of the trend that survives a sample; 0 = 0.95
}

// Forecast implements Forecaster.
func (f HoltWinters) Forecast(samples []DemandSample, horizon time.Duration, quantile float64) float64 {
	season := f.Season
	if season <= 0 {
		season = 24 * time.Hour
	}
	length := int(math.Round(season.Seconds() / spacing(samples).Seconds()))
	if length < 2 || len(samples) < 2*length {
		return Holt{}.Forecast(samples, horizon, quantile)
	}
	return smooth(samples, horizon, quantile, length, orDefault(f.Level, 0.3), orDefault(f.Trend, 0.05), orDefault(f.Seasonal, 0.3), orDefault(f.Damp, 0.95))
}

func orDefault(v, otherwise float64) float64 {
	if v > 0 && v <= 1 {
		return v
	}
	return otherwise
}

// spacing returns the median interval between samples, which a missed cycle does not move.
func spacing(samples []DemandSample) time.Duration {
	if len(samples) < 2 {
		return time.Minute
	}
	gaps := make([]time.Duration, len(samples)-1)
	for i := range gaps {
		gaps[i] = samples[i+1].At.Sub(samples[i].At)
	}
	slices.Sort(gaps)
	return max(gaps[len(gaps)/2], time.Millisecond)
}

// smooth runs damped additive Holt-Winters over the samples (season 0: Holt) and extrapolates. The spread of an error h
// samples ahead grows like √h from the one-step errors (Hyndman and Athanasopoulos, Forecasting, section 8.7).
func smooth(samples []DemandSample, horizon time.Duration, quantile float64, season int, alpha, beta, gamma, damp float64) float64 {
	level, trend := samples[0].Rate, 0.0
	index := make([]float64, season)
	if season > 0 {
		level = 0
		for _, s := range samples[:season] {
			level += s.Rate / float64(season)
		}
		for i, s := range samples[:season] {
			index[i] = s.Rate - level
		}
	}
	var squares, n float64
	for i, s := range samples {
		if i == 0 && season == 0 {
			continue
		}
		seasonal := 0.0
		if season > 0 {
			seasonal = index[i%season]
		}
		miss := s.Rate - (level + damp*trend + seasonal)
		squares += miss * miss
		n++
		before := level
		level = alpha*(s.Rate-seasonal) + (1-alpha)*(level+damp*trend)
		trend = beta*(level-before) + (1-beta)*damp*trend
		if season > 0 {
			index[i%season] = gamma*(s.Rate-level) + (1-gamma)*seasonal
		}
	}
	steps := max(horizon.Seconds()/spacing(samples).Seconds(), 0)
	forecast := level + trend*damped(damp, steps)
	if season > 0 {
		forecast += index[(len(samples)-1+int(math.Round(steps)))%season]
	}
	if n > 0 && quantile > 0.5 {
		forecast += normalQuantile(quantile) * math.Sqrt(squares/n) * math.Sqrt(max(steps, 1))
	}
	if math.IsNaN(forecast) || math.IsInf(forecast, 0) {
		return samples[len(samples)-1].Rate
	}
	return max(forecast, 0)
}

// damped returns damp + damp² + … over that many steps, fractions included.
func damped(damp, steps float64) float64 {
	if damp == 1 {
		return steps
	}
	return damp * (1 - math.Pow(damp, steps)) / (1 - damp)
}

// normalQuantile returns the quantile of the standard normal distribution.
func normalQuantile(p float64) float64 { return -math.Sqrt2 * math.Erfcinv(2*p) }
