package props

import (
	"fmt"
	"math"

	"example.com/pool2d"
)

// result is what an implementation says of a pooling: the cells and, of a maximum, their indices if it offers them.
type result[T pool2d.Elem] struct {
	y       pool2d.Tensor[T]
	indices []int64 // nil: not offered
}

func ask2[T pool2d.Elem](s *subject[T], src pool2d.Tensor[T], p pool2d.Params, indices bool) (result[T], error) {
	y, err := s.pool(src, p)
	if err != nil || !indices || s.impl.Indices == nil || p.Op != pool2d.Max {
		return result[T]{y: y}, err
	}
	_, at, err := s.maxima(src, p)
	return result[T]{y, at}, err
}

// agree demands that got, a result for src, has at every cell what want says: a value, up to the bounds of both where
// they are averages of floating-point cells, and an index where there are indices.
func agree[T pool2d.Elem](call string, src pool2d.Tensor[T], p pool2d.Params, got result[T], bounds []float64, note string, want func(i int, at pool2d.Cell) (v T, bound float64, index int64, judged bool)) error {
	return compare(call, src, p, got.y, func(i int, v T) opinion {
		w, bound, index, judged := want(i, got.y.CellAt(i))
		if !judged {
			return opinion{ok: true}
		}
		both := bound
		if bounds != nil {
			both += bounds[i]
		}
		o := near(p, v, w, both, note)
		if o.ok && got.indices != nil && got.indices[i] != index {
			return opinion{got: fmt.Sprintf("index %d", got.indices[i]), want: fmt.Sprintf("index %d", index), note: note}
		}
		return o
	})
}

// boundsOf returns the bound of every cell of a pooling; nil where results are exact.
func boundsOf[T pool2d.Elem](src pool2d.Tensor[T], p pool2d.Params) []float64 {
	if p.Op == pool2d.Max || !isFloat[T]() {
		return nil
	}
	g := geometryOf(src.Shape, p)
	bounds := make([]float64, g.out.N*g.out.C*g.out.H*g.out.W)
	var terms []T
	g.each(func(out pool2d.Cell, i, plane int, taps []int) {
		terms = terms[:0]
		for _, at := range taps {
			terms = append(terms, src.Data[plane+at])
		}
		if d := g.divisor(out.H, out.W); d > 0 {
			bounds[i] = boundMean(terms, d)
		}
	})
	return bounds
}

func boundAt(bounds []float64, i int) float64 {
	if bounds == nil {
		return 0
	}
	return bounds[i]
}

func indexAt(indices []int64, i int) int64 {
	if indices == nil {
		return 0
	}
	return indices[i]
}

// rearranged returns a tensor of the given shape whose cell at c is src's at from(c).
func rearranged[T pool2d.Elem](src pool2d.Tensor[T], shape pool2d.Shape, from func(c pool2d.Cell) pool2d.Cell) pool2d.Tensor[T] {
	x := pool2d.Tensor[T]{Shape: shape, Data: make([]T, shape.N*shape.C*shape.H*shape.W)}
	for i := range x.Data {
		x.Data[i] = src.Data[src.Offset(from(x.CellAt(i)))]
	}
	return x
}

// channelPreservation demands as many channels as there are, that permuting channels permutes results, and that a
// channel by itself has the result that it has among others. An average may differ within the bounds of both: vector
// lanes and tails may sum in different orders. It stays because it tells planes mixed up from windows misplaced: of the
// windows it knows no more than the bound does, so it holds of the reference whatever that takes a window to be.
func channelPreservation[T pool2d.Elem](s *subject[T], c Case[T]) error {
	return planes(s, c, "channels", c.Src.C, func(at *pool2d.Cell) *int { return &at.C }, func(s *pool2d.Shape) *int { return &s.C })
}

// batchPreservation demands the same of batch items. It stays because a batch item is no channel: a step from item to
// item that is wrong, as next-batch-item's, leaves channels alone.
func batchPreservation[T pool2d.Elem](s *subject[T], c Case[T]) error {
	return planes(s, c, "batch items", c.Src.N, func(at *pool2d.Cell) *int { return &at.N }, func(s *pool2d.Shape) *int { return &s.N })
}

func planes[T pool2d.Elem](s *subject[T], c Case[T], name string, n int, of func(*pool2d.Cell) *int, extent func(*pool2d.Shape) *int) error {
	all, err := ask2(s, c.Src, c.Params, true)
	if err != nil {
		return err
	}
	bounds := boundsOf(c.Src, c.Params)
	random := stream(c.Seed)
	order := random.permutation(n)
	move := func(at pool2d.Cell) pool2d.Cell { *of(&at) = order[*of(&at)]; return at }
	expect := func(from func(pool2d.Cell) pool2d.Cell) func(int, pool2d.Cell) (T, float64, int64, bool) {
		return func(_ int, at pool2d.Cell) (T, float64, int64, bool) {
			i := all.y.Offset(from(at))
			return all.y.Data[i], 2 * boundAt(bounds, i), indexAt(all.indices, i), true
		}
	}
	permuted := rearranged(c.Src, c.Src.Shape, move)
	got, err := ask2(s, permuted, c.Params, true)
	if err != nil {
		return err
	}
	if err := agree(name+" permuted", permuted, c.Params, got, nil, "as before the permutation", expect(move)); err != nil {
		return err
	}
	// One by itself: the first, the last, and one between.
	for _, k := range []int{0, n - 1, random.below(n)} {
		shape := c.Src.Shape
		*extent(&shape) = 1
		pick := func(at pool2d.Cell) pool2d.Cell { *of(&at) = k; return at }
		alone := rearranged(c.Src, shape, pick)
		got, err := ask2(s, alone, c.Params, true)
		if err != nil {
			return err
		}
		if err := agree(fmt.Sprintf("only number %d of the %s", k, name), alone, c.Params, got, nil, "as among the others", expect(pick)); err != nil {
			return err
		}
	}
	return nil
}

// shiftTolerance moves the plane by a whole number of strides and demands that the results move by that many cells. It
// speaks of windows whose taps are all real before and after: at an edge other cells come into the window, and padding
// changes the divisor. An average may differ within the bounds of both. It stays because it says what a stride is
// without a value to hold against: a stride that the reference and the suite's windows had wrong alike would show here.
func shiftTolerance[T pool2d.Elem](s *subject[T], c Case[T]) error {
	y, err := s.pool(c.Src, c.Params)
	if err != nil {
		return err
	}
	g := geometryOf(c.Src.Shape, c.Params)
	random := stream(c.Seed)
	by := pool2d.HW{H: random.below(2), W: random.below(2)}
	if by == (pool2d.HW{}) {
		by = pool2d.HW{H: random.below(g.out.H), W: random.below(g.out.W)}
	}
	dh, dw := by.H*g.p.Stride.H, by.W*g.p.Stride.W
	moved := c.Src
	moved.Data = make([]T, len(c.Src.Data))
	fill(moved, smallInts, random.next()>>40)
	for i, v := range c.Src.Data {
		if at := c.Src.CellAt(i); at.H+dh < c.Src.H && at.W+dw < c.Src.W {
			at.H, at.W = at.H+dh, at.W+dw
			moved.Data[moved.Offset(at)] = v
		}
	}
	y2, err := s.pool(moved, c.Params)
	if err != nil {
		return err
	}
	bounds := boundsOf(c.Src, c.Params)
	call := fmt.Sprintf("the plane moved by h%d w%d, %d×%d strides", dh, dw, by.H, by.W)
	return agree(call, moved, c.Params, result[T]{y: y2}, nil, "as before the shift", func(_ int, at pool2d.Cell) (T, float64, int64, bool) {
		from := pool2d.Cell{N: at.N, C: at.C, H: at.H - by.H, W: at.W - by.W}
		if from.H < 0 || from.W < 0 || !g.full(at.H, at.W) || !g.full(from.H, from.W) {
			return 0, 0, 0, false
		}
		i := y.Offset(from)
		return y.Data[i], 2 * boundAt(bounds, i), 0, true
	})
}

// detection puts a feature, one high cell, under a window, moves it by up to k−s cells, and demands that the same result
// cell still shows it. For windows start every s cells, so the first s cells under a window are that window's alone to
// show, and from any of them k−s further is under it still. It speaks of dense windows that leave no gaps, between which a
// feature is lost rightly, and of windows inside the plane. An integer average may round a feature away: there it speaks
// of maxima alone. It stays because it is what pooling is for: the README counts it on a photograph, and promises it of
// every implementation.
func detection[T pool2d.Elem](s *subject[T], c Case[T]) error {
	g := geometryOf(c.Src.Shape, c.Params)
	random := stream(c.Seed)
	out := pool2d.Cell{H: random.below(g.out.H), W: random.below(g.out.W)}
	for range g.out.H * g.out.W { // the next window with all taps real
		if g.full(out.H, out.W) {
			break
		}
		if out.W++; out.W == g.out.W {
			out.W, out.H = 0, (out.H+1)%g.out.H
		}
	}
	if !g.full(out.H, out.W) {
		return nil // takes says that there is one
	}
	top, left := g.rows[out.H].taps[0], g.cols[out.W].taps[0]
	from := pool2d.HW{H: top + random.below(g.p.Stride.H), W: left + random.below(g.p.Stride.W)}
	by := pool2d.HW{H: random.below(g.p.Kernel.H - g.p.Stride.H + 1), W: random.below(g.p.Kernel.W - g.p.Stride.W + 1)}
	for _, at := range []pool2d.HW{from, {H: from.H + by.H, W: from.W + by.W}} {
		src := pool2d.Tensor[T]{Shape: pool2d.Shape{N: 1, C: 1, H: c.Src.H, W: c.Src.W}, Data: make([]T, c.Src.H*c.Src.W)}
		src.Data[at.H*src.W+at.W] = 1
		y, err := s.pool(src, c.Params)
		if err != nil {
			return err
		}
		i := y.Offset(out)
		err = compare(fmt.Sprintf("a feature at h%dw%d, moved by h%d w%d", at.H, at.W, by.H, by.W), src, c.Params, y, func(j int, got T) opinion {
			return opinion{ok: j != i || got > 0 && (c.Params.Op == pool2d.Avg || got == 1), want: "to see the feature"}
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// hasFullWindow reports whether a case has a window whose taps are all real.
func hasFullWindow[T pool2d.Elem](c Case[T]) bool {
	g := geometryOf(c.Src.Shape, c.Params)
	for h := range g.out.H {
		for w := range g.out.W {
			if g.full(h, w) {
				return true
			}
		}
	}
	return false
}

// flip mirrors the plane, swaps the pads, and demands mirrored results. Its condition is that no cells are left over and
// no window hangs over on a mirrored axis, (H+l+t−e) mod s = 0: else the mirrored windows lie elsewhere. Indices are
// mirrored too where cells are distinct and not NaN, since of equals the first wins on both sides. An average may differ
// within the bounds of both. It stays because it holds one edge of the plane against the other: what the reference and
// the suite's windows did wrong alike at one of them would show here.
func flip[T pool2d.Elem](s *subject[T], c Case[T]) error {
	before, err := ask2(s, c.Src, c.Params, isDistinct(c.Src))
	if err != nil {
		return err
	}
	bounds := boundsOf(c.Src, c.Params)
	for _, axes := range []struct {
		name string
		h, w bool
	}{{"upside down", true, false}, {"left to right", false, true}, {"upside down and left to right", true, true}} {
		if axes.h && !fitsAxis(c, true) || axes.w && !fitsAxis(c, false) {
			continue
		}
		mirror := func(in pool2d.Shape, at pool2d.Cell) pool2d.Cell {
			if axes.h {
				at.H = in.H - 1 - at.H
			}
			if axes.w {
				at.W = in.W - 1 - at.W
			}
			return at
		}
		p := c.Params
		if axes.h {
			p.Pad.Top, p.Pad.Bottom = p.Pad.Bottom, p.Pad.Top
		}
		if axes.w {
			p.Pad.Left, p.Pad.Right = p.Pad.Right, p.Pad.Left
		}
		if pool2d.Needs(c.Src.Shape, p)&s.impl.Lacks != 0 {
			continue // without RectWindow, pads that differ must be swapped on both axes
		}
		src := rearranged(c.Src, c.Src.Shape, func(at pool2d.Cell) pool2d.Cell { return mirror(c.Src.Shape, at) })
		after, err := ask2(s, src, p, before.indices != nil)
		if err != nil {
			return err
		}
		err = agree("the plane "+axes.name, src, p, after, nil, "as before the flip", func(_ int, at pool2d.Cell) (T, float64, int64, bool) {
			i := before.y.Offset(mirror(before.y.Shape, at))
			index := indexAt(before.indices, i)
			if index >= 0 {
				m := mirror(src.Shape, pool2d.Cell{H: int(index) / src.W, W: int(index) % src.W})
				index = int64(m.H*src.W + m.W)
			}
			return before.y.Data[i], 2 * boundAt(bounds, i), index, true
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// fitsAxis reports whether the windows of an axis end exactly at the end of the padded plane.
func fitsAxis[T pool2d.Elem](c Case[T], h bool) bool {
	p := c.Params.Normalized()
	if h {
		return (c.Src.H+p.Pad.Top+p.Pad.Bottom-p.Dilation.H*(p.Kernel.H-1)-1)%p.Stride.H == 0
	}
	return (c.Src.W+p.Pad.Left+p.Pad.Right-p.Dilation.W*(p.Kernel.W-1)-1)%p.Stride.W == 0
}

// isDistinct reports whether no two cells of a plane are alike, and none is NaN.
func isDistinct[T pool2d.Elem](x pool2d.Tensor[T]) bool {
	size := x.H * x.W
	for from := 0; from < len(x.Data); from += size {
		seen := make(map[T]bool, size)
		for _, v := range x.Data[from : from+size] {
			if isNaN(v) || seen[v] {
				return false
			}
			seen[v] = true
		}
	}
	return true
}

// transpose swaps the axes of the plane and of every parameter and demands swapped results. Indices are swapped where
// cells are distinct and not NaN, since the first in row-major order is another. An average may differ within the
// bounds of both. It stays because it holds one axis against the other: a height that the reference and the suite's
// windows used for the width too would show here.
func transpose[T pool2d.Elem](s *subject[T], c Case[T]) error {
	before, err := ask2(s, c.Src, c.Params, isDistinct(c.Src))
	if err != nil {
		return err
	}
	swap := func(at pool2d.Cell) pool2d.Cell { at.H, at.W = at.W, at.H; return at }
	turn := func(a pool2d.HW) pool2d.HW { return pool2d.HW{H: a.W, W: a.H} }
	p := c.Params
	p.Kernel, p.Stride, p.Dilation = turn(p.Kernel), turn(p.Stride), turn(p.Dilation)
	p.Pad = pool2d.Pad{Top: p.Pad.Left, Left: p.Pad.Top, Bottom: p.Pad.Right, Right: p.Pad.Bottom}
	shape := c.Src.Shape
	shape.H, shape.W = shape.W, shape.H
	src := rearranged(c.Src, shape, swap)
	after, err := ask2(s, src, p, before.indices != nil)
	if err != nil {
		return err
	}
	bounds := boundsOf(c.Src, c.Params)
	return agree("the plane transposed", src, p, after, nil, "as before the transposition", func(_ int, at pool2d.Cell) (T, float64, int64, bool) {
		i := before.y.Offset(swap(at))
		index := indexAt(before.indices, i)
		if index >= 0 {
			index = index%int64(c.Src.W)*int64(src.W) + index/int64(c.Src.W)
		}
		return before.y.Data[i], 2 * boundAt(bounds, i), index, true
	})
}

// monotoneMap applies a map that never decreases to every cell, and demands that it commutes with the maximum. The map
// fixes NaN and the least value, which stand for themselves and for a window without taps. Indices are compared where
// the map is injective: else it makes ties. It stays because it knows nothing of windows: it judges what is done with
// cells, whichever they are, in the reference too.
func monotoneMap[T pool2d.Elem](s *subject[T], c Case[T]) error {
	type mapping struct {
		name      string
		injective bool // on small integers
		f         func(T) T
	}
	maps := []mapping{
		{"2x, of x limited to 2²⁰", isFloat[T](), func(v T) T { return min(max(v, -T(limitOf[T]())), T(limitOf[T]())) * 2 }},
		{"the lesser of x and 2", false, func(v T) T { return min(v, 2) }},
		{"the sign of x", false, func(v T) T {
			if v > 0 {
				return 1
			}
			return 0
		}},
	}
	m := maps[int(c.Seed)%len(maps)]
	f := func(v T) T {
		if isNaN(v) || v == least[T]() {
			return v
		}
		return m.f(v)
	}
	injective := m.injective
	for _, v := range c.Src.Data {
		injective = injective && !isNaN(v) && float64(v) == math.Trunc(float64(v)) && math.Abs(float64(v)) < 1<<20
	}
	before, err := ask2(s, c.Src, c.Params, injective)
	if err != nil {
		return err
	}
	src := c.Src
	src.Data = make([]T, len(c.Src.Data))
	for i, v := range c.Src.Data {
		src.Data[i] = f(v)
	}
	after, err := ask2(s, src, c.Params, injective)
	if err != nil {
		return err
	}
	return agree("every cell replaced by "+m.name, src, c.Params, after, nil, "the map of the maximum before", func(i int, _ pool2d.Cell) (T, float64, int64, bool) {
		return f(before.y.Data[i]), 0, indexAt(before.indices, i), true
	})
}

// limitOf returns a number that can be doubled in T.
func limitOf[T pool2d.Elem]() float64 {
	if isFloat[T]() {
		return 1 << 20
	}
	if _, ok := any(T(0)).(int32); ok {
		return 1 << 20
	}
	return 60
}

// linearity demands that the average of a sum is the sum of averages, up to the bounds of the three. The cells are small
// integers, so that their sum is exact; of real cells it would be rounded before the average begins. Integer types are
// not spoken of: their quotients are rounded. It stays because it needs no sum to hold against: an average that treats
// cells by their values breaks it, be it the reference's.
func linearity[T pool2d.Elem](s *subject[T], c Case[T]) error {
	random := stream(c.Seed)
	z := c.Src
	z.Data = make([]T, len(c.Src.Data))
	fill(z, wideInts, random.next()>>40)
	sum := c.Src
	sum.Data = make([]T, len(c.Src.Data))
	for i := range sum.Data {
		sum.Data[i] = c.Src.Data[i] + z.Data[i]
	}
	var ys [3]pool2d.Tensor[T]
	var bounds [3][]float64
	for i, x := range []pool2d.Tensor[T]{c.Src, z, sum} {
		var err error
		if ys[i], err = s.pool(x, c.Params); err != nil {
			return err
		}
		bounds[i] = boundsOf(x, c.Params)
	}
	return compare("the sum of two tensors", sum, c.Params, ys[2], func(i int, got T) opinion {
		want := float64(ys[0].Data[i]) + float64(ys[1].Data[i])
		bound := bounds[0][i] + bounds[1][i] + bounds[2][i] + math.Abs(want)*0x1p-52
		return be(math.Abs(float64(got)-want) <= bound, T(want), "the sum of both averages")
	})
}

// scaling multiplies every cell by a power of two and demands the same bits of the average, with another exponent. Every
// operation of a lawful average commutes with that, in any order, as long as nothing is subnormal or overflows: the
// cells lie far from both ends. It needs the order of summation to be the same, which it is at the same place. It stays
// because it alone compares averages of different cells bit for bit: a path chosen by the size of a sum could hide
// within the bound of every other law.
func scaling[T pool2d.Elem](s *subject[T], c Case[T]) error {
	y, err := s.pool(c.Src, c.Params)
	if err != nil {
		return err
	}
	by := []float64{2, 0.5, 1 << 10, 1.0 / (1 << 10)}[int(c.Seed)%4]
	src := c.Src
	src.Data = make([]T, len(c.Src.Data))
	for i, v := range c.Src.Data {
		src.Data[i] = T(float64(v) * by) // exact
	}
	y2, err := s.pool(src, c.Params)
	if err != nil {
		return err
	}
	return compare(fmt.Sprintf("every cell times %v", by), src, c.Params, y2, func(i int, got T) opinion {
		want := T(float64(y.Data[i]) * by)
		return be(got == want, want, "the average before, times as much")
	})
}

// composition demands that pooling with k1 and then with k2, at stride 1, is pooling with k1+k2−1: the maximum of the
// maxima of overlapping stretches is the maximum of the whole. The windows are dense, since taps with gaps between them do
// not add up to such taps; in floor mode, since a window that hangs over would be cut by the first pass; and the pads of
// both sum up to the pads of the whole. Only values are compared: an index of an index is of another plane. It stays
// because it judges windows by what they add up to, and derives none: windows that are one tap short break it, whatever
// the reference and the suite take for right.
func composition[T pool2d.Elem](s *subject[T], c Case[T]) error {
	whole, err := s.pool(c.Src, c.Params)
	if err != nil {
		return err
	}
	p := c.Params
	first, second := p, p
	split := func(k, lead, trail int) (k1, l1, t1 int) {
		k1 = 1 + int(c.Seed)%k
		return k1, min(lead, k1/2), min(trail, k1/2)
	}
	first.Kernel.H, first.Pad.Top, first.Pad.Bottom = split(p.Kernel.H, p.Pad.Top, p.Pad.Bottom)
	first.Kernel.W, first.Pad.Left, first.Pad.Right = split(p.Kernel.W, p.Pad.Left, p.Pad.Right)
	second.Kernel = pool2d.HW{H: p.Kernel.H - first.Kernel.H + 1, W: p.Kernel.W - first.Kernel.W + 1}
	second.Pad = pool2d.Pad{Top: p.Pad.Top - first.Pad.Top, Left: p.Pad.Left - first.Pad.Left, Bottom: p.Pad.Bottom - first.Pad.Bottom, Right: p.Pad.Right - first.Pad.Right}
	first.Stride, second.Stride = pool2d.HW{H: 1, W: 1}, pool2d.HW{H: 1, W: 1}
	middle, err := s.pool(c.Src, first)
	if err != nil {
		return err
	}
	y, err := s.pool(middle, second)
	if err != nil {
		return err
	}
	return compare(fmt.Sprintf("the second of two, after a window of %d×%d", first.Kernel.H, first.Kernel.W), middle, second, y, func(i int, got T) opinion {
		return be(sameMax(got, whole.Data[i]), whole.Data[i], "as with the whole window at once")
	})
}

// composes reports whether the law of composition speaks of a case.
func composes[T pool2d.Elem](c Case[T]) bool {
	p := c.Params.Normalized()
	one := pool2d.HW{H: 1, W: 1}
	return p.Op == pool2d.Max && p.Stride == one && p.Dilation == one && !p.Ceil
}
