//go:build !race

package prometheus_test

// raceEnabled tells whether the race detector is on, with which nothing takes its usual time.
const raceEnabled = false
