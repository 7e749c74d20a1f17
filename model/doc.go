// Package model predicts how one LLM-inference server behaves under load.
//
// A [Server] is a [Profile] (how long one iteration of continuous batching takes), a batch limit and a KV-cache
// capacity. Given the [TokenLengths] of its requests, a [Queue] answers two questions: which TTFT and ITL a request
// rate causes ([Queue.Analyze]), and which rate meets an [SLO] ([Queue.MaxRate]).
//
// Profiles come from a benchmark ([Fit]), from the architecture of the model and the data sheet of the accelerator
// ([Roofline]), or from live metrics ([Tracker]).
//
// The package also holds the data that the rest of wva shares: the accelerator catalogue and the service classes.
// Everything in it is a value or a pure function; times are seconds unless they are a [time.Duration].
package model
