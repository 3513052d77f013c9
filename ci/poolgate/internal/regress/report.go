package regress

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"example.com/pool2d/ci/poolgate/internal/exact"
	"golang.org/x/perf/benchmath"
	"golang.org/x/perf/benchunit"
)

// An outcome is all that a session found.
type outcome struct {
	config
	trees      [2]tree
	series     []*series
	judgements []judgement
	notes      []string
	advice     []string // on the trend: never a failure
	pairs      int
	elapsed    time.Duration
	measured   time.Duration
	waited     time.Duration
}

// order of verdicts in the report: what needs a person first.
var order = []verdict{regressed, removed, inconclusive, improved, added, ok, identical}

// exitCode turns the verdicts into the answer of the gate. A removed benchmark is missing data, unless a commit owns up
// to it.
func (o *outcome) exitCode() int {
	code := exitOK
	for i, j := range o.judgements {
		switch {
		case j.verdict == regressed && !j.accepted:
			return exitRegressed
		case j.verdict == removed && o.series[i].accept == "":
			code = exitFailed
		case j.verdict == inconclusive && o.strict && code == exitOK:
			code = exitInconclusive
		}
	}
	return code
}

// print writes the verdict, the table, and what is needed to trust it or to repeat it.
func (o *outcome) print(w io.Writer) {
	var counts []string
	for _, v := range order {
		n := 0
		for _, j := range o.judgements {
			if j.verdict == v {
				n++
			}
		}
		if n > 0 {
			counts = append(counts, fmt.Sprintf("%d %s", n, v))
		}
	}
	fmt.Fprintf(w, "%s — α %s, limit %s, floor %s\n", strings.Join(counts, " · "), percent(o.rules.alpha), percent(o.rules.limit), percent(o.rules.floor))
	fmt.Fprintf(w, "base %s, head %s", o.trees[base], o.trees[head])
	if o.from == "" {
		fmt.Fprintf(w, "; %d pairs in %s of %s", o.pairs, o.measured.Round(time.Second), o.elapsed.Round(time.Second))
	}
	fmt.Fprint(w, "\n\n")
	o.table(w)
	for i, s := range o.series {
		if o.judgements[i].accepted || s.accept != "" {
			fmt.Fprintf(w, "accepted: %s: %s\n", s.name, s.accept)
		}
	}
	for _, n := range o.notes {
		fmt.Fprintf(w, "note: %s\n", n)
	}
	for _, a := range o.advice {
		fmt.Fprintf(w, "advice: %s\n", a)
	}
	if o.pairs > 0 {
		o.quality(w)
		file := o.out
		if o.from != "" {
			file = o.from
		}
		fmt.Fprintf(w, "raw pairs: %s\n  poolgate regress -from %s\n  go tool benchstat %s %s\n", file, file, benchstatFlags, file)
		if o.from == "" {
			fmt.Fprintf(w, "  drawn with -seed %d\n", o.seed)
		}
	}
}

// benchstatFlags make benchstat compare the sides of a record.
const benchstatFlags = "-filter '-stage:exact' -table pkg -col side -ignore stage,round,first,layout,at,waited,toolchain"

// table has a row for each benchmark, what needs a person first.
func (o *outcome) table(w io.Writer) {
	rows := make([]int, len(o.series))
	for i := range rows {
		rows[i] = i
	}
	slices.SortStableFunc(rows, func(a, b int) int {
		ja, jb := o.judgements[a], o.judgements[b]
		if by := cmp.Compare(slices.Index(order, ja.verdict), slices.Index(order, jb.verdict)); by != 0 || ja.verdict == ok {
			return by
		}
		return -cmp.Compare(ja.effect, jb.effect)
	})
	pkgs := map[string]bool{}
	for _, s := range o.series {
		pkgs[s.pkg] = true
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	figures := "change\t95 % interval\tbase\thead\tp\tpairs\tbenchstat\t"
	blank := strings.Repeat("\t", strings.Count(figures, "\t"))
	if o.pairs == 0 {
		figures, blank = "", ""
	}
	fmt.Fprintf(t, "verdict\t%sbenchmark\n", figures)
	for _, i := range rows {
		s, j := o.series[i], o.judgements[i]
		figures := blank
		if j.pairs > 0 {
			was, is, benchstat := plainRule(halves(s.pairs[j.stage][:j.pairs]))
			p := "-"
			if !math.IsNaN(j.p) {
				p = fmt.Sprintf("%.2g", j.p)
			}
			figures = fmt.Sprintf("%s\t%s … %s\t%s\t%s\t%s\t%d\t%s\t", signed(j.effect), signed(j.lo), signed(j.hi), was, is, p, j.pairs, benchstat)
		}
		name := s.name
		if len(pkgs) > 1 && o.from == "" {
			name = s.pkg + "." + name
		}
		if why := j.why(s); why != "" {
			name += ": " + why
		}
		fmt.Fprintf(t, "%s\t%s%s\n", j.verdict, figures, name)
	}
	t.Flush()
	fmt.Fprintln(w)
}

// why is what a row says behind the name.
func (j judgement) why(s *series) string {
	var why []string
	for _, text := range []string{j.reason, s.note} {
		if text != "" {
			why = append(why, text)
		}
	}
	for u, ch := range j.exact {
		if ch.verdict == improved {
			why = append(why, fmt.Sprintf("%s fell from %s to %s", unit(u), plain(ch.from), plain(ch.to)))
		}
	}
	if j.accepted {
		why = append(why, "accepted")
	}
	return strings.Join(why, "; ")
}

// quality says how well this session could see.
func (o *outcome) quality(w io.Writer) {
	var widths, second []float64
	for i, s := range o.series {
		if j := o.judgements[i]; j.pairs > 0 && !math.IsInf(j.hi, 0) {
			widths = append(widths, (j.hi-j.lo)/2)
		}
		for at := range over {
			for _, p := range s.pairs[at] {
				d := math.Log(p.secs[head] / p.secs[base])
				if !p.headFirst {
					d = -d
				}
				second = append(second, -d)
			}
		}
	}
	if len(widths) == 0 {
		return
	}
	slices.Sort(widths)
	fmt.Fprintf(w, "seeing: half an interval is %s in the median and %s at worst", percent(widths[len(widths)/2]), percent(widths[len(widths)-1]))
	// The median of the Walsh averages of thousands of pairs is their median for all that matters here.
	slices.Sort(second)
	fmt.Fprintf(w, "; the second sample of a pair takes %s of the first (a bias to any gate that does not flip a coin)\n",
		percent(math.Exp(second[len(second)/2])))
	if o.measured > 0 && o.waited > 0 {
		fmt.Fprintf(w, "for %s of the time something had to wait for a processor\n", percent(o.waited.Seconds()/o.measured.Seconds()))
	}
	claims := 0
	for i, s := range o.series {
		if j := o.judgements[i]; j.pairs > 0 && (j.verdict == ok || j.verdict == inconclusive) {
			if b, h := halves(s.pairs[j.stage][:j.pairs]); plainClaims(b, h) {
				claims++
			}
		}
	}
	fmt.Fprintf(w, "benchstat's plain rule (p < 0.05) calls %d of those that are ok or inconclusive changed\n", claims)
}

// halves returns the times of the two sides, in the order of the pairs.
func halves(pairs []pair) (b, h []float64) {
	for _, p := range pairs {
		b, h = append(b, p.secs[base]), append(h, p.secs[head])
	}
	return b, h
}

// plainRule is what benchstat says of two samples: medians, and the change if its test finds one.
func plainRule(b, h []float64) (was, is, change string) {
	// NewSample sorts what it is given.
	bs := benchmath.NewSample(slices.Clone(b), &benchmath.DefaultThresholds)
	hs := benchmath.NewSample(slices.Clone(h), &benchmath.DefaultThresholds)
	mb, mh := benchmath.AssumeNothing.Summary(bs, .95), benchmath.AssumeNothing.Summary(hs, .95)
	cls := benchunit.ClassOf(sampleUnit)
	c := benchmath.AssumeNothing.Compare(bs, hs)
	return benchunit.Scale(mb.Center, cls) + "s", benchunit.Scale(mh.Center, cls) + "s", fmt.Sprintf("%s (%s)", c.FormatDelta(mb.Center, mh.Center), c)
}

// plainClaims reports whether benchstat's rule sees a change.
func plainClaims(b, h []float64) bool {
	bs := benchmath.NewSample(slices.Clone(b), &benchmath.DefaultThresholds)
	hs := benchmath.NewSample(slices.Clone(h), &benchmath.DefaultThresholds)
	c := benchmath.AssumeNothing.Compare(bs, hs)
	return c.P < c.Alpha
}

// interval returns a Hodges–Lehmann estimate with its 95 % interval, as ratios less one.
func interval(d []float64) (center, lo, hi float64) {
	e := exact.HodgesLehmann(d)
	lo, hi = e.Interval(.95)
	return math.Expm1(e.Center()), math.Expm1(lo), math.Expm1(hi)
}

func percent(x float64) string { return strconv.FormatFloat(100*x, 'g', 3, 64) + " %" }

func signed(x float64) string {
	if math.IsInf(x, 0) || math.IsNaN(x) || x <= -1 { // no bound
		return "?"
	}
	return fmt.Sprintf("%+.2f %%", 100*x)
}

func plain(x float64) string { return strconv.FormatFloat(x, 'g', 6, 64) }

func geomean(x []float64) float64 {
	sum := 0.0
	for _, v := range x {
		sum += math.Log(v)
	}
	return math.Exp(sum / float64(len(x)))
}
