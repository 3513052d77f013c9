package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/perf/benchfmt"

	"example.com/pool2d"
	"example.com/pool2d/bench"
	"example.com/pool2d/reference"
)

func TestRun(t *testing.T) {
	folder := t.TempDir()
	text := filepath.Join(folder, "text.png")
	if err := os.WriteFile(text, []byte("no picture"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		args   []string
		code   int
		stdout string // what it has
		stderr string
	}{
		{"help", []string{"help"}, 0, "usage: poolgate", ""},
		{"help of the main job", []string{"-h"}, 0, "", "-image file"},
		{"help of a command", []string{"check", "-h"}, 0, "", "usage: poolgate check"},
		{"unknown command", []string{"chekc"}, 2, "", `unknown command "chekc"`},
		{"unknown flag", []string{"-imgae", "x"}, 2, "", "-imgae"},
		{"unknown flag of a command", []string{"laws", "-x"}, 2, "", "-x"},
		{"argument of the main job", []string{"-seed", "1", "photo.png"}, 2, "", `unexpected argument "photo.png"`},
		{"argument of a command", []string{"check", "now"}, 2, "", `unexpected argument "now"`},
		{"no such image", []string{"-image", filepath.Join(folder, "none.png")}, 2, "", "none.png"},
		{"no image", []string{"-image", text}, 2, "", "neither PNG nor JPEG"},
		{"no folder", []string{"-out", filepath.Join(text, "out")}, 2, "", "-out: "},
		{"no such law", []string{"laws", "-law", "gravity"}, 2, "", "nothing to run"},
		{"no such implementation", []string{"laws", "-impl", "mine"}, 2, "", "nothing to run"},
		{"no such step", []string{"check", "-only", "gravity"}, 2, "", "names no step"},
		{"laws", []string{"laws", "-impl", "reference,optimized", "-dtype", "uint8", "-law", "membership", "-checks", "5", "-seed", "1"}, 0,
			"good: laws kept 2, broken 0, not applicable 0; ", ""},
		{"cases", []string{"cases"}, 0, "contract", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			code := run(c.args, &stdout, &stderr)
			if code != c.code || !strings.Contains(stdout.String(), c.stdout) || !strings.Contains(stderr.String(), c.stderr) {
				t.Errorf("exit %d, want %d\nstdout, want %q:\n%s\nstderr, want %q:\n%s", code, c.code, c.stdout, &stdout, c.stderr, &stderr)
			}
			if c.code != 0 && stdout.Len() > 0 {
				t.Errorf("it fails, and prints on stdout:\n%s", &stdout)
			}
			if c.code == 0 && c.stdout != "" && stderr.Len() > 0 { // there is no terminal, so no progress
				t.Errorf("it succeeds, and prints on stderr:\n%s", &stderr)
			}
		})
	}
}

// A small main job: its verdict comes first, and its files are there.
func TestJob(t *testing.T) {
	out := filepath.Join(t.TempDir(), "new", "folder")
	j := job{
		laws: lawOptions{law: "membership", checks: 5, seed: 1}, subjects: subjects()[:3], out: out,
		image:     "internal/photo/video-001.png",
		workloads: []bench.Workload{workload(t, "tiny"), workload(t, "gaps")}, timing: timing{rounds: 2},
	}
	var stdout bytes.Buffer
	code, err := j.run(t.Context(), &stdout, newProgress(&stdout))
	if code != 0 || err != nil {
		t.Fatalf("exit %d, %v\n%s", code, err, &stdout)
	}
	if !strings.HasPrefix(stdout.String(), "good: laws kept 3, broken 0, not applicable 0\nresults on photographs: 54 compared, 0 differ\n") {
		t.Errorf("the verdict is not first:\n%s", &stdout)
	}
	for _, want := range []string{"geometric mean", "video-001.png: 8 feature maps", "gaps", "edge pixels"} {
		if !strings.Contains(stdout.String(), want) {
			t.Errorf("%q is not there:\n%s", want, &stdout)
		}
	}
	report, err := os.ReadFile(filepath.Join(out, "report.txt"))
	if err != nil || !strings.Contains(string(report), "a maximum is a cell of its window") {
		t.Errorf("the report has not the laws (%v):\n%s", err, report)
	}
	for _, name := range []string{"shift.png", "shift-image.png"} {
		if info, err := os.Stat(filepath.Join(out, name)); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
	samples, err := os.Open(filepath.Join(out, "bench.txt"))
	if err != nil {
		t.Fatal(err)
	}
	defer samples.Close()
	n := 0
	for r := benchfmt.NewReader(samples, "bench.txt"); r.Scan(); n++ {
		result, ok := r.Result().(*benchfmt.Result)
		if !ok {
			t.Fatalf("no sample: %v", r.Result())
		}
		for _, unit := range []string{"sec/op", "B/s", "Mcell/s", "B/op", "allocs/op"} {
			if v, ok := result.Value(unit); !ok || v < 0 {
				t.Errorf("%s: %v %s", result.Name, v, unit)
			}
		}
		if result.GetConfig("kernels") == "" || result.GetConfig("cpu") == "" {
			t.Errorf("%s: on what was it measured?", result.Name)
		}
	}
	if n != 2*2*3 {
		t.Errorf("%d samples, want 2 workloads × 2 rounds × 3 contenders", n)
	}
}

func TestJobInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	j := job{subjects: subjects()[:1], out: t.TempDir(), workloads: bench.Hurtful(), timing: quick}
	var stdout bytes.Buffer
	if _, err := j.run(ctx, &stdout, newProgress(&stdout)); err == nil || stdout.Len() > 0 {
		t.Errorf("got %v, want an error, and no verdict:\n%s", err, &stdout)
	}
}

func workload(t *testing.T, name string) bench.Workload {
	t.Helper()
	for _, w := range bench.Workloads() {
		if w.Name == name {
			return w
		}
	}
	t.Fatalf("there is no workload %s", name)
	return bench.Workload{}
}

// A broken implementation is reported with its case and the command that repeats it, and the laws behind the first ones
// are not run where those are broken.
func TestJudge(t *testing.T) {
	skew := pool2d.Impl[int8]{Name: "skew", Lacks: pool2d.AvgOp, Pool2D: func(src pool2d.Tensor[int8], p pool2d.Params) (pool2d.Tensor[int8], error) {
		y, err := reference.Pool2D(src, p)
		if len(y.Data) > 0 {
			y.Data[len(y.Data)-1]--
		}
		return y, err
	}}
	judged := func(im pool2d.Impl[int8], o lawOptions) []trial {
		var all []trial
		judge(t.Context(), im, o, func(t trial) { all = append(all, t) })
		return all
	}
	trials := judged(skew, lawOptions{law: "equals_reference", checks: 20, seed: 7})
	if len(trials) != 1 || trials[0].outcome != broken {
		t.Fatalf("got %+v", trials)
	}
	for _, want := range []string{"skew breaks equals_reference", "case    n1c1h1w1_max_", "go run ./ci/poolgate laws -impl skew -dtype int8 -law equals_reference -checks 20 -seed "} {
		if !strings.Contains(trials[0].report, want) {
			t.Errorf("the report has no %q:\n%s", want, trials[0].report)
		}
	}
	if v := lawVerdict(trials); v.exitCode() != exitNo {
		t.Errorf("%v exits %d", v, v.exitCode())
	}

	none := pool2d.Impl[int8]{Name: "none", Lacks: pool2d.AvgOp, Pool2D: func(pool2d.Tensor[int8], pool2d.Params) (pool2d.Tensor[int8], error) {
		panic("not today")
	}}
	trials = judged(none, lawOptions{checks: 20, seed: 7})
	if v := lawVerdict(trials); v.broken != 1 || v.kept != 0 || v.unjudged == 0 {
		t.Errorf("an implementation that panics: %v", v)
	}
}

func TestPrintBenchmarks(t *testing.T) {
	var file strings.Builder
	for _, sample := range []string{"100 1", "102 1", "98 2", "101 1", "99 1", "103 1"} {
		slow, fast, _ := strings.Cut(sample, " ")
		for _, line := range []string{"a reference " + slow, "a mine " + fast, "b reference " + slow, "b mine " + slow, "c reference " + fast, "c mine " + slow} {
			words := strings.Fields(line)
			file.WriteString("BenchmarkPool2D/workload=" + words[0] + "/op=max/dtype=float32/layout=nchw/impl=" + words[1] + "-2 1 " + words[2] + " ns/op\n")
		}
	}
	var out strings.Builder
	speedups, err := printBenchmarks(&out, []byte(file.String()))
	if err != nil {
		t.Fatal(err)
	}
	got := out.String()
	for _, w := range []string{"100.5", "~", "0.0"} {
		if !strings.Contains(got, w) {
			t.Errorf("no %q in\n%s", w, got)
		}
	}
	if len(speedups) != 1 || speedups[0].column != "mine nchw" || len(speedups[0].slower) != 1 || speedups[0].slower[0] != "c" {
		t.Errorf("got %+v\n%s", speedups, got)
	}
	for _, bad := range []string{"", "BenchmarkX 1 2 B/op\n", "BenchmarkX 1 ns/op\n"} {
		if _, err := printBenchmarks(&out, []byte(bad)); err == nil {
			t.Errorf("%q is taken for samples", bad)
		}
	}
}
