package regress

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"example.com/pool2d/ci/poolgate/internal/exact"
)

// Selftest measures the gate with the gate, on the machine where it runs: how often it cries wolf and what it finds.
// Sessions of three kinds are taken and saved, and the table is made from what is saved: a campaign can be interrupted
// and continued, and its table be printed again.
type selftest struct {
	config
	dir       string
	scratch   bool
	sessions  [kinds]int
	resampled int
	stderr    io.Writer
}

// A kind is what the head of a session of selftest is.
type kind int

const (
	same       kind = iota // the base
	moved                  // the base with code added that no benchmark runs, and that shifts all the rest
	planted                // the base, but nine benchmarks spin in their loop
	allocating             // the base, but each operation allocates once more; it is only counted, not timed
	kinds
)

func (k kind) String() string { return [...]string{"same", "moved", "planted", "allocating"}[k] }

// plants are the slowdowns that are looked for.
var plants = []float64{.03, .05, .10}

func runSelftest(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	t := &selftest{stderr: stderr}
	t.rules, t.selection, t.force, t.seed = defaultRules(), wholeRecord, true, 1
	f := flag.NewFlagSet("poolgate regress selftest", flag.ContinueOnError)
	f.SetOutput(stderr)
	pkg := f.String("pkg", "", "the package whose benchmarks serve (default: a suite of 40, made for it)")
	f.StringVar(&t.bench, "bench", ".", "which benchmarks, as for go test (`regexp`)")
	f.DurationVar(&t.sample, "sample", 200*time.Millisecond, "time of one sample")
	f.DurationVar(&t.budget, "budget", 10*time.Minute, "time of one session")
	f.IntVar(&t.layouts, "layouts", 8, "function layouts per side to screen")
	f.IntVar(&t.sessions[same], "same", 20, "sessions of the same code")
	f.IntVar(&t.sessions[moved], "moved", 20, "sessions of code that was moved")
	f.IntVar(&t.sessions[planted], "planted", 20, "sessions with planted slowdowns")
	f.IntVar(&t.sessions[allocating], "allocating", 1, "sessions in which every operation allocates once more")
	f.IntVar(&t.resampled, "resampled", 1000, "sessions drawn from the pairs of those of the same code")
	f.StringVar(&t.dir, "dir", filepath.Join("poolgate-out", "selftest"), "where sessions are saved; those there are not taken again (`folder`)")
	if err := f.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return exitOK
		}
		return exitFailed
	}
	t.scratch = *pkg == ""
	t.pkgs = strings.Split(cmp.Or(*pkg, "./bench"), ",")
	err := t.campaign(ctx)
	var comment time.Duration
	if err == nil && t.scratch && runtime.GOOS != "darwin" && runtime.GOOS != "windows" { // see identity
		comment, err = t.commentOnly(ctx)
	}
	if errors.Is(err, context.Canceled) {
		fmt.Fprintln(stderr, "poolgate regress selftest: interrupted; the table shows the sessions so far")
		err = nil
	}
	if err == nil {
		err = t.report(stdout, comment)
	}
	if err != nil {
		fmt.Fprintln(stderr, "poolgate regress selftest:", err)
		return exitFailed
	}
	return exitOK
}

func (t *selftest) file(k kind, i int) string {
	return filepath.Join(t.dir, fmt.Sprintf("%s-%03d.txt", k, i))
}

// campaign takes the sessions that are not on file yet, the kinds in turn.
func (t *selftest) campaign(ctx context.Context) error {
	if err := os.MkdirAll(t.dir, 0o777); err != nil {
		return err
	}
	p := newProgress(t.stderr)
	defer p.clear()
	for i := range slices.Max(t.sessions[:]) {
		for k := range kinds {
			if i >= t.sessions[k] || !t.scratch && (k == moved || k == allocating) {
				continue
			}
			if _, err := os.Stat(t.file(k, i)); err == nil {
				continue
			}
			if err := t.take(ctx, k, i, p); err != nil {
				return err
			}
		}
	}
	return nil
}

// take takes one session and saves it whole or not at all.
func (t *selftest) take(ctx context.Context, k kind, i int, p *progress) error {
	tmp, err := os.MkdirTemp("", "poolgate-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	var trees [2]tree
	for s := range trees {
		if trees[s].dir, err = t.tree(ctx, tmp, side(s), k); err != nil {
			return err
		}
	}
	part := t.file(k, i) + ".part"
	rec, err := os.Create(part)
	if err != nil {
		return err
	}
	defer os.Remove(part)
	defer rec.Close()
	c := t.config
	c.seed = uint64(i)*uint64(kinds) + uint64(k) + 1
	s, err := open(ctx, c, tmp, trees, rec, p)
	if err != nil {
		return err
	}
	switch k {
	case planted:
		if err = s.plant(ctx); err == nil {
			_, err = s.measure(ctx)
		}
	case allocating:
		err = s.count(ctx)
	default:
		_, err = s.measure(ctx)
	}
	if err != nil {
		return err
	}
	if err := rec.Close(); err != nil {
		return err
	}
	return os.Rename(part, t.file(k, i))
}

// tree returns the module of one side.
func (t *selftest) tree(ctx context.Context, tmp string, s side, k kind) (string, error) {
	if !t.scratch {
		return output(ctx, ".", buildEnv(), "go", "list", "-m", "-f", "{{.Dir}}")
	}
	dir := filepath.Join(tmp, s.String())
	if err := writeScratch(dir); err != nil {
		return "", err
	}
	if s == base {
		return dir, nil
	}
	switch k {
	case moved:
		return dir, os.WriteFile(filepath.Join(dir, "bench", "another.go"), []byte(movedSource), 0o666)
	case allocating:
		return dir, edit(filepath.Join(dir, "bench", "work.go"), "Sink = ", "Extra = new(float64)\nSink = ", "// Sink", "var Extra *float64\n\n// Sink")
	}
	return dir, nil
}

// edit replaces texts in a file, in pairs of old and new.
func edit(path string, oldnew ...string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return os.WriteFile(path, []byte(strings.NewReplacer(oldnew...).Replace(string(text))), 0o666)
}

// commentOnly returns how long it takes to see that a comment changes nothing.
func (t *selftest) commentOnly(ctx context.Context) (time.Duration, error) {
	tmp, err := os.MkdirTemp("", "poolgate-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(tmp)
	var trees [2]tree
	for s := range trees {
		if trees[s].dir, err = t.tree(ctx, tmp, side(s), same); err != nil {
			return 0, err
		}
	}
	if err := edit(filepath.Join(trees[head].dir, "bench", "work.go"), "// Sink", "// A comment of\n// two lines.\n\n// Sink"); err != nil {
		return 0, err
	}
	c := t.config
	c.force = false
	begun := time.Now()
	s, err := open(ctx, c, tmp, trees, io.Discard, &progress{})
	if err != nil {
		return 0, err
	}
	for _, r := range s.series {
		if r.given != identical {
			return 0, fmt.Errorf("a comment changed %s", r.name)
		}
	}
	return time.Since(begun), nil
}

// movedSource comes before the rest of the package by its name, and cannot be left out: it runs when the program starts.
const movedSource = `package scratch

import (
	"fmt"
	"os"
	"strings"
)

func init() {
	if env := os.Environ(); len(env) > 1<<20 {
		fmt.Println(strings.Join(env, " "), another(len(env)))
	}
}

func another(n int) (s string) {
	for i := range n {
		switch i % 3 {
		case 0:
			s += fmt.Sprintf("%x", i)
		case 1:
			s = strings.ToUpper(s)
		default:
			s = strings.Repeat(s, i)
		}
	}
	return s
}
`

// plant puts slowdowns of the three sizes into nine benchmarks, or a third of them if there are few: turns of a spin in
// b.Loop, so many that each operation takes that much longer. Operations below a microsecond are left alone: the
// processor would overlap so few turns with the work around them.
func (s *session) plant(ctx context.Context) error {
	s.hooked = true
	candidates := s.measurable()
	s.rng.Shuffle(len(candidates), func(i, j int) { candidates[i], candidates[j] = candidates[j], candidates[i] })
	most := min(9, (len(candidates)+2)/3)
	count := 0
	for _, r := range candidates {
		b := s.live[r]
		if count == most {
			break
		}
		if b.secs < 1e-6 {
			continue
		}
		perTurn, err := s.spinCost(ctx, b)
		if err != nil {
			return err
		}
		if perTurn <= 0 {
			continue // it does not loop with b.Loop
		}
		r.planted = plants[count%len(plants)]
		b.spins = int(math.Round(r.planted / perTurn))
		count++
	}
	return nil
}

// spinCost measures the relative cost of a turn, where about as many turns as are planted cost 10 %.
func (s *session) spinCost(ctx context.Context, b *benchmark) (float64, error) {
	turns := int(math.Ceil(.1 * b.secs / 1e-9))
	var d []float64
	for range 7 {
		var secs [2]float64
		for _, with := range s.coin() {
			res, err := s.runner.one(ctx, b.hooked[head], b.dir, b.name, b.n, fmt.Sprintf("%s=%d", spinEnv, turns*int(with)))
			if err != nil {
				return 0, err
			}
			secs[with], _ = res.Value(sampleUnit)
		}
		d = append(d, math.Log(secs[1]/secs[0]))
	}
	cost := math.Expm1(exact.HodgesLehmann(d).Center())
	if cost < .01 {
		return 0, nil
	}
	return cost / float64(turns), nil
}
