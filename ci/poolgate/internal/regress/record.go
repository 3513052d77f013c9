package regress

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/perf/benchfmt"
	"golang.org/x/perf/benchproc"
)

// A side is one of the two programs compared.
type side int

const (
	base side = iota
	head
)

func (s side) String() string { return [...]string{"base", "head"}[s] }

// A record is the raw data of a session in the Go benchmark format, so that benchstat, benchseries and poolgate itself
// read it again. Each sample stands under these keys:
//
//	side    base or head
//	stage   screen, confirm or exact
//	round   the number of the pair in its stage
//	first   whether this side of the pair ran first
//	layout  the seed of -randlayout
//	at      seconds since the session began
//
// and those that benchseries wants: toolchain (baseline or experiment), runstamp, the two commits and their times.
type record struct {
	w    *benchfmt.Writer
	keys []benchfmt.Config // of the session
}

// sampleUnit is what verdicts on time rest on. MB/s is the same measurement again.
const sampleUnit = "sec/op"

// exactStage is the stage of counted samples.
const exactStage = "exact"

func newRecord(w io.Writer, keys ...string) (*record, error) {
	r := &record{w: benchfmt.NewWriter(w)}
	for i := 0; i < len(keys); i += 2 {
		r.keys = append(r.keys, key(keys[i], keys[i+1]))
	}
	for u := range units {
		for k, v := range map[string]string{"assume": "exact", "better": "lower"} {
			if _, err := fmt.Fprintf(w, "Unit %s %s=%s\n", u, k, v); err != nil {
				return nil, err
			}
		}
	}
	return r, nil
}

func key(name, value string) benchfmt.Config {
	return benchfmt.Config{Key: name, Value: []byte(value), File: true}
}

// write appends a sample: a result as the test binary printed it, with its place in the session.
func (r *record) write(res *benchfmt.Result, s side, keys ...benchfmt.Config) error {
	out := &benchfmt.Result{Name: res.Name, Iters: res.Iters, Values: res.Values}
	for _, c := range res.Config {
		if c.File {
			out.Config = append(out.Config, c)
		}
	}
	out.Config = append(out.Config, r.keys...)
	toolchain := [...]string{base: "baseline", head: "experiment"}[s]
	out.Config = append(out.Config, key("side", s.String()), key("toolchain", toolchain))
	out.Config = append(out.Config, keys...)
	if err := r.w.Write(out); err != nil {
		return fmt.Errorf("saving the pairs: %w", err)
	}
	return nil
}

// A selection says which samples of a record are compared and how, in the language of benchstat.
type selection struct {
	filter string // which samples
	row    string // what is one benchmark
	col    string // whose first value is the base and whose second is the head
}

var wholeRecord = selection{filter: "*", row: "pkg,.fullname", col: "side@(base head)"}

// A reading is a record taken apart again.
type reading struct {
	series []*series
	keys   map[string]string // of the session: commits, cpu, seed
	lasted float64           // seconds from the first sample to the last
}

// readRecord reads samples and joins them to pairs: what agrees in row, stage and round and differs in column.
// Rows that hold several benchmarks, as .name does, are judged by the mean log ratio of each round.
func readRecord(src *benchfmt.Files, sel selection) (*reading, error) {
	filter, err := benchproc.NewFilter(sel.filter)
	if err != nil {
		return nil, fmt.Errorf("-filter: %w", err)
	}
	var parser benchproc.ProjectionParser
	cols, err := parser.Parse(sel.col, filter)
	if err != nil {
		return nil, fmt.Errorf("-col: %w", err)
	}
	rows, err := parser.Parse(sel.row, filter)
	if err != nil {
		return nil, fmt.Errorf("-row: %w", err)
	}

	type place struct {
		row   benchproc.Key
		stage string
		round int
	}
	type halves struct {
		secs  [2][]float64
		first [2]bool
	}
	joined := map[place]*halves{}
	counted := map[benchproc.Key]*series{}
	var colKeys, rowKeys []benchproc.Key
	type sample struct {
		place
		col    benchproc.Key
		first  bool
		values []benchfmt.Value
	}
	var samples []sample
	got := &reading{keys: map[string]string{}}
	begin, end := math.Inf(1), math.Inf(-1)

	for src.Scan() {
		res, isResult := src.Result().(*benchfmt.Result)
		if !isResult {
			if bad, is := src.Result().(*benchfmt.SyntaxError); is {
				return nil, bad
			}
			continue
		}
		if keep, err := filter.Apply(res); !keep {
			if err != nil {
				return nil, err
			}
			continue
		}
		round, err := strconv.Atoi(res.GetConfig("round"))
		if err != nil {
			file, line := res.Pos()
			return nil, fmt.Errorf("%s:%d: %s has no round: not a record of pairs", file, line, res.Name)
		}
		s := sample{
			place: place{row: rows.Project(res), stage: res.GetConfig("stage"), round: round},
			col:   cols.Project(res), first: res.GetConfig("first") == "true",
			values: slices.Clone(res.Values),
		}
		if !slices.Contains(colKeys, s.col) {
			colKeys = append(colKeys, s.col)
		}
		if counted[s.row] == nil {
			counted[s.row] = &series{pkg: res.GetConfig("pkg"), accept: res.GetConfig("perf-accept")}
			counted[s.row].planted, _ = strconv.ParseFloat(res.GetConfig("planted"), 64)
			rowKeys = append(rowKeys, s.row)
		}
		for _, c := range res.Config {
			got.keys[c.Key] = string(c.Value)
		}
		if at, err := strconv.ParseFloat(res.GetConfig("at"), 64); err == nil {
			begin, end = min(begin, at), max(end, at)
			got.lasted = end - begin
		}
		samples = append(samples, s)
	}
	if err := src.Err(); err != nil {
		return nil, err
	}
	if len(samples) == 0 {
		return nil, errors.New("no samples in the record, or none that the filter lets through")
	}
	benchproc.SortKeys(colKeys)
	if len(colKeys) != 2 {
		return nil, fmt.Errorf("-col %s has %d values in the record; a comparison needs two: %v", sel.col, len(colKeys), colKeys)
	}

	for _, s := range samples {
		at := base
		if s.col == colKeys[1] {
			at = head
		}
		if s.stage == exactStage {
			c := &counted[s.row].exact
			for _, v := range s.values {
				for u := range units {
					if v.Unit == u.String() {
						c[u][at] = append(c[u][at], v.Value)
					}
				}
			}
			continue
		}
		h := joined[s.place]
		if h == nil {
			h = &halves{}
			joined[s.place] = h
		}
		for _, v := range s.values {
			if v.Unit == sampleUnit {
				h.secs[at] = append(h.secs[at], v.Value)
			}
		}
		h.first[at] = s.first
	}
	var places []place
	for p := range joined {
		places = append(places, p)
	}
	slices.SortFunc(places, func(a, b place) int { return cmp.Compare(a.round, b.round) })
	for _, p := range places {
		h, s := joined[p], counted[p.row]
		if len(h.secs[base]) != len(h.secs[head]) || len(h.secs[base]) == 0 {
			continue // an interrupt came between the two halves
		}
		for at := range over {
			if at.String() == p.stage {
				s.pairs[at] = append(s.pairs[at], pair{secs: [2]float64{geomean(h.secs[base]), geomean(h.secs[head])}, headFirst: h.first[head]})
			}
		}
	}
	benchproc.SortKeys(rowKeys)
	for _, k := range rowKeys {
		counted[k].name = rowName(k, benchproc.NonSingularFields(rowKeys))
		got.series = append(got.series, counted[k])
	}
	return got, nil
}

// rowName is a row's values, without a package that is everyone's.
func rowName(k benchproc.Key, varying []*benchproc.Field) string {
	var values []string
	for _, f := range k.Projection().FlattenedFields() {
		if f.Name != "pkg" || slices.Contains(varying, f) {
			values = append(values, k.Get(f))
		}
	}
	return strings.Join(values, " ")
}
