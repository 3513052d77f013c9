package regress

import (
	"fmt"
	"math"

	"example.com/pool2d/ci/poolgate/internal/exact"
)

// A verdict is what the gate says about one benchmark.
type verdict string

const (
	regressed    verdict = "regressed"    // slower than the floor, confirmed on fresh pairs
	improved     verdict = "improved"     // faster than the floor, confirmed likewise
	ok           verdict = "ok"           // proven: the upper bound of its slowdown is below the limit
	inconclusive verdict = "inconclusive" // neither, with the pairs there are
	identical    verdict = "identical"    // the same machine code and data: nothing was run
	added        verdict = "new"          // the base has nothing to compare it with
	removed      verdict = "removed"      // the head lacks it
)

// A stage is a part of a session. Pairs of one stage never count in another.
type stage int

const (
	screen  stage = iota // every benchmark, to clear the many
	confirm              // suspects alone, on fresh pairs and fresh layouts
	over                 // no more pairs will come
)

func (s stage) String() string { return [...]string{"screen", "confirm", "over"}[s] }

// A pair is two samples of one benchmark taken back to back, the first of them drawn by coin flip.
type pair struct {
	secs      [2]float64 // per operation, base and head
	headFirst bool
}

// A series is what was measured of one benchmark.
type series struct {
	name    string
	pkg     string
	pairs   [over][]pair  // by stage
	exact   [units]counts // allocations and bytes per operation
	accept  string        // why a regression was accepted, if it was
	note    string        // what else the report says of it
	planted float64       // a slowdown that selftest put into head
	given   verdict       // a verdict that needs no measuring: identical, new, removed
}

// Rules are what a session promises, and when it looks at its pairs.
type rules struct {
	alpha float64 // the chance that a suite without a regression is said to have one
	limit float64 // ok proves that a slowdown is below limit
	floor float64 // regressed needs an estimate above floor
	looks [over][]int
	hope  int // from so many pairs to confirm, only an estimate above floor is worth more
}

// defaultRules is the smallest number of pairs that can prove anything at 1 %, then about half as many again at each
// look. The last looks bound the time that one noisy benchmark can take.
func defaultRules() rules {
	return rules{alpha: .01, limit: .03, floor: .02, looks: [over][]int{screen: {10, 16, 22, 30}, confirm: {16, 24, 32, 48, 72, 108}}, hope: 48}
}

// A suspicion needs little: it only costs the time to confirm it, and what confirms it are other pairs.
const (
	suspectLevel = .01 // at any look, where the estimate is above the floor
	lingerLevel  = .15 // at the last look, where it is above a third of the floor
)

// A judgement is a verdict with the figures that it rests on. Effects are ratios head over base less one.
type judgement struct {
	verdict  verdict
	reason   string
	suspect  int // +1 slower, −1 faster: it goes to the second stage
	stage    stage
	pairs    int
	effect   float64
	lo, hi   float64 // 95 % confidence
	p        float64 // of the deciding stage, adjusted for suspects and looks; NaN where nothing was tested
	wants    int     // pairs of the running stage it must have before it is looked at again; 0: none
	exact    [units]change
	accepted bool
}

// judge says what the pairs taken so far amount to, at stage now: the one function that live sessions, saved pairs,
// the simulator and selftest share. It looks at a series only after the agreed numbers of pairs, in turn, so saved
// pairs yield the verdict that the live session gave.
func (r rules) judge(all []*series, now stage) []judgement {
	js := make([]judgement, len(all))
	var slower, faster []int
	for i, s := range all {
		js[i] = judgement{verdict: s.given, p: math.NaN(), effect: math.NaN(), lo: math.Inf(-1), hi: math.Inf(1)}
		if s.given != "" {
			continue
		}
		r.screen(&js[i], s, now)
		switch js[i].suspect {
		case +1:
			slower = append(slower, i)
		case -1:
			faster = append(faster, i)
		}
	}
	if now != screen {
		r.confirm(js, all, slower, +1, now)
		r.confirm(js, all, faster, -1, now)
	}
	for i, s := range all {
		js[i].judgeExact(s)
		js[i].accepted = js[i].verdict == regressed && s.accept != ""
	}
	return js
}

// screen clears a series, suspects it, or gives up on it. A series whose slowdown is the limit or more is cleared with
// probability alpha at most: each look has its share of it.
func (r rules) screen(j *judgement, s *series, now stage) {
	looks, floor, limit := r.looks[screen], math.Log1p(r.floor), math.Log1p(r.limit)
	shares := exact.Spend(r.alpha, looks)
	j.verdict = inconclusive
	for k, n := range looks {
		if len(s.pairs[screen]) < n {
			j.cutShort(s, screen, n, now)
			return
		}
		d := logRatios(s.pairs[screen][:n])
		test, estimate := exact.SignedRank(d), exact.HodgesLehmann(d)
		j.describe(estimate, screen, n)
		last := k == len(looks)-1
		center := estimate.Center()
		switch {
		case test.Greater < suspectLevel && center > floor, last && test.Greater < lingerLevel && center > floor/3:
			j.suspect, j.reason = +1, "suspected, not confirmed"
			return
		case test.Less < suspectLevel && center < -floor:
			j.suspect, j.reason = -1, "seems faster, not confirmed"
			return
		case estimate.Upper(shares[k]) < limit:
			j.verdict = ok
			return
		}
	}
	j.reason = fmt.Sprintf("%d pairs neither clear nor accuse it", j.pairs)
}

// confirm decides on the suspects of one direction. At each look Holm's procedure gets that look's share of alpha, over
// all suspects that began: those decided before count as rejected, the rest as not.
func (r rules) confirm(js []judgement, all []*series, suspects []int, direction int, now stage) {
	looks, floor, limit := r.looks[confirm], math.Log1p(r.floor), math.Log1p(r.limit)
	shares := exact.Spend(r.alpha, looks)
	family, rejections := len(suspects), 0
	for k, n := range looks {
		var here []int // suspects with the pairs for this look
		for _, i := range suspects {
			if len(all[i].pairs[confirm]) < n {
				js[i].cutShort(all[i], confirm, n, now)
			} else {
				here = append(here, i)
			}
		}
		if len(here) < len(suspects) && now != over {
			return
		}
		p := make([]float64, len(here))
		estimates := make([]exact.Estimate, len(here))
		for h, i := range here {
			d := logRatios(all[i].pairs[confirm][:n])
			p[h] = exact.SignedRank(d).Greater
			if direction < 0 {
				p[h] = exact.SignedRank(d).Less
			}
			estimates[h] = exact.HodgesLehmann(d)
			js[i].describe(estimates[h], confirm, n)
		}
		last := k == len(looks)-1
		var undecided []int
		decided := 0
		for h, adjusted := range exact.Holm(p, family, rejections) {
			j := &js[here[h]]
			j.p = min(1, adjusted*r.alpha/shares[k])
			reject := adjusted <= shares[k]
			upper, lower := estimates[h].Upper(shares[k]), estimates[h].Lower(shares[k])
			switch {
			case reject && direction > 0 && estimates[h].Center() > floor:
				j.verdict, j.reason = regressed, ""
				decided++
			case reject && direction < 0 && estimates[h].Center() < -floor:
				j.verdict, j.reason = improved, ""
				decided++
			case upper < limit && (direction > 0 || last || lower > -limit):
				j.verdict, j.reason = ok, ""
			case last || n >= r.hope && float64(direction)*estimates[h].Center() <= floor:
				j.verdict, j.reason = inconclusive, fmt.Sprintf("suspected; %d fresh pairs neither confirm nor clear it", n)
			default:
				undecided = append(undecided, here[h])
			}
		}
		rejections += decided
		suspects = undecided
	}
}

// cutShort marks a series that has fewer pairs of a stage than its next look needs.
func (j *judgement) cutShort(s *series, at stage, needs int, now stage) {
	if now == at {
		j.wants = needs
		return
	}
	j.verdict = inconclusive
	if n := len(s.pairs[at]); n > 0 {
		j.describe(exact.HodgesLehmann(logRatios(s.pairs[at])), at, n)
	}
	j.reason = fmt.Sprintf("cut short: %d of %d pairs to %s it", len(s.pairs[at]), needs, at)
}

// describe notes what the report shows of n pairs.
func (j *judgement) describe(e exact.Estimate, at stage, n int) {
	lo, hi := e.Interval(.95)
	j.effect, j.lo, j.hi = math.Expm1(e.Center()), math.Expm1(lo), math.Expm1(hi)
	j.stage, j.pairs = at, n
}

// logRatios returns log(head/base) of each pair.
func logRatios(pairs []pair) []float64 {
	d := make([]float64, len(pairs))
	for i, p := range pairs {
		d[i] = math.Log(p.secs[head] / p.secs[base])
	}
	return d
}
