package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"example.com/pool2d/bench"
	"example.com/pool2d/ci/poolgate/internal/photo"
	"example.com/pool2d/optimized"
)

// A job is the main job: what it does, and what it found.
type job struct {
	laws      lawOptions
	subjects  []subject
	image     string // a file of the user's choice
	workloads []bench.Workload
	timing    timing
	out       string // the folder of the report

	trials   []trial
	viewings []viewing
	samples  []byte // in Go's benchmark format
	started  time.Time
}

// runJob is what poolgate does without a subcommand.
func runJob(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	j := job{subjects: subjects(), workloads: bench.Workloads(), timing: quick, started: time.Now()}
	flags := newFlags("", "", stderr)
	flags.StringVar(&j.image, "image", "", "a PNG or JPEG `file` to pool as well")
	flags.StringVar(&j.out, "out", "poolgate-out", "the `folder` where the report goes")
	flags.Uint64Var(&j.laws.seed, "seed", drawnSeed(), "seed of the cases for the laws (default: drawn)")
	flags.Usage = func() {
		usage(stderr)
		fmt.Fprint(stderr, "\nThe main job holds both implementations against every law, pools the feature maps of a photograph and of a file of\n"+
			"your choice with both, times both on layers of networks, and saves what it found. Its flags:\n\n")
		flags.PrintDefaults()
	}
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return exitGood
	case err != nil:
		return exitFailed
	case flags.NArg() > 0:
		fmt.Fprintf(stderr, "poolgate: unexpected argument %q\n", flags.Arg(0))
		return exitFailed
	}
	code, err := j.run(ctx, stdout, newProgress(stderr))
	if err != nil {
		fmt.Fprintln(stderr, "poolgate:", err)
		return exitFailed
	}
	return code
}

// run does the job. What can be wrong about its input and output is asked first, before the minutes are spent.
func (j *job) run(ctx context.Context, stdout io.Writer, p *progress) (int, error) {
	planes := []named{{photo.Name, photo.Embedded()}}
	if j.image != "" {
		plane, err := photo.Load(j.image)
		if err != nil {
			return 0, fmt.Errorf("-image: %w", err)
		}
		planes = append(planes, named{filepath.Base(j.image), plane})
	}
	if err := os.MkdirAll(j.out, 0o755); err != nil {
		return 0, fmt.Errorf("-out: %w", err)
	}
	defer p.done()
	j.trials = hold(ctx, j.subjects, j.laws, p)
	for _, n := range planes {
		v, err := view(ctx, n.name, n.plane, p)
		if err != nil {
			return 0, err
		}
		j.viewings = append(j.viewings, v)
	}
	results, err := j.timing.measure(ctx, j.workloads, p)
	if err != nil {
		return 0, err
	}
	var samples bytes.Buffer
	if err := writeBenchmarks(&samples, results); err != nil {
		return 0, err
	}
	j.samples = samples.Bytes()
	p.done()
	return j.report(stdout)
}

// report prints what was found, the verdict first, and saves that, in more detail, beside the samples and the pictures.
func (j *job) report(stdout io.Writer) (int, error) {
	var benchmarks strings.Builder
	speedups, err := printBenchmarks(&benchmarks, j.samples)
	if err != nil {
		return 0, err
	}
	laws := lawVerdict(j.trials)
	code, differences := laws.exitCode(), 0
	for _, v := range j.viewings {
		differences += len(v.broken)
	}
	if differences > 0 && code == exitGood {
		code = exitNo
	}

	var text strings.Builder
	fmt.Fprintf(&text, "%s: %s\n", words[code], laws)
	fmt.Fprintf(&text, "results on photographs: %d compared, %d differ\n", len(j.viewings)*len(poolings())*3, differences)
	for _, s := range speedups {
		fmt.Fprintf(&text, "%s: %.1f times as fast as the reference (geometric mean of %d workloads)", s.column, s.geomean, len(j.workloads))
		if len(s.slower) > 0 {
			fmt.Fprintf(&text, "; slower on %s", strings.Join(s.slower, ", "))
		}
		fmt.Fprintln(&text)
	}
	fmt.Fprintf(&text, "%s %s/%s, %s, %d threads, kernels %s; seed %d; %v\n", runtime.Version(), runtime.GOOS, runtime.GOARCH, cpu(),
		runtime.GOMAXPROCS(0), optimized.KernelSet(), j.laws.seed, rounded(time.Since(j.started)))
	fmt.Fprintf(&text, "\n== Laws\n\n")
	printLaws(&text, j.trials)
	for _, v := range j.viewings {
		fmt.Fprintf(&text, "\n== Photograph\n\n")
		v.print(&text)
	}
	fmt.Fprintf(&text, "\n== Benchmarks\n\nMedians of %d rounds, ± half of their 95 %% interval; ~ where nothing is shown\n\n%s", j.timing.rounds, &benchmarks)

	var saved strings.Builder
	saved.WriteString(text.String())
	fmt.Fprintf(&saved, "\n== Every law\n\n")
	printMatrix(&saved, j.trials)
	fmt.Fprintf(&saved, "\n== Workloads\n\n")
	for _, w := range j.workloads {
		fmt.Fprintf(&saved, "%s: %s\n    %s; %s\n", w.Name, w.Descriptor(), w.Source, w.Why)
	}
	files := map[string][]byte{"report.txt": []byte(saved.String()), "bench.txt": j.samples}
	for i, v := range j.viewings {
		var b bytes.Buffer
		if err := png.Encode(&b, photo.Picture(v.plane)); err != nil {
			return 0, err
		}
		files[[]string{"shift.png", "shift-image.png"}[i]] = b.Bytes()
	}
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(j.out, name), data, 0o644); err != nil {
			return 0, err
		}
	}
	_, err = fmt.Fprintf(stdout, "%s\nsaved in %s: report.txt, bench.txt (for benchstat -col /impl), and pictures\n", &text, j.out)
	return code, err
}
