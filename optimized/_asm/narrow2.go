package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// narrow2 is narrow for AVX2, which has no permutation across two registers: a row is two vectors, and columns are
// combined through memory.
//
//	tmp  h rows of suffixes, h of prefixes, a row of identities; then identities, and for each row of windows its
//	     cells and identities, from where each tap of a row of windows is a load
//
// pick is the first tap in cells from a window's column, steps the number of taps; the stride of columns is 1.
func narrow2(k kit) {
	begin(&k, "narrow", "func(dst, src, tmp *float32, planes, h, w, oh, ow, block, steps int, index *uint32, rows *int, pick int, scale *float32)"+result(k.op))
	k.open()
	// masks returns those of the two vectors of a row of so many cells.
	masks := func(cells string) (m [2]mask) {
		lo, hi, eight := GP64(), GP64(), GP64()
		MOVQ(U32(8), eight)
		MOVQ(param(cells), lo)
		MOVQ(lo, hi)
		SUBQ(eight, hi)
		CMPQ(lo, eight)
		CMOVQGT(eight, lo)
		XORQ(eight, eight)
		TESTQ(hi, hi)
		CMOVQLT(eight, hi)
		return [2]mask{k.first(lo), k.first(hi)}
	}
	in, out := masks("w"), masks("ow")
	src, tmp := Load(Param("src"), GP64()), Load(Param("tmp"), GP64())
	w4 := Load(Param("w"), GP64())
	SHLQ(Imm(2), w4)

	room := GP64() // up to where a row may be written by whole vectors
	MOVQ(param("planes"), room)
	IMULQ(param("oh"), room)
	IMULQ(param("ow"), room)
	SHLQ(Imm(2), room)
	SUBQ(Imm(64), room)
	ADDQ(param("dst"), room)

	ident, lines := GP64(), GP64()
	MOVQ(param("h"), ident)
	SHLQ(Imm(7), ident)
	ADDQ(tmp, ident)
	LEAQ(at(ident, 64), lines)
	store := func(v [2]VecVirtual, base Register, disp int) {
		VMOVUPS(v[0], at(base, disp))
		VMOVUPS(v[1], at(base, disp+32))
	}
	idents := [2]VecVirtual{k.ident, k.ident}
	store(idents, ident, 0)
	store(idents, lines, 0)
	p, y := GP64(), GP64()
	LEAQ(at(lines, 64), p)
	MOVQ(param("oh"), y)
	Label("line")
	store(idents, p, 64)
	ADDQ(num(128), p)
	DECQ(y)
	JNZ(LabelRef("line"))

	Label("plane")
	row, s := GP64(), GP64()
	XORQ(row, row)
	MOVQ(tmp, s)
	Label("block")
	{
		n, h64 := GP64(), GP64()
		MOVQ(param("h"), n)
		MOVQ(n, h64)
		SHLQ(Imm(6), h64)
		SUBQ(row, n)
		CMPQ(n, param("block"))
		CMOVQGT(param("block"), n)
		ADDQ(n, row)
		var up, down [2]VecVirtual
		for i := range up {
			up[i], down[i] = k.vec(), k.vec()
			VMOVAPS(k.ident, up[i])
			VMOVAPS(k.ident, down[i])
		}
		from, to := GP64(), GP64()
		MOVQ(n, from)
		IMULQ(w4, from)
		ADDQ(src, from)
		MOVQ(n, to)
		SHLQ(Imm(6), to)
		ADDQ(s, to)
		Label("both")
		SUBQ(w4, from)
		SUBQ(Imm(64), to)
		for i := range up {
			v := k.loadMasked(at(src, 32*i), in[i])
			k.check(v, v)
			k.combine(up[i], v, up[i])
			VMOVUPS(up[i], Mem{Base: s, Index: h64, Scale: 1, Disp: 32 * i})
			k.combine(down[i], k.loadMasked(at(from, 32*i), in[i]), down[i])
			VMOVUPS(down[i], at(to, 32*i))
		}
		ADDQ(w4, src)
		ADDQ(Imm(64), s)
		DECQ(n)
		JNZ(LabelRef("both"))
		CMPQ(row, param("h"))
		JLT(LabelRef("block"))
	}

	Comment("Rows of windows: the two rows of tmp that make each.")
	rows := Load(Param("rows"), GP64())
	MOVQ(param("oh"), y)
	LEAQ(at(lines, 64), p)
	Label("windows")
	a, b := GP64(), GP64()
	MOVQ(at(rows, 0), a)
	MOVQ(at(rows, 8), b)
	ADDQ(Imm(16), rows)
	for i := range 2 {
		v := k.load(Mem{Base: tmp, Index: a, Scale: 1, Disp: 32 * i})
		u := k.load(Mem{Base: tmp, Index: b, Scale: 1, Disp: 32 * i})
		k.combine(v, u, v)
		VMOVUPS(v, at(p, 32*i))
	}
	ADDQ(num(128), p)
	DECQ(y)
	JNZ(LabelRef("windows"))

	Comment("Columns: a load a tap.")
	dst := Load(Param("dst"), GP64())
	MOVQ(param("oh"), y)
	MOVQ(param("pick"), p)
	LEAQ(Mem{Base: lines, Index: p, Scale: 4, Disp: 64}, p)
	var sc Register
	if k.op == sum {
		sc = Load(Param("scale"), GP64())
	}
	Label("columns")
	tap, taps := GP64(), GP64()
	MOVQ(p, tap)
	MOVQ(param("steps"), taps)
	acc := [2]VecVirtual{k.load(at(tap, 0)), k.load(at(tap, 32))}
	DECQ(taps)
	JZ(LabelRef("store"))
	Label("tap")
	ADDQ(Imm(4), tap)
	for i := range acc {
		k.combine(acc[i], k.load(at(tap, 32*i)), acc[i])
	}
	DECQ(taps)
	JNZ(LabelRef("tap"))
	Label("store")
	if k.op == sum {
		for i := range acc {
			VMULPS(at(sc, 32*i), acc[i], acc[i])
		}
		ADDQ(Imm(64), sc)
	}
	Comment("What is written behind a row, the next overwrites: a store under a mask takes an AMD Zen 4 12 cycles.")
	CMPQ(dst, room)
	JGT(LabelRef("masked"))
	store(acc, dst, 0)
	JMP(LabelRef("stored"))
	Label("masked")
	for i := range acc {
		k.storeMasked(acc[i], out[i], at(dst, 32*i))
	}
	Label("stored")
	ow := GP64()
	MOVQ(param("ow"), ow)
	LEAQ(Mem{Base: dst, Index: ow, Scale: 4}, dst)
	ADDQ(num(128), p)
	DECQ(y)
	JNZ(LabelRef("columns"))
	MOVQ(dst, param("dst"))
	DECQ(param("planes"))
	JNZ(LabelRef("plane"))
	k.report()
	VZEROUPPER()
	RET()
}
