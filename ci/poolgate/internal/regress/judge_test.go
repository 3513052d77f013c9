package regress

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/perf/benchfmt"
)

// noisy returns n pairs with the given effect and noise.
func noisy(rng *rand.Rand, n int, effect, noise float64) []pair {
	var pairs []pair
	for range n {
		b := 1e-6 * math.Exp(noise*rng.NormFloat64())
		pairs = append(pairs, pair{secs: [2]float64{b, 1e-6 * (1 + effect) * math.Exp(noise*rng.NormFloat64())}})
	}
	return pairs
}

func TestJudge(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 9))
	make2 := func(effect, noise float64) *series {
		return &series{pairs: [over][]pair{noisy(rng, 30, effect, noise), noisy(rng, 48, effect, noise)}}
	}
	lone := func(at stage, n int, effect float64) *series {
		s := &series{}
		s.pairs[screen] = noisy(rng, 30, effect, .001)
		s.pairs[at] = noisy(rng, n, effect, .001)
		return s
	}
	for _, c := range []struct {
		name   string
		series *series
		want   verdict
		pairs  int // of the stage that decides
		reason string
	}{
		{"same", make2(0, .005), ok, 10, ""},
		{"one percent", make2(.01, .001), ok, 10, ""},
		{"slower", make2(.10, .005), regressed, 16, ""},
		{"faster", make2(-.10, .005), improved, 16, ""},
		{"between floor and limit", make2(.025, .0005), regressed, 16, ""},
		{"just below floor", make2(.019, .0005), ok, 10, ""},
		{"noise", make2(0, .5), inconclusive, 30, "neither clear nor accuse"},
		{"no pairs", &series{}, inconclusive, 0, "0 of 10 pairs to screen"},
		{"few pairs", lone(screen, 9, 0), inconclusive, 9, "9 of 10 pairs to screen"},
		{"suspect not confirmed", lone(confirm, 15, .10), inconclusive, 15, "15 of 16 pairs to confirm"},
		{"slow in the screen alone", &series{pairs: [over][]pair{noisy(rng, 30, .10, .001), noisy(rng, 48, 0, .001)}}, ok, 16, ""},
		{"slow in the confirmation alone", &series{pairs: [over][]pair{noisy(rng, 30, 0, .001), noisy(rng, 48, .10, .001)}}, ok, 10, ""},
		{"new", &series{given: added}, added, 0, ""},
		{"one allocation", &series{pairs: make2(0, .001).pairs, exact: [units]counts{{repeat(10, 4), repeat(10, 5)}, {}}}, regressed, 10, "exact-allocs/op rose from 4 to 5"},
		{"one allocation fewer", &series{pairs: make2(0, .001).pairs, exact: [units]counts{{repeat(10, 5), repeat(10, 4)}, {}}}, ok, 10, ""},
		{"counted too seldom", &series{pairs: make2(0, .001).pairs, exact: [units]counts{{repeat(3, 4), repeat(3, 5)}, {}}}, inconclusive, 10, "exact-allocs/op"},
	} {
		t.Run(c.name, func(t *testing.T) {
			j := defaultRules().judge([]*series{c.series}, over)[0]
			if j.verdict != c.want || j.pairs != c.pairs || !strings.Contains(j.reason, c.reason) {
				t.Errorf("got %s after %d pairs (%s), want %s after %d (%s)", j.verdict, j.pairs, j.reason, c.want, c.pairs, c.reason)
			}
		})
	}
}

func repeat(n int, x float64) []float64 { return slices.Repeat([]float64{x}, n) }

func TestCounts(t *testing.T) {
	jitter := func(of ...float64) []float64 { return slices.Repeat(of, 5) }
	for _, c := range []struct {
		name string
		c    counts
		unit unit
		want verdict
		more int
	}{
		{"none", counts{}, allocations, "", 0},
		{"equal", counts{repeat(3, 2), repeat(3, 2)}, allocations, ok, 0},
		{"equal, once", counts{repeat(1, 2), repeat(1, 2)}, allocations, inconclusive, 3},
		{"differ at first", counts{repeat(3, 2), repeat(3, 3)}, allocations, inconclusive, 10},
		{"differ throughout", counts{repeat(10, 2), repeat(10, 3)}, allocations, regressed, 0},
		{"a tenth more", counts{repeat(10, 9.9), repeat(10, 10)}, allocations, regressed, 0},
		{"one event in a thousand operations", counts{repeat(3, 2), {2, 2.001, 2}}, allocations, ok, 0},
		{"what reads 9 or 10", counts{jitter(9.985, 9.99), jitter(9.987, 9.985)}, allocations, ok, 0},
		{"jitter", counts{jitter(5, 6), jitter(6, 5)}, allocations, ok, 0},
		{"jitter that overlaps at one end", counts{jitter(5, 6), jitter(6, 7)}, allocations, ok, 0},
		{"fewer", counts{repeat(10, 3), repeat(10, 2)}, allocations, improved, 0},
		{"a byte", counts{repeat(10, 64), repeat(10, 65)}, heapBytes, regressed, 0},
		{"part of a byte", counts{repeat(3, 64), repeat(3, 64.4)}, heapBytes, ok, 0},
	} {
		if got := c.c.judge(c.unit); got.verdict != c.want || got.wants != c.more {
			t.Errorf("%s: got %q wanting %d, want %q wanting %d", c.name, got.verdict, got.wants, c.want, c.more)
		}
	}
}

// TestSuspectsShareAlpha holds that many suspects need more evidence each than one: a p-value that convicts one suspect
// does not convict one of a hundred.
func TestSuspectsShareAlpha(t *testing.T) {
	weak := func() *series {
		s := &series{}
		for i := range 48 {
			x := .04
			if i%8 == 7 { // signs against it, with the greatest ranks
				x = -.09
			}
			s.pairs[screen] = append(s.pairs[screen], pair{secs: [2]float64{1, math.Exp(.05 + float64(i)*1e-5)}})
			s.pairs[confirm] = append(s.pairs[confirm], pair{secs: [2]float64{1, math.Exp(x + float64(i)*1e-5)}})
		}
		return s
	}
	alone := defaultRules().judge([]*series{weak()}, over)[0]
	var crowd []*series
	for range 100 {
		crowd = append(crowd, weak())
	}
	among := defaultRules().judge(crowd, over)[0]
	if alone.verdict != regressed || among.verdict == regressed {
		t.Errorf("got %s alone (p %.3g) and %s among 100 (p %.3g), want regressed and not", alone.verdict, alone.p, among.verdict, among.p)
	}
}

// TestHope holds that of two suspects which 48 pairs neither convict nor clear, only the one that still looks slower than
// the floor is worth more.
func TestHope(t *testing.T) {
	for _, c := range []struct {
		center float64
		wants  int
	}{{.0275, 72}, {.01, 0}} {
		s := &series{}
		for i := range 48 {
			s.pairs[screen] = append(s.pairs[screen], pair{secs: [2]float64{1, math.Exp(.05 + float64(i)*1e-5)}})
			spread := (float64(i*29%48)/47 - .5) * .255
			s.pairs[confirm] = append(s.pairs[confirm], pair{secs: [2]float64{1, math.Exp(c.center + spread)}})
		}
		if j := defaultRules().judge([]*series{s}, confirm)[0]; j.verdict != inconclusive || j.wants != c.wants {
			t.Errorf("%.4f: got %q wanting %d, want %q wanting %d", c.center, j.verdict, j.wants, inconclusive, c.wants)
		}
	}
}

// TestRecordRoundTrip saves the pairs of simulated sessions and judges them again: every figure must come back.
func TestRecordRoundTrip(t *testing.T) {
	m, all := newSimulation(regimes[1], 5, true, .05, -.2)
	live, err := defaultRules().decide(t.Context(), all, m.measure)
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	rec, err := newRecord(&text, "baseline-commit", "abc", "experiment-commit", "def")
	if err != nil {
		t.Fatal(err)
	}
	session := &session{}
	for _, s := range all {
		s.name = fmt.Sprintf("Sim/%s-2", s.name)
		for at := range over {
			for i, p := range s.pairs[at] {
				for who, secs := range p.secs {
					res := &benchfmt.Result{Name: benchfmt.Name(s.name), Iters: 1, Values: []benchfmt.Value{{Value: secs, Unit: sampleUnit}}}
					if err := rec.write(res, side(who), session.sampleKeys(s, at.String(), i+1, p.headFirst == (who == 1), 1, 0)...); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
	}
	file := filepath.Join(t.TempDir(), "pairs.txt")
	if err := os.WriteFile(file, text.Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
	out, err := rejudge(config{rules: defaultRules(), from: file, selection: wholeRecord})
	if err != nil {
		t.Fatal(err)
	}
	if len(out.series) != len(all) || out.trees[head].commit != "def" {
		t.Fatalf("got %d series and head %q, want %d and def", len(out.series), out.trees[head].commit, len(all))
	}
	for i, s := range all {
		k := slices.IndexFunc(out.series, func(o *series) bool { return o.name == s.name })
		if k < 0 {
			t.Fatalf("%s is lost", s.name)
		}
		if got, want := fmt.Sprintf("%+v", out.judgements[k]), fmt.Sprintf("%+v", live[i]); got != want {
			t.Errorf("%s: judged again\n%s, at first\n%s", s.name, got, want)
		}
	}

	// Another column: the first half of the names against the second.
	sel := selection{filter: "/none:*", row: ".name", col: "side"}
	if _, err := readRecord(&benchfmt.Files{Paths: []string{file}}, sel); err == nil {
		t.Error("a malformed filter was accepted")
	}
	sel = selection{filter: "stage:screen", row: ".name", col: "side@(head base)"}
	got, err := readRecord(&benchfmt.Files{Paths: []string{file}}, sel)
	if err != nil {
		t.Fatal(err)
	}
	if len(got.series) != 1 || got.series[0].name != "Sim" {
		t.Errorf("rows by .name: got %d series", len(got.series))
	}
}

// TestReadRecordErrors feeds it what is not a record.
func TestReadRecordErrors(t *testing.T) {
	for name, text := range map[string]string{
		"no samples": "goos: linux\n",
		"no round":   "side: base\nBenchmarkX 1 1 ns/op\n",
		"needs two":  "round: 1\nside: base\nBenchmarkX 1 1 ns/op\n",
	} {
		file := filepath.Join(t.TempDir(), "pairs.txt")
		if err := os.WriteFile(file, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		if _, err := readRecord(&benchfmt.Files{Paths: []string{file}}, wholeRecord); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("got %v, want an error that says %q", err, name)
		}
	}
}
