//go:build linux

package peers

import (
	"fmt"
	"io"
	"math"
	"strings"
	"text/tabwriter"

	"example.com/pool2d/ci/poolgate/internal/exact"
)

// doubt is how often a verdict may be wrong whose ratio is the goal itself.
const doubt = 0.01

// ratio is how many times one contender's times are another's: the Hodges–Lehmann estimate over the rounds, in each of
// which both had a turn, and the bounds beyond which it lies with the probability doubt, from seven rounds on.
type ratio struct{ center, lower, upper float64 }

func ratioOf(over, under *result) ratio {
	logs := make([]float64, len(over.times))
	for i := range logs {
		logs[i] = math.Log(over.times[i] / under.times[i])
	}
	e := exact.HodgesLehmann(logs)
	return ratio{math.Exp(e.Center()), math.Exp(e.Lower(doubt)), math.Exp(e.Upper(doubt))}
}

// row is what a report says of a workload and an op: nil where there is no such result.
type row struct {
	workload
	op                            string
	ours, oursNHWC, avx2, generic *result
	limit, onnx                   *result
	nchw, nhwc, any               *result // the best peers, in these layouts and in whatever layout
}

// rowsOf returns the rows for a number of threads, where we have a result.
func rowsOf(results []result, threads int) (rows []row) {
	for i, first := range results {
		if i > 0 && results[i-1].workload.name == first.workload.name && results[i-1].op == first.op {
			continue
		}
		find := func(match func(r result) bool) (best *result) {
			for _, r := range results {
				if r.workload.name == first.workload.name && r.op == first.op && r.threads == threads && match(r) &&
					(best == nil || r.median() < best.median()) {
					best = &r
				}
			}
			return best
		}
		named := func(name, layout string) *result {
			return find(func(r result) bool { return r.name == name && r.layout == layout })
		}
		peer := func(r result) bool { return !strings.HasPrefix(r.name, "pool2d") && r.name != "limit" && r.wrong == "" }
		row := row{
			workload: first.workload, op: first.op,
			ours: named("pool2d", "nchw"), oursNHWC: named("pool2d", "nhwc"), avx2: named("pool2d-avx2", "nchw"), generic: named("pool2d-generic", "nchw"),
			limit: named("limit", "nchw"), onnx: named("onnxruntime", "nchw"),
			nchw: find(func(r result) bool { return peer(r) && r.layout == "nchw" }),
			nhwc: find(func(r result) bool { return peer(r) && r.layout == "nhwc" }),
			any:  find(peer),
		}
		if row.ours != nil {
			rows = append(rows, row)
		}
	}
	return rows
}

// report prints, for each number of threads, how many times faster we are than the best peer and how far from the limit,
// and returns 1 if a goal is missed that can be reached, or a result is wrong. A goal is met or missed where the bounds of
// the ratio say so. It is out of reach where the peer takes less than that many times the limit: goals come from a machine,
// and on another a peer may be nearer to its limit.
func report(w io.Writer, results []result, threads []int) int {
	code := 0
	for _, r := range results {
		if r.wrong != "" {
			code = 1
			fmt.Fprintf(w, "WRONG: %s %s: %s/%s with %d threads: %s\n", r.workload.name, r.op, r.name, r.layout, r.threads, r.wrong)
		}
	}
	for _, t := range threads {
		fmt.Fprintf(w, "\n%d thread(s): time(peer) ÷ time(ours); a ratio that misses its goal stands in ( ),\n"+
			"or in [ ] where the limit itself might miss it, and has a ~ where the rounds do not tell\n", t)
		table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		fmt.Fprintln(table, "workload\top\tours\t±\t÷ limit\tbest NCHW peer\tbest in any layout\tNHWC\tavx2\tgeneric")
		for _, row := range rowsOf(results, t) {
			goal := row.goal
			cell := func(over, under *result, least, most float64, name bool) string {
				if over == nil || under == nil {
					return "-"
				}
				r := ratioOf(over, under)
				s := fmt.Sprintf("%.2f", r.center)
				if name {
					s += " " + over.name
					if over.layout != "nchw" {
						s += "/" + over.layout
					}
				}
				switch {
				case r.upper < least && row.limit != nil && ratioOf(over, row.limit).lower < least:
					return "[" + s + "]"
				case r.upper < least || r.lower > most:
					code = 1
					return "(" + s + ")"
				case r.lower < least || r.upper > most:
					return "~" + s
				}
				return s
			}
			none := math.Inf(1)
			if goal.limit != 0 {
				none = goal.limit
			}
			fmt.Fprintf(table, "%s\t%s\t%.1f µs\t%.0f%%\t%s\t%s\t%s\t%s\t%s\t%s\n", row.name, row.op,
				row.ours.median()/1e3, 100*row.ours.spread(),
				cell(row.ours, row.limit, 0, none, false),
				cell(row.nchw, row.ours, goal.nchw, math.Inf(1), true),
				cell(row.any, row.ours, goal.any, math.Inf(1), true),
				cell(row.nhwc, row.oursNHWC, 1.05, math.Inf(1), true),
				cell(row.nchw, row.avx2, 1, math.Inf(1), false),
				cell(row.onnx, row.generic, 1./3, math.Inf(1), false))
		}
		table.Flush()
	}
	return code
}
