package props_test

import (
	"fmt"
	"runtime"
	"testing"

	"pgregory.net/rapid"

	"example.com/pool2d"
	"example.com/pool2d/props"
)

func procs() int { return runtime.GOMAXPROCS(0) }

// recorder is a test that writes down what it is told.
type recorder struct {
	rapid.TB // for what a recorder has no use for
	name     string
	errors   []string
	logs     []string
	failed   bool
	skipped  string
	dir      string
}

type stop struct{}

func (r *recorder) Helper()      {}
func (r *recorder) Name() string { return r.name }
func (r *recorder) Logf(format string, args ...any) {
	r.logs = append(r.logs, fmt.Sprintf(format, args...))
}
func (r *recorder) Log(args ...any) { r.logs = append(r.logs, fmt.Sprint(args...)) }
func (r *recorder) Errorf(format string, args ...any) {
	r.failed, r.errors = true, append(r.errors, fmt.Sprintf(format, args...))
}
func (r *recorder) Failed() bool                     { return r.failed }
func (r *recorder) FailNow()                         { r.failed = true; panic(stop{}) }
func (r *recorder) Skipf(format string, args ...any) { r.skipped = fmt.Sprintf(format, args...) }

// ArtifactDir makes the recorder a test that keeps files.
func (r *recorder) ArtifactDir() string { return r.dir }

// run runs one law on an implementation, outside of a test's verdict.
func run(t *testing.T, law string, impl pool2d.Impl[float32]) (r *recorder) {
	t.Helper()
	set(t, "rapid.nofailfile", "true")
	set(t, "rapid.seed", "1")
	r = &recorder{name: "TestMine/" + law, dir: t.TempDir()}
	for _, l := range props.All[float32]() {
		if l.Name == law {
			func() {
				defer func() {
					if p := recover(); p != nil && p != (any)(stop{}) {
						panic(p)
					}
				}()
				l.Run(r, impl)
			}()
			return r
		}
	}
	t.Fatalf("there is no law %s", law)
	return nil
}
