package optimized

import (
	"unsafe"

	"example.com/pool2d"
)

// blocks pools rows of a plane at stride 1, a block of k rows at a time, each by strips: a row is folded along itself, and down with
// those before it in the block. All rows of a strip are kept until the block is done, and then become its ends. So a window, which
// is the end of one block and the beginning of the next, costs three operations whatever k is (van Herk 1992; Gil, Werman 1993), and
// only cells of the window enter. Blocks are anchored to the plane, so that the bits of a sum do not depend on how it is cut.
//
//	         strip           strip
//	block  ┌───────────────┬───────────────┬─
//	of k   │ [─ windows ─] │               │   acc:  all rows of the block so far; a window is acc ∘ end, of the block before
//	rows   │               │               │   ends: before a row is taken in, its end: all rows behind it, of the block before;
//	       │               │               │         then the row itself
//	       ├───────────────┼───────────────┼─
type blocks[T pool2d.Elem] struct {
	*call[T]
	dst, src []T // of the plane
	s        *scratch

	width        int // columns of a strip
	hang         int // columns by which the last window hangs over the right edge
	rows0, rows1 int // these rows of windows hang over no edge
	x0, x1       int // the columns at hand: strips whose ends are kept

	acc    []T  // a row of a strip
	none   []T  // and one of identities
	unused []T  // a row, for windows that nobody wants
	ends   []T  // k rows of each strip
	exact  bool // there was a NaN
	full   []T  // reciprocals for the rows that hang over no edge, from x0 on
	edge   []T  // and for another, of a strip
}

// carried says up to which row of windows a goroutine has come, whose scratch has the ends that the next one needs.
type carried struct{ plane, y int }

const (
	stripCells = 6 << 10 // of k rows, 24 KiB: half of the first-level cache
	stripLeast = 256     // columns: k−1 cells before a strip are folded once more
	stripSpare = 32      // columns that a strip may be narrower by; a window hangs over an edge by no more
	// Planes that could be flat are pooled by blocks from so many windows a row on: then that takes 0.54 to 0.96 of the time (the Intel of
	// model 207), and with 29 windows 1.01 to 1.08, with 12 to 23 1.35 to 1.9; or from fewer on if these are wide, where it takes 0.5 to 1
	// (that of model 167, -bench Narrow) and 0.97 to 1.07.
	blocksOut             = 40
	wideOut, blocksWindow = 32, 16

	mostInBlock = 256 // rows, of which a strip's columns fit blockBytes
)

// isBlocks reports whether planes are pooled by blocks.
func (c *call[T]) isBlocks() bool {
	h, w := c.h, c.w
	// Of five rows, windows are pooled sooner so than by five loads where one strip is enough, and few of its rows are for the first
	// block alone: 72 to 300 columns 0.55 to 0.9 of the time, 512 and more 1.05 to 1.2, five rows of 72 1.15 (the Intel of model 207).
	five := h.d == 1 && h.k == 5 && h.in > 5 && flatWidth < w.in && w.out <= stripLeast
	return c.ops.slideBlock.exact != nil && c.unit == 1 && h.s == 1 && (five || h.byBlocks()) && h.k <= mostInBlock &&
		w.s == 1 && w.d == 1 && w.k <= min(c.ops.widest, w.in) && c.ops.slidePays(w.k, w.in)
}

// blockRow returns the row of windows whose last rows are the first of block e.
func (a axis) blockRow(e int) int { return (e-1)*a.k + 1 + a.l }

// blockStart returns where a band of rows of windows begins or ends that shall do so at y, a multiple of k: at a block.
func (a axis) blockStart(y int) int {
	if y == 0 || y == a.out {
		return y
	}
	return a.blockRow(y / a.k)
}

// blocksRun computes the output rows [y0, y1) of a plane.
func (c *call[T]) blocksRun(dst, src []T, plane, y0, y1 int, s *scratch) {
	var cell T
	k, out := c.h.k, c.w.out
	b := blocks[T]{call: c, dst: dst, src: src, s: s, hang: max(0, out-1-c.w.l+c.w.k-c.w.in)}
	b.rows0, b.rows1 = c.h.inner()
	b.width = c.stripWidth()
	strips := max(1, min((out+b.width-1)/b.width, blockBytes/int(unsafe.Sizeof(cell))/(k*b.width))) // at a time
	b.acc, b.none, b.unused = carve[T](s, b.width), carve[T](s, b.width), carve[T](s, b.width)
	fill(b.none, c.ops.identity)
	b.ends = carve[T](s, strips*k*b.width)
	if c.scaled && c.by == nil {
		b.full, b.edge = carve[T](s, strips*b.width), carve[T](s, b.width)
	}
	for b.x0 < out {
		b.x1 = b.x0
		for range strips {
			b.x1 = b.stripEnd(b.x1)
		}
		if b.full != nil {
			c.scales(b.full, k, b.x0, b.x1)
		}
		goesOn := b.x1-b.x0 == out && s.carried.plane == plane && s.carried.y == y0
		s.carried = carried{plane, b.band(y0, y1, goesOn)}
		b.x0 = b.x1
	}
}

// stripWidth returns how many columns a strip has, whole vectors of them.
func (c *call[T]) stripWidth() int {
	columns := max(stripCells/c.h.k, stripLeast)
	if !c.stream { // 63×63 then takes 0.9 to 1 of the time; past the cache, wider strips take up to 1.3 (-bench Wide)
		columns = max(columns, 6*c.w.k)
	}
	return min(columns, c.w.out+15) &^ 15
}

// stripEnd returns where the strip that begins at x ends. The last has at least as many columns as a window hangs over the edge,
// since the kernel wants all cells that are before a strip.
func (b *blocks[T]) stripEnd(x int) int {
	end := x + b.width
	switch left := b.w.out - end; {
	case left <= 0:
		return b.w.out
	case left < b.hang:
		return end - stripSpare
	}
	return end
}

// band computes the rows [y0, y1) of windows, with the ends that there are if it goes on. It returns for which row it leaves ends.
func (b *blocks[T]) band(y0, y1 int, goesOn bool) int {
	last := y0 - b.h.l + b.h.k - 1 // row of the first window
	e := last / b.h.k
	if !goesOn && e > 0 {
		b.block(e-1, last%b.h.k+1, b.h.k, b.h.k)
	}
	for ; b.h.blockRow(e) < y1; e++ {
		y := b.h.blockRow(e)
		b.block(e, 0, max(0, y0-y), min(b.h.k, y1-y))
	}
	return b.h.blockRow(e)
}

// block takes in the rows of block e from its row first on, and computes the windows whose last rows are its rows [from, to), be
// they there or not.
func (b *blocks[T]) block(e, first, from, to int) {
	size := b.h.k * b.width
	ends := b.ends
	for x, end := b.x0, 0; x < b.x1; x = end {
		end = b.stripEnd(x)
		st := strip[T]{x, end, ends[:size]}
		ends = ends[size:]
		if fast := b.ops.slideBlock.fast; fast != nil && !b.exact {
			if b.foldStrip(&st, fast, e, first, from, to) {
				continue
			}
			b.exact = true
			if e > 0 { // the ends are gone
				b.foldStrip(&st, b.ops.slideBlock.exact, e-1, from+1, b.h.k, b.h.k)
			}
		}
		b.foldStrip(&st, b.ops.slideBlock.exact, e, first, from, to)
	}
}

// strip is columns [x, end) of windows, and their ends.
type strip[T pool2d.Elem] struct {
	x, end int
	ends   []T
}

// foldStrip does what block says for one. It reports whether the kernel did not give up.
func (b *blocks[T]) foldStrip(st *strip[T], kernel slideBlock[T], e, first, from, to int) bool {
	h, w, k := b.h, b.w, b.h.k
	rows := min(to, max(0, h.in-e*k))    // that are there
	lo, hi := st.x-w.l, st.end-1-w.l+w.k // columns under the strip
	r0, r1 := max(lo, 0), min(hi, w.in)  // that are there
	ahead := st.end - w.l - r0           // from a cell to that of the next strip
	if st.end == b.x1 {
		ahead = k*w.in + max(0, b.x0-w.l) - r0
	}
	f := &b.s.slide
	*f = slideRows{n: st.end - st.x, lead: r0 - lo, cells: r1 - r0, k: w.k, srcRow: w.in, width: b.width}
	copy(b.acc, b.none)
	if e == 0 {
		fill(st.ends[:to*b.width], b.ops.identity)
	}
	for i := first; i < rows; i += f.rows {
		src, dst, by, stream := b.src[(e*k+i)*w.in+r0:], b.unused, []T(nil), false
		f.rows, f.dstRow = min(from, rows)-i, 0
		if i >= from {
			y := h.blockRow(e) + i
			dst, stream = b.dst[y*w.out+st.x:], b.stream
			f.rows, f.dstRow = rows-i, w.out
			by = b.factors(y, st, f)
		}
		next := src[min(ahead, len(src)-1):]
		if !kernel(dst, b.acc, src, st.ends[i*b.width:], f, by, hint[T]{next: next, stream: stream}) {
			return false
		}
	}
	for i := max(from, rows); i < to; i++ {
		y := h.blockRow(e) + i
		dst := b.dst[y*w.out+st.x : y*w.out+st.end]
		b.ops.pair(dst, b.acc[:f.n], st.ends[i*b.width:][:f.n])
		if b.scaled {
			b.ops.scale(dst, b.factors(y, st, f))
		}
	}
	if i := max(0, first-1); i < rows && h.blockRow(e+1) < h.out { // another block needs the ends, the first of them of row i
		b.ops.suffix(st.ends[i*b.width:], f.n, b.width, rows-i)
	}
	return true
}

// factors returns the reciprocals for the strip's windows of row y, and makes f.rows how many rows have them.
func (b *blocks[T]) factors(y int, st *strip[T], f *slideRows) []T {
	switch {
	case !b.scaled:
		return nil
	case b.by != nil:
		f.byRow = b.w.out
		return b.by[y*b.w.out+st.x:]
	case b.rows0 <= y && y < b.rows1: // and so do the others whose last row is in the plane
		return b.full[st.x-b.x0:]
	}
	f.rows = 1
	b.scales(b.edge, b.rowsCounted(y), st.x, st.end)
	return b.edge
}
