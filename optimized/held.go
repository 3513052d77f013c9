package optimized

import "example.com/pool2d"

// Small planes in windows that are centred on their cells, as many as cells, are held in registers: whole, or tile by tile.
// Of windows of 5×5 and a plane of 20×20, where a tile is 16×16 and a window reaches 2 cells further:
//
//	0           14    20      a window of a tile is right but for those that reach over an edge that is not the plane's.
//	┌───────────┬──┬───┐      Tiles come in order, and each overwrites what the one before it had wrong. So a tile begins
//	│           ╎  │   │      reach cells before the first window that is right in none before, or so that it ends where
//	│     1     ╎  │ 2 │      the plane does.
//	├╌╌╌╌╌╌╌╌╌╌╌┼╌╌┼╌╌╌┤ 14
//	└───────────┴──┴───┘

// heldTile is a tile of planes of h rows of w cells. A kernel computes its windows from (firstRow, firstColumn) on.
type heldTile struct {
	planes, h, w          int
	row, column           int // where it begins
	rows, columns         int
	firstRow, firstColumn int
	reach                 int // rows of a window above and below its own
	steps                 int // how often a maximum doubles; of a sum, columns to either side
	index                 []uint32
}

// held is how planes are held in registers.
type held struct {
	tiles []heldTile
	index []uint32
	n     narrowPlanes // for its permutations of maxima
}

const (
	heldRows  = 16 // a tile has at most
	heldReach = 7  // windows of 15 cells
	tileCells = heldRows * narrowWidth
)

// heldLeast is from how many windows a tile on, on average, tiles are faster than flat planes: of a maximum, and of a sum, whose
// rows are more work. With 100, tiles take 0.25 to 0.5 of the time; with 50, 0.4 (planes of 24×24) to 1.0 (64×64); with 25, 1.0
// to 1.7 of a maximum and 1.1 to 2.2 of a sum (-bench Shapes/layout=nchw, with other limits).
var heldLeast = [2]int{32, 48}

// isHeld reports whether planes are held in registers, and prepares for it.
func (c *call[T]) isHeld() bool {
	h, w := c.h, c.w
	centred := func(a axis) bool {
		return a.s == 1 && a.d == 1 && a.out == a.in && a.k == 2*a.l+1 && min(a.l, a.in-1) <= heldReach
	}
	if c.ops.held == nil || c.unit != 1 || !centred(h) || !centred(w) || w.in > flatWidth || h.in > flatCells/w.in {
		return false
	}
	p := &c.held
	p.tiles, p.index = p.tiles[:0], p.index[:0]
	reach := pool2d.HW{H: min(h.l, h.in-1), W: min(w.l, w.in-1)}

	// How a row's windows are made, in a tile where the plane ends and in one where it does not.
	last := min(w.in, narrowWidth)
	for last > 0 && !p.columns(w, last, c.ops.idempotent, true) {
		last--
	}
	steps, edge := p.n.steps/2, len(p.index)
	if !c.ops.idempotent {
		steps = w.k / 2
	}
	if last < w.in && (last < 2*reach.W || !p.columns(w, min(w.in, narrowWidth), c.ops.idempotent, false)) {
		return false
	}

	for row := (span{}); row.next(h.in, heldRows, heldRows, reach.H); {
		for column := (span{}); column.next(w.in, narrowWidth, last, reach.W); {
			t := heldTile{
				h: h.in, w: w.in, row: row.from, column: column.from, rows: row.n, columns: column.n,
				firstRow: row.first, firstColumn: column.first, reach: reach.H, steps: steps, index: p.index[edge:],
			}
			if column.from+column.n == w.in && column.n == last {
				t.index = p.index[:edge]
			}
			p.tiles = append(p.tiles, t)
		}
	}
	return len(p.tiles) == 1 || h.in*w.in >= heldLeast[c.op]*len(p.tiles)
}

// span is the cells [from, from+n) of an axis that a tile has, and the first whose window it computes.
type span struct {
	from, n, first int
	right          int // windows that are right in it or in one before
}

// next goes on to the next span, of up to long cells, or of up to last where the axis ends. It reports false if there is none.
func (s *span) next(cells, long, last, reach int) bool {
	if s.right == cells {
		return false
	}
	begin := max(0, s.right-reach)
	if cells-begin <= last {
		s.from, s.n = max(0, cells-last), min(cells, last)
		s.first, s.right = s.right-s.from, cells
		return true
	}
	s.from, s.n = begin, min(long, cells-begin)
	s.first, s.right = s.right-begin, begin+s.n-reach
	return true
}

// columns appends the permutations for rows of so many cells, with an edge behind them or more of the plane. It reports
// false if it cannot be done.
func (p *held) columns(w axis, cells int, idempotent, edge bool) bool {
	a := axis{in: cells, out: cells, k: w.k, s: 1, d: 1, l: w.l}
	if idempotent {
		p.n.index = p.n.index[:0]
		if !p.n.maxima(a) || p.n.steps%2 > 0 {
			return false
		}
		p.index = append(p.index, p.n.index...)
		return true
	}
	return p.sums(a, edge)
}

// sums appends the permutations for sums: of which sums of 8, 4, 2 and 1 cells, that end in their lane, a window is made.
// Its cells before the row are not in such a sum, those behind it are zeros up to the last lane. If that matters, since
// there is an edge behind the row, it reports false if a window needs a sum that ends behind that.
//
//	cells                   0 1 2 3 4 5 6 7 8 9
//	window              [───────┤                5 cells, of 4 and 1: that ends in 1, and 2
//	                            [───────┤        those that end in 7, and 8
//	                                      [───────┤  and in 12, and none
func (p *held) sums(w axis, edge bool) bool {
	if w.k > 2*heldReach+1 {
		return false
	}
	n := len(p.index)
	before := 0
	for size := 8; size > 0; size /= 2 {
		if w.k&size == 0 {
			continue
		}
		for x := range narrowWidth {
			first := x - w.l + before
			last := first + size - 1
			switch {
			case x < w.out && 0 <= last && first < w.in && last < narrowWidth:
				p.index = append(p.index, uint32(last))
			case x < w.out && 0 <= last && first < w.in && edge:
				p.index = p.index[:n]
				return false
			default:
				p.index = append(p.index, 1<<31)
			}
		}
		before += size
	}
	return true
}

// tileGroup is how many bytes of planes tiles are taken of before the next tile: they are then in the first-level cache, here of
// 48 KiB. 8 KiB, where calls of the kernel cost more, take 1.1 to 1.6 times as long, 64 KiB 1.1 times but for planes of 40×40,
// which gain as much.
const tileGroup = 32 << 10

// heldRun computes planes [p0, p1). It reports false if it has not, since it saw a NaN.
func (c *call[T]) heldRun(p0, p1 int, s *scratch) bool {
	cells := c.h.in * c.w.in
	group := p1 - p0
	if len(c.held.tiles) > 1 {
		group = max(1, tileGroup/4/cells)
	}
	for ; p0 < p1; p0 += group {
		n := min(group, p1-p0)
		dst, src := c.dst[p0*cells:][:n*cells], c.src[p0*cells:][:n*cells]
		for i := range c.held.tiles {
			s.tile = c.held.tiles[i]
			s.tile.planes = n
			var by []T
			if c.scaled {
				by = c.by[i*tileCells:][:tileCells]
			}
			if !c.ops.held(dst, src, &s.tile, by) {
				return false
			}
		}
	}
	return true
}

// heldFactors computes the reciprocals of the divisors of all windows of tiles, narrowWidth a row.
func (c *call[T]) heldFactors() {
	c.by = c.sharedRows(len(c.held.tiles) * tileCells)
	for i, t := range c.held.tiles {
		counted := -1
		for y := range t.rows {
			row := c.by[i*tileCells+y*narrowWidth:]
			if rows := c.rowsCounted(t.row + y); rows != counted {
				counted = rows
				c.scales(row, rows, t.column, t.column+t.columns)
			} else {
				copy(row[:t.columns], c.by[i*tileCells+(y-1)*narrowWidth:])
			}
		}
	}
}
