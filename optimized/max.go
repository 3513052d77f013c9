package optimized

import (
	"math"

	"example.com/pool2d"
)

// direct computes the output rows [y0, y1) of a plane cell by cell: for windows too wide for a row buffer, whose taps
// lie far apart, and for averages of integers, whose sums need a wider type.
func (c *call[T]) direct(dst, src []T, y0, y1 int) {
	for y := y0; y < y1; y++ {
		row, nrows := c.h.taps(y)
		for x := range c.w.out {
			col, ncols := c.w.taps(x)
			out := dst[(y*c.w.out+x)*c.unit:][:c.unit]
			switch {
			case c.op == pool2d.Max:
				directMax(out, src, c.plan, row, nrows, col, ncols)
			case isFloat[T]():
				directSum(out, src, c.plan, row, nrows, col, ncols)
				by := reciprocal[T](c.windowDivisor(c.rowsCounted(y), c.colsCounted(x)))
				for i := range out {
					out[i] *= by
				}
			default:
				directMean(out, src, c.plan, row, nrows, col, ncols, c.windowDivisor(c.rowsCounted(y), c.colsCounted(x)))
			}
		}
	}
}

func directMax[T pool2d.Elem](out, src []T, p plan, row, nrows, col, ncols int) {
	fill(out, least[T]())
	for range nrows {
		at := (row*p.w.in + col) * p.unit
		for range ncols {
			for i, v := range src[at:][:len(out)] {
				out[i] = max(out[i], v)
			}
			at += p.w.d * p.unit
		}
		row += p.h.d
	}
}

// whole computes the one window of planes [p0, p1) that is all of the plane; of NHWC, channels [c0, c1) of it.
func (c *call[T]) whole(p0, p1, c0, c1 int, s *scratch) {
	cells := c.h.in * c.w.in
	by := T(1)
	if c.scaled {
		by = c.by[0]
	}
	if n := p1 - p0; c.unit == 1 && n >= c.ops.groups() && cells <= wholeCells {
		dst, src := c.dst[p0:p1], c.src[p0*cells:p1*cells]
		if k := &c.ops.globals; k.fast == nil || !k.fast(dst, src, cells, by) {
			k.exact(dst, src, cells, by)
		}
		return
	}
	s.reset()
	tmp := carve[T](s, 64)
	for plane := p0; plane < p1; plane++ {
		src := c.src[plane*cells*c.unit:][:cells*c.unit]
		dst := c.dst[plane*c.unit:][:c.unit]
		if c.unit == 1 {
			dst[0] = c.ops.reduce(src, tmp) * by
			continue
		}
		dst = dst[c0:c1]
		c.ops.fold(dst, src[c0:], cells, c.unit)
		switch {
		case c.scaled && c.ops.cells != nil:
			s.cells = cellWindows{n: 1, c: len(dst), rows: 1, cols: 1}
			c.ops.cells(dst, dst, &s.cells, by)
		case c.scaled:
			for i := range dst {
				dst[i] *= by
			}
		}
	}
}

// wholeCells is how many cells a plane may have for the kernel that takes many planes at once. It saves what comes
// after the last cell, which does not matter for more.
const wholeCells = 1 << 12

// groups returns how many planes the kernel for whole planes takes at a time, and a lot if there is none.
func (o *ops[T]) groups() int {
	if o == nil || o.globals.exact == nil {
		return math.MaxInt
	}
	return o.lanes
}

// indexing is a maximum with indices under way.
type indexing[T pool2d.Elem] struct {
	job
	plan
	cut
	dst, src []T
	indices  []int64
}

// maxIndices computes dst and indices.
func maxIndices[T pool2d.Elem](dst, src pool2d.Tensor[T], p pool2d.Params, indices []int64) {
	if len(dst.Data) == 0 {
		return
	}
	c := &indexing[T]{plan: newPlan(src.Shape, dst.Shape, src.Layout, p), dst: dst.Data, src: src.Data, indices: indices}
	c.task = c
	procs := goroutines(len(c.src) + len(c.dst))
	c.cut = newCut(c.planes, c.h.out, 1, (c.h.in*c.w.in+c.h.out*c.w.out)*c.unit, procs)
	c.start(c.chunks, len(c.src)+len(c.dst), procs)
}

func (c *indexing[T]) run(i int, _ *scratch) {
	p0, p1, y0, y1 := c.at(i, c.planes, c.h.out)
	u := c.unit
	for plane := p0; plane < p1; plane++ {
		src := c.src[plane*c.h.in*c.w.in*u:][:c.h.in*c.w.in*u]
		for y := y0; y < y1; y++ {
			for x := range c.w.out {
				at := ((plane*c.h.out+y)*c.w.out + x) * u
				windowMax(c.dst[at:][:u], c.indices[at:][:u], src, c.plan, y, x)
			}
		}
	}
}

// windowMax computes the maximum of window y, x of a plane and its index, for each element of a cell. A later tap
// replaces the best if it is greater, or NaN.
func windowMax[T pool2d.Elem](best []T, index []int64, src []T, p plan, y, x int) {
	row, nrows := p.h.taps(y)
	first, ncols := p.w.taps(x)
	if nrows == 0 || ncols == 0 {
		fill(best, least[T]())
		for i := range index {
			index[i] = -1
		}
		return
	}
	at := row*p.w.in + first
	copy(best, src[at*p.unit:])
	for i := range index {
		index[i] = int64(at)
	}
	for range nrows {
		at := row*p.w.in + first
		for range ncols {
			for i, v := range src[at*p.unit:][:len(best)] {
				if v > best[i] || v != v {
					best[i], index[i] = v, int64(at)
				}
			}
			at += p.w.d
		}
		row += p.h.d
	}
}
