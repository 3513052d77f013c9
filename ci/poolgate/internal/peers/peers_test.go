//go:build linux

package peers

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// The test binary is the drivers of these tests: POOL2D_TEST_DRIVER says how it behaves.
func TestMain(m *testing.M) {
	switch behaviour := os.Getenv("POOL2D_TEST_DRIVER"); behaviour {
	case "":
		os.Exit(m.Run())
	case "good":
		if err := serve(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	case "rude":
		fmt.Println("what do you want?")
		time.Sleep(time.Minute)
	case "crashing", "hanging", "babbling", "refusing":
		fmt.Println("hello driver 1 nchw")
		var line string
		fmt.Scanln(&line)
		switch behaviour {
		case "crashing":
			fmt.Fprintln(os.Stderr, "segmentation fault, say")
			os.Exit(3)
		case "hanging":
			time.Sleep(time.Minute)
		case "babbling":
			fmt.Println("well")
			time.Sleep(time.Minute)
		case "refusing":
			fmt.Println("lacks a maximum of 2 by 2")
			time.Sleep(time.Minute)
		}
	}
}

func driven(behaviour string) *contender {
	return &contender{driver: driver{name: behaviour, argv: []string{os.Args[0]}, env: []string{"POOL2D_TEST_DRIVER=" + behaviour}}, layout: "nchw", threads: 1}
}

var small = workload{name: "small", Shape: workloads[0].Shape, Params: workloads[0].Params, ops: []string{"max"}}

func init() { small.C, small.H, small.W = 2, 9, 7 }

func TestGoodDriver(t *testing.T) {
	c := driven("good")
	if err := c.start(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	defer c.stop()
	planes, lacks, err := c.load(small, "max", "", time.Minute)
	if err != nil || lacks != "" || planes == (checksum{}) {
		t.Fatalf("load: %v, %q, %v", planes, lacks, err)
	}
	c.layout = "nhwc"
	last, lacks, err := c.load(small, "max", "", time.Minute)
	if err != nil || lacks != "" || last != planes {
		t.Errorf("checksum in NHWC: got %v, %q, %v, want %v", last, lacks, err, planes)
	}
	for _, c.threads = range []int{1, 2} {
		started := time.Now()
		if took, err := c.time(3, time.Minute); err != nil || took <= 0 || time.Since(started) < c.warmUp()+took {
			t.Errorf("time, %d threads: got %v, %v after %v, want at least %v to warm up", c.threads, took, err, time.Since(started), c.warmUp())
		}
	}
}

func TestBadDrivers(t *testing.T) {
	if err := driven("rude").start(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "want hello") {
		t.Errorf("rude: got %v", err)
	}
	if err := (&contender{driver: driver{name: "absent", argv: []string{"./no such driver"}}}).start(t.Context(), nil); err == nil {
		t.Error("absent: no error")
	}
	for behaviour, want := range map[string]string{
		"crashing": "ended: segmentation fault, say",
		"hanging":  errSlow.Error(),
		"babbling": `answered "well" to load`,
	} {
		c := driven(behaviour)
		if err := c.start(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		_, _, err := c.load(small, "max", "", 500*time.Millisecond)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", behaviour, err, want)
		}
		c.stop()
	}
	c := driven("refusing")
	if err := c.start(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	defer c.stop()
	if _, lacks, err := c.load(small, "max", "", time.Minute); err != nil || lacks != "a maximum of 2 by 2" {
		t.Errorf("refusing: got %q, %v", lacks, err)
	}
}

// A row names the best peer of each kind, sets what misses its goal in parentheses, what cannot but miss it in
// brackets, and leaves wrong results out.
func TestReport(t *testing.T) {
	w := workload{name: "w", goal: goal{nchw: 3, any: 2, limit: 1.5}}
	at := func(name, layout string, us float64) result {
		return result{workload: w, op: "max", name: name, layout: layout, threads: 1, times: slices.Repeat([]float64{us * 1e3}, 7)}
	}
	wrong := at("fast", "nchw", 1)
	wrong.wrong = "its cells add up to 1, ours to 2"
	var out bytes.Buffer
	code := report(&out, []result{
		at("pool2d", "nchw", 10), at("pool2d", "nhwc", 5), at("pool2d-avx2", "nchw", 12), at("pool2d-generic", "nchw", 40),
		at("limit", "nchw", 7), at("slow", "nchw", 90), at("onnxruntime", "nchw", 36), at("quick", "nhwc", 15), wrong,
	}, []int{1})
	want := []string{
		"WRONG: w max: fast/nchw with 1 threads: its cells add up to 1, ours to 2",
		"w         max  10.0 µs  0%  1.43     3.60 onnxruntime  (1.50 quick/nhwc)   3.00 quick/nhwc  3.00  0.90",
	}
	for _, line := range want {
		if !strings.Contains(out.String(), line) {
			t.Errorf("no line\n%s\nin\n%s", line, out.String())
		}
	}
	if code != 1 {
		t.Errorf("exit code %d, want 1", code)
	}

	out.Reset()
	picture(&out, []result{at("pool2d", "nchw", 10), at("limit", "nchw", 5), at("slow", "nchw", 80), at("quick", "nhwc", 20)}, []int{1}, "a & b")
	for _, want := range []string{ // 2, 16 and 4 times the limit, of an axis of seven doublings from a half on
		`<circle cx="193.1" cy="72.0" r="4" fill="#d1242f"`, `cx="338.9"`, `cx="241.7"`, ">w max<", "<title>a &amp; b</title>",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %s in\n%s", want, out.String())
		}
	}

	w.goal.any = 2.5 // the limit itself is 15/7 times as fast
	out.Reset()
	code = report(&out, []result{at("pool2d", "nchw", 10), at("limit", "nchw", 7), at("onnxruntime", "nchw", 36), at("quick", "nhwc", 15)}, []int{1})
	if line := "3.60 onnxruntime  [1.50 quick/nhwc]"; !strings.Contains(out.String(), line) || code != 0 {
		t.Errorf("exit code %d, want 0 and %s in\n%s", code, line, out.String())
	}
}

// A verdict needs rounds that agree: one of seven is not enough to miss a goal, nor six rounds.
func TestVerdicts(t *testing.T) {
	w := workload{name: "w", goal: goal{nchw: 2, any: 2, limit: 1.5}}
	for _, c := range []struct {
		peer []float64 // ours take 10
		want string
	}{
		{[]float64{19, 18, 17, 19, 18, 17, 18}, "(1.80 p)"},
		{[]float64{19, 18, 17, 19, 18, 17, 30}, "~1.82 p"},
		{[]float64{21, 22, 23, 21, 22, 23, 22}, "2.20 p"},
		{[]float64{21, 22, 23, 21, 22, 23, 15}, "~2.17 p"},
		{[]float64{19, 18, 17, 19, 18, 17}, "~1.80 p"},
	} {
		ours := result{workload: w, op: "max", name: "pool2d", layout: "nchw", threads: 1, times: slices.Repeat([]float64{10}, len(c.peer))}
		peer := ours
		peer.name, peer.times = "p", c.peer
		var out bytes.Buffer
		code := report(&out, []result{ours, peer}, []int{1})
		if !strings.Contains(out.String(), " "+c.want+" ") || (code == 1) != (c.want[0] == '(') {
			t.Errorf("%v: exit code %d, want %s in\n%s", c.peer, code, c.want, out.String())
		}
	}
}

func TestMedianAndSpread(t *testing.T) {
	r := result{times: []float64{4, 2, 100, 1, 3}}
	if r.median() != 3 || r.spread() != (4.-2)/2/3 {
		t.Errorf("got %v, %v", r.median(), r.spread())
	}
	if r.times = []float64{1, 3}; r.median() != 2 {
		t.Errorf("of two: got %v", r.median())
	}
}

func TestRefusesFlags(t *testing.T) {
	for _, args := range [][]string{{"-threads", "0"}, {"-workloads", "nothing"}, {"-pages", "large"}, {"-rounds", "0"}, {"-no"}} {
		var out, errs bytes.Buffer
		if code := Run(context.Background(), args, &out, &errs); code != 2 || errs.Len() == 0 {
			t.Errorf("%q: exit code %d, %q", args, code, errs.String())
		}
	}
}
