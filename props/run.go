package props

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"example.com/pool2d"
)

// Law is a sentence that holds for every right implementation, and the check that finds the wrong ones.
type Law[T pool2d.Elem] struct {
	Name  string         // what a subtest, a mutant and a report call it
	Law   string         // the sentence, which a failure prints
	Needs pool2d.Feature // a law says nothing of an implementation that lacks one of these

	kind  kind
	ask   ask
	once  bool               // judge one case a check of rapid's, since it is a dear one; else several
	takes func(Case[T]) bool // whether the law says something of a case; nil: of every case. What ask draws, it takes.
	check func(*subject[T], Case[T]) error
}

// kind says what an implementation must offer for a law to apply.
type kind uint8

const (
	ofPool2D  kind = iota
	ofFloats       // of floating-point types
	ofIndices      // Indices is set
	ofGrad         // Grad is set, and T a floating-point type
)

// Skips returns why the law says nothing of impl, or "" if it applies.
func (l Law[T]) Skips(impl pool2d.Impl[T]) string {
	missing := l.Needs & impl.Lacks
	switch {
	case missing != 0:
		return fmt.Sprintf("%s lacks %v", impl.Name, missing)
	case l.kind == ofIndices && impl.Indices == nil:
		return impl.Name + " offers no indices"
	case (l.kind == ofGrad || l.kind == ofFloats) && !isFloat[T]():
		return typeName[T]() + " is not a floating-point type"
	case l.kind == ofGrad && impl.Grad == nil:
		return impl.Name + " offers no gradients"
	}
	return ""
}

// Run checks the law on random cases. A failure is reported through tb once, by one Errorf and one FailNow: with the
// smallest case that was found. An implementation that the law says nothing of is skipped.
//
// The number of cases, the seed and the time for shrinking are rapid's flags, or its environment variables. Outside of
// a test, call testing.Init and flag.Parse first.
func (l Law[T]) Run(tb rapid.TB, impl pool2d.Impl[T]) {
	tb.Helper()
	l.run(tb, impl, newSubject(impl))
}

func (l Law[T]) run(tb rapid.TB, impl pool2d.Impl[T], s *subject[T]) {
	tb.Helper()
	if err := sound(impl); err != nil {
		tb.Errorf("%v", err)
		tb.FailNow()
		return
	}
	if why := l.Skips(impl); why != "" {
		tb.Skipf("%s says nothing here: %s", l.Name, why)
		return
	}
	shard()
	r := &reporter[T]{TB: tb, law: l, subject: s}
	rapid.Check(r, r.property(draw(impl, l.ask)))
}

// sound returns what makes an implementation nothing that could be judged.
func sound[T pool2d.Elem](impl pool2d.Impl[T]) error {
	if err := impl.Validate(); err != nil {
		return err
	}
	if both := pool2d.MaxOp | pool2d.AvgOp; impl.Lacks&both == both {
		return fmt.Errorf("props: %q lacks both MaxOp and AvgOp: there is nothing to judge", impl.Name)
	}
	return nil
}

// Run checks every law on impl, each in a subtest of its own. The first laws are about answering at all; where they
// fail, or where a call does not return, the others are skipped and point to them: one cause, one report.
// Run does not close impl.
func Run[T pool2d.Elem](t *testing.T, impl pool2d.Impl[T]) {
	t.Helper()
	if err := sound(impl); err != nil {
		t.Error(err)
		return
	}
	s := newSubject(impl)
	broken := ""
	for _, l := range All[T]() {
		ok := t.Run(l.Name, func(t *testing.T) {
			if broken != "" {
				t.Skipf("see %s", broken)
			}
			l.run(t, impl, s)
		})
		if !ok && broken == "" && (s.dead.Load() != nil || l.Name == "answers" || l.Name == "shape_formula") {
			broken = l.Name
		}
	}
}

// reporter stands between rapid and a test. Rapid searches and shrinks; the reporter says what was found, once.
type reporter[T pool2d.Elem] struct {
	rapid.TB
	law     Law[T]
	subject *subject[T]

	passed int     // how many cases passed before one broke the law
	last   Case[T] // the last case that broke the law
	broken error
	said   string // what rapid said of it
	failed bool
}

// casesPerCheck is how many cases a check of rapid's judges: with its default of 100 checks, as many as make Run about
// 10 s long for float32 on two cores.
const casesPerCheck = 5

// property is the law as rapid checks it. What it stops with is always the same text: rapid compares it, and the words
// of an implementation's errors may differ from call to call.
func (r *reporter[T]) property(cases *rapid.Generator[Case[T]]) func(*rapid.T) {
	return func(t *rapid.T) {
		n := casesPerCheck
		if r.law.once {
			n = 1
		}
		for range n { // shrinking takes away those that passed
			c := cases.Draw(t, "case")
			if err := r.law.check(r.subject, c); err != nil {
				if r.broken == nil || r.subject.dead.Load() == nil { // rapid asks again, and a dead subject only repeats itself
					r.last, r.broken = c, err
				}
				stop(t, fmt.Sprintf("%s breaks %s: %s", r.subject.impl.Name, r.law.Name, r.law.Law))
			}
			if r.broken == nil {
				r.passed++
			}
		}
	}
}

// stop ends a check of rapid's that has found something. It is the one place that does: rapid shrinks only while the
// trace of calls stays the same.
func stop(t *rapid.T, said string) { t.Fatalf("%s", said) }

func (r *reporter[T]) Logf(format string, args ...any) {
	if !r.failed { // rapid repeats the case draw by draw; the report has it whole
		r.TB.Helper()
		r.TB.Logf(format, args...)
	}
}

func (r *reporter[T]) Log(args ...any) {
	if !r.failed {
		r.TB.Helper()
		r.TB.Log(args...)
	}
}

func (r *reporter[T]) Errorf(format string, args ...any) {
	r.failed = true
	r.said = fmt.Sprintf(format, args...)
}

func (r *reporter[T]) Failed() bool { return r.failed || r.TB.Failed() }

var repeatFlag = regexp.MustCompile(`-rapid\.seed=\d+|-rapid\.failfile="[^"]*"`)

// FailNow ends the check: it makes the report.
func (r *reporter[T]) FailNow() {
	r.TB.Helper()
	if r.failed && r.broken == nil {
		r.TB.Errorf("%s", r.said) // rapid itself has something to say
	} else if r.failed {
		c, err := tidy(r.law, r.subject, r.last, r.broken)
		rep := report[T]{law: r.law, impl: r.subject.impl, c: c, broken: err}
		if flags := repeatFlag.FindAllString(r.said, -1); len(flags) > 0 {
			rep.again = "go test -run '" + runPattern(r.TB.Name()) + "' " + flags[len(flags)-1]
		}
		rep.after = fmt.Sprint(r.passed)
		rep.flaky = strings.Contains(r.said, "flaky test")
		rep.dir = artifactDir(r.TB)
		r.TB.Errorf("%s", rep.text())
	}
	r.TB.FailNow()
}

// runPattern returns the -run pattern that matches a test of this name alone.
func runPattern(name string) string {
	parts := strings.Split(name, "/")
	for i, part := range parts {
		parts[i] = "^" + regexp.QuoteMeta(part) + "$"
	}
	return strings.Join(parts, "/")
}

// artifactDir returns where a test keeps files, or "" if tb does not.
func artifactDir(tb rapid.TB) string {
	if t, ok := tb.(interface{ ArtifactDir() string }); ok {
		return t.ArtifactDir()
	}
	return ""
}

// Replay checks on the given cases every law that says something of them. Its cases are the literals of a failure
// report; they stay in a test when the bug is fixed.
func Replay[T pool2d.Elem](t *testing.T, impl pool2d.Impl[T], cases ...Case[T]) {
	t.Helper()
	if err := sound(impl); err != nil {
		t.Error(err)
		return
	}
	for _, c := range cases {
		t.Run(c.String(), func(t *testing.T) {
			t.Helper()
			if err := c.valid(); err != nil {
				t.Error(err)
				return
			}
			c.Src = c.Src.In(pool2d.NCHW)
			if missing := needs(c) & impl.Lacks; missing != 0 {
				t.Skipf("%s lacks %v", impl.Name, missing)
			}
			s := newSubject(impl)
			for _, l := range All[T]() {
				if l.Skips(impl) != "" || l.takes != nil && !l.takes(c) || s.dead.Load() != nil {
					continue
				}
				if err := l.check(s, c); err != nil {
					rep := report[T]{law: l, impl: impl, c: c, broken: err, dir: artifactDir(t)}
					t.Error(rep.text())
				}
			}
		})
	}
}

// Fuzz searches for a case that breaks a law under go test -fuzz, led by what the search covers in impl; it draws the law
// too. Without -fuzz it judges the inputs that it starts from, and those in testdata/fuzz.
//
//	func FuzzMine(f *testing.F) { props.Fuzz(f, mine) }
//
//	go test -fuzz FuzzMine -fuzztime 1h -fuzzminimizetime 1x
//
// An input is eight bytes for each decision that is drawn, so minimizing it byte by byte, as go test does before it
// reports, is a waste: the report is about a case that Fuzz made plain itself.
func Fuzz[T pool2d.Elem](f *testing.F, impl pool2d.Impl[T]) {
	f.Helper()
	if err := sound(impl); err != nil {
		f.Error(err)
		return
	}
	var laws []Law[T]
	for _, l := range All[T]() {
		if l.Skips(impl) == "" {
			l.ask.large = 0 // many inputs rather than large ones
			laws = append(laws, l)
		}
	}
	random := stream(1)
	for range fuzzStarts {
		input := make([]byte, fuzzBytes)
		for i := range input {
			input[i] = byte(random.next())
		}
		f.Add(input)
	}
	s := newSubject(impl)
	cases := rapid.Custom(func(t *rapid.T) fuzzed[T] {
		l := laws[upTo(t, len(laws)-1)]
		return fuzzed[T]{draw(impl, l.ask).Draw(t, "case"), l}
	})
	f.Fuzz(rapid.MakeFuzz(func(t *rapid.T) {
		x := cases.Draw(t, "case")
		if err := x.law.check(s, x.Case); err != nil {
			c, err := tidy(x.law, s, x.Case, err)
			stop(t, report[T]{law: x.law, impl: impl, c: c, broken: err}.text())
		}
	}))
}

// fuzzed is what a fuzzer's input says: a case and the law to judge it by. Its GoString is the case's.
type fuzzed[T pool2d.Elem] struct {
	Case[T]
	law Law[T]
}

// fuzzStarts is how many inputs a search starts from, and fuzzBytes how long they are: eight bytes for each decision
// that is drawn, of which a case takes about 150.
const (
	fuzzStarts = 64
	fuzzBytes  = 8 * 512
)

// valid returns why the case is no valid call, if it is not.
func (c Case[T]) valid() error {
	if err := c.Src.Validate(); err != nil {
		return err
	}
	_, err := pool2d.OutputShape(c.Src.Shape, c.Params)
	return err
}
