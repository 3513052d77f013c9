package regress

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/perf/benchfmt"
)

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
			_, err = s.builder.buildOwn(ctx, t)
		}
		if err != nil {
			return err
		}
	}

	if !t.missing && !t.ownTests && !s.force {
		same, err := identicalPrograms(baseProgram, headProgram)
		if err != nil {
			return err
		}
		if same {
			return s.addIdentical(ctx, t, headProgram)
		}
	}
	return s.addMeasured(ctx, t)
}

func identicalPrograms(one, other string) (bool, error) {
	a, err := identity(one)
	if err != nil {
		return false, err
	}
	b, err := identity(other)
	return a != nil && bytes.Equal(a, b), err
}

// addIdentical lists the benchmarks of a target whose two programs are the same. None is run, so they are listed under
// their top-level names.
func (s *session) addIdentical(ctx context.Context, t *target, program string) error {
	names, err := s.list(ctx, t.dir, program)
	if err != nil {
		return err
	}
	for name := range names {
		s.series = append(s.series, &series{name: name, pkg: t.pkg, given: identical})
	}
	if len(t.overlay) == 0 || !t.tested {
		return nil
	}
	own, err := s.builder.buildOwn(ctx, t)
	if err != nil {
		return err
	}
	had, err := s.list(ctx, t.dir, own)
	for name := range had {
		if !names[name] {
			s.series = append(s.series, &series{name: name, pkg: t.pkg, given: removed})
		}
	}
	return err
}

// list returns the top-level benchmarks of a program that are asked for.
func (s *session) list(ctx context.Context, dir, program string) (map[string]bool, error) {
	top, _, _ := strings.Cut(s.bench, "/")
	out, err := output(ctx, dir, s.runner.env(), program, "-test.list="+top)
	names := map[string]bool{}
	for name := range strings.FieldsSeq(out) {
		if short, is := strings.CutPrefix(name, "Benchmark"); is {
			names[short] = true
		}
	}
	return names, err
}

// bareName is a benchmark's name as a person writes it, without Benchmark and without GOMAXPROCS.
func (s *session) bareName(name string) string {
	return strings.TrimPrefix(bare(name, s.runner.procs), "Benchmark")
}

// addMeasured finds the benchmarks that both sides have, and how many operations make a sample.
func (s *session) addMeasured(ctx context.Context, t *target) error {
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
	had := found[base]
	if len(t.overlay) > 0 && t.tested { // head's tests cannot tell what the base's had
		own, err := s.builder.buildOwn(ctx, t)
		if err != nil {
			return err
		}
		results, err := s.runner.bench(ctx, own, filepath.Join(s.builder.trees[base].dir, filepath.FromSlash(t.rel)), s.bench, "1x")
		if err != nil {
			return fmt.Errorf("base: %w", err)
		}
		for _, res := range results {
			had[string(res.Name.Full())] = res
		}
	}
	for name := range had {
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
