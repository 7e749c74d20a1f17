// Package recording keeps what an autoscaler decided on, and plays it back.
//
// A [Recorder] appends one line of JSON for each step to files of a directory:
//
//	recorder, err := recording.NewRecorder("/var/lib/wva", recording.Options{OnError: func(err error) { log.Warn(err.Error()) }})
//	autoscaler.OnSnapshot = recorder.Record
//
// [Entries] reads them back, oldest first, and [wva.Decide] makes the same decisions of them as it did then, byte for byte:
//
//	for entry, err := range recording.Entries(os.DirFS("/var/lib/wva")) {
//		report, _, err := wva.Decide(entry.Snapshot, policy, entry.History)
//
// Every entry stands for itself: it holds all that Decide was given but the policy. To see how another policy would have gone on from its own history, pass
// on the one that Decide returns instead; a [Playback] does that through an Autoscaler. The load is as it was recorded either way: it does not
// answer to other decisions, as a simulator's does.
//
// # Files
//
// The files are called snapshots-000001.jsonl and so on. None grows beyond [Options.MaxBytes], and no more than [Options.Keep] are kept, so that a recording never
// takes more than the product of the two. A directory belongs to one Recorder at a time. The entries of a fleet of 100 replicas take about 40 KB each; long
// memories of a forecaster add to that.
//
// # Disks fail
//
// Recording never fails or delays a decision: a step hands over its line and goes on, and another goroutine writes. Where the disk does not keep up or cannot
// be written, lines are dropped, counted ([Recorder.Counts]) and reported to [Options.OnError].
//
// A line that was being written when the process or the machine died is torn. Nothing is ever appended to it: the next Recorder begins a new file. Reading
// reports it as [ErrTorn], with file and line, and goes on. What the process has written survives its death; what the machine has not yet brought to the disk
// when it loses power does not, unless [Options.Sync] waits for the disk after every line. Files are always synced when they are full, and by [Recorder.Close].
package recording
