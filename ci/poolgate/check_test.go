package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestImportRules(t *testing.T) {
	c, err := newChecker(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(c.temp)
	if f := imports(t.Context(), c); f.outcome != kept {
		t.Error(f.detail)
	}
}

func TestBreaches(t *testing.T) {
	for _, c := range []struct{ name, list, want string }{
		{"none", "example.com/pool2d/bench false example.com/pool2d fmt\nexample.com/pool2d false fmt", ""},
		{"direct", "example.com/pool2d/optimized false example.com/pool2d/reference\nexample.com/pool2d/reference false fmt",
			"example.com/pool2d/optimized must not depend on example.com/pool2d/reference (through example.com/pool2d/optimized)"},
		{"through another", "example.com/pool2d/bench false example.com/pool2d/ci/x\nexample.com/pool2d/ci/x false example.com/pool2d/props\nexample.com/pool2d/props false fmt",
			"example.com/pool2d/bench must not depend on example.com/pool2d/props (through example.com/pool2d/ci/x)"},
		{"another module", "example.com/pool2d/reference false pgregory.net/rapid\npgregory.net/rapid false fmt",
			"example.com/pool2d/reference must not depend on pgregory.net/rapid (through example.com/pool2d/reference)"},
		{"standard library", "example.com/pool2d false fmt\nfmt true os", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			wrong, checked := breaches(c.list)
			if got := strings.Join(wrong, "\n"); !strings.Contains(got, c.want) || c.want == "" && got != "" {
				t.Errorf("got %s\nwant %s", got, c.want)
			}
			if checked == 0 {
				t.Error("no rule says anything")
			}
		})
	}
}

func TestCheckTable(t *testing.T) {
	step1 := func(name string, f finding) step {
		return step{name, func(context.Context, *checker) finding { return f }}
	}
	fine, bad, absent := step1("fine", good("2 files")), step1("bad", no("1 file", "what is wrong\n")), step1("absent", notRun("no compiler"))
	for _, c := range []struct {
		name  string
		steps []step
		code  int
		want  []string
	}{
		{"good", []step{fine}, 0, []string{"good: steps good 1, no 0, not run 0"}},
		{"not run is said", []step{fine, absent}, 0, []string{"good: steps good 1, no 0, not run 1", "absent  not run", "no compiler"}},
		{"no", []step{fine, bad, absent}, 1, []string{"NO: steps good 1, no 1, not run 1", "\n== bad\n\nwhat is wrong\n"}},
		{"nothing ran", []step{absent}, 2, []string{"COULD NOT RUN: steps good 0, no 0, not run 1"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out bytes.Buffer
			if code := (&checker{}).check(t.Context(), c.steps, &out, newProgress(&out)); code != c.code {
				t.Errorf("exit %d, want %d", code, c.code)
			}
			for _, want := range c.want {
				if !strings.Contains(out.String(), want) {
					t.Errorf("no %q in\n%s", want, &out)
				}
			}
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out bytes.Buffer
	if code := (&checker{}).check(ctx, []step{fine}, &out, newProgress(&out)); code != exitFailed {
		t.Errorf("interrupted: exit %d\n%s", code, &out)
	}
}

// Steps say no to what they are for, in a module that is a copy of a part of this one with faults.
func TestSteps(t *testing.T) {
	write := func(root, name, text string) {
		t.Helper()
		file := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	const right = "package x\n\nfunc F() int { return 1 }\n"
	for _, c := range []struct {
		name string
		run  func(context.Context, *checker) finding
		text string // of a file in a package
		want outcome
	}{
		{"formatted", formatted, right, kept},
		{"not formatted", formatted, "package x\nfunc  F() int { return 1 }\n", broken},
		{"not Go", formatted, "package", broken},
		{"vetted", succeeds("go", "vet", "./..."), right, kept},
		{"not vetted", succeeds("go", "vet", "./..."), "package x\n\nimport \"fmt\"\n\nfunc F() { fmt.Printf(\"%d\", \"x\") }\n", broken},
		{"not compiled", builds("linux", "arm64"), "package x\n\nfunc F() int { return }\n", broken},
	} {
		t.Run(c.name, func(t *testing.T) {
			checker := &checker{root: t.TempDir(), temp: t.TempDir()}
			write(checker.root, "go.mod", "module example.com/x\n\ngo 1.26.0\n")
			write(checker.root, "x/x.go", c.text)
			write(checker.root, "x/testdata/bad.go", "not Go")
			if f := c.run(t.Context(), checker); f.outcome != c.want {
				t.Errorf("got %+v, want %s", f, c.want)
			}
		})
	}
	t.Run("staticcheck cannot be had", func(t *testing.T) {
		checker := &checker{root: t.TempDir(), temp: t.TempDir()}
		if f := staticcheck(t.Context(), checker); f.outcome != unjudged || f.note == "" {
			t.Errorf("got %+v", f)
		}
	})
	t.Run("QEMU cannot be had", func(t *testing.T) {
		t.Setenv("PATH", t.TempDir())
		if f := lawsElsewhere("qemu-aarch64")(t.Context(), &checker{temp: t.TempDir()}); f.outcome != unjudged || !strings.Contains(f.note, "qemu-aarch64") {
			t.Errorf("got %+v", f)
		}
	})
	t.Run("a function without a body", func(t *testing.T) { // vet lets it pass, where there is assembly
		checker := &checker{root: t.TempDir(), temp: t.TempDir()}
		write(checker.root, "go.mod", "module example.com/x\n\ngo 1.26.0\n")
		write(checker.root, "main.go", "package main\n\nfunc f()\n\nfunc main() { f() }\n")
		write(checker.root, "empty.s", "")
		if f := builds("linux", "amd64")(t.Context(), checker); f.outcome != broken || !strings.Contains(f.detail, "main.f") {
			t.Errorf("got %+v", f)
		}
	})
}
