package regress

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// A repo is a scratch repository with one commit: a module whose package ./bench has three benchmarks.
type repo struct {
	*testing.T
	dir  string
	home string // the folder of this package
}

const smallSource = `package bench

// Sink keeps what is allocated.
var Sink []byte

// Spin takes n turns.
func Spin(n int) (x uint64) {
	x = 1
	for range n {
		x = x*6364136223846793005 + 1442695040888963407
	}
	return x
}

func Slow() uint64 { return Spin(2000) }

func Other() uint64 { return Spin(3000) }

func Lean() uint64 { return Spin(100) }
`

const smallTests = `package bench

import "testing"

func BenchmarkSlow(b *testing.B) {
	for b.Loop() {
		Slow()
	}
}

func BenchmarkOther(b *testing.B) {
	b.Run("size=1", func(b *testing.B) {
		for i := 0; i < b.N; i++ {
			Other()
		}
	})
}

func BenchmarkLean(b *testing.B) {
	for b.Loop() {
		Lean()
	}
}
`

func newRepo(t *testing.T) *repo {
	t.Helper()
	home, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	r := &repo{T: t, dir: t.TempDir(), home: home}
	t.Chdir(r.dir)
	t.Setenv("TMPDIR", t.TempDir()) // to see what is left behind
	r.git("init", "--quiet", "--initial-branch=main")
	r.git("config", "user.name", "A Tester")
	r.git("config", "user.email", "tester@example.com")
	r.write("go.mod", "module scratch.example\n\ngo 1.26\n")
	r.write(".gitignore", "/poolgate-out/\n")
	r.write("bench/bench.go", smallSource)
	r.write("bench/bench_test.go", smallTests)
	r.commit("Begin")
	return r
}

func (r *repo) git(args ...string) string {
	r.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = r.dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		r.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return string(out)
}

func (r *repo) write(name, text string) {
	r.Helper()
	path := filepath.Join(r.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		r.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		r.Fatal(err)
	}
}

// edit replaces text in a file, which must be there.
func (r *repo) edit(name, old, new string) {
	r.Helper()
	text, err := os.ReadFile(filepath.Join(r.dir, name))
	if err != nil {
		r.Fatal(err)
	}
	if !strings.Contains(string(text), old) {
		r.Fatalf("%s lacks %q", name, old)
	}
	r.write(name, strings.ReplaceAll(string(text), old, new))
}

func (r *repo) commit(message string) {
	r.Helper()
	r.git("add", "--all")
	r.git("commit", "--quiet", "--message", message)
}

// gate runs the command and checks that it left no work tree and no temporary file behind.
func (r *repo) gate(ctx context.Context, args ...string) (code int, stdout, stderr string) {
	r.Helper()
	var out, err strings.Builder
	code = Run(ctx, args, &out, &err)
	if left, _ := filepath.Glob(filepath.Join(os.Getenv("TMPDIR"), "poolgate-*")); len(left) > 0 {
		r.Errorf("left behind: %v", left)
	}
	if trees := r.git("worktree", "list"); strings.Count(trees, "\n") != 1 {
		r.Errorf("work trees left behind:\n%s", trees)
	}
	return code, out.String(), err.String()
}

// want checks an exit code and that the outputs hold each text.
func (r *repo) want(code, wantCode int, output string, texts ...string) {
	r.Helper()
	ok := code == wantCode
	for _, text := range texts {
		ok = ok && strings.Contains(output, text)
	}
	if !ok {
		r.Errorf("got exit %d, want %d with %q in\n%s", code, wantCode, texts, output)
	}
}

// quick are flags for a session of seconds, fit to find a plant of hundreds of percent.
var quick = []string{"-base", "HEAD~1", "-head", "HEAD", "-sample", "1ms", "-layouts", "0", "-limit", "0.9", "-floor", "0.5"}

func TestPlantedSlowdown(t *testing.T) {
	r := newRepo(t)
	r.edit("bench/bench.go", "return Spin(2000)", "return Spin(16000)")
	r.commit("Slow down")
	code, out, _ := r.gate(t.Context(), append(quick, "-o", "pairs.txt")...)
	r.want(code, exitRegressed, out, "1 regressed", "\nregressed ", " Slow")
	again, err := rejudge(config{rules: rulesOf(t, quick), from: "pairs.txt", selection: wholeRecord})
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range again.series {
		line := string(again.judgements[i].verdict) + " "
		if !strings.Contains(out, "\n"+line) {
			t.Errorf("judged again, %s is %s; the session said\n%s", s.name, line, out)
		}
		if j := again.judgements[i]; strings.HasPrefix(s.name, "Slow") && (j.effect < 2 || j.lo < 1) { // eight times as long, give or take a busy machine
			t.Errorf("the slowdown is not sized: %+v", j)
		}
	}
	if code := again.exitCode(); code != exitRegressed {
		t.Errorf("judged again: got exit %d, want %d", code, exitRegressed)
	}

	// The command that the report ends with shows the same pairs in benchstat.
	args := append([]string{"tool", "benchstat"}, strings.Fields(strings.ReplaceAll(benchstatFlags, "'", ""))...)
	show := exec.Command("go", append(args, filepath.Join(r.dir, "pairs.txt"))...)
	show.Dir = r.home
	if table, err := show.CombinedOutput(); err != nil || !strings.Contains(string(table), "vs base") || strings.Contains(string(table), "vary") {
		t.Errorf("benchstat: %v\n%s", err, table)
	}

	r.git("commit", "--quiet", "--amend", "--message", "Slow down\n\nPerf-Accept: BenchmarkSlow it is right now\nPerf-Accept: BenchmarkLean\n")
	code, out, _ = r.gate(t.Context(), append(quick, "-bench", "Slow")...)
	r.want(code, exitOK, out, "1 regressed", "accepted: Slow", "it is right now", "gives no reason")
}

func rulesOf(t *testing.T, args []string) rules {
	t.Helper()
	c, _, err := parse(args, os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	return c.rules
}

func TestCommentIsIdentical(t *testing.T) {
	r := newRepo(t)
	r.edit("bench/bench.go", "// Spin takes n turns.", "// Spin takes n turns, one after the other.\n//\n// It takes its time.")
	r.edit("bench/bench_test.go", "func BenchmarkLean", "// BenchmarkLean is short.\nfunc BenchmarkLean")
	r.commit("Explain")
	code, out, _ := r.gate(t.Context(), quick...)
	r.want(code, exitOK, out, "3 identical", " 0 pairs ")
}

func TestAllocationRise(t *testing.T) {
	r := newRepo(t)
	r.edit("bench/bench.go", "return Spin(100)", "Sink = make([]byte, 24); return Spin(100)")
	r.commit("Allocate")
	code, out, _ := r.gate(t.Context(), append(quick, "-bench", "Lean|Slow")...)
	r.want(code, exitRegressed, out, "exact-allocs/op rose from 0 to 1", "exact-B/op rose from 0 to 24", "1 regressed")
}

func TestNewAndRemoved(t *testing.T) {
	r := newRepo(t)
	r.edit("bench/bench_test.go", "func BenchmarkLean", "func BenchmarkSlim")
	r.commit("Rename a benchmark")
	// Head's tests run on the base too, so the code of both is the same; but a name is gone.
	code, out, _ := r.gate(t.Context(), append(quick, "-bench", "Lean|Slim")...)
	r.want(code, exitFailed, out, "\nremoved ", " Lean", "Slim")

	r.git("commit", "--quiet", "--amend", "--message", "Rename\n\nPerf-Accept: BenchmarkLean is BenchmarkSlim now")
	code, out, _ = r.gate(t.Context(), append(quick, "-bench", "Lean|Slim")...)
	r.want(code, exitOK, out, "accepted: Lean")
}

func TestTestsThatDoNotCompileOnBase(t *testing.T) {
	r := newRepo(t)
	r.edit("bench/bench.go", "func Lean() uint64", "func Lean(n int) uint64")
	r.edit("bench/bench_test.go", "\t\tLean()", "\t\tLean(7)")
	r.commit("Change a signature")
	code, out, _ := r.gate(t.Context(), quick...)
	r.want(code, exitOK, out, "3 new", "changed: head's tests do not compile on the base")
}

func TestErrors(t *testing.T) {
	r := newRepo(t)
	r.edit("bench/bench.go", "return Spin(100)", "panic(\"a fine mess\")")
	r.commit("Panic")
	code, _, errs := r.gate(t.Context(), quick...)
	r.want(code, exitFailed, errs, "head: BenchmarkLean", "a fine mess")

	r.edit("bench/bench.go", "panic(", "(panic(")
	r.commit("Break")
	r.edit("bench/bench.go", "(panic(\"a fine mess\")", "return 0")
	r.commit("Mend")
	code, _, errs = r.gate(t.Context(), quick...)
	r.want(code, exitFailed, errs, "base does not compile", "bench.go")

	for _, c := range []struct{ args, want string }{
		{"-base v9.9.9", `base revision "v9.9.9" does not exist`},
		{"-base HEAD -head nowhere", `head revision "nowhere" does not exist`},
		{"-base HEAD -pkg ./none", "none"},
		{"-base HEAD -force -bench Nothing", "no benchmark"},
		{"-creep", "no release tag"},
		{"-alpha 2", "-alpha"},
		{"-floor 0.1", "-floor"},
		{"-from no-such-file", "no-such-file"},
		{"-from bench/bench.go", "no samples"},
		{"-row /k", "-from"},
	} {
		code, _, errs := r.gate(t.Context(), strings.Fields(c.args)...)
		r.want(code, exitFailed, errs, c.want)
	}
}

func TestNewPackage(t *testing.T) {
	r := newRepo(t)
	r.write("more/more.go", "package more\n\nfunc More() {}\n")
	r.write("late/late.go", "package late\n\nfunc Late() {}\n")
	r.commit("Add a package without tests")
	r.write("late/late.go", "package late\n\nfunc Later() {}\n")
	for _, name := range []string{"more.More", "late.Later", "fresh.Fresh"} {
		pkg, f, _ := strings.Cut(name, ".")
		r.write(pkg+"/"+pkg+"_test.go", "package "+pkg+"\n\nimport \"testing\"\n\nfunc Benchmark"+f+"(b *testing.B) {\n\tfor b.Loop() {\n\t\t"+f+"()\n\t}\n}\n")
	}
	r.write("fresh/fresh.go", "package fresh\n\nfunc Fresh() {}\n")
	r.commit("Add benchmarks")
	code, out, errs := r.gate(t.Context(), append(quick, "-pkg", "./more,./late,./fresh")...)
	// More is measured on both sides, Late's benchmark does not fit the base, the base has no fresh.
	r.want(code, exitOK, out+errs, "2 new", "scratch.example/late.Later", "scratch.example/fresh.Fresh", "head's tests do not compile")
}

// TestHang ends a benchmark that never ends.
func TestHang(t *testing.T) {
	r := newRepo(t)
	r.edit("bench/bench.go", "return Spin(100)", "select {}")
	r.commit("Hang")
	code, _, errs := r.gate(t.Context(), append(quick, "-budget", "2s", "-bench", "Lean")...)
	r.want(code, exitFailed, errs, "head: BenchmarkLean")
}

// A fullDisk takes a number of bytes and no more.
type fullDisk int

func (d *fullDisk) Write(p []byte) (int, error) {
	if len(p) > int(*d) {
		return 0, syscall.ENOSPC
	}
	*d -= fullDisk(len(p))
	return len(p), nil
}

func TestFullDisk(t *testing.T) {
	r := newRepo(t)
	c, _, err := parse([]string{"-base", "HEAD", "-force", "-bench", "Slow", "-sample", "1ms", "-layouts", "2"}, os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	disk := fullDisk(3000)
	out, err := run(t.Context(), c, &disk, &progress{})
	if !errors.Is(err, syscall.ENOSPC) || out == nil || out.judgements[0].verdict != inconclusive {
		t.Errorf("got %v, want that no space is left, and a judgement of the pairs before", err)
	}
	if left, _ := filepath.Glob(filepath.Join(os.Getenv("TMPDIR"), "*")); len(left) > 0 {
		r.Errorf("left behind: %v", left)
	}
}

// TestInterrupt cancels a session in its middle: what was taken is judged and saved, the rest is cleaned away.
func TestInterrupt(t *testing.T) {
	r := newRepo(t)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		for ctx.Err() == nil { // until pairs are on file
			if text, _ := os.ReadFile("pairs.txt"); strings.Count(string(text), "stage: screen") > 0 {
				cancel()
			}
		}
	}()
	code, out, errs := r.gate(ctx, "-base", "HEAD", "-force", "-bench", "Slow", "-sample", "20ms", "-layouts", "2", "-o", "pairs.txt")
	r.want(code, exitFailed, out+errs, "1 inconclusive", "cut short", "interrupted")
	if _, err := rejudge(config{rules: defaultRules(), from: "pairs.txt", selection: wholeRecord}); err != nil {
		t.Error(err)
	}
}

// TestCreep compares with the last release, and keeps a history.
func TestCreep(t *testing.T) {
	r := newRepo(t)
	r.git("tag", "v0.1.0")
	r.edit("bench/bench.go", "return Spin(2000)", "return Spin(9000)")
	r.commit("Slow down")
	r.edit("bench/bench.go", "// Spin takes n turns.", "// Spin takes its time.")
	r.commit("Explain")
	args := append(slices.Clone(quick[4:]), "-bench", "Slow", "-creep", "-history", "history")
	code, out, errs := r.gate(t.Context(), args...)
	r.want(code, exitRegressed, out+errs, "base v0.1.0", "1 regressed")
	if files, _ := filepath.Glob("history/*/*/*.txt"); len(files) != 1 {
		t.Errorf("got %d files of history, want 1", len(files))
	}

	r.edit("bench/bench.go", "return Spin(9000)", "return Spin(9)")
	code, _, errs = r.gate(t.Context(), args...)
	r.want(code, exitFailed, errs, "work tree has changes")
}

func TestSelftest(t *testing.T) {
	newRepo(t)
	var out, errs strings.Builder
	code := Run(t.Context(), []string{"selftest", "-same", "1", "-moved", "0", "-planted", "0", "-bench", "Work/kernel=sum/n=4096$",
		"-sample", "1ms", "-layouts", "0", "-resampled", "3"}, &out, &errs)
	if code != exitOK || errs.Len() > 0 {
		t.Fatalf("got exit %d: %s", code, &errs)
	}
	for _, want := range []string{"selftest: 1 benchmarks", "false alarms, sessions of same code  +[01] of 1",
		"false alarms, resampled sessions  +[0-3] of 3", "one more allocation caught  +1 of 1", "a comment-only change"} {
		if !regexp.MustCompile(want).MatchString(out.String()) {
			t.Errorf("lacks %q:\n%s", want, &out)
		}
	}
}

// TestSpin holds that a spin in b.Loop reaches the clock, but only the loop that is told to.
func TestSpin(t *testing.T) {
	dir := t.TempDir()
	if err := writeScratch(dir); err != nil {
		t.Fatal(err)
	}
	b, err := newBuilder(t.Context(), t.TempDir(), [2]tree{{dir: dir}, {dir: dir}})
	if err != nil {
		t.Fatal(err)
	}
	program, err := b.build(t.Context(), &target{rel: "bench"}, variant{side: head, hooked: true})
	if err != nil {
		t.Fatal(err)
	}
	var secs [2]float64
	for i, spins := range []string{"0", "100000"} {
		res, err := runner{procs: 1}.one(t.Context(), program, dir, "Work/kernel=copy/n=64", 100, spinEnv+"="+spins)
		if err != nil {
			t.Fatal(err)
		}
		secs[i], _ = res.Value(sampleUnit)
	}
	if secs[1] < 100*secs[0] {
		t.Errorf("an operation takes %v s, with a spin %v s: the spin is lost", secs[0], secs[1])
	}
}

// TestIdentityOfOthers: a format that mixes code and line tables is never identical, and a broken file is an error.
func TestIdentityOfOthers(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"windows.exe": "MZ and more", "cut.elf": "\x7fELF", "empty": ""} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		digest, err := identity(path)
		if digest != nil || (err == nil) != (name == "windows.exe") {
			t.Errorf("%s: got %x, %v", name, digest, err)
		}
	}
}
