package regress

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/perf/benchfmt"
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

// count takes counted samples, as many as the comparison wants. Each is two runs, of N and of 2N operations: their
// difference is free of what a process allocates once.
func (s *session) count(ctx context.Context) error {
	for _, r := range s.measurable() {
		for {
			have := len(r.exact[allocations][head])
			wants := max(r.exact[allocations].judge(allocations).wants, r.exact[heapBytes].judge(heapBytes).wants)
			if have == 0 {
				wants = fewRepeats
			}
			if have >= wants {
				break
			}
			s.progress.show("counting allocations")
			for _, at := range s.coin() {
				if err := s.countOnce(ctx, r, s.live[r], at); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (s *session) countOnce(ctx context.Context, r *series, b *benchmark, at side) error {
	alone := s.runner
	alone.procs = 1
	var totals [2][units]float64
	var last *benchfmt.Result
	for i, n := range []int{b.exactN, 2 * b.exactN} {
		res, err := alone.one(ctx, b.hooked[at], b.dir, s.bareName(b.name), n, "GOGC=off")
		if errors.Is(err, errNoResult) { // its name depends on GOMAXPROCS
			res, err = s.runner.one(ctx, b.hooked[at], b.dir, b.name, n, "GOGC=off")
		}
		if err != nil {
			return fmt.Errorf("%s: %w", at, err)
		}
		for u, name := range [units]string{totalAllocs, totalBytes} {
			total, has := res.Value(name)
			if !has {
				return fmt.Errorf("%s: %s printed no %s", at, b.name, name)
			}
			totals[i][u] = total
		}
		last = res
	}
	last.Name = benchfmt.Name(b.name)
	last.Values = nil
	for u := range units {
		perOp := (totals[1][u] - totals[0][u]) / float64(b.exactN)
		r.exact[u][at] = append(r.exact[u][at], perOp)
		last.Values = append(last.Values, benchfmt.Value{Value: perOp, Unit: u.String()})
	}
	return s.record.write(last, at, s.sampleKeys(r, exactStage, len(r.exact[allocations][at]), false, 0, 0)...)
}
