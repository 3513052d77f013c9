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
		m := at(rows[i/size], disp)
		if column := i % size; column > 0 {
			m.Index, m.Scale = right, uint8(column)
		}
		return m
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
				m := at(base, 0)
				if i%size > 0 {
					m.Index, m.Scale = right, uint8(i%size)
				}
				return m
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

// cellsFetch is how many bytes ahead cellsOf fetches into the first-level cache. 1 to 4 KiB take 10 to 17 % off what the
// second-level cache does not hold, 2 the most, 0.5 and 8 less (8-image stem, 32 and 128 MB, an Intel Xeon of model 106). As far ahead in
// the result takes another 2 % off (stem, 8 images, VGG, 32 MB, of model 167).
const cellsFetch = 1 << 11

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
