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
	heldFetch = 1  // columns to either side, at most, with fetch
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
//
// Rows are by blocks of as many as a window has, from the last up: a window is the end of one block and the beginning of
// the next.
//
// With fetch, lines of the result are fetched while rows are loaded.
func held(k kit) {
	begin(&k, "held", "func(dst, src *float32, tiles, h, w, first, out, srcRow, srcNext, dstRow, dstNext, reach, columns, fetch int, scale *float32)"+result(k.op))
	k.open()
	src, dst, h := Load(Param("src"), GP64()), Load(Param("dst"), GP64()), Load(Param("h"), GP64())
	in, out := k.first(Load(Param("w"), GP64())), K()
	KMOVW(Load(Param("out"), GP64()).(GPVirtual).As32(), out)
	srcRow, dstRow := Load(Param("srcRow"), GP64()), Load(Param("dstRow"), GP64())
	SHLQ(Imm(2), srcRow)
	SHLQ(Imm(2), dstRow)
	SHLQ(Imm(2), param("srcNext"))
	SHLQ(Imm(2), param("dstNext"))
	windows := GP64() // rows of them
	MOVQ(h, windows)
	SUBQ(param("first"), windows)
	// among goes to the label name_n for the n in [lo, hi] that r is.
	var among func(r Op, name string, lo, hi int)
	among = func(r Op, name string, lo, hi int) {
		to := func(n int) LabelRef { return LabelRef(fmt.Sprintf("%s_%d", name, n)) }
		if lo == hi {
			JMP(to(lo))
			return
		}
		mid := (lo + hi) / 2
		above := fmt.Sprintf("%s_above%d", name, mid)
		CMPQ(r, Imm(uint64(mid)))
		if lo == mid {
			JLE(to(lo))
		} else {
			JGT(LabelRef(above))
			among(r, name, lo, mid)
			Label(above)
		}
		among(r, name, mid+1, hi)
	}
	var scale GPVirtual
	if k.op == sum {
		scale = GP64() // of the row in register 0
		MOVQ(h, scale)
		SUBQ(Imm(heldRows), scale)
		SHLQ(Imm(6), scale)
		ADDQ(param("scale"), scale)
	}

	var rows [heldRows]VecVirtual
	for y := range rows { // those above a tile stay identities from one tile to the next
		rows[y] = k.identity()
	}

	Label("tile")
	last, left, ahead := GP64(), GP64(), GP64()
	MOVQ(dst, ahead)
	LEAQ(at(windows, -1), last)
	IMULQ(dstRow, last)
	ADDQ(dst, last)
	MOVQ(windows, left)
	var raw VecVirtual // of a maximum, the row before as it was loaded
	if k.op != sum {
		raw = k.identity()
	}
	load := func(name string, reach int, fetch bool) {
		among(param("columns"), name, 0, reach)
		for columns := range reach + 1 {
			Label(fmt.Sprintf("%s_%d", name, columns))
			var combine func(row VecVirtual)
			if k.op == sum {
				combine = k.alongSum(columns)
				if shift := heldShift(columns); shift > 0 {
					SUBQ(num(4*shift), last)
				}
			} else {
				combine = k.alongMax(columns)
			}
			rowsOf := fmt.Sprintf("%s%d", name, columns)
			among(h, rowsOf, 1, heldRows)
			for y := range rows {
				Label(fmt.Sprintf("%s_%d", rowsOf, heldRows-y))
				if fetch {
					PREFETCHT0(at(ahead, 0))
					ADDQ(dstRow, ahead)
				}
				if k.op == sum {
					VMOVUPS_Z(at(src, 0), in.k, rows[y])
				} else {
					VBLENDMPS(at(src, 0), k.ident, in.k, rows[y])
					if y%2 == 0 {
						VMOVAPS(rows[y], raw)
					} else {
						k.check(rows[y], raw)
					}
				}
				combine(rows[y])
				ADDQ(srcRow, src)
			}
			if fetch || columns < reach {
				JMP(LabelRef("loaded"))
			}
		}
	}
	CMPQ(param("fetch"), Imm(0))
	JEQ(LabelRef("load"))
	load("fetch", heldFetch, true)
	Label("load")
	load("load", heldReach, false)
	Label("loaded")
	among(param("reach"), "down", 0, heldReach)
	for reach := range heldReach + 1 {
		Label(fmt.Sprintf("down_%d", reach))
		k.down(rows, reach, h, func(y int, v VecVirtual) {
			if k.op == sum {
				mean := k.vec()
				VMULPS(at(scale, 64*y), v, mean)
				v = mean
			}
			VMOVUPS(v, out, at(last, 0))
			SUBQ(dstRow, last)
			DECQ(left)
			JZ(LabelRef("next"))
		})
	}
	Label("next")
	MOVQ(dstRow, last)
	IMULQ(windows, last)
	ADDQ(last, dst)
	ADDQ(param("srcNext"), src)
	ADDQ(param("dstNext"), dst)
	DECQ(param("tiles"))
	JNZ(LabelRef("tile"))
	k.report()
	VZEROUPPER()
	RET()
}

// alongMax prepares for windows that reach so many columns to both sides. What it returns combines a row.
func (k *kit) alongMax(columns int) func(row VecVirtual) {
	if columns == 0 {
		return func(VecVirtual) {}
	}
	p, other := GP64(), k.vec()
	LEAQ(global("upTo15"), p)
	VMOVDQU32(at(p, 4*columns), other)
	return func(row VecVirtual) {
		for size := 1; size <= columns; {
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
func (k *kit) alongSum(columns int) func(row VecVirtual) {
	width, most := 2*columns+1, largest(columns)
	return func(row VecVirtual) {
		sums := map[int]VecVirtual{1: row}
		for size := 1; size < most; size *= 2 {
			sums[2*size] = k.vec()
			k.combine(sums[size], k.back(size, k.ident, sums[size]), sums[2*size])
		}
		acc, cells := sums[most], most
		for size := most / 2; size > 0; size /= 2 {
			if width&size > 0 {
				cells += size
				part, to := k.vec(), k.vec()
				VALIGND(Imm(uint64(cells-most)), sums[size], k.ident, part)
				if size == 1 {
					to = row
				}
				k.combine(acc, part, to)
				acc = to
			}
		}
	}
}

// heldShift is how many lanes above its own a sum of windows is that reach so many columns to both sides.
func heldShift(columns int) int { return largest(columns) - 1 - columns }

// largest is of how many cells the largest sum is, of which such windows are made.
func largest(columns int) int { return 1 << (bits.Len(uint(2*columns+1)) - 1) }

// down calls do with each row, the last first, combined with up to reach rows on either side. Only the last h rows are
// more than identities.
//
//	rows   ····│·····│·····│     blocks of k = 2·reach+1 rows, of which block 0 ends with the last
//	window    [──┼───]           the end of one, which grows row by row, and the beginning of the one below it
//
// Of up to k rows, each window has the middle of the plane, and is what it has above and below: chains are half as long.
func (k *kit) down(rows [heldRows]VecVirtual, reach int, h Register, do func(y int, v VecVirtual)) {
	const last = heldRows - 1
	if reach == 0 {
		for y := last; y >= 0; y-- {
			do(y, rows[y])
		}
		return
	}
	both := func(a, b VecVirtual) VecVirtual {
		v := k.vec()
		k.combine(a, b, v)
		return v
	}
	size := 2*reach + 1
	more := fmt.Sprintf("more_%d", reach)
	CMPQ(h, num(size))
	JG(LabelRef(more))
	middle, top := last-reach, last-2*reach
	for y := middle + 1; y <= last; y++ {
		k.combine(rows[y-1], rows[y], rows[y])
	}
	do(last, rows[last])
	above := rows[middle-1]
	for y := last - 1; y >= top; y-- {
		if from := y - reach; top <= from && from < middle-1 {
			above = both(above, rows[from])
		}
		do(y, both(above, rows[min(y+reach, last)]))
	}

	Label(more)
	block := func(y int) int { return (last - y) / size }
	ends := func(y int) bool { return (last-y)%size == 0 }
	var end VecVirtual // of the block that the last row taken is in, from that on; nil: no rows
	take := func(y int) {
		if ends(y) {
			end = nil
		}
		switch {
		case y < 0:
		case end == nil:
			end = rows[y]
		default:
			end = both(end, rows[y])
		}
	}
	for y := last; y > last-reach; y-- {
		take(y)
	}
	for y := last; y >= 0; y-- {
		from, to := y-reach, min(y+reach, last)
		if ends(from) { // the beginnings of the block below, in place
			for i := max(from+1, 0) + 1; i <= to; i++ {
				k.combine(rows[i-1], rows[i], rows[i])
			}
		}
		take(from)
		switch {
		case block(from) == block(to):
			do(y, end)
		case end == nil:
			do(y, rows[to])
		default:
			do(y, both(end, rows[to]))
		}
	}
}
