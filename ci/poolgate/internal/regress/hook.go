package regress

import (
	_ "embed"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
)

// What package testing prints of allocations is a quotient of integers: 9.985 of them read 9 in one run and 10 in the
// next. The totals behind it never leave the process. So a second program is built of each side, for counting alone,
// in which package testing is overlaid by a copy that prints the totals too. That serves every benchmark, of any style
// and at any depth, reads the same runtime.MemStats over the same span as ns/op, and changes no file of the package
// under test; the programs that are timed have the package testing that everyone has.
//
// The same copy lets selftest plant a slowdown: b.Loop spins for a set number of turns first.

//go:embed hook_testing.txt
var hookSource []byte

// Environment and units of the hook.
const (
	spinEnv     = "POOLGATE_SPIN"
	totalAllocs = "total-allocs"
	totalBytes  = "total-bytes"
)

// writeHook writes the hooked package testing below dir, and returns what it overlays.
func writeHook(goroot, dir string) (map[string]string, error) {
	original := filepath.Join(goroot, "src", "testing", "benchmark.go")
	text, err := os.ReadFile(original)
	if err != nil {
		return nil, err
	}
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, original, text, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	edits := map[string]string{ // by method: what its body begins with
		"MemString": "\n\treturn hookedMemString(r)\n",
		"Loop":      "\n\thookedLoop()\n",
	}
	var bodies []*ast.BlockStmt
	var inserts []string
	for _, decl := range file.Decls {
		f, isFunc := decl.(*ast.FuncDecl)
		if !isFunc || f.Recv == nil || edits[f.Name.Name] == "" {
			continue
		}
		bodies, inserts = append(bodies, f.Body), append(inserts, edits[f.Name.Name])
	}
	if len(bodies) != len(edits) {
		return nil, fmt.Errorf("%s has no MemString or no Loop to hook: allocations cannot be counted with this toolchain", original)
	}
	for i, body := range slices.Backward(bodies) {
		at := files.Position(body.Lbrace).Offset + 1
		text = slices.Insert(text, at, []byte(inserts[i])...)
	}
	overlay := map[string]string{
		original: filepath.Join(dir, "benchmark.go"),
		filepath.Join(goroot, "src", "testing", "hook.go"): filepath.Join(dir, "hook.go"),
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(dir, "benchmark.go"), text, 0o666); err != nil {
		return nil, err
	}
	return overlay, os.WriteFile(filepath.Join(dir, "hook.go"), hookSource, 0o666)
}
