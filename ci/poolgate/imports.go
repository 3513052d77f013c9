package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

const module = "example.com/pool2d"

// importRules say what a package of the module may link, directly or through others: of this module, and beyond the
// standard library. Independence is what makes one package a witness for or against another.
var importRules = []struct {
	pkg    string
	module []string // packages of the module; "..." ends a prefix
	others []string // prefixes of other modules
}{
	{module, nil, nil},
	{module + "/reference", []string{module}, nil},
	{module + "/optimized", []string{module}, []string{"golang.org/x/sys/"}},
	{module + "/bench", []string{module}, nil},
	{module + "/props", []string{module, module + "/reference", module + "/props/internal/..."}, []string{"pgregory.net/rapid", "github.com/google/go-cmp/"}},
	{module + "/props/mutants", []string{module}, nil},
	{module + "/props/testee", []string{module, module + "/props/internal/..."}, nil},
}

// imports holds the import rules.
func imports(ctx context.Context, c *checker) finding {
	out, err := c.command(ctx, nil, "go", "list", "-deps", "-f", "{{.ImportPath}} {{.Standard}} {{join .Imports \" \"}}", "./...")
	if err != nil {
		return no("", out)
	}
	wrong, checked := breaches(out)
	if wrong != nil {
		return no("", strings.Join(wrong, "\n"))
	}
	return good(fmt.Sprintf("%d packages", checked))
}

// breaches reads lines of a package, whether it is of the standard library, and its imports. It returns what the rules
// forbid, and how many packages they say something of.
func breaches(list string) (wrong []string, checked int) {
	direct := map[string][]string{}
	for line := range strings.Lines(list) {
		if words := strings.Fields(line); len(words) > 2 && words[1] == "false" {
			direct[words[0]] = words[2:]
		}
	}
	for _, rule := range importRules {
		if direct[rule.pkg] == nil {
			continue
		}
		checked++
		seen := map[string]bool{rule.pkg: true}
		for queue := []string{rule.pkg}; len(queue) > 0; queue = queue[1:] {
			for _, dep := range direct[queue[0]] {
				if direct[dep] == nil || seen[dep] { // of the standard library, or without imports
					continue
				}
				seen[dep] = true
				queue = append(queue, dep)
				may := func(allowed string) bool {
					return dep == allowed || strings.HasSuffix(allowed, "...") && strings.HasPrefix(dep, strings.TrimSuffix(allowed, "..."))
				}
				ours := dep == module || strings.HasPrefix(dep, module+"/")
				if ours && !slices.ContainsFunc(rule.module, may) ||
					!ours && !slices.ContainsFunc(rule.others, func(prefix string) bool { return strings.HasPrefix(dep, prefix) }) {
					wrong = append(wrong, fmt.Sprintf("%s must not depend on %s (through %s)", rule.pkg, dep, queue[0]))
				}
			}
		}
	}
	return wrong, checked
}
