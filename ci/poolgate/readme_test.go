package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"example.com/pool2d"
	"example.com/pool2d/ci/poolgate/internal/photo"
)

var update = flag.Bool("update", false, "rewrite the outputs in README.md")

const readme = "../../README.md"

// A block is a fenced part of the README; the comment before it says how it is tested.
var blockPattern = regexp.MustCompile("(?m)(?:^<!-- tested: (.*) -->\n)?^```(\\w+)\n((?s:.*?))^```\n")

// blocks returns the tested blocks by their names. Those of the shell need no name: TestReadmeCommands reads them all.
func blocks(t *testing.T) map[string]string {
	t.Helper()
	data, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, m := range blockPattern.FindAllStringSubmatch(string(data), -1) {
		if m[1] == "" && m[2] != "sh" {
			t.Errorf("a block is not tested:\n%s", m[3])
		}
		all[m[1]] = m[3]
	}
	return all
}

// checkOutput holds that a block of the README is what was printed, or makes it so.
func checkOutput(t *testing.T, name, got string) {
	t.Helper()
	want := blocks(t)[name]
	if got == want {
		return
	}
	if !*update {
		t.Errorf("README.md, %s: got\n%s\nwant\n%s\ngo test ./ci/poolgate -run Readme -update rewrites it", name, got, want)
		return
	}
	data, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	head := "<!-- tested: " + name + " -->\n```text\n"
	before, rest, found := strings.Cut(string(data), head)
	if !found {
		t.Fatalf("README.md has no block %q", name)
	}
	if err := os.WriteFile(readme, []byte(before+head+got+strings.TrimPrefix(rest, want)), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestReadmeHelp(t *testing.T) {
	var out, errs bytes.Buffer
	if code := run([]string{"help"}, &out, &errs); code != 0 || errs.Len() > 0 {
		t.Fatalf("exit %d: %s", code, &errs)
	}
	checkOutput(t, "output help", out.String())
}

func TestReadmeShifts(t *testing.T) {
	var out bytes.Buffer
	printShifts(&out, photo.Shifts(photo.Embedded()))
	checkOutput(t, "output shifts", out.String())
}

// Every command that the README shows is one that there is, with the flags that it has.
func TestReadmeCommands(t *testing.T) {
	data, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	commandsShown := regexp.MustCompile("go run \\./ci/poolgate([^`\n]*)").FindAllStringSubmatch(string(data), -1)
	if len(commandsShown) < 4 {
		t.Fatalf("%d commands found", len(commandsShown))
	}
	for _, m := range commandsShown {
		words := strings.Fields(strings.TrimRight(m[1], ".,;:)"))
		args := []string{"-h"}
		if len(words) > 0 && !strings.HasPrefix(words[0], "-") {
			args = []string{words[0], "-h"}
			if words[0] == "help" {
				args = args[:1]
			}
		}
		var out bytes.Buffer
		if code := run(args, &out, &out); code != 0 {
			t.Errorf("poolgate%s: poolgate %v exits %d:\n%s", m[1], args, code, &out)
		}
		for _, word := range words {
			if name, isFlag := strings.CutPrefix(word, "-"); isFlag && !regexp.MustCompile(`(?m)^  -`+name+`\b`).MatchString(out.String()) {
				t.Errorf("poolgate%s: there is no flag %s", m[1], word)
			}
		}
	}
	// Links into the tree lead somewhere.
	for _, m := range regexp.MustCompile(`\]\(([^):]+)\)`).FindAllStringSubmatch(string(data), -1) {
		if _, err := os.Stat(filepath.Join("../..", m[1])); err != nil {
			t.Errorf("a link leads nowhere: %s", m[1])
		}
	}
}

// A module of its own plugs in as the README says, passes, and with a planted off-by-one is told the smallest case.
func TestReadmeDownstream(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds and tests another module")
	}
	dir := filepath.Join(t.TempDir(), "mypool")
	write := func(name, text string) {
		t.Helper()
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	all := blocks(t)
	for _, name := range []string{"max.go", "max_test.go", "hello/main.go"} {
		if all["file "+name] == "" {
			t.Fatalf("README.md has no %s", name)
		}
		write(name, all["file "+name])
	}
	write("go.mod", "module mypool\n\ngo 1.26.0\n")
	sums, err := os.ReadFile("../../go.sum")
	if err != nil {
		t.Fatal(err)
	}
	write("go.sum", string(sums)) // so that nothing is fetched
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	command := func(words ...string) (string, error) {
		cmd := exec.CommandContext(t.Context(), words[0], words[1:]...)
		cmd.Dir = dir
		cmd.Env = append(cmd.Environ(), "GOFLAGS=-mod=mod", "GOWORK=off", "RAPID_SEED=1", "RAPID_NOFAILFILE=true", "RAPID_CHECKS=40")
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	for line := range strings.Lines(all["commands"]) {
		out, err := command(strings.Fields(strings.ReplaceAll(line, "../pool2d", root))...)
		if err != nil {
			t.Fatalf("%s: %v\n%s", line, err, out)
		}
	}

	// A part of a campaign, a short one.
	t.Setenv("POOL2D_SHARD", "1/4")
	for _, name := range []string{"campaign github", "campaign kubernetes"} {
		words := strings.Fields(regexp.MustCompile(`go test .*`).FindString(all[name]))
		for i, word := range words {
			words[i] = strings.ReplaceAll(word, "1000000", "8")
		}
		if len(words) < 3 || !strings.Contains(all[name], "POOL2D_SHARD") {
			t.Fatalf("README.md, %s: no command in\n%s", name, all[name])
		}
		if out, err := command(words...); err != nil {
			t.Fatalf("%v: %v\n%s", words, err, out)
		}
	}
	os.Unsetenv("POOL2D_SHARD")

	out, err := command("go", "run", "./hello")
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	checkOutput(t, "output hello", out)

	right, wrong := "b := range k {", "b := range k - 1 {"
	if !strings.Contains(all["file max.go"], right) {
		t.Fatalf("max.go has no %q", right)
	}
	write("max.go", strings.Replace(all["file max.go"], right, wrong, 1))
	out, err = command("go", "test", "-run", "TestMaxPool/equals_reference")
	if err == nil {
		t.Fatalf("an off-by-one passes:\n%s", out)
	}
	var name string
	if _, err := fmt.Sscanf(out[max(0, strings.Index(out, "case ")):], "case %s", &name); err != nil {
		t.Fatalf("no case is reported:\n%s", out)
	}
	d, err := pool2d.ParseDescriptor(name)
	if err != nil || d.Shape.N*d.Shape.C*d.Shape.H*d.Shape.W > 4 || max(d.Params.Kernel.H, d.Params.Kernel.W) > 2 {
		t.Errorf("%s is not the smallest case (%v)", name, err)
	}
	var report []string
	for line := range strings.Lines(out) { // without what go test says of times
		if !regexp.MustCompile(`^(FAIL|exit|\s*--- FAIL)`).MatchString(line) {
			line = regexp.MustCompile(`^\s+\w+\.go:\d+: `).ReplaceAllString(line, "")
			report = append(report, strings.TrimPrefix(line, "            "))
		}
	}
	checkOutput(t, "output planted", strings.Join(report, ""))
}

// The comment that says "in nine lines" is right.
func TestReadmePlugIsShort(t *testing.T) {
	_, body, found := strings.Cut(blocks(t)["file max_test.go"], "func TestMaxPool(t *testing.T) {\n")
	if n := slices.Index(strings.Split(body, "\n"), "}"); !found || n >= 10 {
		t.Errorf("the plug has %d lines, want less than ten", n)
	}
}
