package regress

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/perf/benchfmt"
)

// A session is one run of the gate on two trees.
type session struct {
	config
	rng      *rand.Rand
	builder  *builder
	runner   runner
	record   *record
	progress *progress
	series   []*series
	live     map[*series]*benchmark // those that are measured
	hooked   bool                   // time programs with the hook too, to plant slowdowns
	started  time.Time
	measured time.Duration
	pairs    int
}

// A benchmark is how to run a series.
type benchmark struct {
	*target
	name   string // as package testing prints it
	n      int    // operations in a timed sample
	exactN int    // operations in a counted sample
	hooked [2]string
	secs   float64 // per operation, roughly
	spins  int     // the slowdown that is planted in head, in turns of the hook's loop
	exact  [2]int  // counted samples so far
}

// screenShare is the part of the time budget that the first stage may use up.
const screenShare = .7

// prepare builds both sides, finds the benchmarks, and settles those that need no measuring.
func (s *session) prepare(ctx context.Context) error {
	s.live = map[*series]*benchmark{}
	s.progress.show("building")
	targets, err := s.builder.targets(ctx, s.pkgs)
	if err != nil {
		return err
	}
	for _, t := range targets {
		if err := s.prepareTarget(ctx, t); err != nil {
			return err
		}
	}
	if len(s.series) == 0 {
		return fmt.Errorf("no benchmark of %s matches %q", strings.Join(s.pkgs, ","), s.bench)
	}
	slices.SortFunc(s.series, func(a, b *series) int { return cmp.Or(cmp.Compare(a.pkg, b.pkg), cmp.Compare(a.name, b.name)) })
	return nil
}

func (s *session) prepareTarget(ctx context.Context, t *target) error {
	headProgram, err := s.builder.build(ctx, t, variant{side: head})
	if err != nil {
		return err
	}
	var baseProgram string
	if !t.missing {
		baseProgram, err = s.builder.build(ctx, t, variant{side: base})
		if err != nil && len(t.overlay) > 0 && ctx.Err() == nil {
			t.ownTests = true
			baseProgram, err = s.builder.build(ctx, t, variant{side: base, own: true})
		}
		if err != nil {
			return err
		}
	}

	// Which benchmarks does the base have of its own, that head's tests no longer have?
	baseOwn := map[string]bool{}
	if len(t.overlay) > 0 {
		program, err := s.builder.build(ctx, t, variant{side: base, own: true})
		if err != nil {
			return err
		}
		results, err := s.runner.bench(ctx, program, filepath.Join(s.builder.trees[base].dir, filepath.FromSlash(t.rel)), s.bench, "1x")
		if err != nil {
			return fmt.Errorf("base: %w", err)
		}
		for _, res := range results {
			baseOwn[string(res.Name.Full())] = true
		}
	}

	if !t.missing && !t.ownTests && !s.force {
		same, err := identicalPrograms(baseProgram, headProgram)
		if err != nil {
			return err
		}
		if same {
			return s.addIdentical(ctx, t, headProgram, baseOwn)
		}
	}
	return s.addMeasured(ctx, t, baseOwn)
}

func identicalPrograms(one, other string) (bool, error) {
	a, err := identity(one)
	if err != nil {
		return false, err
	}
	b, err := identity(other)
	return a != nil && bytes.Equal(a, b), err
}

// addIdentical lists the benchmarks of a target whose two programs are the same. Nothing is run: a benchmark is listed
// under its top-level name.
func (s *session) addIdentical(ctx context.Context, t *target, program string, baseOwn map[string]bool) error {
	top, _, _ := strings.Cut(s.bench, "/")
	out, err := output(ctx, t.dir, s.runner.env(), program, "-test.list="+top)
	if err != nil {
		return err
	}
	names := map[string]bool{}
	for _, name := range strings.Fields(out) {
		if short, is := strings.CutPrefix(name, "Benchmark"); is {
			names[short] = true
			s.series = append(s.series, &series{name: short, pkg: t.pkg, given: identical})
		}
	}
	for name := range baseOwn {
		if top, _, _ := strings.Cut(s.bareName(name), "/"); !names[top] {
			s.series = append(s.series, &series{name: name, pkg: t.pkg, given: removed})
		}
	}
	return nil
}

// bareName is a benchmark's name as a person writes it, without Benchmark and without GOMAXPROCS.
func (s *session) bareName(name string) string {
	return strings.TrimPrefix(bare(name, s.runner.procs), "Benchmark")
}

// addMeasured finds the benchmarks that both sides have, and how many operations make a sample.
func (s *session) addMeasured(ctx context.Context, t *target, baseOwn map[string]bool) error {
	var programs [2]string
	var found [2]map[string]*benchfmt.Result
	for _, at := range []side{head, base} {
		found[at] = map[string]*benchfmt.Result{}
		if at == base && (t.missing || t.ownTests) {
			continue
		}
		var err error
		if programs[at], err = s.builder.build(ctx, t, variant{side: at, hooked: true}); err != nil {
			return err
		}
		benchtime := "1x"
		if at == base {
			benchtime = "50ms" // to calibrate
			s.progress.show("calibrating")
		}
		results, err := s.runner.bench(ctx, programs[at], t.dir, s.bench, benchtime)
		if err != nil {
			return fmt.Errorf("%s: %w", at, err)
		}
		for _, res := range results {
			found[at][string(res.Name.Full())] = res
		}
	}
	for name := range found[head] {
		r := &series{name: name, pkg: t.pkg}
		s.series = append(s.series, r)
		onBase := found[base][name]
		switch {
		case t.ownTests:
			r.given, r.note = added, "changed: head's tests do not compile on the base"
		case onBase == nil:
			r.given = added
		default:
			s.live[r] = s.calibrate(t, name, programs, onBase)
		}
	}
	gone := baseOwn
	for name := range found[base] {
		gone[name] = true
	}
	for name := range gone {
		if found[head][name] == nil {
			s.series = append(s.series, &series{name: name, pkg: t.pkg, given: removed})
		}
	}
	return nil
}

// calibrate chooses the operations of a sample: as many as take about the sample time when timed; when counted, enough
// to tell one event from a cost of each operation, in bounded time and memory, since no garbage is collected then.
func (s *session) calibrate(t *target, name string, programs [2]string, res *benchfmt.Result) *benchmark {
	b := &benchmark{target: t, name: name, hooked: programs}
	b.secs, _ = res.Value(sampleUnit)
	b.secs = max(b.secs, 1e-10)
	b.n = roundUp(s.sample.Seconds() / b.secs)
	total, _ := res.Value(totalBytes)
	heap := total / float64(res.Iters)
	b.exactN = int(max(4, min(1000, .05/b.secs, 128<<20/max(heap, 1))))
	return b
}

// roundUp returns x rounded up to two significant digits, and at least 1.
func roundUp(x float64) int {
	scale := math.Pow(10, max(0, math.Floor(math.Log10(max(x, 1)))-1))
	return int(max(1, math.Ceil(x/scale)*scale))
}

// measure counts allocations, then times pairs until all benchmarks are decided.
func (s *session) measure(ctx context.Context) ([]judgement, error) {
	begun := time.Now()
	defer func() { s.measured += time.Since(begun) }()
	if err := s.count(ctx); err != nil {
		return s.rules.judge(s.series, over), err
	}
	if err := s.link(ctx, screen, max(1, s.layouts), s.measurable()); err != nil {
		return s.rules.judge(s.series, over), err
	}
	return s.rules.decide(ctx, s.series, s.round)
}

// count takes counted samples, as many as the comparison wants. Each is two runs, of N and of 2N operations: their
// difference is free of what a process allocates once.
func (s *session) count(ctx context.Context) error {
	for _, r := range s.measurable() {
		b := s.live[r]
		for {
			wants := max(r.exact[allocations].judge(allocations).wants, r.exact[heapBytes].judge(heapBytes).wants)
			if b.exact[head] == 0 {
				wants = fewRepeats
			}
			if b.exact[head] >= wants {
				break
			}
			s.progress.show("counting allocations")
			for _, at := range s.coin() {
				if err := s.countOnce(ctx, r, b, at); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (s *session) countOnce(ctx context.Context, r *series, b *benchmark, at side) error {
	var totals [2][units]float64
	var last *benchfmt.Result
	for i, n := range []int{b.exactN, 2 * b.exactN} {
		res, err := runner{procs: 1}.one(ctx, b.hooked[at], b.dir, s.bareName(b.name), n, "GOGC=off")
		if errors.Is(err, errNoResult) { // its name depends on GOMAXPROCS
			res, err = s.runner.one(ctx, b.hooked[at], b.dir, b.name, n, "GOGC=off")
		}
		if err != nil {
			return fmt.Errorf("%s: %w", at, err)
		}
		totals[i][allocations], _ = res.Value(totalAllocs)
		totals[i][heapBytes], _ = res.Value(totalBytes)
		last = res
	}
	last.Name = benchfmt.Name(b.name)
	last.Values = nil
	for u := range units {
		perOp := (totals[1][u] - totals[0][u]) / float64(b.exactN)
		r.exact[u][at] = append(r.exact[u][at], perOp)
		last.Values = append(last.Values, benchfmt.Value{Value: perOp, Unit: u.String()})
	}
	b.exact[at]++
	return s.record.write(last, at, s.sampleKeys(r, exactStage, b.exact[at], false, 0)...)
}

func (s *session) sampleKeys(r *series, stage string, round int, first bool, layout uint64) []benchfmt.Config {
	keys := []benchfmt.Config{
		key("stage", stage),
		key("round", strconv.Itoa(round)),
		key("first", strconv.FormatBool(first)),
		key("layout", strconv.FormatUint(layout, 10)),
		key("at", strconv.FormatFloat(time.Since(s.started).Seconds(), 'f', 3, 64)),
	}
	if r.planted != 0 {
		keys = append(keys, key("planted", strconv.FormatFloat(r.planted, 'g', -1, 64)))
	}
	if r.accept != "" {
		keys = append(keys, key("perf-accept", r.accept))
	}
	return keys
}

// measurable returns the series that are run, in a fixed order.
func (s *session) measurable() []*series {
	var out []*series
	for _, r := range s.series {
		if s.live[r] != nil {
			out = append(out, r)
		}
	}
	return out
}

// coin returns the two sides in an order drawn afresh.
func (s *session) coin() [2]side {
	if s.rng.IntN(2) == 0 {
		return [2]side{base, head}
	}
	return [2]side{head, base}
}

// round takes one pair of each series in who, in random order.
func (s *session) round(ctx context.Context, at stage, who []*series) error {
	number := len(who[0].pairs[at])
	if at == confirm {
		next := slices.IndexFunc(s.rules.looks[confirm], func(n int) bool { return n > number })
		if err := s.link(ctx, confirm, s.rules.looks[confirm][next], who); err != nil {
			return err
		}
	}
	deadline := s.started.Add(s.budget)
	if at == screen {
		deadline = s.started.Add(time.Duration(screenShare * float64(s.budget)))
	}
	order := slices.Clone(who)
	s.rng.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	for _, r := range order {
		if time.Now().After(deadline) {
			return errStageOver
		}
		s.progress.round(at, number+1, len(who), len(s.series), deadline)
		if err := s.pair(ctx, at, r); err != nil {
			return err
		}
	}
	return nil
}

// pair takes one pair of a series: base and head back to back, the order by coin flip.
func (s *session) pair(ctx context.Context, at stage, r *series) error {
	b, number := s.live[r], len(r.pairs[at])
	var p pair
	var results [2]*benchfmt.Result
	var seeds [2]uint64
	order := s.coin()
	p.headFirst = order[0] == head
	for _, who := range order {
		v := s.variantOf(who, at, number)
		seeds[who] = v.layout
		program, err := s.builder.build(ctx, b.target, v)
		if err != nil {
			return err
		}
		var env []string
		if who == head && b.spins > 0 {
			env = append(env, spinEnv+"="+strconv.Itoa(b.spins))
		}
		res, err := s.runner.one(ctx, program, b.dir, b.name, b.n, env...)
		if err != nil {
			return fmt.Errorf("%s: %w", who, err)
		}
		results[who] = res
		secs, has := res.Value(sampleUnit)
		if !has || !(secs > 0) {
			return fmt.Errorf("%s: %s printed no time per operation", who, b.name)
		}
		p.secs[who] = secs
	}
	for _, who := range order {
		results[who].Values = slices.DeleteFunc(results[who].Values, func(v benchfmt.Value) bool { return v.Unit == totalAllocs || v.Unit == totalBytes })
		keys := s.sampleKeys(r, at.String(), number+1, who == order[0], seeds[who])
		if err := s.record.write(results[who], who, keys...); err != nil {
			return err
		}
	}
	r.pairs[at] = append(r.pairs[at], p)
	s.pairs++
	return nil
}

// variantOf returns how a side is built for a pair. In the first stage a few layouts of the functions take turns, the two
// sides at different paces, so that no two layouts meet again before all have met. In the second no two pairs share a
// layout: what is confirmed there holds for layouts not yet seen.
func (s *session) variantOf(who side, at stage, number int) variant {
	v := variant{side: who, hooked: s.hooked}
	if s.layouts == 0 {
		return v
	}
	if at == screen {
		if who == head {
			number += number / s.layouts
		}
		number %= s.layouts
	}
	// The seeds follow from the session's, so that a session can be repeated.
	v.layout = 1 + rand.New(rand.NewPCG(s.seed, uint64(who)<<40|uint64(at)<<32|uint64(number))).Uint64N(1<<31)
	return v
}

// link builds what the first n pairs of a stage need, since nothing should be built while something is measured.
func (s *session) link(ctx context.Context, at stage, n int, who []*series) error {
	for _, r := range who {
		for number := range n {
			for _, side := range []side{base, head} {
				s.progress.show(fmt.Sprintf("linking layout %d of %d to %s", number+1, n, at))
				if _, err := s.builder.build(ctx, s.live[r].target, s.variantOf(side, at, number)); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// open prepares a session on two trees. What it makes is below tmp, the raw samples go to rec.
func open(ctx context.Context, c config, tmp string, trees [2]tree, rec io.Writer, p *progress) (*session, error) {
	s := &session{
		config: c, started: time.Now(), rng: rand.New(rand.NewPCG(c.seed, 0)),
		runner: runner{procs: runtime.GOMAXPROCS(0)}, progress: p,
	}
	var err error
	if s.builder, err = newBuilder(ctx, tmp, trees); err != nil {
		return nil, err
	}
	version, err := output(ctx, trees[head].dir, buildEnv(), "go", "env", "GOVERSION")
	if err != nil {
		return nil, err
	}
	s.record, err = newRecord(rec,
		"go", version,
		"seed", strconv.FormatUint(c.seed, 10),
		"runstamp", s.started.UTC().Format(time.RFC3339),
		"experiment-commit", trees[head].commit,
		"experiment-commit-time", trees[head].time,
		"baseline-commit", trees[base].commit,
		"baseline-commit-time", trees[base].time)
	if err != nil {
		return nil, err
	}
	return s, s.prepare(ctx)
}

// run does everything that one comparison of two revisions needs, and leaves nothing behind but the record.
func run(ctx context.Context, c config, rec io.Writer, p *progress) (*outcome, error) {
	defer p.clear()
	tmp, err := os.MkdirTemp("", "poolgate-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(tmp)
	src, err := checkout(ctx, c.module, tmp, [2]string{c.base, c.head})
	if err != nil {
		return nil, err
	}
	defer src.remove(ctx)
	accepted, complaints, err := src.accepted(ctx)
	if err != nil {
		return nil, err
	}
	s, err := open(ctx, c, tmp, src.trees, rec, p)
	if err != nil {
		return nil, err
	}
	out := &outcome{config: c, trees: src.trees, series: s.series, notes: append(complaints, s.accept(accepted)...)}
	out.judgements, err = s.measure(ctx)
	out.elapsed, out.measured, out.pairs = time.Since(s.started), s.measured, s.pairs
	return out, err
}

// accept hands the reasons of Perf-Accept trailers to their benchmarks, and complains of names that no benchmark has.
func (s *session) accept(reasons map[string]string) (complaints []string) {
	for _, name := range slices.Sorted(maps.Keys(reasons)) {
		found := false
		for _, r := range s.series {
			if s.bareName(r.name) == s.bareName(name) {
				r.accept, found = reasons[name], true
			}
		}
		if !found {
			complaints = append(complaints, fmt.Sprintf("Perf-Accept: no benchmark is called %s", name))
		}
	}
	return complaints
}
