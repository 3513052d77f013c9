package regress

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/perf/benchfmt"
)

// A runner runs test binaries, each time in a fresh process: heap, hash seeds and address space differ from sample to
// sample, so what depends on them is noise and not a bias.
type runner struct {
	procs   int           // GOMAXPROCS of every process
	timeout time.Duration // after which a process hangs
}

// env is the environment of a sample: the user's, but for what turns the Go runtime's knobs.
func (r runner) env(extra ...string) []string {
	env := slices.DeleteFunc(os.Environ(), func(kv string) bool {
		name, _, _ := strings.Cut(kv, "=")
		return slices.Contains([]string{"GOGC", "GODEBUG", "GOMEMLIMIT", "GOTRACEBACK", "GOMAXPROCS", spinEnv}, name)
	})
	return append(append(env, "GOMAXPROCS="+strconv.Itoa(r.procs)), extra...)
}

// bench runs the benchmarks that match pattern and returns their results in order.
func (r runner) bench(ctx context.Context, program, dir, pattern, benchtime string, env ...string) ([]*benchfmt.Result, error) {
	cmd := exec.CommandContext(ctx, program, "-test.run=^$", "-test.bench="+pattern, "-test.benchtime="+benchtime, "-test.count=1", "-test.benchmem",
		"-test.timeout="+r.timeout.String())
	cmd.Dir, cmd.Env = dir, r.env(env...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if stopped(ctx, err) {
		return nil, ctx.Err()
	}
	if err != nil {
		return nil, failure(err, stdout.String(), stderr.String())
	}
	var results []*benchfmt.Result
	reader := benchfmt.NewReader(&stdout, program)
	for reader.Scan() {
		if res, is := reader.Result().(*benchfmt.Result); is {
			results = append(results, res.Clone())
		}
	}
	return results, reader.Err()
}

var (
	inTrace    = regexp.MustCompile(`\.(Benchmark[^.(\s]*)[.(]`)
	unfinished = regexp.MustCompile(`\n(Benchmark\S+)[ \t]*$`)
)

// failure names the benchmark that made a test binary fail, and what it said.
func failure(err error, stdout, stderr string) error {
	name := "a benchmark"
	if i := strings.Index(stdout, "--- FAIL: "); i >= 0 { // b.Fatal
		stdout = stdout[i:]
		stderr = stdout + stderr
		name = strings.Fields(stdout)[2]
	} else if found := unfinished.FindStringSubmatch(stdout); found != nil { // its name is out, its result is not
		name = found[1]
	} else if found := inTrace.FindStringSubmatch(stderr); found != nil { // it died before its name was printed
		name = found[1]
	}
	said := strings.TrimSpace(stderr)
	if said == "" {
		said = strings.TrimSpace(stdout)
	}
	if lines := strings.SplitAfter(said, "\n"); len(lines) > 12 {
		said = strings.Join(lines[:12], "") + "\t…"
	}
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return fmt.Errorf("running %s: %w", name, err)
	}
	return fmt.Errorf("%s failed (%v):\n%s", name, err, said)
}

// pattern matches the benchmark of that full name alone.
func pattern(name string, procs int) string {
	name = bare(name, procs)
	parts := strings.Split(name, "/")
	for i, p := range parts {
		parts[i] = "^" + regexp.QuoteMeta(p) + "$"
	}
	return strings.Join(parts, "/")
}

// bare returns a benchmark's name without the suffix that package testing adds for GOMAXPROCS.
func bare(name string, procs int) string {
	if procs > 1 {
		name = strings.TrimSuffix(name, "-"+strconv.Itoa(procs))
	}
	return "Benchmark" + strings.TrimPrefix(name, "Benchmark")
}

// one runs one benchmark n times and returns its result.
func (r runner) one(ctx context.Context, program, dir, name string, n int, env ...string) (*benchfmt.Result, error) {
	results, err := r.bench(ctx, program, dir, pattern(name, r.procs), strconv.Itoa(n)+"x", env...)
	if err != nil {
		return nil, err
	}
	for _, res := range results {
		if string(res.Name.Full()) == name {
			return res, nil
		}
	}
	return nil, fmt.Errorf("%s: %w", name, errNoResult)
}

var errNoResult = errors.New("the test binary printed no result")
