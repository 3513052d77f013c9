package props_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"example.com/pool2d/props"
)

// The package doc names every law.
func TestDoc(t *testing.T) {
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	_, laws, ok := strings.Cut(string(doc), "// # The laws\n")
	if !ok {
		t.Fatal("doc.go has no section on the laws")
	}
	laws, _, _ = strings.Cut(laws, "// # How to add")
	words := strings.Fields(laws)
	for _, l := range props.All[float32]() {
		named := 0
		for _, w := range words {
			if w == l.Name {
				named++
			}
		}
		if named != 1 {
			t.Errorf("the doc names %s %d times, want once", l.Name, named)
		}
		if strings.HasSuffix(l.Law, ".") || l.Law == "" {
			t.Errorf("%s: %q, want a sentence without its period", l.Name, l.Law)
		}
	}
}

// A law that no mutant dies of alone says in its doc why it stays; one that has such a mutant says nothing.
func TestLawsAreArguedFor(t *testing.T) {
	const phrase = "It stays because "
	museum, err := os.ReadFile("MUSEUM.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rows, _ := strings.Cut(string(museum), "\n## The laws\n")
	rows, _, _ = strings.Cut(rows, "\n## ")
	alone := map[string]string{}
	for row := range strings.Lines(rows) {
		if cells := strings.Split(row, "|"); len(cells) == 7 {
			alone[strings.TrimSpace(cells[1])] = strings.TrimSpace(cells[5])
		}
	}
	files, err := filepath.Glob("law_*.go")
	if err != nil {
		t.Fatal(err)
	}
	docs := map[string]string{} // of checks, by name without case
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok {
				docs[strings.ToLower(f.Name.Name)] = strings.ReplaceAll(f.Doc.Text(), "\n", " ")
			}
		}
	}
	for _, l := range props.All[float32]() {
		doc, ok := docs[strings.ReplaceAll(l.Name, "_", "")]
		_, why, argued := strings.Cut(doc, phrase)
		switch by, recorded := alone[l.Name]; {
		case !ok:
			t.Errorf("%s: no check in a law_ file has its name", l.Name)
		case !recorded:
			t.Errorf("%s has no row in MUSEUM.md", l.Name)
		case by == "" && len(strings.Fields(why)) < 8:
			t.Errorf("%s: no mutant dies of it alone, and its doc does not say that %q", l.Name, phrase+"…")
		case by != "" && argued:
			t.Errorf("%s: %s dies of it alone, and its doc argues for it all the same", l.Name, by)
		}
	}
}
