package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"go/format"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"example.com/pool2d/optimized"
)

// A step is one line of the check's table.
type step struct {
	name string
	run  func(ctx context.Context, c *checker) finding
}

// A finding is what a step found.
type finding struct {
	outcome outcome
	note    string // in the table
	detail  string // below it, where the outcome is not good
}

func good(note string) finding       { return finding{outcome: kept, note: note} }
func notRun(note string) finding     { return finding{outcome: unjudged, note: note} }
func no(note, detail string) finding { return finding{broken, note, detail} }
func (f finding) word() string {
	return map[outcome]string{kept: "good", broken: "NO", unjudged: "not run"}[f.outcome]
}

// A checker is where the steps run.
type checker struct {
	root string // of the module
	temp string
	self string // this program
	race string // why the race detector cannot run; "": it can
}

// steps returns the steps of the check, in the order in which they start.
func steps() []step {
	all := []step{
		{"tests", tests}, // the longest three: the others run beside them
		{"tests with the race detector", raceDetector},
		{"laws, optimized, float32, arm64", lawsElsewhere("qemu-aarch64", "GOOS=linux", "GOARCH=arm64", "CGO_ENABLED=0")},
		{"gofmt", formatted},
		{"go fix -diff", succeeds("go", "fix", "-diff", "./...")},
		{"go vet", succeeds("go", "vet", "./...")},
		{"go vet, purego", succeeds("go", "vet", "-tags", "purego", "./...")},
		{"import rules", imports},
		{"generated files", generated},
	}
	for _, goos := range []string{"linux", "darwin", "windows"} {
		for _, goarch := range []string{"amd64", "arm64"} {
			all = append(all, step{"build " + goos + "/" + goarch, builds(goos, goarch)})
		}
	}
	all = append(all, step{"staticcheck", staticcheck}, step{"laws, reference", laws("", "-impl", "reference")})
	for _, set := range []string{"avx512", "avx2", "generic"} {
		all = append(all, step{"laws, optimized, float32, " + set, laws(set, "-impl", "optimized,optimized-nhwc", "-dtype", "float32")})
	}
	return append(all,
		step{"laws, optimized, other types", laws("", "-impl", "optimized,optimized-nhwc", "-dtype", "float64,int8,uint8,int32")},
		step{"laws, optimized, float32, purego", lawsElsewhere("", "GOFLAGS=-tags=purego")})
}

// runCheck is the subcommand check.
func runCheck(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	flags := newFlags("check", "Runs what must hold before a change is taken: formatting, vet, builds, tests, laws. Run it anywhere in the module.", stderr)
	only := flags.String("only", "", "only the steps whose names contain this `text`")
	if code, stop := parse(flags, args); stop {
		return code
	}
	c, err := newChecker(ctx)
	if err != nil {
		fmt.Fprintln(stderr, "poolgate check:", err)
		return exitFailed
	}
	defer os.RemoveAll(c.temp)
	chosen := slices.DeleteFunc(steps(), func(s step) bool { return !strings.Contains(s.name, *only) })
	if len(chosen) == 0 {
		fmt.Fprintf(stderr, "poolgate check: -only %q names no step\n", *only)
		return exitFailed
	}
	return c.check(ctx, chosen, stdout, newProgress(stderr))
}

// newChecker finds the module that the command is run in.
func newChecker(ctx context.Context) (*checker, error) {
	out, err := exec.CommandContext(ctx, "go", "env", "GOMOD", "CGO_ENABLED", "CC").Output()
	if err != nil {
		return nil, fmt.Errorf("go env: %w", err)
	}
	env := strings.Split(strings.TrimRight(string(out), "\n"), "\n")
	module, err := exec.CommandContext(ctx, "go", "list", "-m").Output()
	if err != nil || strings.TrimSpace(string(module)) != "example.com/pool2d" {
		return nil, fmt.Errorf("this is not the module example.com/pool2d, but %q", strings.TrimSpace(string(module)))
	}
	c := &checker{root: filepath.Dir(env[0])}
	if env[1] != "1" {
		c.race = "cgo is off"
	} else if _, err := exec.LookPath(strings.Fields(env[2] + " cc")[0]); err != nil {
		c.race = "no C compiler: " + err.Error()
	}
	if c.self, err = os.Executable(); err != nil {
		return nil, err
	}
	c.temp, err = os.MkdirTemp("", "poolgate")
	return c, err
}

// check runs the steps, two at a time, and prints the verdict, the table, and what is wrong. Builds use every core by
// themselves; laws, and the ends of tests, use one.
func (c *checker) check(ctx context.Context, chosen []step, stdout io.Writer, p *progress) int {
	start := time.Now()
	findings := make([]finding, len(chosen))
	times := make([]time.Duration, len(chosen))
	var next, done atomic.Int64
	var workers sync.WaitGroup
	for range min(2, runtime.NumCPU()) {
		workers.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(chosen); i = int(next.Add(1)) - 1 {
				p.say("check: %d of %d done, now %s", done.Load(), len(chosen), chosen[i].name)
				began := time.Now()
				findings[i] = chosen[i].run(ctx, c)
				if ctx.Err() != nil {
					findings[i] = notRun("interrupted")
				}
				times[i] = time.Since(began)
				done.Add(1)
			}
		})
	}
	workers.Wait()
	counts := map[outcome]int{}
	t := table{header: []string{"step", "", "time", ""}, right: 4}
	var details strings.Builder
	for i, f := range findings {
		counts[f.outcome]++
		t.add(chosen[i].name, f.word(), rounded(times[i]).String(), f.note)
		if f.detail != "" {
			fmt.Fprintf(&details, "\n== %s\n\n%s\n", chosen[i].name, strings.TrimRight(f.detail, "\n"))
		}
	}
	p.done()
	code := exitGood
	switch {
	case counts[broken] > 0:
		code = exitNo
	case ctx.Err() != nil || counts[kept] == 0:
		code = exitFailed
	}
	fmt.Fprintf(stdout, "%s: steps good %d, no %d, not run %d; %v\n\n", words[code], counts[kept], counts[broken], counts[unjudged], rounded(time.Since(start)))
	t.print(stdout)
	io.WriteString(stdout, details.String())
	return code
}

// command runs a program in the module's root and returns all that it prints.
func (c *checker) command(ctx context.Context, env []string, name string, args ...string) (string, error) {
	return c.commandIn(ctx, c.root, env, name, args...)
}

func (c *checker) commandIn(ctx context.Context, dir string, env []string, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	cmd.Env = append(cmd.Environ(), env...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	if err != nil {
		fmt.Fprintf(&out, "%s: %v\n", strings.Join(append([]string{name}, args...), " "), err)
	}
	return out.String(), err
}

// succeeds is a step that is good if a program exits with 0.
func succeeds(name string, args ...string) func(context.Context, *checker) finding {
	return func(ctx context.Context, c *checker) finding {
		if out, err := c.command(ctx, nil, name, args...); err != nil {
			return no("", out)
		}
		return good("")
	}
}

// formatted holds that every Go file is as gofmt would write it.
func formatted(_ context.Context, c *checker) finding {
	files := 0
	var bad []string
	err := filepath.WalkDir(c.root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != c.root && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata"):
			return filepath.SkipDir
		case d.IsDir() || filepath.Ext(path) != ".go":
			return nil
		}
		files++
		src, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		want, err := format.Source(src)
		if err != nil || !bytes.Equal(src, want) {
			name, _ := filepath.Rel(c.root, path)
			bad = append(bad, name)
		}
		return nil
	})
	if err != nil {
		return no("", err.Error())
	}
	if bad != nil {
		return no(fmt.Sprintf("%d of %d files", len(bad), files), "gofmt -w "+strings.Join(bad, " "))
	}
	return good(fmt.Sprintf("%d files", files))
}

// builds compiles and links everything for one system, with and without assembly. Vet does not see that a function which
// is declared for assembly has none; the linker does.
func builds(goos, goarch string) func(context.Context, *checker) finding {
	return func(ctx context.Context, c *checker) finding {
		for _, tags := range []string{"", "purego"} {
			env := []string{"GOOS=" + goos, "GOARCH=" + goarch, "CGO_ENABLED=0"}
			if out, err := c.command(ctx, env, "go", "build", "-ldflags", "-w", "-tags", tags, "-o", filepath.Join(c.temp, goos+goarch)+string(filepath.Separator), "./..."); err != nil {
				return no("tags "+tags, out)
			}
		}
		return good("with and without purego")
	}
}

// tests runs all tests, briefly; but those of the suite in full, since some of the bugs that they plant need all the cases.
func tests(ctx context.Context, c *checker) finding {
	suite, others, err := c.packages(ctx)
	if err != nil {
		return no("", err.Error())
	}
	for _, args := range [][]string{append([]string{"-short"}, others...), suite} {
		if out, err := c.command(ctx, nil, "go", append([]string{"test"}, args...)...); err != nil {
			return no("", out)
		}
	}
	return good(fmt.Sprintf("%d packages", len(suite)+len(others)))
}

// raceDetector runs, briefly and with the race detector, all tests but those of the suite, which plant bugs that race on
// purpose, and those of regress, which build and time other programs. Of the suite, the laws on the reference are run.
func raceDetector(ctx context.Context, c *checker) finding {
	if c.race != "" {
		return notRun(c.race)
	}
	_, others, err := c.packages(ctx)
	if err != nil {
		return no("", err.Error())
	}
	others = slices.DeleteFunc(others, func(p string) bool { return strings.HasSuffix(p, "/regress") })
	for _, args := range [][]string{others, {"-run", "^TestReference", module + "/props"}} {
		if out, err := c.command(ctx, nil, "go", append([]string{"test", "-short", "-race"}, args...)...); err != nil {
			return no("", out)
		}
	}
	return good(fmt.Sprintf("%d packages", len(others)+1))
}

// packages returns the packages of the suite, and all others.
func (c *checker) packages(ctx context.Context) (suite, others []string, err error) {
	list, err := c.command(ctx, nil, "go", "list", "./...")
	if err != nil {
		return nil, nil, errors.New(list)
	}
	for p := range strings.FieldsSeq(list) {
		if p == module+"/props" || strings.HasPrefix(p, module+"/props/") {
			suite = append(suite, p)
		} else {
			others = append(others, p)
		}
	}
	return suite, others, nil
}

// laws holds implementations against the laws in a process of its own, in which a kernel set can be forced.
func laws(set string, args ...string) func(context.Context, *checker) finding {
	return func(ctx context.Context, c *checker) finding {
		if set != "" && !slices.Contains(optimized.KernelSets(), set) {
			return notRun("this processor or build has no " + set)
		}
		out, err := c.command(ctx, []string{"POOL2D_KERNELS=" + set}, c.self, append([]string{"laws"}, args...)...)
		return judged(out, err, set)
	}
}

// lawsElsewhere holds optimized against the laws as it is without assembly, built with env, in an emulator if one is named.
func lawsElsewhere(emulator string, env ...string) func(context.Context, *checker) finding {
	return func(ctx context.Context, c *checker) finding {
		program := filepath.Join(c.temp, "laws"+emulator+".exe") // a name that every system runs
		run := []string{program, "laws", "-impl", "optimized,optimized-nhwc", "-dtype", "float32"}
		if emulator != "" {
			if _, err := exec.LookPath(emulator); err != nil {
				return notRun("no QEMU: " + err.Error())
			}
			run = append([]string{emulator}, run...)
		}
		if out, err := c.command(ctx, env, "go", "build", "-o", program, "./ci/poolgate"); err != nil {
			return no("", out)
		}
		out, err := c.command(ctx, []string{"POOL2D_KERNELS=generic"}, run[0], run[1:]...)
		return judged(out, err, "generic")
	}
}

// judged is what the command laws has found, by the set if that is not "".
func judged(out string, err error, set string) finding {
	verdict, _, _ := strings.Cut(out, "\n")
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit) && exit.ExitCode() == exitNo:
		return no("", out)
	case err != nil:
		return no("could not run", out)
	case set != "" && !strings.Contains(verdict, "kernels "+set+","):
		return no("another kernel set ran", out)
	}
	_, note, _ := strings.Cut(verdict, ": ")
	note, _, _ = strings.Cut(note, "; ")
	return good(note)
}

// staticcheck is built from the version that ci/tools.mod pins, if it can be had.
func staticcheck(ctx context.Context, c *checker) finding {
	tool := filepath.Join(c.temp, "staticcheck")
	if runtime.GOOS == "windows" {
		tool += ".exe"
	}
	if out, err := c.command(ctx, nil, "go", "build", "-modfile", "ci/tools.mod", "-o", tool, "honnef.co/go/tools/cmd/staticcheck"); err != nil {
		return notRun("cannot be built: " + lastLine(out))
	}
	if out, err := c.command(ctx, nil, tool, "./..."); err != nil {
		return no("", out)
	}
	return good("")
}

// generated runs the generator of the assembly in a copy, and holds that it writes what is in the tree.
func generated(ctx context.Context, c *checker) finding {
	const generator = "optimized/_asm"
	work := filepath.Join(c.temp, filepath.FromSlash(generator))
	if err := os.CopyFS(work, os.DirFS(filepath.Join(c.root, filepath.FromSlash(generator)))); err != nil {
		return no("", err.Error())
	}
	if out, err := c.commandIn(ctx, work, nil, "go", "mod", "download"); err != nil {
		return notRun("the generator's modules cannot be had: " + lastLine(out))
	}
	if out, err := c.commandIn(ctx, work, nil, "go", "run", "."); err != nil {
		return no("the generator fails", out)
	}
	written, err := filepath.Glob(filepath.Join(c.temp, "optimized", "*.*"))
	if err != nil || len(written) == 0 {
		return no("the generator writes nothing", fmt.Sprint(err))
	}
	for _, file := range written {
		got, err := os.ReadFile(file)
		if err != nil {
			return no("", err.Error())
		}
		name := "optimized/" + filepath.Base(file)
		if want, err := os.ReadFile(filepath.Join(c.root, filepath.FromSlash(name))); err != nil || !bytes.Equal(got, want) {
			return no(name, "cd "+generator+" && go run . would change "+name)
		}
	}
	return good(fmt.Sprintf("%d files are what their generator writes", len(written)))
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	if len(lines) > 1 { // the very last one is the command and its exit status
		lines = lines[:len(lines)-1]
	}
	return lines[len(lines)-1]
}
