package regress

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/perf/benchfmt"
)

func TestStep(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	series := func(n, from int, change float64) []point {
		points := make([]point, n)
		for i := range points {
			points[i].effect = .01 * rng.NormFloat64()
			if i >= from {
				points[i].effect += change
			}
		}
		return points
	}
	if at, p := step(series(40, 25, .04)); at < 24 || at > 26 || p > stepLevel {
		t.Errorf("a step at 25: found at %d with p %v", at, p)
	}
	quiet := 0
	for range 50 {
		if _, p := step(series(30, 30, 0)); p <= .1 {
			quiet++
		}
	}
	if quiet > 14 { // 5 are expected; 15 or more have a probability of 1 in 10 000
		t.Errorf("series without a step: p ≤ 0.1 in %d of 50", quiet)
	}
	if _, p := step(series(2, 1, 1)); p <= stepLevel {
		t.Errorf("two points are no history: p %v", p)
	}
	if _, p := step(nil); p <= stepLevel {
		t.Errorf("no history: p %v", p)
	}
}

// TestHistory keeps the records of thirty commits, the last ten of them slower, and reads the advice.
func TestHistory(t *testing.T) {
	folder := t.TempDir()
	rng := rand.New(rand.NewPCG(3, 4))
	record := filepath.Join(t.TempDir(), "pairs.txt")
	c := config{history: folder, out: record, head: "main", rules: defaultRules()}
	begin := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	var advice []string
	for commit := range 30 {
		when := begin.AddDate(0, 0, commit).Format(time.RFC3339)
		sha := fmt.Sprintf("%040x", commit)
		f, err := os.Create(record)
		if err != nil {
			t.Fatal(err)
		}
		rec, err := newRecord(f, "baseline-commit", "release", "experiment-commit", sha, "experiment-commit-time", when)
		if err != nil {
			t.Fatal(err)
		}
		for name, effect := range map[string]float64{"Steady-2": 0, "Slips-2": .03 * float64(commit/20)} {
			s := &series{}
			for i, p := range noisy(rng, 10, effect, .005) {
				for who, secs := range p.secs {
					res := &benchfmt.Result{Name: benchfmt.Name(name), Iters: 1, Values: []benchfmt.Value{{Value: secs, Unit: sampleUnit}}}
					if err := rec.write(res, side(who), (&session{}).sampleKeys(s, "screen", i+1, who == 0, 1, 0)...); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		out := &outcome{pairs: 20}
		out.trees[head] = tree{commit: sha, time: when}
		if advice, err = c.keep(t.Context(), out); err != nil {
			t.Fatal(err)
		}
	}
	text := strings.Join(advice, "\n")
	if len(advice) != 1 || !strings.HasPrefix(text, "Slips-2 has been") || !strings.Contains(text, "slower since 0000000000 (2026-01-21") {
		t.Errorf("got the advice %q, want one on Slips since 21 January", text)
	}
	files, err := filepath.Glob(filepath.Join(folder, "2026", "01", "2026*.txt"))
	if err != nil || len(files) != 30 {
		t.Errorf("got %d files, %v; want 30", len(files), err)
	}

	out := &outcome{pairs: 20}
	out.trees[head] = tree{commit: fmt.Sprintf("%040x", 29), time: begin.AddDate(0, 0, 29).Format(time.RFC3339)}
	if advice, err = c.keep(t.Context(), out); err != nil || !strings.Contains(strings.Join(advice, ""), "already") {
		t.Errorf("the same commit again: got %q, %v", advice, err)
	}
}
