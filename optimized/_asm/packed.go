package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// Eight planes are packed: a vector has a cell of each. AVX2 only.

// quarter has pointers to planes 0 and 4 of eight planes that are apart bytes apart.
type quarter struct{ p, q, apart, apart3 GPVirtual }

func planesOf(pointer, apart string) quarter {
	x := quarter{GP64(), GP64(), GP64(), GP64()}
	MOVQ(param(pointer), x.p)
	MOVQ(param(apart), x.apart)
	SHLQ(Imm(2), x.apart)
	LEAQ(Mem{Base: x.apart, Index: x.apart, Scale: 2}, x.apart3)
	LEAQ(Mem{Base: x.p, Index: x.apart, Scale: 4}, x.q)
	return x
}

// plane returns the next cells of plane j, and of plane 4 + j.
func (x quarter) plane(j int) (low, high Mem) {
	at := func(base Register) Mem {
		switch j {
		case 0:
			return Mem{Base: base}
		case 3:
			return Mem{Base: base, Index: x.apart3, Scale: 1}
		}
		return Mem{Base: base, Index: x.apart, Scale: uint8(j)}
	}
	return at(x.p), at(x.q)
}

// byFours writes a loop over n cells, four at a time: the last four may have been done before. step goes on by so many
// cells, up to four or back.
func byFours(n Register, step func(cells Register), four func()) {
	left, cells := GP64(), GP64()
	MOVQ(n, left)
	Label("four")
	four()
	MOVQ(U32(4), cells)
	SUBQ(cells, left)
	JZ(LabelRef("done"))
	CMPQ(left, cells)
	JGE(LabelRef("step"))
	MOVQ(left, cells)
	MOVQ(U32(4), left)
	Label("step")
	step(cells)
	JMP(LabelRef("four"))
	Label("done")
}

// transpose turns four vectors, of 4×4 cells in each half, in place.
func (k *kit) transpose(v *[4]VecVirtual) {
	t := [4]VecVirtual{k.vec(), k.vec(), k.vec(), k.vec()}
	VUNPCKLPS(v[1], v[0], t[0])
	VUNPCKHPS(v[1], v[0], t[1])
	VUNPCKLPS(v[3], v[2], t[2])
	VUNPCKHPS(v[3], v[2], t[3])
	for i := range v {
		v[i] = k.vec()
		VSHUFPS(Imm(map[int]uint64{0: 0x44, 1: 0xee}[i%2]), t[2+i/2], t[i/2], v[i])
	}
}

// pack packs eight planes of n >= 4 cells, and looks for NaN if the operation does not keep them.
//
//	dst[8·i+j] = src[j·apart+i], 0 <= i < n, 0 <= j < 8
func pack(k kit) {
	begin(&k, "pack", "func(dst, src *float32, n, apart int)"+result(k.op))
	k.open()
	dst, n := Load(Param("dst"), GP64()), Load(Param("n"), GP64())
	src := planesOf("src", "apart")
	byFours(n, func(cells Register) {
		LEAQ(Mem{Base: src.p, Index: cells, Scale: 4}, src.p)
		LEAQ(Mem{Base: src.q, Index: cells, Scale: 4}, src.q)
		SHLQ(Imm(5), cells)
		ADDQ(cells, dst)
	}, func() {
		var v [4]VecVirtual
		for j := range v {
			low, high := src.plane(j)
			v[j] = k.vec()
			VMOVUPS(low, v[j].AsX())
			VINSERTF128(Imm(1), high, v[j], v[j])
		}
		k.check(v[0], v[1])
		k.check(v[2], v[3])
		k.transpose(&v)
		for i := range v {
			VMOVUPS(v[i], at(dst, 32*i))
		}
	})
	k.report()
	VZEROUPPER()
	RET()
}

// unpack is the reverse of pack. It multiplies sums by by.
//
//	dst[j·apart+i] = src[8·i+j] · by[i]
func unpack(k kit) {
	signature := "func(dst, src *float32, n, apart int)"
	if k.op == sum {
		signature = "func(dst, src *float32, n, apart int, by *float32)"
	}
	begin(&k, "unpack", signature)
	src, n := Load(Param("src"), GP64()), Load(Param("n"), GP64())
	dst := planesOf("dst", "apart")
	var by Register
	if k.op == sum {
		by = Load(Param("by"), GP64())
	}
	byFours(n, func(cells Register) {
		LEAQ(Mem{Base: dst.p, Index: cells, Scale: 4}, dst.p)
		LEAQ(Mem{Base: dst.q, Index: cells, Scale: 4}, dst.q)
		if by != nil {
			LEAQ(Mem{Base: by, Index: cells, Scale: 4}, by)
		}
		SHLQ(Imm(5), cells)
		ADDQ(cells, src)
	}, func() {
		var v [4]VecVirtual
		for i := range v {
			v[i] = k.load(at(src, 32*i))
		}
		k.transpose(&v)
		var factors VecVirtual
		if by != nil {
			factors = k.vec()
			VBROADCASTF128(at(by, 0), factors)
		}
		for j := range v {
			if by != nil {
				VMULPS(factors, v[j], v[j])
			}
			low, high := dst.plane(j)
			VMOVUPS(v[j].AsX(), low)
			VEXTRACTF128(Imm(1), v[j], high)
		}
	})
	VZEROUPPER()
	RET()
}

// ends makes of packed lines the ends of blocks of lines, in suffix, and their beginnings, in place.
//
//	suffix[y] = src[y] ∘ … ∘ src[the last of its block]
//	src[y]    = src[the first of its block] ∘ … ∘ src[y]
//
// A line has n cells; distances are in bytes: next from cell to cell, line from line to line.
func ends(k kit) {
	begin(&k, "ends", "func(suffix, src *float32, n, next, lines, line, block int)")
	if k.isa == avx512 {
		k.open()
	}
	suffix, src := Load(Param("suffix"), GP64()), Load(Param("src"), GP64())
	n, next, line := Load(Param("n"), GP64()), Load(Param("next"), GP64()), Load(Param("line"), GP64())
	next3 := GP64()
	LEAQ(Mem{Base: next, Index: next, Scale: 2}, next3)
	blocks := func(name string, vectors int) {
		cell := func(base Register, i int) Mem {
			switch i {
			case 0:
				return Mem{Base: base}
			case 3:
				return Mem{Base: base, Index: next3, Scale: 1}
			}
			return Mem{Base: base, Index: next, Scale: uint8(i)}
		}
		left, p, s := GP64(), GP64(), GP64()
		MOVQ(param("lines"), left)
		MOVQ(src, p)
		MOVQ(suffix, s)
		Label(name + "_block")
		block, i := GP64(), GP64()
		MOVQ(param("block"), block)
		CMPQ(block, left)
		CMOVQGT(left, block)
		SUBQ(block, left)
		Comment("To the last line of the block, and up.")
		DECQ(block)
		MOVQ(block, i)
		IMULQ(line, i)
		ADDQ(i, p)
		ADDQ(i, s)
		acc := make([]VecVirtual, vectors)
		for j := range acc {
			acc[j] = k.load(cell(p, j))
			VMOVUPS(acc[j], cell(s, j))
		}
		MOVQ(block, i)
		TESTQ(i, i)
		JZ(LabelRef(name + "_first"))
		Label(name + "_up")
		SUBQ(line, p)
		SUBQ(line, s)
		for j := range acc {
			v := k.load(cell(p, j))
			k.combine(acc[j], v, acc[j])
			VMOVUPS(acc[j], cell(s, j))
		}
		DECQ(i)
		JNZ(LabelRef(name + "_up"))
		Comment("Down again.")
		for j := range acc {
			VMOVUPS(cell(p, j), acc[j])
		}
		Label(name + "_down")
		ADDQ(line, p)
		ADDQ(line, s)
		for j := range acc {
			v := k.load(cell(p, j))
			k.combine(acc[j], v, acc[j])
			VMOVUPS(acc[j], cell(p, j))
		}
		DECQ(block)
		JNZ(LabelRef(name + "_down"))
		Label(name + "_first")
		ADDQ(line, p)
		ADDQ(line, s)
		TESTQ(left, left)
		JNZ(LabelRef(name + "_block"))
	}
	for _, vectors := range []int{4, 1} {
		name := map[int]string{4: "four", 1: "one"}[vectors]
		Label(name)
		CMPQ(n, Imm(uint64(vectors)))
		JLT(LabelRef(name + "_end"))
		blocks(name, vectors)
		if vectors == 4 {
			LEAQ(Mem{Base: src, Index: next, Scale: 4}, src)
			LEAQ(Mem{Base: suffix, Index: next, Scale: 4}, suffix)
		} else {
			ADDQ(next, src)
			ADDQ(next, suffix)
		}
		SUBQ(Imm(uint64(vectors)), n)
		JMP(LabelRef(name))
		Label(name + "_end")
	}
	VZEROUPPER()
	RET()
}

// combineLines combines up to five lines of vectors for each line of windows, as table says: how many, and where each begins,
// in bytes from src. Each window has 1 + packedTaps numbers. If scaled, it multiplies each cell by the next of by, sums only.
//
//	dst[y] = src[table[y][1]] ∘ … table[y][0] of them, and the identity if they are none
func combineLines(k kit, scaled bool) {
	name, signature := "combineLines", "func(dst, src *float32, n, next, windows, dstLine, dstNext int, table *int)"
	if scaled {
		name, signature = "scaleLines", "func(dst, src *float32, n, next, windows, dstLine, dstNext int, table *int, by *float32)"
	}
	beginAs(&k, name, "combineLines", signature)
	k.open()
	var by Register
	if scaled {
		by = Load(Param("by"), GP64())
	}
	dst, next, dstNext := Load(Param("dst"), GP64()), Load(Param("next"), GP64()), Load(Param("dstNext"), GP64())
	table := Load(Param("table"), GP64())
	Label("window")
	d, n, lines := GP64(), GP64(), GP64()
	MOVQ(dst, d)
	MOVQ(param("n"), n)
	MOVQ(at(table, 0), lines)
	p := make([]GPVirtual, packedTaps)
	for lane := range p {
		p[lane] = GP64()
	}
	for taps := 1; taps <= packedTaps; taps++ {
		CMPQ(lines, Imm(uint64(taps)))
		JEQ(LabelRef(fmt.Sprintf("taps%d", taps)))
	}
	Label("none")
	VMOVUPS(k.ident, at(d, 0))
	ADDQ(dstNext, d)
	if scaled {
		ADDQ(Imm(4), by)
	}
	DECQ(n)
	JNZ(LabelRef("none"))
	JMP(LabelRef("next"))
	for taps := 1; taps <= packedTaps; taps++ {
		name := fmt.Sprintf("taps%d", taps)
		Label(name)
		for i := range taps {
			MOVQ(param("src"), p[i])
			ADDQ(at(table, 8*(i+1)), p[i])
		}
		cell := func(x Mem, disp Register, second bool) Mem {
			if second {
				x.Index, x.Scale = disp, 1
			}
			return x
		}
		one := func(second bool) {
			acc := k.load(cell(at(p[0], 0), next, second))
			for i := 1; i < taps; i++ {
				k.combine(acc, k.load(cell(at(p[i], 0), next, second)), acc)
			}
			if scaled {
				factor := k.vec()
				VBROADCASTSS(at(by, 0), factor)
				VMULPS(factor, acc, acc)
				ADDQ(Imm(4), by)
			}
			VMOVUPS(acc, cell(at(d, 0), dstNext, second))
		}
		SUBQ(Imm(2), n)
		JLT(LabelRef(name + "_last"))
		Label(name + "_two")
		one(false)
		one(true)
		for i := range taps {
			LEAQ(Mem{Base: p[i], Index: next, Scale: 2}, p[i])
		}
		LEAQ(Mem{Base: d, Index: dstNext, Scale: 2}, d)
		SUBQ(Imm(2), n)
		JGE(LabelRef(name + "_two"))
		Label(name + "_last")
		CMPQ(n, I8(-1))
		JLT(LabelRef("next"))
		one(false)
		JMP(LabelRef("next"))
	}
	Label("next")
	ADDQ(param("dstLine"), dst)
	ADDQ(num(8*(packedTaps+1)), table)
	DECQ(param("windows"))
	JNZ(LabelRef("window"))
	VZEROUPPER()
	RET()
}

// packedTaps is how many lines combineLines combines at most. It is a constant of package optimized too.
const packedTaps = 5
