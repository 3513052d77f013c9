package optimized

import (
	"math/bits"

	"example.com/pool2d"
)

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
	reach                 pool2d.HW // cells of a window to either side of its own
	shift                 int       // lanes that windows move up on their way (heldSums)
	halves                *halves   // or nil
	alike                 bool      // all windows have the same divisor
}

const (
	heldRows  = 16 // a tile has at most
	heldReach = 7  // windows of 15 cells

	tileCells = heldRows * narrowWidth
)

// heldLeast is from how many windows a tile on, on average, tiles are faster than flat planes. Of a maximum, with 100, tiles take
// 0.25 to 0.5 of the time; with 50, 0.4 (planes of 24×24) to 1.0 (64×64); with 25, 1.0 to 1.9. Of a sum, with 39, both are as fast
// (-bench Shapes/layout=nchw, with other limits).
const heldLeast = 32

// isHeld reports whether planes are held in registers, and prepares for it.
func (c *call[T]) isHeld() bool {
	h, w := c.h, c.w
	centred := func(a axis) bool {
		return a.s == 1 && a.d == 1 && a.out == a.in && a.k == 2*a.l+1 && min(a.l, a.in-1) <= heldReach
	}
	if c.ops.held == nil || c.unit != 1 || !centred(h) || !centred(w) || w.in > flatWidth || h.in > flatCells/w.in {
		return false
	}
	c.tiles = c.tiles[:0]
	reach := pool2d.HW{H: min(h.l, h.in-1), W: min(w.l, w.in-1)}
	shift, last := 0, narrowWidth
	var half *halves
	if !c.ops.idempotent {
		if reach.H == reach.W && c.halves.set(w.in, reach.W) {
			half = &c.halves
		} else {
			shift, last = heldSums(reach.W)
		}
	}
	if last = min(last, w.in); last < w.in && last < 2*reach.W {
		return false
	}
	for row := (span{}); row.next(h.in, heldRows, heldRows, reach.H); {
		for column := (span{}); column.next(w.in, narrowWidth, last, reach.W); {
			c.tiles = append(c.tiles, heldTile{
				h: h.in, w: w.in, row: row.from, column: column.from, rows: row.n, columns: column.n,
				firstRow: row.first, firstColumn: column.first, reach: reach, shift: shift, halves: half,
				alike: c.count || c.divisor > 0,
			})
		}
	}
	return len(c.tiles) == 1 || h.in*w.in >= heldLeast*len(c.tiles)
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

// heldSums returns how many lanes up windows move of which sums are made that reach so many columns to either side, and how
// many columns a tile has at most where the plane ends. A window is sums of 8, 4, 2 and 1 cells that end in their lane, of which
// the largest stays where it is. Of 5 cells, 4 and 1:
//
//	cells                   0 1 2 3 4 5 6 7 8 9
//	window              [───────┤                those that end in 1, and 2: in lane 1, as the window around cell 0
//	                            [───────┤        in 5, and 6
//	                                  [───────┤  in 8, and 9
//
// A sum that ends behind the last lane is left out, so it must have no cell of the plane.
func heldSums(columns int) (shift, last int) {
	width := 2*columns + 1
	most := 1 << bits.Len(uint(width)) >> 1
	shift = most - 1 - columns
	second := 1 << bits.Len(uint(width-most)) >> 1
	return shift, min(narrowWidth-shift, narrowWidth+1-second)
}

// halves is how sums of rows are made all of whose windows begin with the first cell or end with the last. Of 13 cells, in windows of 13:
//
//	cells                0 1 2 3 4 5 · 6 7 8 9 10 11 12      left of the middle, and right of it
//	windows 0 … 5        └─── all ───┴────► x+6              what they have of the right begins at the middle
//	windows 6 … 12           x−6 ◄───┴────── all ────┘       what they have of the left ends there
//
//	lanes                0 1 2 3 4  5  6 7 8 9 10 11 12 13
//	begin with cell      6 7 8 9 10 11 0 1 2 3 4  5  –  12   the farthest that each window has of its half; all that are left
//	add                  those whose cells are 1, then 2, then 4 cells nearer to the middle: the half
//	add                  the lane that began with cell 0 or with the last: the other half, all of it
//
// So windows of 11, 13 and 15 cells take 4 additions and 5 permutations, one of them on the way from memory, where sums of 8, 4, 2 and 1
// cells take 5 or 6 of each. Kernels read it as it lies here.
type halves struct {
	cells [narrowWidth]int32
	add   [4][narrowWidth]int32
	begin uint32    // lanes that begin with a cell
	adds  [3]uint32 // lanes that add one; the last time, all do
}

// halvesReach is from how many columns to either side on windows take fewer operations by halves.
const halvesReach = 5

// set prepares for rows of columns cells in windows that reach so many to either side, less than columns. It reports false if they are
// not to be summed by halves.
func (s *halves) set(columns, reach int) bool {
	if reach < halvesReach || columns > 2*reach+2 {
		return false
	}
	*s = halves{}
	left := columns - 1 - reach // windows that do not have the last cell
	middle := max(reach, left)
	var lanes [narrowWidth]int32 // where a cell is
	placed := 0
	place := func(lane, cell int) {
		lanes[cell] = int32(lane)
		placed |= 1 << cell
		s.cells[lane] = int32(cell)
		s.begin |= 1 << lane
	}
	for x := range columns {
		if x < left && x+reach >= middle {
			place(x, x+reach)
		} else if x >= left && x-reach < middle {
			place(x, max(0, x-reach))
		}
	}
	free := columns
	for cell := range columns {
		if placed>>cell&1 == 0 {
			if free == narrowWidth {
				return false
			}
			place(free, cell)
			free++
		}
	}
	for lane := range free {
		if s.begin>>lane&1 == 0 {
			continue
		}
		cell := int(s.cells[lane])
		for i := range s.adds {
			nearer := cell + 1<<i
			if cell >= middle {
				nearer = cell - 1<<i
			}
			if nearer >= 0 && nearer < columns && nearer >= middle == (cell >= middle) {
				s.add[i][lane] = lanes[nearer]
				s.adds[i] |= 1 << lane
			}
		}
	}
	for x := range columns {
		s.add[3][x] = lanes[0]
		if x >= left {
			s.add[3][x] = lanes[columns-1]
		}
	}
	return true
}

// tileGroup is how many bytes of planes tiles are taken of before the next tile: they are then in the first-level cache, here of
// 48 KiB. 8 KiB, where calls of the kernel cost more, take 1.1 to 1.6 times as long, 64 KiB 1.1 times but for planes of 40×40,
// which gain as much.
const tileGroup = 32 << 10

// heldRun computes planes [p0, p1). It reports false if it has not, since it saw a NaN. Kernels read whole vectors, so planes behind
// whose last row there are too few cells of the source are copied first.
func (c *call[T]) heldRun(p0, p1 int, s *scratch) bool {
	cells := c.h.in * c.w.in
	group := p1 - p0
	if len(c.tiles) > 1 {
		group = max(1, tileGroup/4/cells)
	}
	for ; p0 < p1; p0 += group {
		n := min(group, p1-p0)
		dst, src := c.dst[p0*cells:], c.src[p0*cells:] // with what is behind
		for i := range c.tiles {
			t := &s.tile
			*t = c.tiles[i]
			var by []T
			if c.scaled {
				by = c.by[i*tileCells:][:tileCells]
			}
			behind := (t.row+t.rows-1)*t.w + t.column + narrowWidth - cells // a plane, that are read with it
			if t.planes = min(n, max(0, len(src)-behind)/cells); t.planes > 0 && !c.ops.held(dst, src, t, by) {
				return false
			}
			if done := t.planes * cells; t.planes < n {
				s.reset()
				copied := carve[T](s, n*cells-done+narrowWidth)
				clear(copied[copy(copied, src[done:n*cells]):])
				if t.planes = n - t.planes; !c.ops.held(dst[done:], copied, t, by) {
					return false
				}
			}
		}
	}
	return true
}

// heldFactors computes the reciprocals of the divisors of all windows of tiles, narrowWidth a row.
func (c *call[T]) heldFactors() {
	c.by = c.sharedRows(len(c.tiles) * tileCells)
	for i, t := range c.tiles {
		counted := -1
		for y := range t.rows {
			row := c.by[i*tileCells+y*narrowWidth:]
			if rows := c.rowsCounted(t.row + y); rows != counted {
				counted = rows
				c.scales(row[t.shift:], rows, t.column, t.column+min(t.columns, narrowWidth-t.shift))
			} else {
				copy(row[:narrowWidth], c.by[i*tileCells+(y-1)*narrowWidth:])
			}
		}
	}
}
