package main

import (
	"fmt"
	"math/bits"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

const (
	heldRows  = 16 // registers for rows
	heldReach = 7  // rows above and below a row that its window takes, at most

	halvesReach = 5 // columns to either side that a window takes, at least, with halves, and as many rows

	overlapLeast, overlapMost = 2, 4 // columns and rows to either side that a window takes, with overlap
)

// held computes tiles of planes that registers hold whole, a row each, in windows of 2·reach+1 rows of 2·columns+1 cells
// that are centred on theirs: without the passes through memory of narrow. A tile has h rows of w cells, of which the first
// rows have no windows; out says which columns have. Rows are srcRow and dstRow elements apart, and from the end of one tile
// to the next, srcNext and dstNext. AVX-512 only, and without an exact twin.
//
//	register 0 … 15−h     identities
//	         16−h … 15    the rows of the tile, the last always in the last register
//
// Code for fewer rows is the end of that for sixteen, so it is entered where the first row is.
//
// Columns come first, while a row is loaded:
//
//	max  windows that end in their lane grow to columns+1 cells; a window is the one that ends in its lane, and that which
//	     ends columns further, or in the last lane
//	sum  sums of 2, 4 and 8 cells that end in their lane, of which a window is those that are the bits of its width, side by
//	     side, the largest first. That stays where it is, so windows move up by as many lanes (heldShift), as out and scale
//	     do
//	sum, with halves
//	     the first or the last cells of the row, and what of the others is in the window: both grow, in lanes that halves
//	     tells, by those of 1, 2 and 4 cells of other lanes, until one is added to the other; windows are square
//
// Rows are by blocks of as many as a window has, from the last up: a window is the end of one block and the beginning of
// the next. Where alike is 1, all are divided by the same number, and of square windows, beginnings are multiplied by the last row's
// factors as they grow, and ends as they meet them, so that next to no multiplications are left (VFMADD). Small ones also load a row of
// the next tile as soon as one is done with, which hides how far away it is. (Of a tile's rows, more than reach have windows.)
//
// Whole vectors are loaded, and what is behind a row is left out by the masks of what is done with it. With each row that is loaded,
// one of the result is fetched: its first line, and where tiles may be parts of planes, whose rows are apart, its last.
func held(k kit) {
	begin(&k, "held", "func(dst, src *float32, tiles, h, w, first, out, srcRow, srcNext, dstRow, dstNext, reach, columns, alike int, scale *float32, halves *int32)"+result(k.op))
	k.open()
	src, dst, h := Load(Param("src"), GP64()), Load(Param("dst"), GP64()), Load(Param("h"), GP64())
	in, out := k.rowMasks(Load(Param("w"), GP64()).(GPVirtual)), K()
	KMOVW(Load(Param("out"), GP64()).(GPVirtual).As32(), out)
	srcRow, dstRow := Load(Param("srcRow"), GP64()), Load(Param("dstRow"), GP64())
	SHLQ(Imm(2), srcRow)
	SHLQ(Imm(2), dstRow)
	SHLQ(Imm(2), param("srcNext"))
	SHLQ(Imm(2), param("dstNext"))
	windows := GP64() // rows of them
	MOVQ(h, windows)
	SUBQ(param("first"), windows)
	// among goes to the label name_n for the n in [lo, hi] that r is. Of the greatest, least branches are taken.
	var among func(r Op, name string, lo, hi int)
	among = func(r Op, name string, lo, hi int) {
		if lo == hi {
			JMP(LabelRef(fmt.Sprintf("%s_%d", name, lo)))
			return
		}
		mid := (lo + hi + 1) / 2
		below := fmt.Sprintf("%s_below%d", name, mid)
		CMPQ(r, Imm(uint64(mid)))
		JLT(LabelRef(below))
		among(r, name, mid, hi)
		Label(below)
		among(r, name, lo, mid-1)
	}
	var scale GPVirtual
	var by VecVirtual // the factor of all rows
	if k.op == sum {
		scale = GP64() // of the row in register 0
		MOVQ(h, scale)
		SUBQ(Imm(heldRows), scale)
		SHLQ(Imm(6), scale)
		ADDQ(param("scale"), scale)
		by = k.load(at(scale, 64*(heldRows-1)))
	}

	var rows [heldRows]VecVirtual
	for y := range rows { // those above a tile stay identities from one tile to the next
		rows[y] = k.identity()
	}

	// tile begins a tile, fetch fetches a row of its result, skip moves dst behind it, and next goes on to the one that is there.
	last, left, ahead := GP64(), GP64(), GP64()
	fetch := func(ends int) {
		for i := range ends {
			PREFETCHT0(at(ahead, 4*i*(k.lanes()-1)))
		}
		ADDQ(dstRow, ahead)
	}
	tile := func(shift int) {
		MOVQ(dst, ahead)
		LEAQ(at(windows, -1), last)
		IMULQ(dstRow, last)
		LEAQ(Mem{Base: dst, Index: last, Scale: 1, Disp: -4 * shift}, last)
		MOVQ(windows, left)
	}
	skip := func() {
		MOVQ(dstRow, last)
		IMULQ(windows, last)
		ADDQ(last, dst)
		ADDQ(param("dstNext"), dst)
	}
	next := func(name string) {
		Label(name + "_next")
		skip()
		ADDQ(param("srcNext"), src)
		DECQ(param("tiles"))
		JNZ(LabelRef(name))
	}
	// windowsOf returns those of rows, which are stored, and where no row is left that has any, goes on at the label end.
	windowsOf := func(reach int, factor *VecVirtual, end func(y int) string) *heldWindows {
		return &heldWindows{&k, rows, reach, factor, func(y int, v VecVirtual) {
			if k.op == sum && factor == nil {
				mean := k.vec()
				VMULPS(at(scale, 64*y), v, mean)
				v = mean
			}
			VMOVUPS(v, out, at(last, 0))
			SUBQ(dstRow, last)
			DECQ(left)
			JZ(LabelRef(end(y)))
		}}
	}
	down := func(reach int, name string, factor *VecVirtual) {
		w := windowsOf(reach, factor, func(int) string { return name + "_next" })
		if reach > 0 {
			CMPQ(h, num(2*reach+1))
			JG(LabelRef(name + "_blocks"))
			w.middle()
			Label(name + "_blocks")
		}
		w.blocks()
	}
	// overlap goes down tiles of more rows than a window has, but for the last, and loads a row of the next as soon as one is done with.
	overlap := func(reach, shift int, name string, load func(at Mem, y int)) {
		CMPQ(h, num(2*reach+1))
		JLE(LabelRef(name + "_last"))
		CMPQ(param("tiles"), Imm(1))
		JE(LabelRef(name + "_last"))
		Label(name + "_overlap")
		row, rest := GP64(), GP64()
		MOVQ(h, row)
		IMULQ(srcRow, row)
		ADDQ(param("srcNext"), row)
		ADDQ(row, src)
		MOVQ(src, row)
		MOVQ(windows, ahead)
		IMULQ(dstRow, ahead)
		ADDQ(dst, ahead)
		ADDQ(param("dstNext"), ahead)
		Comment("Rows that are not loaded where the last windows are done: those of the first row that has any, all above and reach below it.")
		MOVQ(param("first"), rest)
		ADDQ(num(reach+1), rest)
		up := func(y int) {
			fetch(2)
			SUBQ(srcRow, row)
			load(at(row, 0), y)
		}
		free := func(y int) int { return min(y+reach, heldRows-1) } // of rows that go into window y and further ones, the last
		w := windowsOf(reach, &by, func(y int) string { return fmt.Sprintf("%s_rest%d", name, free(y)) })
		do := w.do
		w.do = func(y int, v VecVirtual) {
			do(y, v)
			if free(y-1) < free(y) {
				up(free(y))
			}
		}
		w.blocks()
		for y := heldRows - 1; y >= 0; y-- {
			Label(fmt.Sprintf("%s_rest%d", name, y))
			up(y)
			DECQ(rest)
			JZ(LabelRef(name + "_loaded"))
		}
		Label(name + "_loaded")
		skip()
		tile(shift)
		DECQ(param("tiles"))
		CMPQ(param("tiles"), Imm(1))
		JNE(LabelRef(name + "_overlap"))
		Label(name + "_last")
	}
	cells := []VecVirtual{k.identity(), k.vec()} // of even and of odd rows, as they are loaded; of a first odd row, the other is looked at too
	load := func(name string, lo int, halves func(m Mem, row VecVirtual)) {
		among(param("columns"), name, lo, heldReach)
		for columns := lo; columns <= heldReach; columns++ {
			name, shift, ends := fmt.Sprintf("%s_%d", name, columns), 0, 2
			if halves != nil || columns < 2 {
				ends = 1 // windows of 3×3 on planes of several tiles go another way
			}
			if k.op == sum && halves == nil {
				shift = heldShift(columns)
			}
			Label(name)
			tile(shift)
			var along func(cells, row VecVirtual)
			switch {
			case halves != nil:
			case k.op == sum:
				along = k.alongSum(columns, in)
			default:
				along = k.alongMax(columns, in)
			}
			among(h, name+"_rows", 1, heldRows)
			for y := range rows {
				Label(fmt.Sprintf("%s_rows_%d", name, heldRows-y))
				fetch(ends)
				if halves != nil {
					halves(at(src, 0), rows[y])
				} else {
					VMOVUPS(at(src, 0), cells[y%2])
					if y%2 == 1 {
						k.check(cells[0], cells[1])
					}
					along(cells[y%2], rows[y])
				}
				ADDQ(srcRow, src)
			}
			if halves == nil {
				CMPQ(param("reach"), Imm(uint64(columns)))
				JNE(LabelRef("loaded"))
			}
			if k.op == sum {
				CMPQ(param("alike"), Imm(0))
				JNE(LabelRef(name + "_alike"))
			}
			down(columns, name, nil)
			next(name)
			JMP(LabelRef("done"))
			if k.op == sum {
				Label(name + "_alike")
				if halves == nil && overlapLeast <= columns && columns <= overlapMost {
					overlap(columns, shift, name+"_alike", func(m Mem, y int) {
						VMOVUPS(m, cells[0])
						along(cells[0], rows[y])
					})
				}
				down(columns, name+"_alike", &by)
				Label(name + "_alike_next")
				JMP(LabelRef(name + "_next"))
			}
		}
	}
	Label("tile")
	if k.op == sum {
		halves := Load(Param("halves"), GP64())
		TESTQ(halves, halves)
		JEQ(LabelRef("wide"))
		load("halves", halvesReach, k.alongHalves(halves))
		Label("wide")
	}
	load("load", 0, nil)
	Comment("Windows that are not square.")
	Label("loaded")
	among(param("reach"), "down", 0, heldReach)
	for reach := range heldReach + 1 {
		name := fmt.Sprintf("down_%d", reach)
		Label(name)
		down(reach, name, nil)
		Label(name + "_next")
		JMP(LabelRef("tile_next"))
	}
	next("tile")
	Label("done")
	k.report()
	VZEROUPPER()
	RET()
}

// rowMasks are masks of a row of w cells: the lanes of its cells, one more, and those of which the n-th further is a cell, where n is
// how far the smallest part of a sum is from its window.
type rowMasks struct{ w, more, part OpmaskVirtual }

// rowMasks takes w, which it changes.
func (k *kit) rowMasks(w GPVirtual) rowMasks {
	more, n, top := GP64(), GP64(), GP64()
	in := rowMasks{w: k.first(w).k}
	LEAQ(at(w, 1), more)
	in.more = k.first(more).k
	if k.op == sum {
		Comment("n = 2·columns+1 but for its highest bit")
		MOVQ(param("columns"), n)
		LEAQ(Mem{Base: n, Index: n, Scale: 1, Disp: 1}, n)
		BSRQ(n, top)
		BTRQ(top, n)
		SUBQ(n, w)
		in.part = k.first(w).k
	}
	return in
}

// pairs sets d to cells, each combined with the one before, and to identities behind the row: cells has whatever is there.
func (k *kit) pairs(cells VecVirtual, in rowMasks, d VecVirtual) {
	if k.op == sum {
		VALIGND_Z(Imm(15), k.ident, cells, in.more, d)
		VADDPS(cells, d, in.w, d)
		return
	}
	VMOVAPS(k.ident, d)
	VALIGND(Imm(15), k.ident, cells, in.more, d)
	VMAXPS(cells, d, in.w, d)
}

// alongMax prepares for windows that reach so many columns to both sides. What it returns combines cells to a row.
func (k *kit) alongMax(columns int, in rowMasks) func(cells, row VecVirtual) {
	if columns == 0 {
		return func(cells, row VecVirtual) { VMOVAPS(cells, row) }
	}
	p, other := GP64(), k.vec()
	LEAQ(global("upTo15"), p)
	VMOVDQU32(at(p, 4*columns), other)
	return func(cells, row VecVirtual) {
		k.pairs(cells, in, row)
		for size := 2; size <= columns; {
			shift := min(size, columns+1-size)
			k.combine(row, k.back(shift, k.ident, row), row)
			size += shift
		}
		end := k.vec()
		VPERMPS(row, other, end)
		k.combine(row, end, row)
	}
}

// alongSum is alongMax for sums.
func (k *kit) alongSum(columns int, in rowMasks) func(cells, row VecVirtual) {
	if columns == 0 {
		return func(cells, row VecVirtual) { VMOVAPS(cells, row) }
	}
	width, most := 2*columns+1, largest(columns)
	return func(cells, row VecVirtual) {
		sums := map[int]VecVirtual{2: k.vec()}
		k.pairs(cells, in, sums[2])
		for size := 2; size < most; size *= 2 {
			sums[2*size] = k.vec()
			k.combine(sums[size], k.back(size, k.ident, sums[size]), sums[2*size])
		}
		acc, taken := sums[most], most
		for size := most / 2; size > 1; size /= 2 {
			if width&size > 0 {
				taken += size
				part, both := k.vec(), k.vec()
				VALIGND(Imm(uint64(taken-most)), sums[size], k.ident, part)
				k.combine(acc, part, both)
				acc = both
			}
		}
		part := k.vec()
		VALIGND_Z(Imm(uint64(width-most)), cells, k.ident, in.part, part)
		k.combine(acc, part, row)
	}
}

// alongHalves prepares for windows that begin or end where their row does. What it returns combines the cells at m to a row.
//
// At halves are the cells that the lanes begin with, then the lanes that they add, four times; then which of them begin with a cell, and
// which add a lane, but for the last time, when all do.
func (k *kit) alongHalves(halves Register) func(m Mem, row VecVirtual) {
	const steps = 3
	var lanes [1 + steps + 1]VecVirtual
	var which [1 + steps]OpmaskVirtual
	for i := range lanes {
		lanes[i] = k.vec()
		VMOVDQU32(at(halves, 64*i), lanes[i])
	}
	for i := range which {
		which[i] = K()
		KMOVW(at(halves, 64*len(lanes)+4*i), which[i])
	}
	return func(m Mem, row VecVirtual) {
		acc := k.vec()
		VPERMPS_Z(m, lanes[0], which[0], acc)
		for i := 1; i <= steps; i++ {
			part, both := k.vec(), k.vec()
			VPERMPS_Z(acc, lanes[i], which[i], part)
			k.combine(acc, part, both)
			acc = both
		}
		half := k.vec()
		VPERMPS(acc, lanes[1+steps], half)
		k.combine(acc, half, row)
	}
}

// heldShift is how many lanes above its own a sum of windows is that reach so many columns to both sides.
func heldShift(columns int) int { return largest(columns) - 1 - columns }

// largest is of how many cells the largest sum is, of which such windows are made.
func largest(columns int) int { return 1 << (bits.Len(uint(2*columns+1)) - 1) }

// heldWindows combines rows to windows, down. It calls do with each row, the last first, combined with up to reach rows on either
// side, and multiplied by a factor that is not nil. Rows above the tile are identities. What rows there are is overwritten.
type heldWindows struct {
	*kit
	rows   [heldRows]VecVirtual
	reach  int
	factor *VecVirtual
	do     func(y int, v VecVirtual)
}

func (w *heldWindows) both(a, b VecVirtual) VecVirtual {
	v := w.vec()
	w.combine(a, b, v)
	return v
}

func (w *heldWindows) times(v VecVirtual) VecVirtual {
	if w.factor == nil {
		return v
	}
	d := w.vec()
	VMULPS(*w.factor, v, d)
	return d
}

// begin makes rows from to to the beginnings of windows that begin with the first of these.
func (w *heldWindows) begin(from, to int) {
	if w.factor != nil {
		VMULPS(*w.factor, w.rows[from], w.rows[from])
	}
	for y := from + 1; y <= to; y++ {
		if w.factor != nil {
			VFMADD213PS(w.rows[y-1], *w.factor, w.rows[y])
		} else {
			w.combine(w.rows[y-1], w.rows[y], w.rows[y])
		}
	}
}

// meet returns the window that is an end and a beginning.
func (w *heldWindows) meet(end, beginning VecVirtual) VecVirtual {
	if w.factor == nil {
		return w.both(end, beginning)
	}
	v := w.vec()
	VMOVAPS(beginning, v)
	VFMADD231PS(end, *w.factor, v)
	return v
}

// middle is for tiles of no more rows than a window has, which all have the middle of the plane, and are what they have above and
// below: chains are half as long.
func (w *heldWindows) middle() {
	const last = heldRows - 1
	middle, top := last-w.reach, last-2*w.reach
	w.begin(middle, last)
	w.do(last, w.rows[last])
	above := w.rows[middle-1]
	for y := last - 1; y >= top; y-- {
		if from := y - w.reach; top <= from && from < middle-1 {
			above = w.both(above, w.rows[from])
		}
		w.do(y, w.meet(above, w.rows[min(y+w.reach, last)]))
	}
}

// blocks is for tiles of any number of rows. What the last block has of a window is all there is of it, so its ends are multiplied as
// they grow.
//
//	rows   ····│·····│·····│     blocks of k = 2·reach+1 rows, of which block 0 ends with the last
//	window    [──┼───]           the end of one, which grows row by row, and the beginning of the one below it
func (w *heldWindows) blocks() {
	const last = heldRows - 1
	size := 2*w.reach + 1
	block := func(y int) int { return (last - y) / size }
	ends := func(y int) bool { return (last-y)%size == 0 }
	whole := func(y int) bool { return block(y) == 0 && w.factor != nil }
	var end VecVirtual // of the block that the last row taken is in, from that on; nil: no rows
	take := func(y int) {
		if ends(y) {
			end = nil
		}
		switch {
		case y < 0:
		case end == nil && whole(y):
			end = w.times(w.rows[y])
		case end == nil:
			end = w.rows[y]
		case whole(y):
			VFMADD231PS(w.rows[y], *w.factor, end)
		default:
			end = w.both(end, w.rows[y])
		}
	}
	for y := last; y > last-w.reach; y-- {
		take(y)
	}
	for y := last; y >= 0; y-- {
		from, to := y-w.reach, min(y+w.reach, last)
		if ends(from) && from < to { // the beginnings of the block below
			w.begin(max(from+1, 0), to)
		}
		take(from)
		switch {
		case whole(from):
			w.do(y, end)
		case block(from) == block(to):
			w.do(y, w.times(end))
		case end == nil:
			w.do(y, w.rows[to])
		default:
			w.do(y, w.meet(end, w.rows[to]))
		}
	}
}
