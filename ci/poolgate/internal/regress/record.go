package regress

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

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
//	at      when it ended, in seconds since the session began
//	waited  for how long of it something waited for a processor, in seconds
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
	lasted time.Duration     // from the first sample to the last
	waited time.Duration     // of it, that something waited for a processor
}

// A sample is one result of a record, in its place.
type sample struct {
	row, col benchproc.Key
	stage    string
	round    int
	first    bool
	values   map[string]float64
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

	got := &reading{keys: map[string]string{}}
	byRow := map[benchproc.Key]*series{}
	var samples []sample
	begin, end := math.Inf(1), math.Inf(-1)
	for src.Scan() {
		if bad, is := src.Result().(*benchfmt.SyntaxError); is {
			return nil, bad
		}
		res, is := src.Result().(*benchfmt.Result)
		if !is {
			continue
		}
		if keep, err := filter.Apply(res); err != nil {
			return nil, err
		} else if !keep {
			continue
		}
		s := sample{row: rows.Project(res), col: cols.Project(res), stage: res.GetConfig("stage"), first: res.GetConfig("first") == "true", values: map[string]float64{}}
		if s.round, err = strconv.Atoi(res.GetConfig("round")); err != nil {
			file, line := res.Pos()
			return nil, fmt.Errorf("%s:%d: %s has no round: not a record of pairs", file, line, res.Name)
		}
		for _, v := range res.Values {
			s.values[v.Unit] = v.Value
		}
		samples = append(samples, s)
		if byRow[s.row] == nil {
			planted, _ := strconv.ParseFloat(res.GetConfig("planted"), 64)
			byRow[s.row] = &series{pkg: res.GetConfig("pkg"), accept: res.GetConfig("perf-accept"), planted: planted}
		}
		for _, c := range res.Config {
			got.keys[c.Key] = string(c.Value)
		}
		if at, err := strconv.ParseFloat(res.GetConfig("at"), 64); err == nil {
			begin, end = min(begin, at), max(end, at)
			got.lasted = seconds(end - begin)
		}
		if waited, err := strconv.ParseFloat(res.GetConfig("waited"), 64); err == nil {
			got.waited += seconds(waited)
		}
	}
	if err := src.Err(); err != nil {
		return nil, err
	}
	if len(samples) == 0 {
		return nil, errors.New("no samples in the record, or none that the filter lets through")
	}
	headCol, err := secondColumn(samples, sel.col)
	if err != nil {
		return nil, err
	}
	join(samples, headCol, byRow)

	names := slices.Collect(maps.Keys(byRow))
	benchproc.SortKeys(names)
	for _, k := range names {
		byRow[k].name = rowName(k, benchproc.NonSingularFields(names))
		got.series = append(got.series, byRow[k])
	}
	return got, nil
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// secondColumn returns the column that counts as the head.
func secondColumn(samples []sample, col string) (benchproc.Key, error) {
	columns := map[benchproc.Key]bool{}
	for _, s := range samples {
		columns[s.col] = true
	}
	keys := slices.Collect(maps.Keys(columns))
	benchproc.SortKeys(keys)
	if len(keys) != 2 {
		return benchproc.Key{}, fmt.Errorf("-col %s has %d values in the record; a comparison needs two: %v", col, len(keys), keys)
	}
	return keys[1], nil
}

// join puts samples where they belong: counts to their side, times to their pair.
func join(samples []sample, headCol benchproc.Key, byRow map[benchproc.Key]*series) {
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
	var places []place
	for _, s := range samples {
		at := base
		if s.col == headCol {
			at = head
		}
		for u := range units {
			if n, counted := s.values[u.String()]; counted {
				c := &byRow[s.row].exact[u]
				c[at] = append(c[at], n)
			}
		}
		if secs, timed := s.values[sampleUnit]; timed {
			p := place{s.row, s.stage, s.round}
			if joined[p] == nil {
				joined[p] = &halves{}
				places = append(places, p)
			}
			joined[p].secs[at] = append(joined[p].secs[at], secs)
			joined[p].first[at] = s.first
		}
	}
	slices.SortStableFunc(places, func(a, b place) int { return cmp.Compare(a.round, b.round) })
	for _, p := range places {
		h := joined[p]
		if len(h.secs[base]) != len(h.secs[head]) {
			continue // an interrupt came between the two
		}
		for at := range over {
			if at.String() == p.stage {
				pairs := &byRow[p.row].pairs[at]
				*pairs = append(*pairs, pair{secs: [2]float64{geomean(h.secs[base]), geomean(h.secs[head])}, headFirst: h.first[head]})
			}
		}
	}
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
