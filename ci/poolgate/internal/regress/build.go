package regress

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
)

// A target is a package with benchmarks, on both sides.
type target struct {
	pkg      string // import path
	rel      string // from the module's directory, with slashes
	dir      string // head's directory: where both sides run, as both have head's tests
	missing  bool   // the base has no such package
	tested   bool   // the base has tests of its own
	overlay  map[string]string
	ownTests bool // head's tests do not compile on the base
}

// A builder makes test binaries of the two trees with one toolchain and the same flags.
type builder struct {
	tmp   string
	trees [2]tree
	hook  map[string]string // overlays package testing
	built map[program]string
}

func newBuilder(ctx context.Context, tmp string, trees [2]tree) (*builder, error) {
	goroot, err := output(ctx, trees[head].dir, buildEnv(), "go", "env", "GOROOT")
	if err != nil {
		return nil, err
	}
	hook, err := writeHook(goroot, filepath.Join(tmp, "hook"))
	return &builder{tmp: tmp, trees: trees, hook: hook, built: map[program]string{}}, err
}

// buildEnv pins the toolchain: a go.mod that asks for another must not change what is compared.
func buildEnv() []string { return append(os.Environ(), "GOTOOLCHAIN=local") }

// targets lists head's packages that match the patterns and have tests.
func (b *builder) targets(ctx context.Context, patterns []string) ([]*target, error) {
	out, err := output(ctx, b.trees[head].dir, buildEnv(), "go", append([]string{"list", "-f",
		"{{.ImportPath}}\t{{.Dir}}\t{{len .TestGoFiles}}{{len .XTestGoFiles}}"}, patterns...)...)
	if err != nil {
		return nil, fmt.Errorf("head: %w", err)
	}
	module, err := filepath.EvalSymlinks(b.trees[head].dir)
	if err != nil {
		return nil, err
	}
	var found []*target
	for line := range strings.Lines(out) {
		f := strings.Split(strings.TrimSpace(line), "\t")
		if len(f) != 3 || f[2] == "00" {
			continue
		}
		dir, err := filepath.EvalSymlinks(f[1])
		if err != nil {
			return nil, err
		}
		rel, err := filepath.Rel(module, dir)
		if err != nil {
			return nil, err
		}
		t := &target{pkg: f[0], rel: filepath.ToSlash(rel), dir: dir}
		if err := b.overlayTests(t); err != nil {
			return nil, err
		}
		found = append(found, t)
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("no package of %s has tests", strings.Join(patterns, ","))
	}
	return found, nil
}

// overlayTests finds how the base gets head's test files, so that both sides run the same benchmarks.
func (b *builder) overlayTests(t *target) error {
	onBase := filepath.Join(b.trees[base].dir, filepath.FromSlash(t.rel))
	if sources, err := filepath.Glob(filepath.Join(onBase, "*.go")); err != nil || len(sources) == 0 {
		t.missing = true
		return err
	}
	t.overlay = map[string]string{}
	theirs, err := filepath.Glob(filepath.Join(onBase, "*_test.go"))
	if err != nil {
		return err
	}
	t.tested = len(theirs) > 0
	for _, path := range theirs {
		t.overlay[path] = "" // gone, unless head has it
	}
	ours, err := filepath.Glob(filepath.Join(t.dir, "*_test.go"))
	if err != nil {
		return err
	}
	for _, path := range ours {
		there := filepath.Join(onBase, filepath.Base(path))
		was, err := os.ReadFile(there)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		is, err2 := os.ReadFile(path)
		if err2 != nil {
			return err2
		}
		if err == nil && bytes.Equal(was, is) {
			delete(t.overlay, there)
		} else {
			t.overlay[there] = path
		}
	}
	return nil
}

// A variant is one way to build a side of a target.
type variant struct {
	side   side
	own    bool   // with the base's own tests
	hooked bool   // with the hooked package testing
	layout uint64 // the seed of -randlayout; 0 for the linker's own order
}

// buildOwn builds the base as it is, to tell a base that does not compile from one that head's tests do not fit.
func (b *builder) buildOwn(ctx context.Context, t *target) (string, error) {
	if t.tested {
		return b.build(ctx, t, variant{side: base, own: true})
	}
	_, err := output(ctx, b.trees[base].dir, buildEnv(), "go", "build", "-o", os.DevNull, "./"+t.rel)
	if err != nil && ctx.Err() == nil {
		err = fmt.Errorf("base does not compile: %w", err)
	}
	return "", err
}

// A program is a variant of a target.
type program struct {
	*target
	variant
}

// build returns the path of the test binary of t, which it builds if it has not yet.
func (b *builder) build(ctx context.Context, t *target, v variant) (string, error) {
	if path := b.built[program{t, v}]; path != "" {
		return path, nil
	}
	path := filepath.Join(b.tmp, fmt.Sprintf("%s-%03d.test", v.side, len(b.built)))
	args := []string{"test", "-c", "-trimpath", "-buildvcs=false", "-o", path}
	overlay := map[string]string{}
	if v.side == base && !v.own {
		maps.Copy(overlay, t.overlay)
	}
	if v.hooked {
		maps.Copy(overlay, b.hook)
	}
	if len(overlay) > 0 {
		text, err := json.Marshal(map[string]any{"Replace": overlay})
		if err != nil {
			return "", err
		}
		if err := os.WriteFile(path+".overlay", text, 0o666); err != nil {
			return "", err
		}
		args = append(args, "-overlay", path+".overlay")
	}
	if v.layout != 0 {
		args = append(args, fmt.Sprintf("-ldflags=-s -w -randlayout=%d", v.layout))
	}
	if _, err := output(ctx, b.trees[v.side].dir, buildEnv(), "go", append(args, "./"+t.rel)...); err != nil {
		if ctx.Err() == nil {
			err = fmt.Errorf("%s does not compile: %w", v.side, err)
		}
		return "", err
	}
	b.built[program{t, v}] = path
	return path, nil
}
