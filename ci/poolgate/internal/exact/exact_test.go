package exact_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"example.com/pool2d/ci/poolgate/internal/exact"
)

// enumerate counts the sign patterns of d whose positive ranks sum to at least, and to at most, the observed sum. It
// shares nothing with the package: ranks are found by comparing all pairs, patterns are bits of a counter.
func enumerate(d []float64) (greater, less float64) {
	d = slices.DeleteFunc(slices.Clone(d), func(x float64) bool { return x == 0 })
	rank := make([]float64, len(d))
	for i, x := range d {
		rank[i] = 0.5
		for _, y := range d {
			switch {
			case math.Abs(y) < math.Abs(x):
				rank[i]++
			case math.Abs(y) == math.Abs(x):
				rank[i] += 0.5
			}
		}
	}
	sum := func(positive func(i int) bool) (w float64) {
		for i := range d {
			if positive(i) {
				w += rank[i]
			}
		}
		return w
	}
	observed := sum(func(i int) bool { return d[i] > 0 })
	patterns := 1 << len(d)
	for bits := range patterns {
		w := sum(func(i int) bool { return bits>>i&1 == 1 })
		if w >= observed {
			greater++
		}
		if w <= observed {
			less++
		}
	}
	return greater / float64(patterns), less / float64(patterns)
}

func TestSignedRankEqualsEnumeration(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for n := range 13 {
		for range 20 {
			d := make([]float64, n)
			for i := range d {
				d[i] = float64(rng.IntN(9) - 3) // many ties, some zeros, off centre
			}
			got := exact.SignedRank(d)
			greater, less := enumerate(d)
			if math.Abs(got.Greater-greater) > 1e-12 || math.Abs(got.Less-less) > 1e-12 {
				t.Fatalf("SignedRank(%v): got P(≥W) %v, P(≤W) %v, want %v, %v", d, got.Greater, got.Less, greater, less)
			}
		}
	}
}

// TestCriticalValues compares with the table of Wilcoxon's statistic that textbooks print (for example Hollander,
// Wolfe & Chicken, Nonparametric Statistical Methods, table A.4; also R's qsignrank): the largest W that is still
// significant at the one-sided level.
func TestCriticalValues(t *testing.T) {
	for _, row := range []struct{ n, p05, p025, p01, p005 int }{
		{5, 0, -1, -1, -1}, {6, 2, 0, -1, -1}, {7, 3, 2, 0, -1}, {8, 5, 3, 1, 0}, {9, 8, 5, 3, 1}, {10, 10, 8, 5, 3},
		{11, 13, 10, 7, 5}, {12, 17, 13, 9, 7}, {13, 21, 17, 12, 9}, {14, 25, 21, 15, 12}, {15, 30, 25, 19, 15},
		{16, 35, 29, 23, 19}, {17, 41, 34, 27, 23}, {18, 47, 40, 32, 27}, {19, 53, 46, 37, 32}, {20, 60, 52, 43, 37},
		{25, 100, 89, 76, 68}, {30, 151, 137, 120, 109},
	} {
		for level, want := range map[float64]int{.05: row.p05, .025: row.p025, .01: row.p01, .005: row.p005} {
			got := -1
			for w := 0; exact.SignedRank(withSum(row.n, w)).Less <= level; w++ {
				got = w
			}
			if got != want {
				t.Errorf("n=%d level %v: got critical value %d, want %d", row.n, level, got, want)
			}
		}
	}
}

// withSum returns n untied differences whose positive ranks sum to w.
func withSum(n, w int) []float64 {
	d := make([]float64, n)
	for rank := n; rank >= 1; rank-- {
		d[rank-1] = -float64(rank)
		if rank <= w {
			d[rank-1] = float64(rank)
			w -= rank
		}
	}
	return d
}

// TestHamiltonDepression is the worked example of Hollander, Wolfe & Chicken (nine patients before and after
// tranquillizer therapy), with the figures that R prints for wilcox.test(x, y, paired=TRUE, conf.int=TRUE).
func TestHamiltonDepression(t *testing.T) {
	x := []float64{1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30}
	y := []float64{0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29}
	d := make([]float64, len(x))
	for i := range x {
		d[i] = x[i] - y[i]
	}
	got := exact.SignedRank(d)
	if got.W != 40 || math.Abs(2*got.Greater-0.0390625) > 1e-12 {
		t.Errorf("got W %v, two-sided p %v, want 40, 0.0390625", got.W, 2*got.Greater)
	}
	e := exact.HodgesLehmann(d)
	lo, hi := e.Interval(.95)
	if math.Abs(e.Center()-0.46) > 1e-9 || math.Abs(lo-0.01) > 1e-9 || math.Abs(hi-0.786) > 1e-9 {
		t.Errorf("got %v in %v … %v, want 0.46 in 0.01 … 0.786", e.Center(), lo, hi)
	}
	if a := e.Attained(.95); math.Abs(a-(1-2*.01953125)) > 1e-12 {
		t.Errorf("attained confidence: got %v, want %v", a, 1-2*.01953125)
	}
}

// TestIntervalInvertsTest holds the definition: a centre lies inside the bound exactly when the test of it is not
// significant at the level.
func TestIntervalInvertsTest(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for n := 1; n < 20; n++ {
		d := make([]float64, n)
		for i := range d {
			d[i] = rng.NormFloat64()
		}
		e := exact.HodgesLehmann(d)
		for _, alpha := range []float64{.2, .05, .01, .0025} {
			upper, lower := e.Upper(alpha), e.Lower(alpha)
			for range 200 {
				c := rng.NormFloat64()
				shifted := make([]float64, n)
				for i := range d {
					shifted[i] = d[i] - c
				}
				test := exact.SignedRank(shifted)
				if rejects := test.Less <= alpha; rejects != (c > upper) {
					t.Fatalf("n=%d α=%v: centre %v, upper bound %v, but P(≤W) is %v", n, alpha, c, upper, test.Less)
				}
				if rejects := test.Greater <= alpha; rejects != (c < lower) {
					t.Fatalf("n=%d α=%v: centre %v, lower bound %v, but P(≥W) is %v", n, alpha, c, lower, test.Greater)
				}
			}
		}
	}
}

func TestTooFew(t *testing.T) {
	e := exact.HodgesLehmann([]float64{1, 2, 3})
	if got := e.Upper(.05); !math.IsInf(got, 1) {
		t.Errorf("three differences prove nothing at 5 %%: got the bound %v", got)
	}
	none := exact.HodgesLehmann(nil)
	if lo, hi := none.Interval(.95); !math.IsNaN(none.Center()) || !math.IsInf(lo, -1) || !math.IsInf(hi, 1) {
		t.Errorf("of nothing: got %v in %v … %v", none.Center(), lo, hi)
	}
	if got := exact.SignedRank([]float64{0, 0}); got.N != 0 || got.Greater != 1 || got.Less != 1 {
		t.Errorf("of zeros: got %+v", got)
	}
	if got := exact.SignedRank([]float64{1, math.NaN()}); !math.IsNaN(got.Greater) {
		t.Errorf("of a NaN: got %+v", got)
	}
}

// TestHolm compares with the figures that R's p.adjust(p, "holm") prints.
func TestHolm(t *testing.T) {
	for _, c := range []struct {
		p               []float64
		family, already int
		want            []float64
	}{
		{[]float64{.01, .04, .03, .005}, 4, 0, []float64{.03, .06, .06, .02}},
		{[]float64{.01, .02, .024, .04}, 4, 0, []float64{.04, .06, .06, .06}},
		{[]float64{.012}, 4, 0, []float64{.048}},
		{[]float64{.012}, 4, 1, []float64{.036}},
		{[]float64{math.NaN(), .001}, 2, 0, []float64{1, .002}},
		{nil, 0, 0, nil},
	} {
		got := exact.Holm(c.p, c.family, c.already)
		if !slices.EqualFunc(got, c.want, func(a, b float64) bool { return math.Abs(a-b) < 1e-12 }) {
			t.Errorf("Holm(%v of %d, %d before): got %v, want %v", c.p, c.family, c.already, got, c.want)
		}
	}
}

func TestSpend(t *testing.T) {
	parts := exact.Spend(.01, []int{16, 24, 32, 48})
	sum := 0.0
	for _, a := range parts {
		if a <= 0 {
			t.Errorf("a look without a share: %v", parts)
		}
		sum += a
	}
	if math.Abs(sum-.01) > 1e-15 {
		t.Errorf("got a total of %v, want .01", sum)
	}
	if want := .01 * math.Log(1+(math.E-1)/3); math.Abs(parts[0]-want) > 1e-15 {
		t.Errorf("first look: got %v, want %v", parts[0], want)
	}
}

// TestClopperPearson compares with the figures that R's binom.test prints.
func TestClopperPearson(t *testing.T) {
	for _, c := range []struct {
		k, n   int
		lo, hi float64
	}{
		{0, 20, 0, 0.16843347}, {20, 20, 0.83156653, 1}, {1, 20, 0.00126509, 0.24873276}, {5, 100, 0.01643188, 0.11283491},
		{0, 300, 0, 0.01222068}, {50, 100, 0.39832113, 0.60167887},
	} {
		lo, hi := exact.ClopperPearson(c.k, c.n, .95)
		if math.Abs(lo-c.lo) > 1e-6 || math.Abs(hi-c.hi) > 1e-6 {
			t.Errorf("%d of %d: got %.8f … %.8f, want %.8f … %.8f", c.k, c.n, lo, hi, c.lo, c.hi)
		}
	}
}

func BenchmarkHodgesLehmann(b *testing.B) {
	d := make([]float64, 30)
	rng := rand.New(rand.NewPCG(5, 6))
	for i := range d {
		d[i] = rng.NormFloat64()
	}
	b.ReportAllocs()
	for b.Loop() {
		exact.HodgesLehmann(d).Center()
	}
}
