package regress

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/perf/benchfmt"
)

// A config is what the command line asks for.
type config struct {
	module  string // where the command runs
	base    string
	head    string
	pkgs    []string
	bench   string
	rules   rules
	sample  time.Duration
	budget  time.Duration
	layouts int
	seed    uint64
	force   bool // measure what is identical too
	strict  bool // inconclusive is a failure
	out     string
	history string
	from    string
	selection
}

// Exit codes.
const (
	exitOK           = 0
	exitRegressed    = 1
	exitFailed       = 2 // it could not run, or data is missing
	exitInconclusive = 3 // only where asked to be strict
)

// Run is the command poolgate regress. It compares the benchmarks of two revisions and returns the exit code: 0 nothing
// regressed, 1 something did, 2 it could not run or data is missing, 3 with -strict if something is inconclusive.
// Cancelling ctx ends the session; the pairs so far are judged.
func Run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	if len(args) > 0 && args[0] == "selftest" {
		return runSelftest(ctx, args[1:], stdout, stderr)
	}
	c, creep, err := parse(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return exitOK
	}
	if err == nil && creep {
		err = c.sinceRelease(ctx)
	}
	if err != nil {
		fmt.Fprintln(stderr, "poolgate regress:", err)
		return exitFailed
	}
	var out *outcome
	if c.from != "" {
		out, err = rejudge(c)
	} else {
		out, err = c.compare(ctx, stderr)
	}
	if out != nil {
		out.print(stdout)
	}
	if errors.Is(err, context.Canceled) {
		err = errors.New("interrupted: the verdicts, if there are any, rest on the pairs so far")
	}
	if err != nil {
		fmt.Fprintln(stderr, "poolgate regress:", err)
		return exitFailed
	}
	return out.exitCode()
}

func parse(args []string, stderr io.Writer) (c config, creep bool, err error) {
	c.rules, c.selection = defaultRules(), wholeRecord
	f := flag.NewFlagSet("poolgate regress", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.Usage = func() {
		fmt.Fprint(stderr, usage)
		f.PrintDefaults()
	}
	var pkgs string
	f.StringVar(&c.base, "base", "", "the `revision` to compare with (default: where HEAD left main)")
	f.StringVar(&c.head, "head", worktree, "the `revision` to judge, or worktree: the files as they lie there")
	f.StringVar(&pkgs, "pkg", "./bench", "comma-separated package `patterns`")
	f.StringVar(&c.bench, "bench", ".", "which benchmarks, as for go test (`regexp`)")
	f.Float64Var(&c.rules.alpha, "alpha", c.rules.alpha, "chance of a false alarm, for the whole suite")
	f.Float64Var(&c.rules.limit, "limit", c.rules.limit, "the slowdown that ok rules out")
	f.Float64Var(&c.rules.floor, "floor", c.rules.floor, "the slowdown that regressed must exceed")
	f.DurationVar(&c.sample, "sample", 200*time.Millisecond, "time of one sample")
	f.DurationVar(&c.budget, "budget", 10*time.Minute, "total time; what is not decided by then is inconclusive")
	f.IntVar(&c.layouts, "layouts", 8, "function layouts per side to screen; 0: only the linker's own, which can pass for a change")
	f.Uint64Var(&c.seed, "seed", 0, "seed of all that is drawn (default: drawn)")
	f.BoolVar(&c.force, "force", false, "measure identical programs too")
	f.BoolVar(&c.strict, "strict", false, "exit 3 if a benchmark is inconclusive")
	f.StringVar(&c.out, "o", filepath.Join("poolgate-out", "pairs.txt"), "where the raw pairs go (`file`)")
	f.StringVar(&c.history, "history", "", "append the raw pairs to the history in this `folder`, and look for steps in it")
	f.BoolVar(&creep, "creep", false, "compare with the last release (-base: another one), as many small slips pass any gate")
	f.StringVar(&c.from, "from", "", "judge the pairs in this `file` again; nothing is measured")
	f.StringVar(&c.filter, "filter", c.filter, "with -from: which samples, as for benchstat (`filter`)")
	f.StringVar(&c.row, "row", c.row, "with -from: what is one benchmark (`projection`)")
	f.StringVar(&c.col, "col", c.col, "with -from: what is compared, the first value with the second (`projection`)")
	if err := f.Parse(args); err != nil {
		if !errors.Is(err, flag.ErrHelp) {
			err = errors.New("see -help") // the flag package has said what is wrong
		}
		return c, creep, err
	}
	if f.NArg() > 0 {
		return c, creep, fmt.Errorf("unknown argument %q", f.Arg(0))
	}
	r := c.rules
	switch {
	case !(r.alpha > 0 && r.alpha < .5):
		return c, creep, fmt.Errorf("-alpha is %v; it must lie between 0 and 0.5", r.alpha)
	case !(r.floor >= 0 && r.floor <= r.limit && r.limit < 1):
		return c, creep, fmt.Errorf("-floor is %v and -limit %v; they must satisfy 0 <= floor <= limit < 1", r.floor, r.limit)
	case c.sample <= 0 || c.budget <= 0:
		return c, creep, errors.New("-sample and -budget must be positive")
	case c.layouts < 0:
		return c, creep, fmt.Errorf("-layouts is %d; it cannot be negative", c.layouts)
	case c.from == "" && c.selection != wholeRecord:
		return c, creep, errors.New("-filter, -row and -col go with -from: save the pairs once, then look at them as you like")
	case c.row == "" || c.col == "":
		return c, creep, errors.New("-row and -col cannot be empty")
	}
	c.pkgs = strings.Split(pkgs, ",")
	if c.seed == 0 {
		c.seed = 1 + rand.Uint64N(1<<40)
	}
	if c.module, err = os.Getwd(); err != nil {
		return c, creep, err
	}
	return c, creep, nil
}

const usage = `usage: poolgate regress [-base REV] [-head REV|worktree] [-pkg ./bench] [-bench RE]
       poolgate regress -creep
       poolgate regress -from FILE [-filter F] [-row R] [-col C]
       poolgate regress selftest

Regress says of each benchmark whether head is slower than base: regressed, ok (a proof that it is slower by less than
the limit), improved, inconclusive, new, removed or identical. METHOD.md beside its source says how it knows.

`

// compare runs a session and saves its pairs.
func (c config) compare(ctx context.Context, stderr io.Writer) (*outcome, error) {
	var err error
	if c.module, err = output(ctx, c.module, buildEnv(), "go", "list", "-m", "-f", "{{.Dir}}"); err != nil {
		return nil, err
	}
	if c.base == "" {
		if c.base, err = git(ctx, c.module, "merge-base", c.headCommit(), "main"); err != nil {
			return nil, fmt.Errorf("no -base, and no branch main to find one: %w", err)
		}
	}
	if err := os.MkdirAll(filepath.Dir(c.out), 0o777); err != nil {
		return nil, err
	}
	rec, err := os.Create(c.out)
	if err != nil {
		return nil, err
	}
	out, err := run(ctx, c, rec, newProgress(stderr))
	if closeErr := rec.Close(); err == nil && closeErr != nil {
		err = fmt.Errorf("saving the pairs: %w", closeErr)
	}
	if out == nil {
		os.Remove(c.out) // nothing was measured
		return nil, err
	}
	if err == nil && c.history != "" {
		out.advice, err = c.keep(ctx, out)
	}
	return out, err
}

// rejudge reads saved pairs and judges them as the session did that took them.
func rejudge(c config) (*outcome, error) {
	got, err := readRecord(&benchfmt.Files{Paths: []string{c.from}}, c.selection)
	if err != nil {
		return nil, err
	}
	out := &outcome{config: c, series: got.series, judgements: c.rules.judge(got.series, over), measured: got.lasted, waited: got.waited}
	out.trees[base] = tree{commit: got.keys["baseline-commit"], time: got.keys["baseline-commit-time"]}
	out.trees[head] = tree{commit: got.keys["experiment-commit"], time: got.keys["experiment-commit-time"]}
	for _, s := range got.series {
		for at := range over {
			out.pairs += len(s.pairs[at])
		}
	}
	return out, nil
}

// sinceRelease sets the base to the last release before head.
func (c *config) sinceRelease(ctx context.Context) error {
	if c.base != "" {
		return nil
	}
	tag, err := git(ctx, c.module, "describe", "--tags", "--abbrev=0", "--match=v[0-9]*", c.headCommit())
	if err != nil {
		return fmt.Errorf("-creep: no release tag (v1.2.3) before %s; name one with -base", c.headCommit())
	}
	c.base = tag
	return nil
}

// headCommit names the commit of head, or the one that the work tree started from.
func (c *config) headCommit() string {
	if c.head == worktree {
		return "HEAD"
	}
	return c.head
}
