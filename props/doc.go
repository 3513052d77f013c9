// Package props learns whether an implementation of 2-D pooling is right.
//
// An implementation is a [pool2d.Impl], a struct of functions. [Run] judges it by every law of the contract that stands
// in the doc of package pool2d, on random cases that reach every corner where pooling has been wrong before:
//
//	func TestMine(t *testing.T) { props.Run(t, mine) }
//
// The examples are whole files: slices and dims, a caller's buffer, channels last, int8, float64 without dilation, one
// with indices and gradients. Run makes no assumption about an implementation that passes: any order of summation, any
// split among goroutines, any rounding that the bound allows. What it demands, a lawful implementation can prove.
//
// # What an implementation lacks
//
// Lacks says what an implementation does not offer. The generator obeys: it draws no such case, so that nothing is
// filtered or skipped case by case. A law that is about a lacking feature says so and is skipped. An implementation
// lacks NonFinite if it promises nothing about NaN and infinities; it lacks Strictness if it accepts what only a limit
// of the contract forbids, as large pads. Nonsense it must refuse all the same, with an error: negative strides, windows
// that do not fit, data of the wrong length.
//
// # How to read a failure
//
//	mine breaks equals_reference: every cell equals the reference's, an average's within the bound
//	case    n1c1h1w3_avg_k1x2_s1x2_ceil_countpad
//	cells   1 of 2 differ; first n0c0h0w1: got 0.5, want 1 (off by 0.5, …; taps 1, divisor 1)
//	source  plane n0c0, the window of h0w1 in [ ]
//	           w0  w1  w2
//	        h0  0   0  [1]
//	result  plane n0c0, wrong cells starred
//	           w0    w1
//	        h0  0  *0.5
//	again   go test -run '^TestMine$/^equals_reference$' -rapid.seed=862
//	replay  props.Replay(t, impl, props.Case[float32]{ … })
//	pytorch import torch …
//
// The first line is the law, a sentence. The case is the smallest that was found: its name says shape, operation,
// kernel, stride, and what is not the default (see [pool2d.Descriptor]). A law that makes several calls says in a line
// "call" which one went wrong. The error of an average is stated in units of the bound that package pool2d derives; an
// error of 10⁶ bounds is a wrong divisor, one of 3 bounds is an order of summation that is not lawful. Above, the window
// hangs over the edge in ceil mode, and the cell that does not exist was counted.
//
// Of large planes a part is drawn, and the whole is saved as a safetensors file in the directory of the test's artifacts
// (go test -artifacts keeps it). The line "again" repeats the search; "replay" is Go to paste into a test that calls
// [Replay], and to leave there; "pytorch" is Python to paste into a report to somebody else.
//
// One cause has one report: if "answers" or "shape_formula" fails, or a call does not return, the laws after it are
// skipped and point to it.
//
// # More cases, other seeds, many machines
//
// The laws are checked by pgregory.net/rapid, whose flags apply to a test that links this package: -rapid.checks=N makes
// N checks a law instead of 100, of up to five cases each; -rapid.seed=N repeats a run; -short makes a fifth. A campaign is
// split by an environment variable, see [ShardVariable]: any job matrix runs it, an indexed job of Kubernetes with
//
//	POOL2D_SHARD=$(JOB_COMPLETION_INDEX)/16 go test -run TestMine -timeout 0 -rapid.checks=1000000 -rapid.seed=7
//
// and the campaign has passed if every part has. [Fuzz] searches by coverage instead, under go test -fuzz. [Exhaustive]
// leaves nothing to chance: it pools every geometry up to a stated size, and its doc says what that proves.
//
// Cases come from no corpus. Rapid leaves the decisions that led to a failure in testdata/rapid; they go stale with the
// next version of this package, so a literal in Replay is what to keep.
//
// # The laws
//
// In the order in which Run checks them; [All] has their sentences.
//
//	answers rejects_nonsense keeps_limits                  that there is a result, or an error where there is none
//	shape_formula                                          the shape, against two derivations
//	equals_reference named_windows                         every cell, exactly or within the bound
//	membership nan_wins                                    a maximum, by itself
//	impulse_response locality                              which cells a window has, without an oracle
//	channel_preservation batch_preservation                planes are pooled each by itself
//	shift_tolerance detection flip transpose               where windows lie
//	monotone_map composition linearity scaling             what maxima and sums are
//	indices_in_window indices_order indices_values         where a maximum stands
//	gradient_of_max gradient_sum gradient_of_avg gradient_adjoint gradient_fresh
//	source_untouched stays_inside every_cell_written       memory
//	repeatable sequences same_bits_any_procs concurrent_calls
//
// Never demanded, since lawful implementations break it: that the mean of a constant equals it exactly, that a mean lies
// between the least and the greatest cell, the sign of a zero, equal bits across layouts, shifts or flips for an average of
// real numbers.
//
// # How to add a law and its mutant
//
// A law is an entry of [All] and a check in the law_ file of its kind: a function of a subject and a case that returns an
// error. Its doc says under which conditions it holds and which lawful implementation would break it without them. The
// entry's ask says which cases to draw, its takes which of the cases that Replay is given it speaks of. The subject makes
// the calls, in fenced buffers, in the layout of the implementation; a check compares what comes back, cell by cell, with
// compare or opine, which draw the failure. Whatever else it needs, a permutation or other cells, it derives from the
// case's Seed, so that the literal of a case is all there is to repeat.
//
// Then plant a bug that the law is there for in plantings (planted_test.go), and add the broken implementation to package
// props/mutants, with the system where it happened: a law that kills nothing is not known to work. A law that no mutant
// dies of alone, as MUSEUM.md records, says in its doc why it stays. Last, run the lawful variants of that package. If
// one fails, the law is wrong, and a condition is missing; no tolerance is tuned.
package props
