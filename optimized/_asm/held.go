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
)

// held computes tiles of planes that registers hold whole, a row each, in windows of 2·reach+1 rows that are centred on
// theirs: without the passes through memory of narrow. A tile has h rows of w cells, of which the first rows have no
// windows; out says which columns have. Rows are srcRow and dstRow elements apart, and from the end of one tile to the
// next, srcNext and dstNext. AVX-512 only, and without an exact twin.
//
//	register 0 … 15−h     identities
//	         16−h … 15    the rows of the tile, the last always in the last register
//
// Code for fewer rows is the end of that for sixteen, so it is entered where the first row is.
//
//	max  rows: windows that end in their row double to 1 + reach rows, then each takes the one that ends reach rows further
//	     down, or the last there is; columns double as those of narrow do
//	sum  columns: sums of 1, 2, 4 and 8 cells that end in their lane, of which each window is those that are the bits of
//	     its width, side by side; then rows likewise, from the last up to the first
//
// Of a maximum, columns is how often it doubles, and index has a permutation for each, and one for that of two windows
// which is not the lane's own. Of a sum, windows have 2·columns+1 cells, and index has a permutation for each sum, the largest
// first, negative where there are no cells.
func held(k kit) {
	begin(&k, "held", "func(dst, src *float32, tiles, h, w, first, out, srcRow, srcNext, dstRow, dstNext, reach, columns int, index *uint32, scale *float32)"+result(k.op))
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
	var rows [heldRows]VecVirtual
	identities := func() {
		for y := range rows {
			rows[y] = k.vec()
			VMOVAPS(k.ident, rows[y])
		}
	}
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
	// each does something for each of the last n rows.
	each := func(n Op, name string, do func(y int)) {
		among(n, name, 1, heldRows)
		for y := range rows {
			Label(fmt.Sprintf("%s_%d", name, heldRows-y))
			do(y)
		}
	}
	load := func(y int) {
		VMOVUPS_Z(at(src, 0), in.k, rows[y])
		ADDQ(srcRow, src)
	}
	index := Load(Param("index"), GP64())
	indices := func(n int) []VecVirtual {
		idx := make([]VecVirtual, n)
		for i := range idx {
			idx[i] = k.load(at(index, 64*i))
		}
		return idx
	}

	left := GP64()
	if k.op != sum {
		identities()
	}

	Label("tile")
	if k.op == sum {
		identities() // their registers hold other sums in between
		among(param("columns"), "load", 0, heldReach)
		for columns := range heldReach + 1 {
			Label(fmt.Sprintf("load_%d", columns))
			width := uint(2*columns + 1)
			idx := indices(bits.OnesCount(width))
			some := make([]OpmaskVirtual, len(idx))
			for i := range idx {
				some[i] = K()
				VPMOVD2M(idx[i], some[i])
				KNOTW(some[i], some[i])
			}
			each(h, fmt.Sprintf("load%d", columns), func(y int) {
				load(y)
				sums := []VecVirtual{rows[y]}
				for i := range bits.Len(width) - 1 {
					d := k.vec()
					VALIGND(Imm(16-1<<i), k.ident, sums[i], d)
					k.combine(d, sums[i], d)
					sums = append(sums, d)
				}
				var parts []VecVirtual
				for j := len(sums) - 1; j >= 0; j-- {
					if i := len(parts); width>>j&1 == 1 {
						parts = append(parts, k.vec())
						VPERMPS_Z(sums[j], idx[i], some[i], parts[i])
					}
				}
				if len(parts) == 1 {
					VMOVAPS(parts[0], rows[y])
				}
				for i := 1; i < len(parts); i++ {
					to := rows[y]
					if i < len(parts)-1 {
						to = parts[0]
					}
					k.combine(parts[0], parts[i], to)
				}
			})
			if columns < heldReach {
				JMP(LabelRef("loaded"))
			}
		}
		Label("loaded")
		Comment("From the last row up to the first.")
		scale, last := GP64(), GP64()
		MOVQ(h, scale)
		SUBQ(Imm(heldRows), scale)
		SHLQ(Imm(6), scale)
		ADDQ(param("scale"), scale)
		LEAQ(at(windows, -1), last)
		IMULQ(dstRow, last)
		ADDQ(dst, last)
		MOVQ(windows, left)
		among(param("reach"), "sums", 0, heldReach)
		for reach := range heldReach + 1 {
			Label(fmt.Sprintf("sums_%d", reach))
			k.sumsOfRows(rows[:], reach, func(y int, v VecVirtual) {
				mean := k.vec()
				VMULPS(at(scale, 64*y), v, mean)
				VMOVUPS(mean, out, at(last, 0))
				SUBQ(dstRow, last)
				DECQ(left)
				JZ(LabelRef("summed"))
			})
		}
		Label("summed")
		MOVQ(dstRow, last)
		IMULQ(windows, last)
		ADDQ(last, dst)
	} else {
		each(h, "load", load)
		for y := 0; y < heldRows; y += 2 {
			k.check(rows[y], rows[y+1])
		}
		// down takes into each window the one that ends s rows above. Four rows at a time it looks whether there are more.
		blocks := 0
		down := func(s int) {
			name := fmt.Sprintf("down%d", blocks)
			blocks++
			for y := heldRows - 1; y >= s; y-- {
				k.combine(rows[y], rows[y-s], rows[y])
				if done := heldRows - y; done%4 == 0 && y > s {
					CMPQ(h, Imm(uint64(done)))
					JLE(LabelRef(name))
				}
			}
			Label(name)
		}
		among(param("reach"), "reach", 0, heldReach)
		for reach := 1; reach <= heldReach; reach++ {
			Label(fmt.Sprintf("reach_%d", reach))
			for size := 1; size <= reach; {
				s := min(size, reach+1-size)
				down(s)
				size += s
			}
			each(windows, fmt.Sprintf("up%d", reach), func(y int) {
				if y < heldRows-1 {
					k.combine(rows[y], rows[min(y+reach, heldRows-1)], rows[y])
				}
			})
			if reach < heldReach {
				JMP(LabelRef("reach_0"))
			}
		}
		Label("reach_0")
		among(param("columns"), "columns", 0, narrowSteps)
		for n := range narrowSteps + 1 {
			Label(fmt.Sprintf("columns_%d", n))
			idx := indices(n + 1)
			each(windows, fmt.Sprintf("columns%d", n), func(y int) {
				for _, i := range idx {
					p := k.vec()
					VPERMPS(rows[y], i, p)
					k.combine(rows[y], p, rows[y])
				}
				VMOVUPS(rows[y], out, at(dst, 0))
				ADDQ(dstRow, dst)
			})
			JMP(LabelRef("next"))
		}
	}
	Label("next")
	ADDQ(param("srcNext"), src)
	ADDQ(param("dstNext"), dst)
	DECQ(param("tiles"))
	JNZ(LabelRef("tile"))
	k.report()
	VZEROUPPER()
	RET()
}

// sumsOfRows calls do with each row, the last first, and the sum of it and up to reach rows on either side. Windows share
// sums of two and of four rows.
func (k *kit) sumsOfRows(rows []VecVirtual, reach int, do func(y int, sum VecVirtual)) {
	type run struct{ size, first int }
	sums := map[run]VecVirtual{} // nil where there are no rows
	for y, row := range rows {
		sums[run{1, y}] = row
	}
	plus := func(a, b VecVirtual) VecVirtual {
		switch {
		case a == nil:
			return b
		case b == nil:
			return a
		}
		v := k.vec()
		k.combine(a, b, v)
		return v
	}
	n := 2*reach + 1
	for first := len(rows) - 1; first >= -reach; first-- {
		for size := 1; size < 4 && 2*size <= n; size *= 2 {
			sums[run{2 * size, first}] = plus(sums[run{size, first}], sums[run{size, first + size}])
		}
		if first+reach >= len(rows) {
			continue
		}
		var sum VecVirtual
		for y := first; y < first+n; {
			size := 4 // the largest last, so that rows are not needed after their own turn
			for (first+n-y)%size != 0 {
				size /= 2
			}
			sum = plus(sum, sums[run{size, y}])
			y += size
		}
		do(first+reach, sum)
	}
}
