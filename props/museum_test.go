package props_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"

	"example.com/pool2d"
	"example.com/pool2d/props"
	"example.com/pool2d/props/mutants"
)

// The museum tests the suite: every mutant must be killed by the law that it names, and no lawful variant accused.

// rapidFlags sets flags of rapid, which are the process's, and puts them back at the end of the test.
func rapidFlags(t *testing.T, settings ...string) {
	t.Helper()
	for i := 0; i < len(settings); i += 2 {
		f := flag.Lookup("rapid." + settings[i])
		was := f.Value.String()
		if err := f.Value.Set(settings[i+1]); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = f.Value.Set(was) })
	}
}

// A trial is a law judging an implementation, without failing the test that holds it.
type trial struct {
	name    string
	logs    []string
	report  string // what the law says of the implementation; empty if it passed
	skipped string
}

type ended struct{}

func (tr *trial) Helper()                   {}
func (tr *trial) Name() string              { return tr.name }
func (tr *trial) Logf(f string, a ...any)   { tr.logs = append(tr.logs, fmt.Sprintf(f, a...)) }
func (tr *trial) Log(a ...any)              { tr.logs = append(tr.logs, fmt.Sprint(a...)) }
func (tr *trial) Skipf(f string, a ...any)  { tr.skipped = fmt.Sprintf(f, a...); panic(ended{}) }
func (tr *trial) Skip(a ...any)             { tr.skipped = fmt.Sprint(a...); panic(ended{}) }
func (tr *trial) SkipNow()                  { tr.skipped = "skipped"; panic(ended{}) }
func (tr *trial) Errorf(f string, a ...any) { tr.report += fmt.Sprintf(f, a...) }
func (tr *trial) Error(a ...any)            { tr.report += fmt.Sprint(a...) }
func (tr *trial) Fatalf(f string, a ...any) { tr.Errorf(f, a...); panic(ended{}) }
func (tr *trial) Fatal(a ...any)            { tr.Error(a...); panic(ended{}) }
func (tr *trial) FailNow()                  { tr.Fail(); panic(ended{}) }
func (tr *trial) Failed() bool              { return tr.report != "" }
func (tr *trial) Fail() {
	if tr.report == "" {
		tr.report = "failed"
	}
}

// judge runs the law on the implementation.
func judge[T pool2d.Elem](law props.Law[T], impl pool2d.Impl[T]) (tr *trial) {
	tr = &trial{name: impl.Name}
	defer func() {
		if p := recover(); p != nil && p != (ended{}) {
			panic(p)
		}
	}()
	law.Run(tr, impl)
	return tr
}

var (
	passedBefore = regexp.MustCompile(`(?m)^after +(\d+) cases`)
	caseLine     = regexp.MustCompile(`(?m)^case +(\S+)`)
)

// cases returns how many cases it took to kill, the killing one among them.
func (tr *trial) cases() int {
	if m := passedBefore.FindStringSubmatch(tr.report); m != nil {
		n, _ := strconv.Atoi(m[1])
		return n + 1
	}
	return 0
}

// smallest returns the name of the counterexample, and how many cells it has.
func (tr *trial) smallest(t *testing.T) (name string, cells int) {
	t.Helper()
	m := caseLine.FindStringSubmatch(tr.report)
	if m == nil {
		t.Fatalf("%s: the report names no case:\n%s", tr.name, tr.report)
	}
	d, err := pool2d.ParseDescriptor(m[1])
	if err != nil {
		t.Fatal(err)
	}
	return m[1], d.Shape.N * d.Shape.C * d.Shape.H * d.Shape.W
}

// laws returns the laws by name.
func laws[T pool2d.Elem]() map[string]props.Law[T] {
	byName := map[string]props.Law[T]{}
	for _, law := range props.All[T]() {
		byName[law.Name] = law
	}
	return byName
}

// only returns the mutants of T that have no counterpart among those already judged as float32.
func only[T pool2d.Elem](judged map[string]bool) []mutants.Mutant[T] {
	var rest []mutants.Mutant[T]
	for _, m := range mutants.All[T]() {
		if !judged[m.ID] {
			judged[m.ID] = true
			rest = append(rest, m)
		}
	}
	return rest
}

func TestMuseum(t *testing.T) {
	notUnderRace(t)
	rapidFlags(t, "seed", "1", "shrinktime", "0s", "nofailfile", "true")
	judged := map[string]bool{}
	kill(t, only[float32](judged))
	kill(t, only[float64](judged))
	kill(t, only[int8](judged))
	t.Logf("%d mutants", len(judged))
}

// kill demands that each mutant dies of its law.
func kill[T pool2d.Elem](t *testing.T, all []mutants.Mutant[T]) {
	byName := laws[T]()
	for _, m := range all {
		t.Run(m.ID, func(t *testing.T) {
			law, ok := byName[m.Law]
			if !ok {
				t.Fatalf("no law is called %q", m.Law)
			}
			tr := judge(law, m.New())
			switch {
			case tr.skipped != "":
				t.Fatalf("%s says nothing of it: %s", m.Law, tr.skipped)
			case tr.report == "":
				t.Fatalf("%s lets it live: %s", m.Law, m.Title)
			}
			if testing.Verbose() {
				name, _ := tr.smallest(t)
				t.Logf("%s after %d cases: %s", m.Law, tr.cases(), name)
			}
		})
	}
}

func TestMuseumLawful(t *testing.T) {
	notUnderRace(t)
	t.Run("float32", func(t *testing.T) { acquit[float32](t, 1) })
	t.Run("float64", func(t *testing.T) { acquit[float64](t, 4) })
	t.Run("int8", func(t *testing.T) { acquit[int8](t, 4) })
}

// acquit demands that no law accuses a lawful variant, each time on a few cases; of each variant it asks one law in
// `of`, so that every law is asked of some. (The campaign asks all of all, at length.)
func acquit[T pool2d.Elem](t *testing.T, of int) {
	rapidFlags(t, "seed", "3", "checks", "1", "shrinktime", "1s", "nofailfile", "true")
	for i, v := range mutants.Lawful[T]() {
		t.Run(v.ID, func(t *testing.T) {
			impl := v.New()
			for j, law := range props.All[T]() {
				if (i+j)%of != 0 {
					continue
				}
				if tr := judge(law, impl); tr.report != "" {
					t.Errorf("%s is accused: %s\n%s", v.ID, v.Title, tr.report)
				}
			}
		})
	}
}

// Every record of the museum is a mutant's, or it is said why it has none.
func TestMuseumRecords(t *testing.T) {
	folder := os.Getenv("POOL2D_DATA")
	if folder == "" {
		t.Skip("POOL2D_DATA names no folder with museum.json")
	}
	text, err := os.ReadFile(filepath.Join(folder, "museum.json"))
	if err != nil {
		t.Fatal(err)
	}
	var records []struct{ ID string }
	if err := json.Unmarshal(text, &records); err != nil {
		t.Fatal(err)
	}
	covered := map[string]string{}
	cover := func(museum []string, by string) {
		for _, id := range museum {
			covered[id] = by
		}
	}
	for _, m := range mutants.All[float32]() {
		cover(m.Museum, m.ID)
	}
	for _, m := range mutants.All[float64]() {
		cover(m.Museum, m.ID)
	}
	for _, m := range mutants.All[int8]() {
		cover(m.Museum, m.ID)
	}
	for _, b := range mutants.Inexpressible() {
		if by := covered[b.Museum]; by != "" {
			t.Errorf("%s is said to be inexpressible, and has the mutant %s", b.Museum, by)
		}
		if b.Reason == "" {
			t.Errorf("%s: no reason", b.Museum)
		}
		covered[b.Museum] = "inexpressible"
	}
	for _, r := range records {
		if covered[r.ID] == "" {
			t.Errorf("%s has neither a mutant nor a reason", r.ID)
		}
		delete(covered, r.ID)
	}
	for id, by := range covered {
		t.Errorf("%s names %s, which the museum does not have", by, id)
	}
}
