package regress

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"example.com/pool2d/ci/poolgate/internal/exact"
	"golang.org/x/perf/benchfmt"
)

// Selftest measures the gate with the gate, on the machine where it runs: how often it cries wolf and what it finds.
// Sessions of three kinds are taken and saved, and the table is made from what is saved: a campaign can be interrupted
// and continued, and its table be printed again.
type selftest struct {
	config
	dir       string
	scratch   bool
	sessions  [kinds]int
	resampled int
	stderr    io.Writer
}

// A kind is what the head of a session of selftest is.
type kind int

const (
	same       kind = iota // the base
	moved                  // the base with code added that no benchmark runs, and that shifts all the rest
	planted                // the base, but nine benchmarks spin in their loop
	allocating             // the base, but each operation allocates once more; it is only counted, not timed
	kinds
)

func (k kind) String() string { return [...]string{"same", "moved", "planted", "allocating"}[k] }

// plants are the slowdowns that are looked for.
var plants = []float64{.03, .05, .10}

func runSelftest(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	t := &selftest{stderr: stderr}
	t.rules, t.selection, t.force, t.seed = defaultRules(), wholeRecord, true, 1
	f := flag.NewFlagSet("poolgate regress selftest", flag.ContinueOnError)
	f.SetOutput(stderr)
	pkg := f.String("pkg", "", "the package whose benchmarks serve (default: a suite of 40, made for it)")
	f.StringVar(&t.bench, "bench", ".", "which benchmarks, as for go test (`regexp`)")
	f.DurationVar(&t.sample, "sample", 200*time.Millisecond, "time of one sample")
	f.DurationVar(&t.budget, "budget", 10*time.Minute, "time of one session")
	f.IntVar(&t.layouts, "layouts", 8, "function layouts per side to screen")
	f.IntVar(&t.sessions[same], "same", 20, "sessions of the same code")
	f.IntVar(&t.sessions[moved], "moved", 20, "sessions of code that was moved")
	f.IntVar(&t.sessions[planted], "planted", 20, "sessions with planted slowdowns")
	f.IntVar(&t.sessions[allocating], "allocating", 1, "sessions in which every operation allocates once more")
	f.IntVar(&t.resampled, "resampled", 1000, "sessions drawn from the pairs of those of the same code")
	f.StringVar(&t.dir, "dir", filepath.Join("poolgate-out", "selftest"), "where sessions are saved; those there are not taken again (`folder`)")
	if err := f.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return exitOK
		}
		return exitFailed
	}
	t.scratch = *pkg == ""
	t.pkgs = strings.Split(cmp.Or(*pkg, "./bench"), ",")
	err := t.campaign(ctx)
	var comment time.Duration
	if err == nil && t.scratch {
		comment, err = t.commentOnly(ctx)
	}
	if errors.Is(err, context.Canceled) {
		fmt.Fprintln(stderr, "poolgate regress selftest: interrupted; the table shows the sessions so far")
		err = nil
	}
	if err == nil {
		err = t.report(stdout, comment)
	}
	if err != nil {
		fmt.Fprintln(stderr, "poolgate regress selftest:", err)
		return exitFailed
	}
	return exitOK
}

func (t *selftest) file(k kind, i int) string {
	return filepath.Join(t.dir, fmt.Sprintf("%s-%03d.txt", k, i))
}

// campaign takes the sessions that are not on file yet, the kinds in turn.
func (t *selftest) campaign(ctx context.Context) error {
	if err := os.MkdirAll(t.dir, 0o777); err != nil {
		return err
	}
	p := newProgress(t.stderr)
	defer p.clear()
	for i := range slices.Max(t.sessions[:]) {
		for k := range kinds {
			if i >= t.sessions[k] || !t.scratch && (k == moved || k == allocating) {
				continue
			}
			if _, err := os.Stat(t.file(k, i)); err == nil {
				continue
			}
			if err := t.take(ctx, k, i, p); err != nil {
				return err
			}
		}
	}
	return nil
}

// take takes one session and saves it whole or not at all.
func (t *selftest) take(ctx context.Context, k kind, i int, p *progress) error {
	tmp, err := os.MkdirTemp("", "poolgate-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	var trees [2]tree
	for s := range trees {
		if trees[s].dir, err = t.tree(ctx, tmp, side(s), k); err != nil {
			return err
		}
	}
	part := t.file(k, i) + ".part"
	rec, err := os.Create(part)
	if err != nil {
		return err
	}
	defer os.Remove(part)
	defer rec.Close()
	c := t.config
	c.seed = uint64(i)*uint64(kinds) + uint64(k) + 1
	s, err := open(ctx, c, tmp, trees, rec, p)
	if err != nil {
		return err
	}
	switch k {
	case planted:
		if err = s.plant(ctx); err == nil {
			_, err = s.measure(ctx)
		}
	case allocating:
		err = s.count(ctx)
	default:
		_, err = s.measure(ctx)
	}
	if err != nil {
		return err
	}
	if err := rec.Close(); err != nil {
		return err
	}
	return os.Rename(part, t.file(k, i))
}

// tree returns the module of one side.
func (t *selftest) tree(ctx context.Context, tmp string, s side, k kind) (string, error) {
	if !t.scratch {
		return output(ctx, ".", buildEnv(), "go", "list", "-m", "-f", "{{.Dir}}")
	}
	dir := filepath.Join(tmp, s.String())
	if err := writeScratch(dir); err != nil {
		return "", err
	}
	if s == base {
		return dir, nil
	}
	switch k {
	case moved:
		return dir, os.WriteFile(filepath.Join(dir, "bench", "another.go"), []byte(movedSource), 0o666)
	case allocating:
		return dir, edit(filepath.Join(dir, "bench", "work.go"), "Sink = ", "Extra = new(float64)\nSink = ", "// Sink", "var Extra *float64\n\n// Sink")
	}
	return dir, nil
}

// edit replaces texts in a file, in pairs of old and new.
func edit(path string, oldnew ...string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return os.WriteFile(path, []byte(strings.NewReplacer(oldnew...).Replace(string(text))), 0o666)
}

// commentOnly returns how long it takes to see that a comment changes nothing.
func (t *selftest) commentOnly(ctx context.Context) (time.Duration, error) {
	tmp, err := os.MkdirTemp("", "poolgate-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(tmp)
	var trees [2]tree
	for s := range trees {
		if trees[s].dir, err = t.tree(ctx, tmp, side(s), same); err != nil {
			return 0, err
		}
	}
	if err := edit(filepath.Join(trees[head].dir, "bench", "work.go"), "// Sink", "// A comment of\n// two lines.\n\n// Sink"); err != nil {
		return 0, err
	}
	c := t.config
	c.force = false
	begun := time.Now()
	s, err := open(ctx, c, tmp, trees, io.Discard, &progress{})
	if err != nil {
		return 0, err
	}
	for _, r := range s.series {
		if r.given != identical {
			return 0, fmt.Errorf("a comment changed %s", r.name)
		}
	}
	return time.Since(begun), nil
}

// movedSource comes before the rest of the package by its name, and cannot be left out: it runs when the program starts.
const movedSource = `package scratch

import (
	"fmt"
	"os"
	"strings"
)

func init() {
	if env := os.Environ(); len(env) > 1<<20 {
		fmt.Println(strings.Join(env, " "), another(len(env)))
	}
}

func another(n int) (s string) {
	for i := range n {
		switch i % 3 {
		case 0:
			s += fmt.Sprintf("%x", i)
		case 1:
			s = strings.ToUpper(s)
		default:
			s = strings.Repeat(s, i)
		}
	}
	return s
}
`

// plant puts slowdowns of the three sizes into nine benchmarks, or a third of them if there are few: turns of a spin in
// b.Loop, so many that each operation takes that much longer. Operations below a microsecond are left alone: the
// processor would overlap so few turns with the work around them.
func (s *session) plant(ctx context.Context) error {
	s.hooked = true
	candidates := s.measurable()
	s.rng.Shuffle(len(candidates), func(i, j int) { candidates[i], candidates[j] = candidates[j], candidates[i] })
	most := min(9, (len(candidates)+2)/3)
	count := 0
	for _, r := range candidates {
		b := s.live[r]
		if count == most {
			break
		}
		if b.secs < 1e-6 {
			continue
		}
		perTurn, err := s.spinCost(ctx, b)
		if err != nil {
			return err
		}
		if perTurn <= 0 {
			continue // it does not loop with b.Loop
		}
		r.planted = plants[count%len(plants)]
		b.spins = int(math.Round(r.planted / perTurn))
		count++
	}
	return nil
}

// spinCost measures the relative cost of a turn, where about as many turns as are planted cost 10 %.
func (s *session) spinCost(ctx context.Context, b *benchmark) (float64, error) {
	turns := int(math.Ceil(.1 * b.secs / 1e-9))
	var d []float64
	for range 7 {
		var secs [2]float64
		for _, with := range s.coin() {
			res, err := s.runner.one(ctx, b.hooked[head], b.dir, b.name, b.n, fmt.Sprintf("%s=%d", spinEnv, turns*int(with)))
			if err != nil {
				return 0, err
			}
			secs[with], _ = res.Value(sampleUnit)
		}
		d = append(d, math.Log(secs[1]/secs[0]))
	}
	cost := math.Expm1(exact.HodgesLehmann(d).Center())
	if cost < .01 {
		return 0, nil
	}
	return cost / float64(turns), nil
}

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
