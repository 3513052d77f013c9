package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/perf/benchfmt"
	"golang.org/x/perf/benchmath"
	"golang.org/x/perf/benchunit"

	"example.com/pool2d"
	"example.com/pool2d/bench"
	"example.com/pool2d/optimized"
	"example.com/pool2d/reference"
)

// contenders are what the main job times against each other; the first is what the others are compared with.
var contenders = []pool2d.Impl[float32]{
	{Name: "reference", Pool2D: reference.Pool2D[float32]},
	{Name: "optimized", Pool2DInto: optimized.Pool2DInto[float32]},
	{Name: "optimized", Pool2DInto: optimized.Pool2DInto[float32], Layout: pool2d.NHWC},
}

// A timing is how samples are taken.
type timing struct {
	rounds int           // samples of each contender on each workload
	sample time.Duration // how long one sample takes at least, one call aside
}

// quick is the timing of the main job. Six samples are the fewest for which a 95 % interval of a median exists.
var quick = timing{rounds: 6, sample: 10 * time.Millisecond}

// measure times the contenders on the workloads. In each round each contender has one turn, in an order drawn anew, so
// that a drift of the machine hits them alike.
func (t timing) measure(ctx context.Context, workloads []bench.Workload, p *progress) ([]*benchfmt.Result, error) {
	var results []*benchfmt.Result
	for i, w := range workloads {
		type turn struct {
			name  string
			calls int
			call  func() error
		}
		var turns []turn
		for _, im := range contenders {
			call, err := bench.Call(w, im)
			if err != nil {
				return nil, err
			}
			start := time.Now()
			if err := call(); err != nil {
				return nil, err
			}
			once := max(time.Since(start), time.Nanosecond)
			turns = append(turns, turn{bench.Name(w, im), max(1, int(t.sample/once)), call})
		}
		for round := range t.rounds {
			p.say("benchmarks: %d of %d: %s, round %d of %d", i+1, len(workloads), w.Name, round+1, t.rounds)
			rand.Shuffle(len(turns), func(i, j int) { turns[i], turns[j] = turns[j], turns[i] })
			for _, turn := range turns {
				if err := ctx.Err(); err != nil {
					return nil, err
				}
				r, err := sample(turn.call, turn.calls)
				if err != nil {
					return nil, err
				}
				r.Name = benchfmt.Name(fmt.Sprintf("Pool2D/%s-%d", turn.name, runtime.GOMAXPROCS(0)))
				seconds, _ := r.Value("sec/op")
				r.Values = append(r.Values,
					benchfmt.Value{Value: digits(float64(w.Bytes(4)) / seconds / 1e6), Unit: "MB/s"},
					benchfmt.Value{Value: digits(float64(w.Cells()) / seconds / 1e6), Unit: "Mcell/s"})
				results = append(results, r)
			}
		}
	}
	p.done()
	slices.SortStableFunc(results, func(a, b *benchfmt.Result) int { return rank(workloads, a) - rank(workloads, b) })
	return results, nil
}

// rank orders samples by workload and then by contender, and leaves those of one contender in the order of the rounds.
func rank(workloads []bench.Workload, r *benchfmt.Result) int {
	n := newRow(r)
	w := slices.IndexFunc(workloads, func(w bench.Workload) bool { return w.Name == n.workload })
	c := slices.IndexFunc(contenders, func(im pool2d.Impl[float32]) bool { return im.Name == n.impl && im.Layout.String() == n.layout })
	return w*len(contenders) + c
}

// sample times a number of calls, and counts what they allocate.
func sample(call func() error, calls int) (*benchfmt.Result, error) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := time.Now()
	for range calls {
		if err := call(); err != nil {
			return nil, err
		}
	}
	each := digits(float64(time.Since(start)) / float64(calls))
	runtime.ReadMemStats(&after)
	return &benchfmt.Result{Iters: calls, Values: []benchfmt.Value{
		{Value: each / 1e9, Unit: "sec/op", OrigValue: each, OrigUnit: "ns/op"},
		{Value: digits(float64(after.TotalAlloc-before.TotalAlloc) / float64(calls)), Unit: "B/op"},
		{Value: digits(float64(after.Mallocs-before.Mallocs) / float64(calls)), Unit: "allocs/op"},
	}}, nil
}

// digits rounds a figure to six digits, which is more than any of them can bear.
func digits(v float64) float64 {
	v, err := strconv.ParseFloat(strconv.FormatFloat(v, 'g', 6, 64), 64)
	if err != nil {
		panic(err) // it was written the line before
	}
	return v
}

// writeBenchmarks writes results in Go's benchmark format, with what the figures were taken on.
func writeBenchmarks(w io.Writer, results []*benchfmt.Result) error {
	out := benchfmt.NewWriter(w)
	for _, r := range results {
		for _, c := range [][2]string{
			{"goos", runtime.GOOS}, {"goarch", runtime.GOARCH}, {"pkg", "example.com/pool2d/bench"}, {"cpu", cpu()},
			{"toolchain", runtime.Version()}, {"kernels", optimized.KernelSet()},
		} {
			if r.GetConfig(c[0]) == "" {
				r.Config = append(r.Config, benchfmt.Config{Key: c[0], Value: []byte(c[1]), File: true})
			}
		}
		if err := out.Write(r); err != nil {
			return err
		}
	}
	return nil
}

// A row is what the table takes a sample's name apart into.
type row struct{ workload, op, layout, impl string }

func newRow(r *benchfmt.Result) row {
	_, parts := r.Name.Parts()
	value := map[string]string{}
	for _, p := range parts {
		k, v, _ := strings.Cut(strings.TrimPrefix(string(p), "/"), "=")
		value[k] = v
	}
	return row{value["workload"], value["op"], value["layout"], value["impl"]}
}

// A speedup is a column of the table against its first one.
type speedup struct {
	column  string
	geomean float64 // how many times faster, over all workloads
	slower  []string
}

// printBenchmarks reads samples in Go's benchmark format and prints their medians side by side, as benchstat -col would,
// with how many times faster than the first column the others are. It returns that over all workloads.
func printBenchmarks(w io.Writer, data []byte) ([]speedup, error) {
	var columns []string
	var rows []string
	values := map[[2]string][]float64{}
	for reader := benchfmt.NewReader(bytes.NewReader(data), "benchmarks"); reader.Scan(); {
		switch r := reader.Result().(type) {
		case *benchfmt.Result:
			seconds, ok := r.Value("sec/op")
			if !ok {
				return nil, fmt.Errorf("%s has no time", r.Name)
			}
			n := newRow(r)
			column, line := n.impl+" "+n.layout, n.workload+" "+n.op
			if !slices.Contains(columns, column) {
				columns = append(columns, column)
			}
			if !slices.Contains(rows, line) {
				rows = append(rows, line)
			}
			values[[2]string{line, column}] = append(values[[2]string{line, column}], seconds)
		case *benchfmt.SyntaxError:
			return nil, r
		}
	}
	if len(rows) == 0 {
		return nil, fmt.Errorf("no samples")
	}
	t := table{header: []string{"workload", "op"}, right: 2}
	speedups := make([]speedup, 0, len(columns))
	for i, c := range columns {
		t.header = append(t.header, c)
		if i > 0 {
			t.header = append(t.header, "times faster")
			speedups = append(speedups, speedup{column: c})
		}
	}
	logs := make([]float64, len(speedups))
	for _, line := range rows {
		workload, op, _ := strings.Cut(line, " ")
		base := benchmath.NewSample(values[[2]string{line, columns[0]}], &benchmath.DefaultThresholds)
		cells := []string{workload, op}
		for i, c := range columns {
			s := benchmath.NewSample(values[[2]string{line, c}], &benchmath.DefaultThresholds)
			if len(s.Values) == 0 {
				return nil, fmt.Errorf("%s: no samples of %s", workload, c)
			}
			median := benchmath.AssumeNothing.Summary(s, 0.95)
			cells = append(cells, benchunit.Scale(median.Center, benchunit.ClassOf("sec/op"))+"s ±"+spread(median))
			if i == 0 {
				continue
			}
			ratio := benchmath.AssumeNothing.Summary(base, 0.95).Center / median.Center
			logs[i-1] += math.Log(ratio)
			switch difference := benchmath.AssumeNothing.Compare(base, s); {
			case difference.P > difference.Alpha:
				cells = append(cells, "~")
			case ratio < 1:
				speedups[i-1].slower = append(speedups[i-1].slower, workload)
				fallthrough
			default:
				cells = append(cells, fmt.Sprintf("%.1f", ratio))
			}
		}
		t.add(cells...)
	}
	last := []string{"geometric mean", "", ""}
	for i := range speedups {
		speedups[i].geomean = math.Exp(logs[i] / float64(len(rows)))
		last = append(last, "", fmt.Sprintf("%.1f", speedups[i].geomean))
	}
	t.add(last...)
	t.print(w)
	return speedups, nil
}

// spread is the larger half of a median's interval, as a part of it.
func spread(s benchmath.Summary) string {
	wide := max(s.Hi-s.Center, s.Center-s.Lo) / s.Center
	if math.IsInf(wide, 0) || math.IsNaN(wide) {
		return "  ∞"
	}
	return fmt.Sprintf("%3.0f%%", 100*wide)
}
