package regress

import (
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"text/tabwriter"
	"time"

	"example.com/pool2d/ci/poolgate/internal/exact"
	"golang.org/x/perf/benchfmt"
)

// read returns the sessions of a kind that are on file.
func (t *selftest) read(k kind) ([]*reading, error) {
	var all []*reading
	for i := range t.sessions[k] {
		if _, err := os.Stat(t.file(k, i)); errors.Is(err, os.ErrNotExist) {
			continue
		}
		got, err := readRecord(&benchfmt.Files{Paths: []string{t.file(k, i)}}, t.selection)
		if err != nil {
			return nil, err
		}
		all = append(all, got)
	}
	return all, nil
}

// A rate is how often something happened, with its exact 95 % interval.
type rate struct{ k, n int }

func (r *rate) add(yes bool) {
	r.n++
	if yes {
		r.k++
	}
}

func (r rate) String() string {
	if r.n == 0 {
		return "none taken"
	}
	lo, hi := exact.ClopperPearson(r.k, r.n, .95)
	return fmt.Sprintf("%d of %d = %.3g %% [%.3g, %.3g]", r.k, r.n, 100*float64(r.k)/float64(r.n), 100*lo, 100*hi)
}

// report prints what the sessions on file amount to.
func (t *selftest) report(w io.Writer, comment time.Duration) error {
	var sessions [kinds][]*reading
	for k := range kinds {
		var err error
		if sessions[k], err = t.read(k); err != nil {
			return err
		}
	}
	if len(sessions[same]) == 0 {
		return fmt.Errorf("no session of the same code in %s", t.dir)
	}
	out := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row := func(what string, figure any, goal string) { fmt.Fprintf(out, "%s\t%v\t%s\n", what, figure, goal) }
	fmt.Fprintf(w, "selftest: %d benchmarks on %s, %s; samples of %v\n\n", len(sessions[same][0].series),
		sessions[same][0].keys["cpu"], sessions[same][0].keys["go"], t.sample)
	row("of what", "measured [95 % interval]", "goal")

	for _, k := range []kind{same, moved} {
		if len(sessions[k]) == 0 {
			continue
		}
		var alarms, improvements, unsure rate
		var lasted, waited []float64
		for _, got := range sessions[k] {
			js := t.rules.judge(got.series, over)
			alarms.add(slices.ContainsFunc(js, func(j judgement) bool { return j.verdict == regressed }))
			improvements.add(slices.ContainsFunc(js, func(j judgement) bool { return j.verdict == improved }))
			for _, j := range js {
				unsure.add(j.verdict == inconclusive)
			}
			lasted = append(lasted, got.lasted.Minutes())
			waited = append(waited, got.waited.Seconds()/max(1, got.lasted.Seconds()))
		}
		row("false alarms, sessions of "+k.String()+" code", alarms, "none")
		row("  likewise of improvement", improvements, "")
		row("  benchmarks left inconclusive", unsure, "")
		row("  minutes of measuring, typical", fmt.Sprintf("%.1f", exact.HodgesLehmann(lasted).Center()), "≤ 6")
		row("  time that something waited for a processor", percent(exact.HodgesLehmann(waited).Center()), "")
	}
	t.reportPlain(sessions[same], row)
	t.reportResampled(sessions[same], row)

	for _, size := range plants {
		var found rate
		var d []float64
		for _, got := range sessions[planted] {
			for i, j := range t.rules.judge(got.series, over) {
				if s := got.series[i]; s.planted == size {
					found.add(j.verdict == regressed)
					d = append(d, logRatios(s.pairs[screen])...)
				}
			}
		}
		if found.n == 0 {
			continue
		}
		slices.Sort(d)
		row(fmt.Sprintf("found, planted %s", percent(size)), found, powerGoals[size])
		row("  its size, median of all pairs", percent(math.Expm1(d[len(d)/2])), "")
	}
	var others rate
	for _, got := range sessions[planted] {
		alarm := false
		for i, j := range t.rules.judge(got.series, over) {
			alarm = alarm || j.verdict == regressed && got.series[i].planted == 0
		}
		others.add(alarm)
	}
	if others.n > 0 {
		row("false alarms beside planted ones", others, "≤ 1 %")
	}
	var caught rate
	for _, got := range sessions[allocating] {
		for _, j := range t.rules.judge(got.series, over) {
			caught.add(j.exact[allocations].verdict == regressed)
		}
	}
	if caught.n > 0 {
		row("one more allocation caught", caught, "all")
	}
	if comment > 0 {
		row("a comment-only change, builds included", comment.Round(10*time.Millisecond), "< 60 s")
	}
	return out.Flush()
}

var powerGoals = map[float64]string{.03: "≥ 80 %", .05: "≥ 99 %", .10: "≥ 99.9 %"}

// reportPlain shows benchstat's rule on the same samples: as they came, and as if all of base had run before all of
// head, the usual way to fill two files.
func (t *selftest) reportPlain(sessions []*reading, row func(string, any, string)) {
	var mixed, ordered, mixedRows, orderedRows rate
	for _, got := range sessions {
		anyMixed, anyOrdered := false, false
		for _, s := range got.series {
			var inTime []float64
			for _, p := range s.pairs[screen] {
				first, second := p.secs[base], p.secs[head]
				if p.headFirst {
					first, second = second, first
				}
				inTime = append(inTime, first, second)
			}
			if len(inTime) == 0 {
				continue
			}
			m := plainClaims(halves(s.pairs[screen]))
			o := plainClaims(inTime[:len(inTime)/2], inTime[len(inTime)/2:])
			mixedRows.add(m)
			orderedRows.add(o)
			anyMixed, anyOrdered = anyMixed || m, anyOrdered || o
		}
		mixed.add(anyMixed)
		ordered.add(anyOrdered)
	}
	row("benchstat (p < 0.05), same samples: suites with a false change", mixed, "")
	row("  benchmarks", mixedRows, "")
	row("benchstat, base before head: suites with a false change", ordered, "")
	row("  benchmarks", orderedRows, "")
}

// reportResampled draws sessions from the recorded pairs: runs of ten pairs as they came, each pair with its sides
// swapped or not by a coin. There is no effect in such data, whatever the machine did; then slowdowns are added.
func (t *selftest) reportResampled(sessions []*reading, row func(string, any, string)) {
	pools := map[string][]pair{}
	var names []string
	for _, got := range sessions {
		for _, s := range got.series {
			if pools[s.name] == nil {
				names = append(names, s.name)
			}
			pools[s.name] = append(pools[s.name], s.pairs[screen]...)
		}
	}
	rng := rand.New(rand.NewPCG(t.seed, 99))
	draw := func(name string, n int, effect float64) []pair {
		var pairs []pair
		pool := pools[name]
		for at := 0; len(pairs) < n; at++ {
			if len(pairs)%10 == 0 {
				at = rng.IntN(len(pool))
			}
			p := pool[at%len(pool)]
			if rng.IntN(2) == 0 {
				p.secs[base], p.secs[head] = p.secs[head], p.secs[base]
			}
			p.secs[head] *= 1 + effect
			pairs = append(pairs, p)
		}
		return pairs
	}
	session := func(effects []float64) []judgement {
		var all []*series
		for i, name := range names {
			effect := 0.0
			if i < len(effects) {
				effect = effects[i]
			}
			s := &series{name: name}
			for at := range over {
				s.pairs[at] = draw(name, slices.Max(t.rules.looks[at]), effect)
			}
			all = append(all, s)
		}
		return t.rules.judge(all, over)
	}
	var alarms, cover, coverVerdict, wrongOK rate
	found := make([]rate, len(plants))
	for range t.resampled {
		js := session(nil)
		alarms.add(slices.ContainsFunc(js, func(j judgement) bool { return j.verdict == regressed }))
		for _, j := range js {
			coverVerdict.add(j.lo <= 0 && 0 <= j.hi)
		}
		for _, name := range names {
			_, lo, hi := interval(logRatios(draw(name, 16, 0)))
			cover.add(lo <= 0 && 0 <= hi)
		}
		rng.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
		js = session(plants)
		for i := range min(len(plants), len(js)) {
			found[i].add(js[i].verdict == regressed)
			if plants[i] == .05 {
				wrongOK.add(js[i].verdict == ok)
			}
		}
	}
	row("false alarms, resampled sessions", alarms, "≤ 1 %")
	row("  95 % intervals that hold the truth, 16 pairs", cover, "94–96 %")
	row("  likewise at the verdict, whose pairs are not fixed in number", coverVerdict, "")
	for i, size := range plants {
		row(fmt.Sprintf("found, %s added to resampled pairs", percent(size)), found[i], powerGoals[size])
	}
	row("  5 % called ok", wrongOK, "≤ 1 %")
}
