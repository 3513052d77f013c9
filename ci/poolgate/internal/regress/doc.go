// Package regress is the benchmark regression gate: it says of each benchmark whether one revision is slower than
// another, and is built to be believed on a noisy machine of two cores.
//
//	Run (regress.go)             flags, exit codes
//	└ run (gate.go)              one session: prepare, count, time pairs
//	  ├ checkout (source.go)     revisions and their work trees, Perf-Accept
//	  ├ builder (build.go)       test binaries: overlays, layouts; identity.go, hook.go
//	  ├ runner (sample.go)       one process, one sample
//	  └ rules.decide (session.go), rules.judge (judge.go), counts.judge (counts.go)
//	                             pairs in, verdicts out: nothing else decides
//
// record.go saves pairs and reads them again, report.go prints, history.go keeps; selftest.go takes sessions that measure
// the gate itself, and rates.go prints them.
// METHOD.md says why all this is so.
package regress
