package props

import (
	"math"
	"strings"
	"testing"

	"example.com/pool2d"
)

func over(d int) func(int) int { return func(int) int { return d } }

func TestJudgeMean(t *testing.T) {
	inf := float32(math.Inf(1))
	nan := float32(math.NaN())
	const big = math.MaxFloat32
	for _, test := range []struct {
		name  string
		terms []float32
		d     int
		got   float32
		ok    bool
	}{
		{"no tap is 0", nil, 0, 0, true},
		{"no tap is not NaN", nil, 0, nan, false},
		{"exact", []float32{1, 2, 3, 4}, 4, 2.5, true},
		{"exact, a hair off", []float32{1, 2, 3, 4}, 4, 2.5000002, false},
		{"exact, but not a power of two", []float32{1, 1, 2}, 3, 1.3333334, true},
		{"the neighbour is within the bound", []float32{1, 1, 2}, 3, 1.3333333, true},
		{"six units are not", []float32{1, 1, 2}, 3, 1.3333334 + 6*0x1p-23, false},
		{"0.1 three times need not be 0.1", []float32{0.1, 0.1, 0.1}, 3, 0.1 + 0x1p-27, true},
		{"cancellation: the bound is on the sum of magnitudes", []float32{1e8, 1, -1e8}, 3, 0, true},
		{"cancellation, far off", []float32{1e8, 1, -1e8}, 3, 60, false},
		{"NaN", []float32{1, nan}, 2, nan, true},
		{"NaN dropped", []float32{1, nan}, 2, 1, false},
		{"both infinities", []float32{inf, -inf}, 2, nan, true},
		{"both infinities, one answered", []float32{inf, -inf}, 2, inf, false},
		{"one infinity", []float32{inf, 1}, 2, inf, true},
		{"one infinity, the other answered", []float32{inf, 1}, 2, -inf, false},
		{"one infinity beside what may overflow to the other", []float32{inf, -big, -big}, 3, nan, true},
		{"one sign beyond the limit, infinity", []float32{big, big}, 2, inf, true},
		{"one sign beyond the limit, the mean", []float32{big, big}, 2, big, true},
		{"one sign beyond the limit, something else", []float32{big, big}, 2, 1, false},
		{"one sign beyond the limit, the wrong infinity", []float32{big, big}, 2, -inf, false},
		{"both signs beyond the limit: free", []float32{big, big, -big}, 3, nan, true},
		{"below the limit, infinity", []float32{1e37, 1e37}, 2, inf, false},
		{"the least subnormal halved, down", []float32{math.SmallestNonzeroFloat32}, 2, 0, true},
		{"the least subnormal halved, up", []float32{math.SmallestNonzeroFloat32}, 2, math.SmallestNonzeroFloat32, true},
		{"a subnormal flushed to zero", []float32{0x1p-130}, 1, 0, false},
		{"a divisor that is not exact", []float32{1 << 24}, 1<<24 + 1, 1, true},
		{"−0 for 0", []float32{0, 0}, 2, float32(math.Copysign(0, -1)), true},
	} {
		if v := judgeMean(test.terms, over(test.d), test.got); v.ok != test.ok {
			t.Errorf("%s: ok = %v (%s), want %v", test.name, v.ok, v.note, test.ok)
		}
	}
}

// A quick verdict is never kinder than the exact one, and both know what a lawful average is: in order, in pairs,
// by a reciprocal, scaled first.
func TestJudgeMeanLawful(t *testing.T) {
	testLawful[float32](t)
	testLawful[float64](t)
}

func testLawful[T float32 | float64](t *testing.T) {
	random := stream(1)
	for range 1000 {
		m := 1 + random.below(60)
		d := m + random.below(3)
		terms := make([]T, m)
		for i := range terms {
			terms[i] = T(math.Ldexp(random.real()*2-1, random.below(12)))
		}
		var inOrder, scaled T
		c := 1 / T(d)
		for _, v := range terms {
			inOrder += v
			scaled += v * c
		}
		pairs := append([]T(nil), terms...)
		for len(pairs) > 1 {
			for i := range len(pairs) / 2 {
				pairs[i] = pairs[2*i] + pairs[2*i+1]
			}
			if len(pairs)%2 == 1 {
				pairs[len(pairs)/2] = pairs[len(pairs)-1]
			}
			pairs = pairs[:(len(pairs)+1)/2]
		}
		for name, got := range map[string]T{"in order": inOrder / T(d), "reciprocal": inOrder * c, "scaled first": scaled, "pairs": pairs[0] / T(d)} {
			if v := judgeMean(terms, over(d), got); !v.ok {
				t.Fatalf("%s of %v over %d: %s", name, terms, d, v.note)
			}
		}
		// What is off by more than the bound is refused, by the quick verdict as by the exact one.
		wrong := inOrder/T(d) + T(boundMean(terms, d)*2.2)
		if v := judgeMean(terms, over(d), wrong); v.ok {
			t.Fatalf("%v over %d: %v is accepted", terms, d, wrong)
		}
		if quick(formatOf[T](), terms, over(d), wrong) {
			t.Fatalf("%v over %d: %v is accepted at once", terms, d, wrong)
		}
	}
}

// The note of a refused average states its error in units of the bound.
func TestJudgeMeanNote(t *testing.T) {
	v := judgeMean([]float32{1, 1, 2}, over(3), 1.5)
	if v.want != "1.3333334" || !strings.HasPrefix(v.note, "off by 0.167, 3.5e+05 times the bound 4.77e-07 = γ(6)·1.333 + 4·η") {
		t.Errorf("got want %q, note %q", v.want, v.note)
	}
}

func TestJudgeInteger(t *testing.T) {
	for _, test := range []struct {
		terms []int8
		d     int
		want  int8
	}{
		{nil, 0, 0}, {[]int8{1, 2}, 2, 2}, {[]int8{-1, -2}, 2, -2}, {[]int8{1, 0, 0}, 3, 0}, {[]int8{-1, -1, 0}, 3, -1},
		{[]int8{127, 127}, 1, 127}, {[]int8{-128, -128}, 1, -128}, {[]int8{5}, 1 << 40, 0}, {[]int8{1}, math.MaxInt, 0},
	} {
		if got := judgeInteger(test.terms, test.d); got != test.want {
			t.Errorf("%v over %d: got %d, want %d", test.terms, test.d, got, test.want)
		}
	}
}

// Where no window has a tap, or all have, windows are where the formula of package pool2d puts them.
func TestGeometry(t *testing.T) {
	g := geometryOf(pool2d.Shape{N: 1, C: 1, H: 1, W: 5}, pool2d.Params{
		Kernel: pool2d.HW{H: 2, W: 3}, Stride: pool2d.HW{H: 1, W: 2}, Dilation: pool2d.HW{H: 2, W: 1},
		Pad: pool2d.Pad{Top: 1, Bottom: 1, Left: 1, Right: 1}, CountPad: true,
	})
	if len(g.rows) != 1 || len(g.rows[0].taps) != 0 || g.rows[0].counted != 2 {
		t.Errorf("rows: %+v", g.rows)
	}
	if got := g.cols[0]; len(g.cols) != 3 || len(got.taps) != 2 || got.taps[0] != 0 || got.counted != 3 {
		t.Errorf("columns: %+v", g.cols)
	}
	far := geometryOf(pool2d.Shape{N: 1, C: 1, H: 3, W: 3}, pool2d.Params{
		Kernel: pool2d.HW{H: 1, W: 1}, Stride: pool2d.HW{H: math.MaxInt, W: 1}, Dilation: pool2d.HW{H: math.MaxInt, W: math.MaxInt},
	})
	if len(far.rows) != 1 || len(far.cols) != 3 || len(far.cols[2].taps) != 1 {
		t.Errorf("far: %+v", far)
	}
}
