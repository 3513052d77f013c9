package props_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"example.com/pool2d"
	"example.com/pool2d/props"
	"example.com/pool2d/reference"
)

// The contract's answer to a named case is what the reference answers, and some system answers otherwise.
func TestCases(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range props.Cases() {
		if seen[c.Name] {
			t.Errorf("two cases are called %s", c.Name)
		}
		seen[c.Name] = true
		if c.Title == "" || c.Source == "" || len(c.Answers) < 2 {
			t.Errorf("%s: want a title, a source and the answers of two systems at least", c.Name)
		}
		otherwise := false
		for _, a := range c.Answers {
			otherwise = otherwise || a.Answer != c.Contract
		}
		if !otherwise {
			t.Errorf("%s: every system answers %s", c.Name, c.Contract)
		}
		// Of long results only the cells are asked for.
		if got := answerOf(c.Case); got != c.Contract && strings.Split(got, " index")[0] != c.Contract {
			t.Errorf("%s: got %s, want %s", c.Name, got, c.Contract)
		}
	}
	if len(seen) < 40 {
		t.Errorf("%d named cases, want at least 40", len(seen))
	}
}

// answerOf writes the reference's answer as the named cases do.
func answerOf(c props.Case[float32]) string {
	y, err := reference.Pool2D(c.Src, c.Params)
	if err != nil {
		return "error"
	}
	var values []string
	for _, v := range y.Data {
		values = append(values, strconv.FormatFloat(float64(v), 'g', -1, 32))
	}
	s := fmt.Sprintf("%dx%d [%s]", y.H, y.W, strings.Join(values, " "))
	if c.Params.Op == pool2d.Max {
		_, indices, _ := reference.Pool2DIndices(c.Src, c.Params)
		s += fmt.Sprintf(" index %v", indices)
	}
	return s
}

func TestReplayNamedCases(t *testing.T) {
	props.Replay(t, referenceImpl[float32](pool2d.NCHW), props.Replayable()...)
}

func TestWriteCases(t *testing.T) {
	var b strings.Builder
	if err := props.WriteCases(&b); err != nil {
		t.Fatal(err)
	}
	for _, c := range props.Cases() {
		for _, want := range []string{c.Name + ": ", c.Contract, c.Source, c.Case.String()} {
			if !strings.Contains(b.String(), want) {
				t.Errorf("%s: the text lacks %q", c.Name, want)
			}
		}
	}
	if want := `
nan-second: NaN wins where it is the second tap
  case      n1c1h2w2_max_k2x2_s2x2
  cells     [1 NaN 3 4]
  contract  1x1 [NaN] index [1]
  answers   PyTorch: 1x1 [NaN] index [1]
`; !strings.Contains(b.String(), want) {
		t.Errorf("got\n%s\nwant in it%s", b.String(), want)
	}
}
