package props_test

import (
	"os"
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
