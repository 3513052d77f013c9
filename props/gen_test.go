package props

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"example.com/pool2d"
)

// stratum is a kind of case that the generator must reach, and in how many of a thousand cases of a default run.
type stratum struct {
	name  string
	quota int // per thousand; a negative one is a limit from above
	has   func(c Case[float32], g geometry) bool
}

// anyAxis reports whether f holds on one axis at least.
func anyAxis(c Case[float32], g geometry, f func(in, out, k, s, d, lead, trail int) bool) bool {
	p := g.p
	return f(g.in.H, g.out.H, p.Kernel.H, p.Stride.H, p.Dilation.H, p.Pad.Top, p.Pad.Bottom) ||
		f(g.in.W, g.out.W, p.Kernel.W, p.Stride.W, p.Dilation.W, p.Pad.Left, p.Pad.Right)
}

func onAxis(f func(in, out, k, s, d, lead, trail int) bool) func(Case[float32], geometry) bool {
	return func(c Case[float32], g geometry) bool { return anyAxis(c, g, f) }
}

func hasCell(f func(v float64) bool) func(Case[float32], geometry) bool {
	return func(c Case[float32], _ geometry) bool {
		for _, v := range c.Src.Data {
			if f(float64(v)) {
				return true
			}
		}
		return false
	}
}

func needsAll(f pool2d.Feature) func(Case[float32], geometry) bool {
	return func(c Case[float32], _ geometry) bool { return needs(c)&f == f }
}

// strata is what a default run must reach: each is a place where a real implementation was wrong while its tests, with
// square parameters, without padding, or with data that makes wrong equal to right, passed.
var strata = []stratum{
	{"max", 460, needsAll(pool2d.MaxOp)},
	{"avg", 330, needsAll(pool2d.AvgOp)},
	{"padding", 500, needsAll(pool2d.Padding)},
	{"pads differ between two sides", 190, needsAll(pool2d.AsymPad)},
	{"pads differ between the axes", 270, func(_ Case[float32], g geometry) bool { return g.p.Pad.Top != g.p.Pad.Left }},
	{"a pad at its limit", 370, onAxis(func(_, _, k, _, d, l, t int) bool {
		half := (d*(k-1) + 1) / 2
		return half > 0 && (l == half || t == half)
	})},
	{"a plane shorter than the window", 170, onAxis(func(in, _, k, _, d, _, _ int) bool { return in < d*(k-1)+1 })},
	{"kernel not square", 460, func(_ Case[float32], g geometry) bool { return g.p.Kernel.H != g.p.Kernel.W }},
	{"stride not square", 440, func(_ Case[float32], g geometry) bool { return g.p.Stride.H != g.p.Stride.W }},
	{"dilation not square", 270, func(_ Case[float32], g geometry) bool { return g.p.Dilation.H != g.p.Dilation.W }},
	{"plane not square", 750, func(_ Case[float32], g geometry) bool { return g.in.H != g.in.W }},
	{"H and W beside taps, C and N", 490, func(_ Case[float32], g geometry) bool {
		taps := g.p.Kernel.H * g.p.Kernel.W
		return g.in.H != g.in.W && g.in.W != taps && g.in.H != taps && g.in.C != g.in.N && g.in.C != g.in.W
	}},
	{"stride below the kernel", 430, onAxis(func(_, _, k, s, _, _, _ int) bool { return s < k })},
	{"stride equal to the kernel", 270, onAxis(func(_, _, k, s, _, _, _ int) bool { return s == k && k > 1 })},
	{"stride above the kernel", 280, onAxis(func(_, _, k, s, _, _, _ int) bool { return s > k })},
	{"gaps", 260, needsAll(pool2d.Gaps)},
	{"a default stride", 260, func(c Case[float32], _ geometry) bool { return c.Params.Stride.H == 0 || c.Params.Stride.W == 0 }},
	{"dilation", 300, needsAll(pool2d.Dilation)},
	{"dilation and padding", 170, needsAll(pool2d.Dilation | pool2d.Padding)},
	{"dilated average", 120, needsAll(pool2d.AvgDilation)},
	{"a window without real taps", 22, func(c Case[float32], g geometry) bool {
		for _, a := range [][]axisWindow{g.rows, g.cols} {
			for _, w := range a {
				if len(w.taps) == 0 && hasCells(c) {
					return true
				}
			}
		}
		return false
	}},
	{"ceil mode", 250, needsAll(pool2d.CeilMode)},
	{"ceil mode, a window hangs over", 80, func(_ Case[float32], g geometry) bool {
		return g.p.Ceil && anyAxis(Case[float32]{}, g, func(in, out, k, s, d, l, t int) bool { return (out-1)*s+d*(k-1)+1 > in+l+t })
	}},
	{"ceil mode, average hangs over with CountPad", 12, func(_ Case[float32], g geometry) bool {
		return g.p.Ceil && g.p.CountPad && g.p.Divisor == 0 && anyAxis(Case[float32]{}, g, func(in, out, k, s, d, l, t int) bool { return (out-1)*s+d*(k-1)+1 > in+l+t })
	}},
	{"ceil mode, clipped", 80, clipped(func(l, t int) bool { return true })},
	{"ceil mode, clipped without padding", 42, clipped(func(l, t int) bool { return l == 0 && t == 0 })},
	{"ceil mode, clipped in the trailing pad", 43, clipped(func(l, t int) bool { return t > 0 })},
	{"cells left over", 250, func(_ Case[float32], g geometry) bool {
		return !g.p.Ceil && anyAxis(Case[float32]{}, g, func(in, out, k, s, d, l, t int) bool { return (out-1)*s+d*(k-1)+1 < in+l+t })
	}},
	{"1×1 window", 80, func(_ Case[float32], g geometry) bool { return g.p.Kernel == pool2d.HW{H: 1, W: 1} }},
	{"1×1 window with a stride", 33, func(_ Case[float32], g geometry) bool {
		return g.p.Kernel == pool2d.HW{H: 1, W: 1} && g.p.Stride != pool2d.HW{H: 1, W: 1}
	}},
	{"the window is the plane", 29, func(_ Case[float32], g geometry) bool {
		return g.p.Kernel == pool2d.HW{H: g.in.H, W: g.in.W} && g.in.H*g.in.W > 1
	}},
	{"a window of 49 taps and more", 15, func(_ Case[float32], g geometry) bool { return g.p.Kernel.H*g.p.Kernel.W >= 49 }},
	{"a stride or dilation past 2³⁰", 18, onAxis(func(_, _, _, s, d, _, _ int) bool { return s > 1<<30 || d > 1<<30 })},
	{"CountPad and padding", 90, needsAll(pool2d.CountPad | pool2d.Padding)},
	{"padding not counted", 58, needsAll(pool2d.ExcludePad)},
	{"a divisor", 80, needsAll(pool2d.DivisorOption)},
	{"a divisor that a float32 does not hold", 9, func(c Case[float32], _ geometry) bool { return c.Params.Divisor > 1<<24 }},
	{"an empty batch", 3, needsAll(pool2d.EmptyBatch)},
	{"several channels", 600, func(_ Case[float32], g geometry) bool { return g.in.C > 1 }},
	{"several batch items", 520, func(_ Case[float32], g geometry) bool { return g.in.N > 1 }},
	{"5 planes and more, not a multiple of 4", 230, func(_ Case[float32], g geometry) bool { return g.in.N*g.in.C > 4 && g.in.N*g.in.C%4 != 0 }},
	{"more than 16 planes", 160, func(_ Case[float32], g geometry) bool { return g.in.N*g.in.C > 16 }},
	{"64 planes and more", 6, func(_ Case[float32], g geometry) bool { return g.in.N*g.in.C >= 64 }},
	{"rows of 512 cells and more", 4, func(_ Case[float32], g geometry) bool { return g.in.W >= 512 }},
	{"2^16 cells and more", 3, func(c Case[float32], _ geometry) bool { return len(c.Src.Data) >= 1<<16 }},
	{"2^13 results and more", 8, func(_ Case[float32], g geometry) bool { return g.out.N*g.out.C*g.out.H*g.out.W >= 1<<13 }},
	{"all cells of the tensor alike", -150, func(c Case[float32], _ geometry) bool {
		for _, v := range c.Src.Data {
			if !sameMax(v, c.Src.Data[0]) {
				return false
			}
		}
		return len(c.Src.Data) > 4
	}},
	{"equal cells in a plane", 540, func(c Case[float32], _ geometry) bool { return !isDistinct(c.Src) }},
	{"no cell above −1", 51, func(c Case[float32], _ geometry) bool {
		for _, v := range c.Src.Data {
			if !(v <= -1) {
				return false
			}
		}
		return hasCells(c)
	}},
	{"not integers", 320, hasCell(func(v float64) bool { return v != math.Trunc(v) })},
	{"NaN", 160, hasCell(math.IsNaN)},
	{"−Inf", 110, hasCell(func(v float64) bool { return math.IsInf(v, -1) })},
	{"+Inf", 69, hasCell(func(v float64) bool { return math.IsInf(v, 1) })},
	{"−0", 90, hasCell(func(v float64) bool { return v == 0 && math.Signbit(v) })},
	{"subnormal", 66, hasCell(func(v float64) bool { return v != 0 && math.Abs(v) < 0x1p-126 })},
	{"the greatest finite value", 110, hasCell(func(v float64) bool { return math.Abs(v) == math.MaxFloat32 })},
	{"a window of −Inf alone", 36, func(c Case[float32], g geometry) bool {
		found := false
		g.each(func(_ pool2d.Cell, _, plane int, taps []int) {
			all := len(taps) > 1
			for _, at := range taps {
				all = all && math.IsInf(float64(c.Src.Data[plane+at]), -1)
			}
			found = found || all
		})
		return found
	}},
}

// clipped reports whether ceil mode drops a window on an axis whose pads are such.
func clipped(pads func(l, t int) bool) func(Case[float32], geometry) bool {
	return func(_ Case[float32], g geometry) bool {
		return g.p.Ceil && anyAxis(Case[float32]{}, g, func(in, out, k, s, d, l, t int) bool {
			return pads(l, t) && (out-1)*s+d*(k-1)+1 < in+l+t
		})
	}
}

// Bad calls are many: each parameter, each sign, each overflow.
func TestBadCalls(t *testing.T) {
	nonsense, limits := 0, 0
	names := map[string]bool{}
	for _, bad := range badCalls[float32]() {
		if bad.limit {
			limits++
		} else {
			nonsense++
		}
		if names[bad.name] {
			t.Errorf("%s stands twice in the table", bad.name)
		}
		names[bad.name] = true
	}
	t.Logf("%d bad calls: %d are nonsense, %d break a limit", nonsense+limits, nonsense, limits)
	if nonsense < 60 {
		t.Errorf("%d calls are nonsense, want at least 60", nonsense)
	}
}

// TestStrata measures what the generator reaches in the cases of a default run, and holds each stratum to its quota.
// Beside the table there are tails: every width of results modulo 16, for the windows that fast paths are written for.
func TestStrata(t *testing.T) {
	if UnderRace {
		t.Skip("nothing here is concurrent, and it takes ten times as long")
	}
	const perLaw = 150
	impl := pool2d.Impl[float32]{}
	counts := make([]int, len(strata))
	channels, tails := map[int]int{}, map[string]int{}
	total := 0
	for number, l := range All[float32]() {
		cases := draw(impl, l.ask)
		for i := range perLaw {
			c := cases.Example(number*perLaw + i + 1)
			if err := c.valid(); err != nil {
				t.Fatalf("%s drew an invalid case: %v", l.Name, err)
			}
			if l.takes != nil && !l.takes(c) {
				t.Fatalf("%s drew a case that it does not take: %#v", l.Name, c)
			}
			g := geometryOf(c.Src.Shape, c.Params)
			for s := range strata {
				if strata[s].has(c, g) {
					counts[s]++
				}
			}
			channels[g.in.C]++
			for _, layer := range namedLayers[:3] {
				if (g.p.Kernel == pool2d.HW{H: layer.kh, W: layer.kw}) && (g.p.Stride == pool2d.HW{H: layer.sh, W: layer.sw}) {
					tails[fmt.Sprintf("%dx%ds%d, width %d mod 16", layer.kh, layer.kw, layer.sh, g.out.W%16)]++
				}
			}
			total++
		}
	}
	var table strings.Builder
	for i, s := range strata {
		reached := counts[i] * 1000 / total
		fmt.Fprintf(&table, "%5d of 1000, quota %4d  %s\n", reached, s.quota, s.name)
		if s.quota >= 0 && reached < s.quota || s.quota < 0 && reached > -s.quota {
			t.Errorf("%s: %d of 1000 cases, quota %d", s.name, reached, s.quota)
		}
	}
	t.Logf("%d cases\n%s", total, &table)
	for c := 1; c <= 17; c++ {
		if channels[c] == 0 {
			t.Errorf("no case has %d channels", c)
		}
	}
	for _, layer := range namedLayers[:3] {
		for mod := range 16 {
			if name := fmt.Sprintf("%dx%ds%d, width %d mod 16", layer.kh, layer.kw, layer.sh, mod); tails[name] == 0 {
				t.Errorf("no case of %s", name)
			}
		}
	}
}
