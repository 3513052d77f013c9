package optimized

import "example.com/pool2d"

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

// whole computes the one window that is all of the plane.
func (c *call[T]) whole(dst, src []T) {
	if c.unit == 1 {
		dst[0] = c.ops.reduce(src)
	} else {
		c.ops.fold(dst, src, len(src)/c.unit, c.unit)
	}
	if c.scaled {
		by := reciprocal[T](c.windowDivisor(c.rowsCounted(0), c.colsCounted(0)))
		for i := range dst {
			dst[i] *= by
		}
	}
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
	c.cut = newCut(c.planes, c.h.out, 1, (c.h.in*c.w.in+c.h.out*c.w.out)*c.unit)
	c.start(c.chunks, len(c.src)+len(c.dst))
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
