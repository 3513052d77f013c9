package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"example.com/pool2d"
	"example.com/pool2d/optimized"
	"example.com/pool2d/props"
	"example.com/pool2d/reference"
)

// A trial is one law on one implementation with one element type.
type trial struct {
	law, sentence string
	impl, dtype   string
	outcome       outcome
	report        string // what broke, or why the law says nothing
}

type outcome string

const (
	kept     outcome = "kept"
	broken   outcome = "BROKEN"
	silent   outcome = "silent" // the law says nothing of this implementation
	unjudged outcome = "not run"
)

// A subject is an implementation with one element type.
type subject struct {
	impl, dtype string
	judge       func(ctx context.Context, o lawOptions, tell func(trial))
}

// subjects returns all implementations in the tree with all element types.
func subjects() []subject {
	return slices.Concat(
		subjectsOf(reference.Pool2DGrad[float32], optimized.Pool2DGrad[float32]),
		subjectsOf(reference.Pool2DGrad[float64], optimized.Pool2DGrad[float64]),
		subjectsOf[int8](nil, nil), subjectsOf[uint8](nil, nil), subjectsOf[int32](nil, nil))
}

type grad[T pool2d.Elem] func(grad, src pool2d.Tensor[T], p pool2d.Params) (pool2d.Tensor[T], error)

func subjectsOf[T pool2d.Elem](referenceGrad, optimizedGrad grad[T]) []subject {
	var all []subject
	for _, im := range []pool2d.Impl[T]{
		{Name: "reference", Pool2D: reference.Pool2D[T], Indices: reference.Pool2DIndices[T], Grad: referenceGrad},
		{Name: "optimized", Pool2DInto: optimized.Pool2DInto[T], Indices: optimized.Pool2DIndices[T], Grad: optimizedGrad},
		{Name: "optimized-nhwc", Pool2D: optimized.Pool2D[T], Indices: optimized.Pool2DIndices[T], Grad: optimizedGrad, Layout: pool2d.NHWC},
	} {
		all = append(all, subject{im.Name, fmt.Sprintf("%T", T(0)), func(ctx context.Context, o lawOptions, tell func(trial)) {
			judge(ctx, im, o, tell)
		}})
	}
	return all
}

// lawOptions say which laws are run, and on how many cases.
type lawOptions struct {
	law    string // only this one; "": all
	checks int    // cases a law; 0: 100 for float32, 20 for the other types
	seed   uint64
}

func (o lawOptions) checksOf(dtype string) int {
	switch {
	case o.checks > 0:
		return o.checks
	case dtype == "float32":
		return 100
	}
	return 20
}

// judge holds one implementation against the laws and tells of each. Where it does not answer as it should at all, the
// other laws are not run: one cause, one report.
func judge[T pool2d.Elem](ctx context.Context, im pool2d.Impl[T], o lawOptions, tell func(trial)) {
	cause := ""
	for _, law := range props.All[T]() {
		if o.law != "" && law.Name != o.law {
			continue
		}
		t := trial{law: law.Name, sentence: law.Law, impl: im.Name, dtype: fmt.Sprintf("%T", T(0))}
		switch why := law.Skips(im); {
		case why != "":
			t.outcome, t.report = silent, why
		case ctx.Err() != nil:
			t.outcome, t.report = unjudged, "interrupted"
		case cause != "":
			t.outcome, t.report = unjudged, "see "+cause
		default:
			t.outcome, t.report = outside(t, o, func(tb *recorder) { law.Run(tb, im) })
			if t.outcome == broken && (law.Name == "answers" || law.Name == "shape_formula") {
				cause = law.Name
			}
		}
		tell(t)
	}
}

// outside runs a law outside of go test. Rapid's settings are those of the process, flags that no one parses here.
func outside(t trial, o lawOptions, run func(*recorder)) (outcome, string) {
	prepareRapid()
	for name, value := range map[string]string{
		"rapid.checks":     fmt.Sprint(o.checksOf(t.dtype)),
		"rapid.seed":       fmt.Sprint(o.seed),
		"rapid.nofailfile": "true",
		"rapid.shrinktime": "10s",
	} {
		if err := flag.Set(name, value); err != nil {
			return unjudged, err.Error()
		}
	}
	rec := &recorder{name: fmt.Sprintf("%s/%s/%s", t.impl, t.dtype, t.law)}
	done := make(chan struct{})
	go func() { // a failed law ends its goroutine
		defer close(done)
		defer func() {
			if p := recover(); p != nil {
				rec.Errorf("panic: %v", p)
			}
		}()
		run(rec)
	}()
	<-done
	if !rec.Failed() {
		return kept, ""
	}
	again := fmt.Sprintf("go run ./ci/poolgate laws -impl %s -dtype %s -law %s -checks %d -seed $1", t.impl, t.dtype, t.law, o.checksOf(t.dtype))
	return broken, repeatLine.ReplaceAllString(rec.report.String(), again)
}

// repeatLine is how a report repeats a failure in go test.
var repeatLine = regexp.MustCompile(`go test -run '[^']*' -rapid\.seed=(\d+)`)

var prepareRapid = sync.OnceFunc(func() {
	testing.Init()
	if !flag.Parsed() {
		flag.CommandLine.Parse(nil)
	}
})

// A recorder is the rapid.TB of a law that runs outside of go test.
type recorder struct {
	name string

	mu     sync.Mutex
	report strings.Builder
	failed bool
}

func (r *recorder) say(text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.report.WriteString(strings.TrimRight(text, "\n") + "\n")
}

func (r *recorder) Helper()                   {}
func (r *recorder) Name() string              { return r.name }
func (r *recorder) Log(...any)                {} // what is worth saying of a kept law is that it is kept
func (r *recorder) Logf(string, ...any)       {}
func (r *recorder) Skip(...any)               { r.SkipNow() }
func (r *recorder) Skipf(string, ...any)      { r.SkipNow() }
func (r *recorder) SkipNow()                  { runtime.Goexit() }
func (r *recorder) Error(args ...any)         { r.say(fmt.Sprintln(args...)); r.Fail() }
func (r *recorder) Errorf(f string, a ...any) { r.say(fmt.Sprintf(f, a...)); r.Fail() }
func (r *recorder) Fatal(args ...any)         { r.Error(args...); r.FailNow() }
func (r *recorder) Fatalf(f string, a ...any) { r.Errorf(f, a...); r.FailNow() }
func (r *recorder) FailNow()                  { r.Fail(); runtime.Goexit() }
func (r *recorder) Fail()                     { r.mu.Lock(); r.failed = true; r.mu.Unlock() }
func (r *recorder) Failed() bool              { r.mu.Lock(); defer r.mu.Unlock(); return r.failed }

// runLaws is the subcommand laws.
func runLaws(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	flags := newFlags("laws", "Holds the implementations in the tree against the laws of package props.", stderr)
	impl := flags.String("impl", "", "only the implementations of these comma-separated `names`: reference, optimized, optimized-nhwc")
	dtype := flags.String("dtype", "", "only these comma-separated element `types`")
	var o lawOptions
	flags.StringVar(&o.law, "law", "", "only the law of this `name`")
	flags.IntVar(&o.checks, "checks", 0, "cases for each law (default 100 for float32, 20 for the other types)")
	flags.Uint64Var(&o.seed, "seed", drawnSeed(), "seed of the cases (default: drawn)")
	if code, stop := parse(flags, args); stop {
		return code
	}
	chosen := slices.DeleteFunc(subjects(), func(s subject) bool {
		return !listed(*impl, s.impl) || !listed(*dtype, s.dtype)
	})
	known := slices.ContainsFunc(props.All[float32](), func(l props.Law[float32]) bool { return o.law == "" || l.Name == o.law })
	if len(chosen) == 0 || !known || o.checks < 0 {
		fmt.Fprintf(stderr, "poolgate laws: nothing to run: -impl %q -dtype %q -law %q -checks %d\n", *impl, *dtype, o.law, o.checks)
		return exitFailed
	}
	start := time.Now()
	trials := hold(ctx, chosen, o, newProgress(stderr))
	v := lawVerdict(trials)
	fmt.Fprintf(stdout, "%s: %s; kernels %s, seed %d, %v\n\n", v.word(), v, optimized.KernelSet(), o.seed, rounded(time.Since(start)))
	printLaws(stdout, trials)
	return v.exitCode()
}

// listed reports whether a comma-separated list has the name. The empty list has all.
func listed(list, name string) bool {
	return list == "" || slices.Contains(strings.Split(list, ","), name)
}

func drawnSeed() uint64 { return 1 + rand.Uint64N(1<<32) }

// hold runs the laws on each of the subjects.
func hold(ctx context.Context, chosen []subject, o lawOptions, p *progress) []trial {
	var all []trial
	for _, s := range chosen {
		s.judge(ctx, o, func(t trial) {
			all = append(all, t)
			p.say("laws: %s %s: %s", t.impl, t.dtype, t.law)
		})
	}
	p.done()
	return all
}

// lawCount counts outcomes, each kind by itself.
type lawCount struct{ kept, broken, silent, unjudged int }

func lawVerdict(trials []trial) lawCount {
	var c lawCount
	for _, t := range trials {
		switch t.outcome {
		case kept:
			c.kept++
		case broken:
			c.broken++
		case silent:
			c.silent++
		default:
			c.unjudged++
		}
	}
	return c
}

func (c lawCount) String() string {
	s := fmt.Sprintf("laws kept %d, broken %d, not applicable %d", c.kept, c.broken, c.silent)
	if c.unjudged > 0 {
		s += fmt.Sprintf(", not run %d", c.unjudged)
	}
	return s
}

func (c lawCount) exitCode() int {
	switch {
	case c.broken > 0:
		return exitNo
	case c.unjudged > 0 || c.kept == 0:
		return exitFailed
	}
	return exitGood
}

func (c lawCount) word() string { return words[c.exitCode()] }

// words are the verdicts of the exit codes.
var words = map[int]string{exitGood: "good", exitNo: "NO", exitFailed: "COULD NOT RUN"}

// printLaws prints a table with a row for each implementation and type, then what is broken in full.
func printLaws(w io.Writer, trials []trial) {
	type key struct{ impl, dtype string }
	var keys []key
	by := map[key][]trial{}
	for _, t := range trials {
		k := key{t.impl, t.dtype}
		if by[k] == nil {
			keys = append(keys, k)
		}
		by[k] = append(by[k], t)
	}
	tb := table{header: []string{"implementation", "dtype", "kept", "broken", "not applicable", "not run"}, right: 2}
	for _, k := range keys {
		c := lawVerdict(by[k])
		tb.add(k.impl, k.dtype, fmt.Sprint(c.kept), fmt.Sprint(c.broken), fmt.Sprint(c.silent), fmt.Sprint(c.unjudged))
	}
	tb.print(w)
	for _, t := range trials {
		switch {
		case t.outcome == broken:
			fmt.Fprintf(w, "\n%s", t.report)
		case t.outcome == unjudged && !strings.HasPrefix(t.report, "see "):
			fmt.Fprintf(w, "\n%s %s %s: not run: %s\n", t.impl, t.dtype, t.law, t.report)
		}
	}
}

// printMatrix prints every law with its sentence, and its outcomes with each implementation, type by type.
func printMatrix(w io.Writer, trials []trial) {
	var impls, laws []string
	sentence := map[string]string{}
	cells := map[[2]string][]string{}
	for _, t := range trials {
		if !slices.Contains(impls, t.impl) {
			impls = append(impls, t.impl)
		}
		if !slices.Contains(laws, t.law) {
			laws = append(laws, t.law)
			sentence[t.law] = t.sentence
		}
		at := [2]string{t.law, t.impl}
		switch t.outcome {
		case kept:
			cells[at] = append(cells[at], t.dtype)
		case broken, unjudged:
			cells[at] = append(cells[at], fmt.Sprintf("%s:%s", t.dtype, strings.ToUpper(string(t.outcome))))
		}
	}
	for _, law := range laws {
		fmt.Fprintf(w, "%s: %s\n", law, sentence[law])
		for _, impl := range impls {
			fmt.Fprintf(w, "    %-15s %s\n", impl, strings.Join(cells[[2]string{law, impl}], " "))
		}
	}
}
