package regress

import (
	"fmt"
	"slices"
)

// A unit is what the memory statistics count of an operation.
type unit int

const (
	allocations unit = iota
	heapBytes
	units
)

func (u unit) String() string { return [...]string{"exact-allocs/op", "exact-B/op"}[u] }

// smallest is the least rise that counts: less is one event among the operations of a run (a table that grew, the
// 16-byte block that several tiny allocations share), not a cost of each.
var smallest = [units]float64{allocations: .05, heapBytes: 1}

// Repeats of a count. If the first few of both sides agree there is nothing to judge. Else so many follow that a count
// which merely jitters puts all of head's above all of base's with a chance of one in 184 756.
const (
	fewRepeats  = 3
	manyRepeats = 10
)

// Counts are repeated counts per operation of base and head.
type counts [2][]float64

// A change is what counts amount to.
type change struct {
	verdict  verdict // ok, regressed or improved; inconclusive where repeats are lacking; empty where nothing was counted
	from, to float64
	wants    int // repeats that it lacks to decide; 0: none
}

// judge compares the counts of the two sides: exactly, as every repeat has a say.
func (c counts) judge(u unit) change {
	n := min(len(c[base]), len(c[head]))
	if n == 0 {
		return change{}
	}
	b, h := c[base], c[head]
	ch := change{verdict: ok, from: slices.Min(b), to: slices.Min(h)}
	spread := max(slices.Max(b), slices.Max(h)) - min(ch.from, ch.to)
	if n >= fewRepeats && spread < smallest[u] {
		return ch
	}
	if n < manyRepeats {
		ch.verdict, ch.wants = inconclusive, manyRepeats
		if n < fewRepeats {
			ch.wants = fewRepeats
		}
		return ch
	}
	switch {
	case slices.Min(h)-slices.Max(b) >= smallest[u]:
		ch.verdict = regressed
	case slices.Min(b)-slices.Max(h) >= smallest[u]:
		ch.verdict = improved
	}
	return ch
}

// judgeExact adds what the counts say: a rise is a regression whatever the clock says, a fall leaves the clock's verdict.
func (j *judgement) judgeExact(s *series) {
	for u := range units {
		j.exact[u] = s.exact[u].judge(u)
		switch ch := j.exact[u]; {
		case ch.verdict == regressed:
			why := fmt.Sprintf("%s rose from %s to %s", u, plain(ch.from), plain(ch.to))
			if j.verdict == regressed && j.reason != "" {
				why = j.reason + ", " + why
			}
			j.verdict, j.reason = regressed, why
		case ch.verdict == inconclusive && j.verdict == ok:
			j.verdict, j.reason = inconclusive, fmt.Sprintf("%s: cut short", u)
		}
	}
}
