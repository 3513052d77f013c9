package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// cells computes windows of cells of c elements side by side (NHWC), four vectors of channels at a time. Where stream is
// set it writes past the cache; then c is a multiple of the lanes, and dst begins with a line.
//
//	dst[x·c+i] = (∘ over a < rows, b < cols of src[x·step + a·down + b·right + i]) · by, 0 <= x < n, 0 <= i < c
func cells(k kit) {
	begin(&k, "cells", "func(dst, src *float32, n, c, step, rows, down, cols, right, stream int, by float32)")
	k.open()
	dst, src := Load(Param("dst"), GP64()), Load(Param("src"), GP64())
	down, right := Load(Param("down"), GP64()), Load(Param("right"), GP64())
	SHLQ(Imm(2), down)
	SHLQ(Imm(2), right)
	SHLQ(Imm(2), param("step"))
	var by VecVirtual
	if k.op == sum {
		by = k.vec()
		VBROADCASTSS(param("by"), by)
	}
	block := func(name string, p Register, vectors int, ms *mask) {
		acc := make([]VecVirtual, vectors)
		for i := range acc {
			acc[i] = k.vec()
			VMOVAPS(k.ident, acc[i])
		}
		row, a := GP64(), GP64()
		MOVQ(p, row)
		MOVQ(param("rows"), a)
		Label(name + "_row")
		cell, b := GP64(), GP64()
		MOVQ(row, cell)
		MOVQ(param("cols"), b)
		Label(name + "_cell")
		for i := range acc {
			switch {
			case ms != nil:
				k.combine(acc[i], k.loadMasked(at(cell, 0), *ms), acc[i])
			case k.isa == avx2 && k.op == maxExact:
				k.combine(acc[i], k.load(at(cell, i*k.bytes())), acc[i])
			default:
				k.combine(acc[i], at(cell, i*k.bytes()), acc[i])
			}
		}
		ADDQ(right, cell)
		DECQ(b)
		JNZ(LabelRef(name + "_cell"))
		ADDQ(down, row)
		DECQ(a)
		JNZ(LabelRef(name + "_row"))
		if k.op == sum {
			for i := range acc {
				VMULPS(by, acc[i], acc[i])
			}
		}
		if ms != nil {
			k.storeMasked(acc[0], *ms, at(dst, 0))
			return
		}
		CMPQ(param("stream"), Imm(0))
		JNE(LabelRef(name + "_streamed"))
		for i := range acc {
			VMOVUPS(acc[i], at(dst, i*k.bytes()))
		}
		JMP(LabelRef(name + "_written"))
		Label(name + "_streamed")
		for i := range acc {
			VMOVNTPS(acc[i], at(dst, i*k.bytes()))
		}
		Label(name + "_written")
	}
	left := GP64()
	MOVQ(param("c"), left)
	ANDQ(num(k.lanes()-1), left)
	ms := k.first(left)
	SHLQ(Imm(2), left)
	room := k.room(dst, src)
	Label("window")
	p, c := GP64(), GP64()
	MOVQ(src, p)
	MOVQ(param("c"), c)
	for _, vectors := range []int{4, 1} {
		name := map[int]string{4: "four", 1: "one"}[vectors]
		Label(name)
		CMPQ(c, num(vectors*k.lanes()))
		JLT(LabelRef(name + "_end"))
		block(name, p, vectors, nil)
		ADDQ(num(vectors*k.bytes()), p)
		ADDQ(num(vectors*k.bytes()), dst)
		SUBQ(num(vectors*k.lanes()), c)
		JMP(LabelRef(name))
		Label(name + "_end")
	}
	TESTQ(c, c)
	JZ(LabelRef("next"))
	k.rest(dst, room, func(ms *mask) {
		if ms == nil {
			block("rest", p, 1, nil)
		} else {
			block("last", p, 1, ms)
		}
	}, ms)
	ADDQ(left, dst)
	Label("next")
	ADDQ(param("step"), src)
	DECQ(param("n"))
	JNZ(LabelRef("window"))
	VZEROUPPER()
	RET()
}

// cellsOf is cells for windows of size×size taps, which are written out: a third of the instructions. It fetches ahead of
// the two newest rows, the cells that the window before does not have.
func cellsOf(size int, k kit) {
	beginAs(&k, fmt.Sprintf("cells%d", size), "cells", "func(dst, src *float32, n, c, step, down, right, stream int, by float32)"+result(k.op))
	k.open()
	dst, src := Load(Param("dst"), GP64()), Load(Param("src"), GP64())
	down, right, step := Load(Param("down"), GP64()), Load(Param("right"), GP64()), Load(Param("step"), GP64())
	for _, r := range []Register{down, right, step} {
		SHLQ(Imm(2), r)
	}
	var by VecVirtual
	if k.op == sum {
		by = k.vec()
		VBROADCASTSS(param("by"), by)
	}
	rows := make([]GPVirtual, size)
	for i := range rows {
		rows[i] = GP64()
	}
	tap := func(i, disp int) Mem {
		return column3(rows[i/size], right, i%size, disp)
	}
	// window returns the windows of a vector of channels.
	window := func(disp int, ms *mask) VecVirtual {
		var acc, before VecVirtual
		for i := range size * size {
			if k.op == sum && ms == nil && i > 0 {
				VADDPS(tap(i, disp), acc, acc)
				continue
			}
			var v VecVirtual
			if ms != nil {
				v = k.loadMasked(tap(i, disp), *ms)
			} else {
				v = k.load(tap(i, disp))
			}
			if i%2 == 1 || i == size*size-1 {
				k.check(v, before)
			}
			before = v
			if i == 0 {
				acc = k.vec()
				VMOVAPS(v, acc)
			} else {
				k.combine(acc, v, acc)
			}
		}
		if k.op == sum {
			VMULPS(by, acc, acc)
		}
		return acc
	}
	left := GP64()
	MOVQ(param("c"), left)
	ANDQ(num(k.lanes()-1), left)
	ms := k.first(left)
	SHLQ(Imm(2), left)
	room := k.room(dst, src)
	if k.isa == avx2 {
		Comment("Of up to four elements two cells are a vector, a half each, until the last permutation.")
		few := GP64()
		MOVQ(param("c"), few)
		CMPQ(few, Imm(4))
		JGT(LabelRef("window"))
		iota, order := k.vec(), k.vec()
		p, t := GP64(), GP64()
		LEAQ(global("iota"), p)
		VMOVUPS(at(p, 0), iota)
		VPBROADCASTD(param("c"), order)
		VPCMPGTD(iota, order, order) // lanes of the first cell
		MOVQ(U32(4), t)
		SUBQ(few, t)
		gap := k.vec()
		k.broadcast(t.As32(), gap)
		VPANDN(gap, order, order)
		VPADDD(iota, order, order)
		SHLQ(Imm(3), few) // bytes of two cells of the result
		Label("two")
		CMPQ(dst, room)
		JGT(LabelRef("window"))
		var acc, before VecVirtual
		first, second := GP64(), GP64()
		MOVQ(src, first)
		LEAQ(Mem{Base: src, Index: step, Scale: 1}, second)
		LEAQ(Mem{Base: second, Index: step, Scale: 1}, src)
		for i := range size * size {
			column := func(base Register) Mem {
				return column3(base, right, i%size, 0)
			}
			if i > 0 && i%size == 0 {
				ADDQ(down, first)
				ADDQ(down, second)
			}
			if i%size == 0 && i/size >= size-2 { // the rows that the window above does not have
				PREFETCHT0(at(first, cellsFetch))
			}
			v := k.vec()
			VMOVUPS(column(first), v.AsX())
			VINSERTF128(Imm(1), column(second), v, v)
			if i%2 == 1 || i == size*size-1 {
				k.check(v, before)
			}
			before = v
			if i == 0 {
				acc = v
			} else {
				k.combine(acc, v, acc)
			}
		}
		if k.op == sum {
			VMULPS(by, acc, acc)
		}
		VPERMPS(acc, order, acc)
		VMOVUPS(acc, at(dst, 0))
		ADDQ(few, dst)
		SUBQ(Imm(2), param("n"))
		JZ(LabelRef("end"))
		JMP(LabelRef("two"))
	}
	Label("window")
	c := GP64()
	MOVQ(param("c"), c)
	MOVQ(src, rows[0])
	for i := 1; i < size; i++ {
		LEAQ(Mem{Base: rows[i-1], Index: down, Scale: 1}, rows[i])
	}
	for _, vectors := range []int{4, 1} {
		name := map[int]string{4: "four", 1: "one"}[vectors]
		Label(name)
		CMPQ(c, num(vectors*k.lanes()))
		JLT(LabelRef(name + "_end"))
		acc := make([]VecVirtual, vectors)
		for i := range acc {
			for _, t := range []int{size*size - 1, size*size - 2, size*size - 1 - size, size*size - 2 - size} {
				if k.bytes() == 64 || i%2 == 0 { // once a line
					PREFETCHT0(tap(t, cellsFetch+i*k.bytes()))
				}
			}
			acc[i] = window(i*k.bytes(), nil)
		}
		CMPQ(param("stream"), Imm(0))
		JNE(LabelRef(name + "_streamed"))
		for i := range acc {
			VMOVUPS(acc[i], at(dst, i*k.bytes()))
			if k.isa == avx512 {
				PREFETCHT0(at(dst, cellsFetch+i*k.bytes()))
			}
		}
		JMP(LabelRef(name + "_written"))
		Label(name + "_streamed")
		for i := range acc {
			VMOVNTPS(acc[i], at(dst, i*k.bytes()))
		}
		Label(name + "_written")
		for _, p := range rows {
			ADDQ(num(vectors*k.bytes()), p)
		}
		ADDQ(num(vectors*k.bytes()), dst)
		SUBQ(num(vectors*k.lanes()), c)
		JMP(LabelRef(name))
		Label(name + "_end")
	}
	TESTQ(c, c)
	JZ(LabelRef("next"))
	k.rest(dst, room, func(ms *mask) {
		if ms == nil {
			VMOVUPS(window(0, nil), at(dst, 0))
		} else {
			k.storeMasked(window(0, ms), *ms, at(dst, 0))
		}
	}, ms)
	ADDQ(left, dst)
	Label("next")
	ADDQ(step, src)
	DECQ(param("n"))
	JNZ(LabelRef("window"))
	Label("end")
	k.report()
	VZEROUPPER()
	RET()
}

// cellRows computes several rows of windows of 3 rows (NHWC), by turns of channels, of which a turn goes down all rows: so a row of
// cells, folded along itself, is loaded once for all windows that have it. Windows are stride rows apart, and as many cells as
// step has elements; c is the lanes or more. Of the rows under all windows those from src on are real: one less at the top where
// above is set, and below the last.
//
//	dst[y·dstRow+x·c+i] = (∘ over a < 3, b < cols of src[x·step + (stride·y+a−above)·down + b·c + i]) · by[y], y < rows
//
//	row   0 ┬       t0, t1 are rows of cells, folded along themselves, and t2 is the next:
//	      1 │ ┬       out = (t0 ∘ t1) ∘ t2
//	      2 ┴ │ ┬     t0, t1 = t1, t2, or at stride 2 t0 = t2
//	      3   ┴ │
func cellRows(stride int, k kit) {
	beginAs(&k, fmt.Sprintf("cellRows%d", stride), "cellRows", "func(dst, src *float32, n, c, step, cols, rows, above, real, down, dstRow, stream int, by *float32)"+result(k.op))
	k.open()
	dst, src, right := Load(Param("dst"), GP64()), Load(Param("src"), GP64()), Load(Param("c"), GP64())
	down, dstRow := Load(Param("down"), GP64()), Load(Param("dstRow"), GP64())
	for _, r := range []Register{right, down, dstRow} {
		SHLQ(Imm(2), r)
	}
	SHLQ(Imm(2), param("step"))
	most := 4 // vectors a turn
	if k.isa == avx2 {
		most = 2
	}
	turn := func(cell, to Register, vectors, cols int) {
		name := fmt.Sprintf("turn_%d_%d", vectors, cols)
		p, out, left, real, by := GP64(), GP64(), GP64(), GP64(), GP64()
		MOVQ(cell, p)
		MOVQ(to, out)
		MOVQ(param("rows"), left)
		MOVQ(param("real"), real)
		if k.op == sum {
			MOVQ(param("by"), by)
		}
		var rows [3][]VecVirtual
		for i := range rows {
			for range vectors {
				rows[i] = append(rows[i], k.vec())
			}
		}
		// next sets t to the next row, or to identities behind the last.
		next := func(label string, t []VecVirtual) {
			label = name + "_" + label
			DECQ(real)
			JGE(LabelRef(label))
			for i := range t {
				VMOVAPS(k.ident, t[i])
			}
			JMP(LabelRef(label + "_taken"))
			Label(label)
			var before VecVirtual
			for i := range t {
				disp := i * k.bytes()
				if k.bytes() == 64 || i%2 == 0 { // once a line
					for column := max(0, cols-stride); column < cols; column++ { // cells that the windows before do not have
						PREFETCHT0(column3(p, right, column, rowsFetch+disp))
					}
				}
				for column := range cols {
					m := column3(p, right, column, disp)
					if k.op == sum && column > 0 {
						VADDPS(m, t[i], t[i])
						continue
					}
					v := t[i]
					if column > 0 {
						v = k.vec()
					}
					VMOVUPS(m, v)
					if before == nil {
						before = v
						if k.op == maxFast && column == 0 {
							before = k.vec()
							VMOVAPS(v, before) // t[i] changes
						}
					} else {
						k.check(v, before)
						before = nil
					}
					if column > 0 {
						k.combine(t[i], v, t[i])
					}
				}
			}
			if before != nil {
				k.check(before, before)
			}
			ADDQ(down, p)
			Label(label + "_taken")
		}
		for i := range vectors {
			VMOVAPS(k.ident, rows[0][i])
		}
		CMPQ(param("above"), Imm(0))
		JNE(LabelRef(name + "_above"))
		next("first", rows[0])
		Label(name + "_above")
		if stride == 1 {
			next("second", rows[1])
		}
		Label(name + "_row")
		if stride == 2 {
			next("middle", rows[1])
		}
		next("last", rows[2])
		for i := range vectors {
			k.combine(rows[0][i], rows[1][i], rows[0][i])
			k.combine(rows[0][i], rows[2][i], rows[0][i])
		}
		if k.op == sum {
			factor := k.vec()
			VBROADCASTSS(at(by, 0), factor)
			ADDQ(Imm(4), by)
			for i := range vectors {
				VMULPS(factor, rows[0][i], rows[0][i])
			}
		}
		CMPQ(param("stream"), Imm(0))
		JNE(LabelRef(name + "_streamed"))
		for i := range vectors {
			VMOVUPS(rows[0][i], at(out, i*k.bytes()))
			if k.isa == avx512 {
				PREFETCHT0(at(out, rowsFetch+i*k.bytes()))
			}
		}
		JMP(LabelRef(name + "_written"))
		Label(name + "_streamed")
		for i := range vectors {
			VMOVNTPS(rows[0][i], at(out, i*k.bytes()))
		}
		Label(name + "_written")
		for i := range vectors {
			if stride == 1 {
				VMOVAPS(rows[1][i], rows[0][i])
				VMOVAPS(rows[2][i], rows[1][i])
			} else {
				VMOVAPS(rows[2][i], rows[0][i])
			}
		}
		ADDQ(dstRow, out)
		DECQ(left)
		JNZ(LabelRef(name + "_row"))
	}
	for _, cols := range []int{3, 2} {
		name := fmt.Sprintf("window%d", cols)
		if cols == 3 {
			CMPQ(param("cols"), Imm(3))
			JNE(LabelRef("window2"))
		}
		Label(name)
		c, cell := GP64(), GP64()
		MOVQ(right, c)
		MOVQ(src, cell)
		Label(name + "_most")
		CMPQ(c, num(most*k.bytes()))
		JLT(LabelRef(name + "_one"))
		turn(cell, dst, most, cols)
		ADDQ(num(most*k.bytes()), cell)
		ADDQ(num(most*k.bytes()), dst)
		SUBQ(num(most*k.bytes()), c)
		JMP(LabelRef(name + "_most"))
		Label(name + "_one")
		TESTQ(c, c)
		JZ(LabelRef(name + "_next"))
		SUBQ(num(k.bytes()), c)
		JGE(LabelRef(name + "_whole"))
		Comment("The last vector ends where the cell does.")
		ADDQ(c, cell)
		ADDQ(c, dst)
		XORQ(c, c)
		Label(name + "_whole")
		turn(cell, dst, 1, cols)
		ADDQ(num(k.bytes()), cell)
		ADDQ(num(k.bytes()), dst)
		JMP(LabelRef(name + "_one"))
		Label(name + "_next")
		ADDQ(param("step"), src)
		DECQ(param("n"))
		JNZ(LabelRef(name))
		if cols == 3 {
			JMP(LabelRef("end"))
		}
	}
	Label("end")
	k.report()
	VZEROUPPER()
	RET()
}

// column3 is what is disp bytes from column 0, 1 or 2 of a row of cells.
func column3(row, right Register, column, disp int) Mem {
	m := at(row, disp)
	if column > 0 {
		m.Index, m.Scale = right, uint8(column)
	}
	return m
}

// cellsFetch is how many bytes ahead cellsOf fetches into the first-level cache. 1 to 4 KiB take 10 to 17 % off what the
// second-level cache does not hold, 2 the most, 0.5 and 8 less (8-image stem, 32 and 128 MB, an Intel Xeon of model 106). As far ahead in
// the result takes another 2 % off (stem, 8 images, VGG, 32 MB, of model 167).
const cellsFetch = 1 << 11

// rowsFetch is how many bytes ahead cellRows fetches, in the source and in the result. On the Intel of model 167, 2 KiB take 1.18 times as long
// within the second-level cache and 1.03 to 1.05 past it, 0.5 KiB 1.0 to 1.05, none in the source 1.0 to 1.12, none in the result 1.0 to 1.1.
const rowsFetch = 1 << 10

// room returns up to where results may be written by whole vectors: what is written behind a cell, the next overwrites,
// and what is read there, the last cell's taps reach. A store under a mask takes 12 cycles and more on AMD's Zen. In place
// nothing may be written behind a cell. AVX2 only.
func (k *kit) room(dst, src Register) Register {
	if k.isa == avx512 {
		return nil
	}
	room, none := GP64(), GP64()
	MOVQ(param("n"), room)
	IMULQ(param("c"), room)
	SHLQ(Imm(2), room)
	LEAQ(Mem{Base: dst, Index: room, Scale: 1, Disp: -k.bytes()}, room)
	XORQ(none, none)
	CMPQ(dst, src)
	CMOVQEQ(none, room)
	return room
}

// rest calls write for what of a cell does not fill a vector: with no mask if there is room for all of one.
func (k *kit) rest(dst, room Register, write func(ms *mask), ms mask) {
	if room == nil {
		write(&ms)
		return
	}
	CMPQ(dst, room)
	JGT(LabelRef("masked"))
	write(nil)
	JMP(LabelRef("written"))
	Label("masked")
	write(&ms)
	Label("written")
}
