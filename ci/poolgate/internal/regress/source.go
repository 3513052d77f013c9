package regress

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// worktree is the head that stands for the files as they lie there, committed or not.
const worktree = "worktree"

// A tree is a module at a revision, checked out.
type tree struct {
	dir    string // of the module
	rev    string // as the user named it
	commit string
	time   string // of the commit, RFC 3339
}

func (t tree) String() string {
	if t.commit == "" {
		return "unknown"
	}
	if t.rev == "" || strings.HasPrefix(t.commit, t.rev) {
		return short(t.commit)
	}
	return fmt.Sprintf("%s (%s)", t.rev, short(t.commit))
}

func short(commit string) string { return commit[:min(len(commit), 10)] }

// A source is the two trees of a session in a git repository.
type source struct {
	repo   string // top of the user's work tree
	module string // the module in it
	trees  [2]tree
	made   []string // work trees to remove
}

// checkout finds the revisions and lays their trees below tmp. The head is read in place if it is the work tree.
func checkout(ctx context.Context, module, tmp string, revs [2]string) (*source, error) {
	top, err := git(ctx, module, "rev-parse", "--show-toplevel")
	if err != nil {
		return nil, err
	}
	prefix, err := git(ctx, module, "rev-parse", "--show-prefix")
	if err != nil {
		return nil, err
	}
	src := &source{repo: top, module: module}
	for s, rev := range revs {
		at := "HEAD"
		if rev != worktree {
			at = rev
		}
		commit, err := git(ctx, module, "rev-parse", "--verify", "--quiet", "--end-of-options", at+"^{commit}")
		if err != nil {
			return nil, fmt.Errorf("%s revision %q does not exist in %s", side(s), rev, top)
		}
		when, err := git(ctx, module, "show", "--no-patch", "--format=%cI", commit)
		if err != nil {
			return nil, err
		}
		src.trees[s] = tree{dir: module, rev: rev, commit: commit, time: when}
	}
	for s, rev := range revs {
		if rev == worktree {
			continue
		}
		dir := filepath.Join(tmp, side(s).String())
		src.made = append(src.made, dir)
		if _, err := git(ctx, module, "worktree", "add", "--quiet", "--detach", dir, src.trees[s].commit); err != nil {
			src.remove(ctx)
			return nil, err
		}
		src.trees[s].dir = filepath.Join(dir, filepath.FromSlash(prefix))
		if _, err := os.Stat(filepath.Join(src.trees[s].dir, "go.mod")); err != nil {
			src.remove(ctx)
			return nil, fmt.Errorf("%s has no module at %s: %w", rev, filepath.Join(".", prefix), err)
		}
	}
	return src, nil
}

// remove takes away the work trees that checkout made, even after an interrupt.
func (src *source) remove(ctx context.Context) {
	for _, dir := range src.made {
		if _, err := git(context.WithoutCancel(ctx), src.module, "worktree", "remove", "--force", dir); err != nil {
			os.RemoveAll(dir)
		}
	}
	git(context.WithoutCancel(ctx), src.module, "worktree", "prune")
}

// accepted returns the reasons of the Perf-Accept trailers between the two trees, by benchmark, and complaints about
// trailers without a reason, which accept nothing.
func (src *source) accepted(ctx context.Context) (reasons map[string]string, complaints []string, err error) {
	out, err := git(ctx, src.module, "log", "--format=%h%x1f%(trailers:key=Perf-Accept,valueonly,unfold,separator=%x1f)",
		src.trees[base].commit+".."+src.trees[head].commit)
	if err != nil {
		return nil, nil, err
	}
	reasons = map[string]string{}
	for line := range strings.Lines(out) {
		commit, trailers, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\x1f")
		for trailer := range strings.SplitSeq(trailers, "\x1f") {
			name, reason, _ := strings.Cut(strings.TrimSpace(trailer), " ")
			switch reason = strings.TrimSpace(reason); {
			case name == "":
			case reason == "":
				complaints = append(complaints, fmt.Sprintf("Perf-Accept: %s in %s gives no reason, so it accepts nothing", name, commit))
			default:
				reasons[name] = reason + " (" + commit + ")"
			}
		}
	}
	return reasons, complaints, nil
}

// git runs a git command in dir and returns what it prints.
func git(ctx context.Context, dir string, args ...string) (string, error) {
	return output(ctx, dir, nil, "git", args...)
}

// output runs a command and returns its standard output without the last newline. What it says on standard error is
// the error's text.
func output(ctx context.Context, dir string, env []string, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Env = dir, env
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if stopped(ctx, err) {
		return "", ctx.Err()
	}
	if err != nil {
		said := strings.TrimSpace(stderr.String() + stdout.String())
		if errors.Is(err, exec.ErrNotFound) || said == "" {
			said = err.Error()
		}
		return "", fmt.Errorf("%s %s: %s", name, args[0], said)
	}
	return strings.TrimSuffix(stdout.String(), "\n"), nil
}

// stopped reports whether an interrupt ended a command. The terminal sends it to the command too, which may die of it
// before the context is cancelled here.
func stopped(ctx context.Context, err error) bool {
	var exit *exec.ExitError
	if errors.As(err, &exit) && !exit.Exited() {
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	}
	return ctx.Err() != nil
}
