package regress

import (
	"context"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strconv"
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
	waited   time.Duration // that something waited for a processor while samples were taken
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
	out.elapsed, out.measured, out.waited, out.pairs = time.Since(s.started), s.measured, s.waited, s.pairs
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

// open prepares a session on two trees. What it makes is below tmp, the raw samples go to rec.
func open(ctx context.Context, c config, tmp string, trees [2]tree, rec io.Writer, p *progress) (*session, error) {
	s := &session{
		config: c, started: time.Now(), rng: rand.New(rand.NewPCG(c.seed, 0)),
		runner: runner{procs: runtime.GOMAXPROCS(0), timeout: c.budget}, progress: p,
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

// screenShare is the part of the time budget that the first stage may use up.
const screenShare = .7

// measure counts allocations, then times pairs until all benchmarks are decided.
func (s *session) measure(ctx context.Context) ([]judgement, error) {
	begun := time.Now()
	defer func() { s.measured = time.Since(begun) }()
	if err := s.count(ctx); err != nil {
		return s.rules.judge(s.series, over), err
	}
	if err := s.link(ctx, screen, max(1, s.layouts), s.measurable()); err != nil {
		return s.rules.judge(s.series, over), err
	}
	return s.rules.decide(ctx, s.series, s.round)
}

// sampleKeys say where a sample belongs and how it came to be.
func (s *session) sampleKeys(r *series, stage string, round int, first bool, layout uint64, waited time.Duration) []benchfmt.Config {
	keys := []benchfmt.Config{
		key("stage", stage),
		key("round", strconv.Itoa(round)),
		key("first", strconv.FormatBool(first)),
		key("layout", strconv.FormatUint(layout, 10)),
		key("at", strconv.FormatFloat(time.Since(s.started).Seconds(), 'f', 3, 64)),
		key("waited", strconv.FormatFloat(waited.Seconds(), 'f', 3, 64)),
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
	var waited [2]time.Duration
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
		before := cpuPressure()
		res, err := s.runner.one(ctx, program, b.dir, b.name, b.n, env...)
		if err != nil {
			return fmt.Errorf("%s: %w", who, err)
		}
		waited[who] = cpuPressure() - before
		s.waited += waited[who]
		results[who] = res
		secs, has := res.Value(sampleUnit)
		if !has || !(secs > 0) {
			return fmt.Errorf("%s: %s printed no time per operation", who, b.name)
		}
		p.secs[who] = secs
	}
	for _, who := range order {
		results[who].Values = slices.DeleteFunc(results[who].Values, func(v benchfmt.Value) bool { return v.Unit == totalAllocs || v.Unit == totalBytes })
		keys := s.sampleKeys(r, at.String(), number+1, who == order[0], seeds[who], waited[who])
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
