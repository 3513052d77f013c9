//go:build linux

// Package peers measures pooling side by side with other libraries, in one session: poolgate peers.
//
// Each contender (a library, with one layout and one number of threads) is a process of its own, started from a small
// driver that is compiled here, or, for package optimized, from this command. It reads lines and answers each in one:
//
//	hello NAME VERSION LAYOUT...                     the driver's first line
//	load OP LAYOUT THREADS n c h w kh kw sh sw pt pl pb pr MODEL
//	                                                 fill the source, pool it once; OP is max, avgi or avge
//	→ ok SUM WEIGHTED                                sums of the result, plain and weighted by place; all must agree
//	→ lacks REASON                                   not offered
//	time WARM REPS → NANOSECONDS                     calls for WARM nanoseconds, one at least, then REPS calls, which are timed
//
// Every round asks every contender once, in an order drawn anew; the others are stopped meanwhile. All of them have the
// same source, pages of the same size, results allocated before, and threads that may spin.
package peers

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"example.com/pool2d"
)

// Run is the command: it returns 0 if all that was asked for was measured, 1 if a goal is missed or a contender's result
// is wrong, 2 if it could not run.
func Run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("poolgate peers", flag.ContinueOnError)
	flags.SetOutput(stderr)
	cache, _ := os.UserCacheDir()
	var (
		names   = flags.String("workloads", "", "comma-separated `names` of the workloads to measure (default all)")
		ops     = flags.String("ops", "max,avgi,avge", "comma-separated `ops`: max, avgi (padding counts), avge (it does not)")
		only    = flags.String("peers", "", "comma-separated `names` of the peers to measure (default all that are installed)")
		threads = flags.String("threads", "1,2", "comma-separated `numbers` of threads")
		rounds  = flags.Int("rounds", 15, "`rounds` in which all contenders take turns; verdicts need 7")
		sample  = flags.Duration("sample", 10*time.Millisecond, "`time` of one sample")
		slow    = flags.Duration("slow", 3*time.Second, "the longest `time` that one call may take")
		pages   = flags.String("pages", "huge", "`size` of the memory pages of all contenders: huge or small")
		raw     = flags.String("out", "", "`file` for every sample, as benchfmt")
		drawn   = flags.String("picture", "", "`file` for a picture of the times, as SVG")
		dir     = flags.String("dir", filepath.Join(cache, "pool2d-peers"), "`folder` where drivers are built and packages kept")
		doInst  = flags.Bool("install", false, "install the peers' packages first, through apt-get and npm")
	)
	flags.Usage = func() {
		fmt.Fprintln(stderr, "usage: poolgate peers [flags]\n\nMeasures package optimized side by side with oneDNN, ONNX Runtime, XNNPACK, PyTorch and OpenCV.")
		flags.PrintDefaults()
	}
	if len(args) == 1 && args[0] == "serve" {
		if err := serve(os.Stdin, stdout); err != nil {
			fmt.Fprintln(stderr, "poolgate peers serve:", err)
			return 2
		}
		return 0
	}
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return 0
		}
		return 2
	}
	fail := func(err error) int {
		fmt.Fprintln(stderr, "poolgate peers:", err)
		return 2
	}
	progress := func(format string, a ...any) {
		if onTerminal(stderr) {
			fmt.Fprintf(stderr, format+"\n", a...)
		}
	}
	s := session{rounds: *rounds, sample: *sample, slow: *slow, dir: *dir, rand: rand.New(rand.NewPCG(1, uint64(time.Now().UnixNano()))), progress: progress}
	for t := range strings.SplitSeq(*threads, ",") {
		var n int
		if _, err := fmt.Sscan(t, &n); err != nil || n < 1 || n > runtime.NumCPU() {
			return fail(fmt.Errorf("-threads %q, want numbers from 1 to %d, the cores", *threads, runtime.NumCPU()))
		}
		s.threads = append(s.threads, n)
	}
	if *pages != "huge" && *pages != "small" {
		return fail(fmt.Errorf("-pages %q, want huge or small", *pages))
	}
	if *rounds < 1 {
		return fail(fmt.Errorf("-rounds %d, want >= 1", *rounds))
	}
	s.env = []string{"POOL2D_PAGES=" + *pages}
	chosen := workloads
	if *names != "" {
		chosen = nil
		for name := range strings.SplitSeq(*names, ",") {
			i := slices.IndexFunc(workloads, func(w workload) bool { return w.name == name })
			if i < 0 {
				return fail(fmt.Errorf("-workloads: %q, want some of %s", name, allNames()))
			}
			chosen = append(chosen, workloads[i])
		}
	}
	if err := os.MkdirAll(*dir, 0o755); err != nil {
		return fail(err)
	}
	if *doInst {
		if err := install(ctx, *dir, func(ctx context.Context, dir string, argv ...string) error {
			progress("%s", strings.Join(argv, " "))
			cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
			cmd.Dir, cmd.Stdout, cmd.Stderr = dir, stderr, stderr
			return cmd.Run()
		}); err != nil {
			return fail(fmt.Errorf("install: %w", err))
		}
	}
	drivers, missing, err := build(ctx, *dir)
	if err != nil {
		return fail(err)
	}
	if *only != "" {
		drivers = slices.DeleteFunc(drivers, func(d driver) bool {
			return d.name != "limit" && !slices.Contains(strings.Split(*only, ","), d.name)
		})
	}
	for name, reason := range missing {
		fmt.Fprintf(stdout, "not measured: %s: %s\n", name, reason)
	}
	self, err := os.Executable()
	if err != nil {
		return fail(err)
	}
	ours := []string{self, "peers", "serve"}
	drivers = append([]driver{
		{name: "pool2d", argv: ours},
		{name: "pool2d-avx2", argv: ours, env: []string{"POOL2D_KERNELS=avx2"}},
		{name: "pool2d-generic", argv: ours, env: []string{"POOL2D_KERNELS=generic"}},
	}, drivers...)
	defer s.close()
	if err := s.start(ctx, drivers); err != nil {
		return fail(err)
	}
	var samples io.Writer = io.Discard
	if *raw != "" {
		f, err := os.Create(*raw)
		if err != nil {
			return fail(err)
		}
		defer f.Close()
		samples = f
	}
	fmt.Fprintf(samples, "goos: %s\ngoarch: %s\ncpu: %s\npkg: example.com/pool2d\n", runtime.GOOS, runtime.GOARCH, cpuName())
	var results []result
	for _, w := range chosen {
		for _, op := range w.ops {
			if !slices.Contains(strings.Split(*ops, ","), op) {
				continue
			}
			r, err := s.measure(ctx, w, op, samples)
			if err != nil {
				return fail(err)
			}
			results = append(results, r...)
		}
	}
	fmt.Fprintf(stdout, "cpu: %s; %d rounds, medians; pages %s; contenders:", cpuName(), *rounds, *pages)
	for _, v := range s.versions() {
		fmt.Fprintf(stdout, " %s", v)
	}
	fmt.Fprintln(stdout)
	for _, note := range s.notes {
		fmt.Fprintln(stdout, "left out:", note)
	}
	if *drawn != "" {
		f, err := os.Create(*drawn)
		if err != nil {
			return fail(err)
		}
		picture(f, results, s.threads, fmt.Sprintf("go run ./ci/poolgate peers -ops %s, on %s", *ops, cpuName()))
		if err := f.Close(); err != nil {
			return fail(err)
		}
	}
	return report(stdout, results, s.threads)
}

// onTerminal reports whether w is a terminal, where progress is welcome.
func onTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

func allNames() string {
	var names []string
	for _, w := range workloads {
		names = append(names, w.name)
	}
	return strings.Join(names, ", ")
}

func cpuName() string {
	data, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return "unknown"
	}
	_, rest, _ := strings.Cut(string(data), "model name")
	_, rest, _ = strings.Cut(rest, ":")
	name, _, _ := strings.Cut(rest, "\n")
	return strings.TrimSpace(name)
}

// A session is the contenders and how they are measured.
type session struct {
	contenders   []*contender
	threads      []int
	rounds       int
	sample, slow time.Duration
	dir          string
	env          []string
	rand         *rand.Rand
	progress     func(format string, a ...any)
	dropped      map[string]bool // by workload, op, name and layout
	notes        []string        // what was dropped, and why
}

// A result is the times of one contender on one workload.
type result struct {
	workload workload
	op       string
	name     string
	layout   string
	threads  int
	times    []float64 // nanoseconds a call, one a round
	wrong    string    // how its result differs from ours
}

func (r result) median() float64 {
	times := slices.Sorted(slices.Values(r.times))
	n := len(times)
	return (times[(n-1)/2] + times[n/2]) / 2
}

// spread returns half of the distance between the quartiles, as a part of the median.
func (r result) spread() float64 {
	times := slices.Sorted(slices.Values(r.times))
	n := len(times)
	return (times[3*n/4] - times[n/4]) / 2 / r.median()
}

func (s *session) start(ctx context.Context, drivers []driver) error {
	s.dropped = map[string]bool{}
	for _, d := range drivers {
		probe := &contender{driver: d, threads: 1}
		if err := probe.start(ctx, s.env); err != nil {
			return err
		}
		probe.stop()
		layouts := probe.layouts
		if strings.HasPrefix(d.name, "pool2d-") {
			layouts = layouts[:1]
		}
		for _, layout := range layouts {
			for _, threads := range slices.Backward(s.threads) { // the faster first, for the sake of -slow
				c := &contender{driver: d, layout: layout, threads: threads}
				if err := c.start(ctx, s.env); err != nil {
					return err
				}
				s.contenders = append(s.contenders, c)
			}
		}
	}
	return nil
}

func (s *session) close() {
	for _, c := range s.contenders {
		c.stop()
	}
}

func (s *session) versions() []string {
	var all []string
	for _, c := range s.contenders {
		if v := c.name + " " + c.version; !slices.Contains(all, v) {
			all = append(all, v)
		}
	}
	return all
}

// drop leaves a contender out of a workload on which it died or is too slow. Ours may do neither.
func (s *session) drop(w workload, op string, c *contender, err error) error {
	err = fmt.Errorf("%s %s: %v with %d threads %w", w.name, op, c, c.threads, err)
	if strings.HasPrefix(c.name, "pool2d") {
		return err
	}
	c.stop()
	s.dropped[fmt.Sprint(w.name, op, c)] = true
	s.notes = append(s.notes, err.Error())
	s.progress("%v", err)
	return nil
}

// measure times all contenders on one workload.
func (s *session) measure(ctx context.Context, w workload, op string, samples io.Writer) ([]result, error) {
	out, err := pool2d.OutputShape(w.Shape, w.params(op))
	if err != nil {
		return nil, err
	}
	type turn struct {
		*contender
		reps   int
		result *result
	}
	var turns []turn
	var results []*result
	var ours checksum
	started := time.Now()
	for _, c := range s.contenders {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if s.dropped[fmt.Sprint(w.name, op, c)] {
			continue
		}
		if c.cmd == nil {
			if err := c.start(ctx, s.env); err != nil {
				return nil, err
			}
		}
		path := ""
		if c.onnx {
			path = filepath.Join(s.dir, fmt.Sprintf("%s.%s.%s.onnx", w.name, op, c.layout))
			if err := os.WriteFile(path, model(op, c.layout, w.Shape, out, w.params(op)), 0o644); err != nil {
				return nil, err
			}
		}
		sum, lacks, err := c.load(w, op, path, s.slow)
		if err != nil {
			if err := s.drop(w, op, c, err); err != nil {
				return nil, err
			}
			continue
		}
		if lacks != "" {
			continue
		}
		r := &result{workload: w, op: op, name: c.name, layout: c.layout, threads: c.threads}
		if c.name == "pool2d" && ours == (checksum{}) {
			ours = sum
		} else if c.name != "limit" {
			r.wrong = sum.differs(ours, float64(out.N*out.C*out.H*out.W))
		}
		reps := 1
		took, err := c.time(1, 3*s.slow)
		for err == nil && took < s.sample/4 && reps < 1<<20 {
			reps *= 4
			took, err = c.time(reps, 3*s.slow)
		}
		if err != nil {
			if err := s.drop(w, op, c, err); err != nil {
				return nil, err
			}
			continue
		}
		reps = max(1, int(float64(reps)*float64(s.sample)/float64(took+1)))
		results = append(results, r)
		turns = append(turns, turn{c, reps, r})
	}
	for range s.rounds {
		s.rand.Shuffle(len(turns), func(i, j int) { turns[i], turns[j] = turns[j], turns[i] })
		for _, t := range turns {
			if t.cmd == nil {
				continue // dropped in an earlier round
			}
			took, err := t.time(t.reps, 3*s.slow)
			if err != nil {
				if err := s.drop(w, op, t.contender, err); err != nil {
					return nil, err
				}
				t.result.times = nil
				continue
			}
			each := float64(took.Nanoseconds()) / float64(t.reps)
			t.result.times = append(t.result.times, each)
			fmt.Fprintf(samples, "BenchmarkPool2D/workload=%s/op=%s/dtype=float32/layout=%s/threads=%d/impl=%s %d %.6g ns/op\n",
				w.name, op, t.layout, t.threads, t.name, t.reps, each)
		}
	}
	s.progress("%s %s: %d contenders in %v", w.name, op, len(turns), time.Since(started).Round(100*time.Millisecond))
	var all []result
	for _, r := range results {
		if len(r.times) > 0 {
			all = append(all, *r)
		}
	}
	return all, nil
}

// differs says how a checksum over that many cells is not like ours, if so: their values are below 1/2, and float32
// averages in another order differ by less than 2^-20 each.
func (c checksum) differs(ours checksum, cells float64) string {
	if d := math.Abs(c.sum - ours.sum); !(d <= cells*0x1p-20) {
		return fmt.Sprintf("its cells add up to %.9g, ours to %.9g", c.sum, ours.sum)
	}
	if d := math.Abs(c.weighted - ours.weighted); !(d <= cells*61*0x1p-20) {
		return fmt.Sprintf("its cells weighted by place add up to %.9g, ours to %.9g", c.weighted, ours.weighted)
	}
	return ""
}
