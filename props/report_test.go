package props_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the golden files in testdata")

// Reports of planted bugs, whole: a change of words, of drawing or of shrinking shows here.
func TestReports(t *testing.T) {
	notUnderRace(t)
	for _, test := range []struct{ bug, law string }{
		{"global is refused", "answers"},
		{"ceil is not clipped", "shape_formula"},
		{"negative stride is accepted", "rejects_nonsense"},
		{"square root of a hair", "equals_reference"},
		{"overhang counts", "equals_reference"},
		{"wrong past column 30", "equals_reference"},
		{"padding is zero", "membership"},
		{"drops NaN", "nan_wins"},
		{"reads the next row", "impulse_response"},
		{"running sum", "locality"},
		{"different in channel 2", "channel_preservation"},
		{"pads of left for right", "flip"},
		{"stride of H for W", "transpose"},
		{"adds a constant", "linearity"},
		{"last of ties", "indices_order"},
		{"index of the tensor", "indices_in_window"},
		{"gradient assigned", "gradient_of_max"},
		{"gradient without divisor", "gradient_adjoint"},
		{"writes to the source", "source_untouched"},
		{"remainder is not written", "every_cell_written"},
		{"one buffer for all", "repeatable"},
		{"divisor cached", "sequences"},
	} {
		name := test.law + "-" + strings.ReplaceAll(test.bug, " ", "-")
		t.Run(name, func(t *testing.T) {
			r := run(t, test.law, planted(test.bug))
			if len(r.errors) != 1 {
				t.Fatalf("%d reports, want 1: %q", len(r.errors), r.errors)
			}
			got := strings.ReplaceAll(r.errors[0], r.dir, "$ARTIFACTS") + "\n"
			golden(t, filepath.Join("testdata", "reports", name+".txt"), got)
		})
	}
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o666); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs (rewrite it with go test ./props -run TestReports -update)\ngot:\n%s\nwant:\n%s", path, got, want)
	}
}
