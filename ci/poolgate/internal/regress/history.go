package regress

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"example.com/pool2d/ci/poolgate/internal/exact"
	"golang.org/x/perf/benchfmt"
	"golang.org/x/perf/benchunit"
)

// A history is a folder of records, one for each commit, year by year and month by month: raw samples of the commit
// and, from the same session, of a pinned release. So a point of the series is a ratio, which outlives a change of
// machine. Files are added and never changed; they have the keys of benchseries.

// keep appends the session's record to the history, and returns what the history then shows.
func (c config) keep(ctx context.Context, out *outcome) (advice []string, err error) {
	if out.pairs == 0 {
		return nil, nil // nothing was measured: the code is the release's
	}
	if c.head == worktree {
		if changed, err := git(ctx, c.module, "status", "--porcelain", "--untracked-files=no"); err != nil || changed != "" {
			return nil, fmt.Errorf("-history: the work tree has changes that no commit stands for: %w", errors.Join(err, errors.New(changed)))
		}
	}
	when, err := time.Parse(time.RFC3339, out.trees[head].time)
	if err != nil {
		return nil, fmt.Errorf("-history: %w", err)
	}
	when = when.UTC()
	file := filepath.Join(c.history, when.Format("2006"), when.Format("01"), when.Format("20060102T150405Z")+"-"+out.trees[head].commit+".txt")
	if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
		return nil, err
	}
	text, err := os.ReadFile(c.out)
	if err != nil {
		return nil, err
	}
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if errors.Is(err, fs.ErrExist) {
		return append(advice, "the history has this commit already, and keeps what it has"), nil
	}
	if err != nil {
		return nil, err
	}
	_, err = f.Write(text)
	if err := errors.Join(err, f.Close()); err != nil {
		os.Remove(file)
		return nil, err
	}
	return trend(c.history)
}

// A point is one commit in the history of a benchmark.
type point struct {
	commit string
	when   string
	effect float64 // log ratio to the release
}

// trend looks for a step in the history of each benchmark, against the release that the last commit was compared with.
func trend(folder string) (advice []string, err error) {
	var files []string
	err = filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.HasSuffix(path, ".txt") {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	slices.Sort(files) // by the time of the commit
	points := map[string][]point{}
	var names []string
	release := ""
	for _, file := range slices.Backward(files) {
		got, err := readRecord(&benchfmt.Files{Paths: []string{file}}, wholeRecord)
		if err != nil {
			return nil, err
		}
		if release == "" {
			release = got.keys["baseline-commit"]
		}
		if got.keys["baseline-commit"] != release {
			break
		}
		for _, s := range got.series {
			if len(s.pairs[screen]) == 0 {
				continue
			}
			if points[s.name] == nil {
				names = append(names, s.name)
			}
			points[s.name] = append(points[s.name], point{
				got.keys["experiment-commit"], got.keys["experiment-commit-time"], exact.HodgesLehmann(logRatios(s.pairs[screen])).Center(),
			})
		}
	}
	slices.Sort(names)
	for _, name := range names {
		series := points[name]
		slices.Reverse(series)
		at, p := step(series)
		if p > stepLevel {
			continue
		}
		change := center(series[at:]) - center(series[:at])
		word := "slower"
		if change < 0 {
			word = "faster"
		}
		advice = append(advice, fmt.Sprintf("%s has been %s %s since %s (%s), p %s over %d commits; a note, not a verdict",
			name, percent(math.Abs(math.Expm1(change))), word, short(series[at].commit), series[at].when, benchunit.Scale(p, benchunit.Decimal), len(series)))
	}
	return advice, nil
}

const (
	stepLevel        = .001
	stepPermutations = 1999
)

// step returns where a series most probably changes level, and how probable so clear a change is in a series of the
// same values in random order. The place is the one that splits it into two levels with the least squares.
func step(series []point) (at int, p float64) {
	x := make([]float64, len(series))
	mean := 0.0
	for i, point := range series {
		x[i] = point.effect
		mean += point.effect / float64(len(series))
	}
	for i := range x {
		x[i] -= mean
	}
	at, observed := split(x)
	rng := rand.New(rand.NewPCG(1, 1)) // the same history gives the same advice
	asClear := 1
	for range stepPermutations {
		rng.Shuffle(len(x), func(i, j int) { x[i], x[j] = x[j], x[i] })
		if _, gain := split(x); gain >= observed {
			asClear++
		}
	}
	return at, float64(asClear) / (stepPermutations + 1)
}

// split returns where two levels fit x, whose mean is zero, best, and by how much they lessen the sum of squares.
func split(x []float64) (at int, gain float64) {
	sum, n := 0.0, len(x)
	for i := 1; i < n; i++ {
		sum += x[i-1]
		if g := sum * sum * float64(n) / float64(i*(n-i)); g > gain {
			at, gain = i, g
		}
	}
	return at, gain
}

// center is the median effect of points.
func center(points []point) float64 {
	x := make([]float64, len(points))
	for i, p := range points {
		x[i] = p.effect
	}
	return exact.HodgesLehmann(x).Center()
}
