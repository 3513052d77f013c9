package props

import (
	"math"
	"math/bits"

	"pgregory.net/rapid"

	"example.com/pool2d"
)

// ask is what a law wants of the cases that are drawn for it. Its zero value wants anything that the contract allows.
type ask struct {
	op    opSet    // zero: both
	cells cellsAsk // what the cells may be
	large int      // percent of cases that cross the thresholds of blocks and goroutines
	small bool     // planes of at most 64 cells: the law makes a call for each
	empty bool     // an empty batch is of use
	dense bool     // no dilation
	floor bool     // no ceil mode
	unit  bool     // stride 1
	fit   bool     // (H+l+t−e) mod s = 0 on both axes, so that nothing is left over or hangs over
	meet  bool     // strides at most the kernel: windows that overlap or touch
	many  bool     // at least two outputs on each axis, some of them with all taps real
	multi bool     // several planes
}

type opSet uint8

const (
	maxOnly opSet = 1 << iota
	avgOnly
)

// cellsAsk says what a law can judge.
type cellsAsk uint8

const (
	anyCells      cellsAsk = iota // everything, NaN and overflow included
	tameCells                     // for a maximum, everything; for an average, what the bound speaks of: finite, no overflow
	exactCells                    // small integers
	distinctCells                 // integers, no two alike in a plane
	scaleCells                    // nothing near subnormal or overflow
	positiveCells                 // integers from 1 on
	nanCells                      // with NaN among them
)

// draw returns a generator of cases for impl, valid by construction: it draws the window, then how many outputs, and
// derives the input. What impl lacks is never drawn. Every draw shrinks toward its simplest value, and comes in the
// order in which a reader would simplify: parameters, then extents, then cells.
func draw[T pool2d.Elem](impl pool2d.Impl[T], a ask) *rapid.Generator[Case[T]] {
	g := drawer[T]{ask: a, lacks: impl.Lacks}
	return rapid.Custom(g.draw)
}

type drawer[T pool2d.Elem] struct {
	ask
	lacks pool2d.Feature
}

func (g *drawer[T]) has(f pool2d.Feature) bool { return g.lacks&f == 0 }

// focus is a family of geometries that a uniform draw would reach too rarely.
type focus int

const (
	anywhere focus = iota // everything in small numbers
	layers                // the windows of real networks, which fast paths are written for, at every width
	unitary               // a 1×1 window, with strides
	global                // a window that is the plane
	hanging               // ceil mode where a last window is clipped, or starts near the plane's end
	hollow                // dilation beyond the plane, pads at their limit: windows with few real taps or none
	wide                  // windows of many taps
	remote                // strides and dilations beyond any plane, where they change nothing
	vast                  // planes past the thresholds of blocks and goroutines
	crowded               // many small planes
	long                  // few rows, longer than blocks
)

// axis is one axis while it is drawn.
type axis struct {
	k, s, d, l, t int
	outputs       int
	extent        int
}

func (x axis) span() int { return x.d*(x.k-1) + 1 }

func (g *drawer[T]) draw(t *rapid.T) Case[T] {
	var c Case[T]
	p := &c.Params
	f := g.drawFocus(t)

	switch {
	case g.op == maxOnly || !g.has(pool2d.AvgOp):
	case g.op == avgOnly || !g.has(pool2d.MaxOp):
		p.Op = pool2d.Avg
	case oneIn(t, 2):
		p.Op = pool2d.Avg
	}
	ceil := !g.floor && g.has(pool2d.CeilMode) && (f == hanging || oneIn(t, 4))
	padded := g.has(pool2d.Padding) && !oneIn(t, 4)
	if f == global {
		padded = padded && oneIn(t, 2)
	}
	var h, w axis
	square := !g.has(pool2d.RectWindow)
	if f == layers {
		h, w = g.drawLayer(t)
		padded = false // the layer says
	} else {
		h = g.drawWindow(t, f, *p)
		w = h
		if !square {
			w = g.drawWindow(t, f, *p)
		}
	}
	if padded {
		g.drawPads(t, f, &h)
		w.l, w.t = h.l, h.t
		if !square {
			g.drawPads(t, f, &w)
		}
	}
	p.Ceil = ceil
	if p.Op == pool2d.Avg {
		anyPad := h.l|h.t|w.l|w.t != 0
		p.CountPad = g.has(pool2d.CountPad) && oneIn(t, 2)
		if g.has(pool2d.DivisorOption) && oneIn(t, 4) {
			p.Divisor = g.drawDivisor(t)
		}
		if anyPad && !p.CountPad && p.Divisor == 0 && !g.has(pool2d.ExcludePad) {
			if g.has(pool2d.CountPad) {
				p.CountPad = true
			} else {
				h.l, h.t, w.l, w.t = 0, 0, 0, 0
			}
		}
	}

	g.drawExtent(t, f, ceil, &h, false)
	g.drawExtent(t, f, ceil, &w, true)
	p.Kernel = pool2d.HW{H: h.k, W: w.k}
	p.Stride = pool2d.HW{H: h.s, W: w.s}
	p.Dilation = pool2d.HW{H: h.d, W: w.d}
	p.Pad = pool2d.Pad{Top: h.l, Left: w.l, Bottom: h.t, Right: w.t}
	// Defaults are spelled by leaving them out, half of the time.
	if h.s == h.k && oneIn(t, 2) {
		p.Stride.H = 0
	}
	if w.s == w.k && oneIn(t, 2) {
		p.Stride.W = 0
	}
	if h.d == 1 {
		p.Dilation.H = 0
	}
	if w.d == 1 && oneIn(t, 2) {
		p.Dilation.W = 0
	}

	c.Src.Shape = pool2d.Shape{N: 1, C: 1, H: h.extent, W: w.extent}
	g.drawPlanes(t, f, &c)
	kind := g.drawFill(t, *p, c.Src.Shape)
	c.Seed = uint64(rapid.IntRange(0, 1<<16).Draw(t, "seed"))
	cells := uint64(rapid.IntRange(0, 1<<16).Draw(t, "cells"))
	c.Src.Data = make([]T, c.Src.N*c.Src.C*c.Src.H*c.Src.W)
	fill(c.Src, kind, cells)
	return c
}

// oneIn returns true once in n draws; it shrinks to false.
func oneIn(t *rapid.T, n int) bool { return upTo(t, n-1) == n-1 }

// upTo returns a number from 0 to n, each about as likely as another; it shrinks to 0. Rapid's own ranges lean to small
// numbers, which is right for sizes and wrong for choices; its Bool is fair.
func upTo(t *rapid.T, n int) int {
	if n <= 0 {
		return 0
	}
	size := bits.Len(uint(n)) + 3
	if n == 1 || n == 3 || n == 7 {
		size -= 3
	}
	v := 0
	for range size {
		v <<= 1
		if coin.Draw(t, "") {
			v |= 1
		}
	}
	return v * (n + 1) >> size
}

var coin = rapid.Bool()

// weighted returns an index into weights, each as likely as its weight; it shrinks to the first.
func weighted(t *rapid.T, weights ...int) int {
	total := 0
	for _, w := range weights {
		total += w
	}
	at := upTo(t, total-1)
	for i, w := range weights {
		if at < w {
			return i
		}
		at -= w
	}
	panic("props: weights")
}

func (g *drawer[T]) drawFocus(t *rapid.T) focus {
	if g.large > 0 && !g.small && upTo(t, 99) >= 100-g.large {
		return []focus{vast, vast, crowded, long}[upTo(t, 3)]
	}
	f := []focus{anywhere, layers, unitary, global, hanging, hollow, wide, remote}[weighted(t, 28, 22, 8, 8, 12, 14, 6, 3)]
	switch {
	case f == layers && (g.unit || g.small),
		f == unitary && (g.meet || g.unit || g.many && !g.has(pool2d.Gaps)),
		f == global && g.many,
		f == hanging && (g.floor || !g.has(pool2d.CeilMode)),
		f == hollow && (g.dense || g.many || !g.has(pool2d.Dilation|pool2d.Padding)),
		f == wide && g.small,
		f == remote && (g.many || g.unit || g.meet):
		return anywhere
	}
	return f
}

// dilates reports whether cases of op may be dilated.
func (g *drawer[T]) dilates(op pool2d.Op) bool {
	return !g.dense && g.has(pool2d.Dilation) && (op == pool2d.Max || g.has(pool2d.AvgDilation))
}

// drawWindow draws kernel, dilation and stride of one axis.
func (g *drawer[T]) drawWindow(t *rapid.T, f focus, p pool2d.Params) axis {
	x := axis{k: 1, d: 1}
	dilated := g.dilates(p.Op)
	switch f {
	case unitary:
		if oneIn(t, 8) {
			x.k = 2
		}
	case hollow:
		x.k = 2 + upTo(t, 1)
		if dilated {
			x.d = 2 + upTo(t, 5)
		}
	case wide:
		x.k = 1 + upTo(t, 12)
	case remote:
		if g.has(pool2d.Gaps) || !dilated {
			x.k = 1 + upTo(t, 2)
		}
		if dilated && x.k == 1 && oneIn(t, 2) {
			x.d = remotest >> upTo(t, 33) // of a single tap: it changes nothing
		}
	default:
		x.k = rapid.IntRange(1, 5).Draw(t, "kernel")
		if g.meet {
			x.k = 1 + upTo(t, 4)
		}
	}
	if dilated && f != hollow && f != remote && oneIn(t, 4) {
		x.d = 2 + upTo(t, 2)
	}
	if g.unit {
		x.s = 1
		return x
	}
	e := x.span()
	most := 1 << 30
	if g.meet {
		most = x.k
	} else if !g.has(pool2d.Gaps) {
		most = e
	}
	switch {
	case f == remote && most > e && oneIn(t, 2):
		x.s = remotest >> upTo(t, 33)
		return x
	case f == hanging && most > e && !oneIn(t, 2):
		x.s = e + upTo(t, 3) // so that ceil mode may be clipped
	case f == hanging:
		x.s = 2 + upTo(t, max(0, e-2)) // so that a window may hang over
	default:
		switch weighted(t, 30, 25, 20, 25) {
		case 0:
			x.s = 1
		case 1:
			x.s = x.k
		case 2: // below the kernel
			x.s = 1 + upTo(t, max(0, x.k-2))
		case 3: // the span, and beyond
			x.s = e + upTo(t, 3)
		}
	}
	x.s = max(1, min(x.s, most))
	return x
}

// remotest is the greatest stride and dilation that is drawn. A cell plus one of them is still an int, which plain loops
// rely on; half of an int is far enough from any plane, and from what 32 bits hold.
const remotest = math.MaxInt >> 1

// layer is a window that real networks use, and that fast paths are written for.
type layer struct{ kh, kw, sh, sw, pad int }

var namedLayers = []layer{
	{2, 2, 2, 2, 0}, {3, 3, 2, 2, 1}, {3, 3, 1, 1, 1}, {3, 3, 2, 2, 0}, {2, 2, 1, 1, 0}, {3, 3, 3, 3, 0},
	{5, 5, 1, 1, 2}, {1, 1, 2, 2, 0}, {1, 3, 1, 2, 0}, {3, 1, 2, 1, 0}, {2, 1, 2, 1, 0}, {1, 2, 1, 2, 0},
	{7, 7, 1, 1, 3}, {4, 4, 4, 4, 0}, {9, 9, 1, 1, 4},
}

func (g *drawer[T]) drawLayer(t *rapid.T) (h, w axis) {
	l := namedLayers[weighted(t, 8, 8, 6, 4, 4, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1)]
	if g.meet && l.kh < l.sh || !g.has(pool2d.RectWindow) && (l.kh != l.kw || l.sh != l.sw) || !g.has(pool2d.Gaps) && l.kh == 1 {
		l = namedLayers[0]
	}
	h = axis{k: l.kh, s: l.sh, d: 1}
	w = axis{k: l.kw, s: l.sw, d: 1}
	if g.has(pool2d.Padding) && l.pad > 0 {
		h.l, h.t, w.l, w.t = l.pad, l.pad, l.pad, l.pad
	}
	return h, w
}

// drawPads draws the pads of one axis, each at most half of the span.
func (g *drawer[T]) drawPads(t *rapid.T, f focus, x *axis) {
	half := x.span() / 2
	if f == remote && half > 8 {
		half = 8
	}
	if f == hollow || oneIn(t, 6) {
		x.l, x.t = half, half
		return
	}
	x.l = upTo(t, half)
	x.t = x.l
	if g.has(pool2d.AsymPad) && !oneIn(t, 5) {
		x.t = upTo(t, half)
	}
}

func (g *drawer[T]) drawDivisor(t *rapid.T) int {
	switch upTo(t, 7) {
	case 0, 1:
		return 1 + upTo(t, 1) // sums past the range of an integer type
	case 2:
		return 1 << upTo(t, 6)
	case 3:
		return 1<<24 + 1 + 2*upTo(t, 7) // not exact in a float32
	}
	return 1 + upTo(t, 40)
}

// drawExtent draws the number of outputs of an axis and derives how long the plane is.
//
//	floor mode   the last window ends at the end of the padded plane, or up to s−1 cells before it
//	ceil mode    or hangs over by up to s−1 cells, or would be followed by one that starts behind the plane
func (g *drawer[T]) drawExtent(t *rapid.T, f focus, ceil bool, x *axis, isW bool) {
	e := x.span()
	if f == remote && (x.s > 1<<20 || x.d > 1<<20) {
		x.outputs = 1
		x.extent = max(1, e-x.l-x.t) + upTo(t, 3)
		return
	}
	least := 1
	if g.many {
		least = 2 + (x.l+x.s-1)/x.s + (x.t+x.s-1)/x.s
	}
	switch {
	case f == global:
		x.outputs = 1
	case f == layers && isW:
		x.outputs = least + upTo(t, []int{8, 70}[upTo(t, 1)])
	case f == vast && isW:
		x.outputs = 40 + upTo(t, 160)
	case f == vast:
		x.outputs = 10 + upTo(t, 40)
	case f == crowded:
		x.outputs = least + upTo(t, 12)
	case f == long && isW:
		x.outputs = 300 + upTo(t, 2000)
	case g.small:
		x.outputs = rapid.IntRange(least, max(least, 4)).Draw(t, "outputs")
	default:
		x.outputs = rapid.IntRange(least, least+6).Draw(t, "outputs")
	}
	base := (x.outputs-1)*x.s + e - x.l - x.t
	switch {
	case f == global || g.fit:
	case !ceil:
		base += upTo(t, min(x.s-1, 1<<20))
	case x.s+x.t > e && (f == hanging && !oneIn(t, 3) || oneIn(t, 4)):
		base += 1 + upTo(t, x.s+x.t-e-1) // clipped: the window after the last would start at H+l or behind
	default:
		over := min(x.s, e-x.t) - 1
		if f == hanging && over > 1 {
			base--
			over--
		}
		base -= upTo(t, over)
	}
	if base < 1 { // a whole number of strides longer: what is left over or hangs over stays
		base += (x.s - base) / x.s * x.s
	}
	x.extent = base
}

// drawPlanes draws how many planes there are, as many as the cost of a case allows.
func (g *drawer[T]) drawPlanes(t *rapid.T, f focus, c *Case[T]) {
	s := &c.Src.Shape
	out, err := pool2d.OutputShape(*s, c.Params)
	if err != nil {
		panic("props: drew an invalid case: " + err.Error())
	}
	if g.empty && g.has(pool2d.EmptyBatch) && oneIn(t, 32) {
		s.N = 0
	}
	// Work is about what the reference does: each tap of each window, and each cell for every output on its axis.
	taps := out.H * out.W * min(c.Params.Kernel.H, s.H) * min(c.Params.Kernel.W, s.W)
	work := max(taps, s.H*s.W) + s.H*out.H + s.W*out.W
	budget := 24 << 10
	if f == vast || f == crowded || f == long {
		budget = 400 << 10
	}
	room := max(1, budget/work)
	if g.small {
		room = min(room, max(1, 64/(s.H*s.W)))
	}
	lowest := 1
	if g.multi && !g.small {
		lowest = 2
	}
	planes := func(label string) int {
		switch {
		case f == crowded:
			return 1 + upTo(t, 130)
		case f == vast:
			return 1 + upTo(t, 16)
		case oneIn(t, 3):
			return 1 + upTo(t, 16)
		}
		return rapid.IntRange(1, 4).Draw(t, label)
	}
	s.C = max(min(planes("channels"), room), 1)
	n := max(min(planes("batch"), room/s.C), 1)
	if n*s.C < lowest {
		if oneIn(t, 2) {
			s.C = lowest
		} else {
			n = lowest
		}
	}
	if s.N > 0 {
		s.N = n
	}
}
