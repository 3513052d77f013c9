package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// begin opens a kernel.
func begin(k *kit, kernel, signature string) { beginAs(k, kernel, kernel, signature) }

// beginAs opens a kernel that does what another does.
func beginAs(k *kit, kernel, other, signature string) {
	name := k.name(kernel)
	TEXT(name, NOSPLIT, signature)
	Pragma("noescape")
	Doc(name + " works like " + other + contract(k.op) + ".")
}

// contract returns how the Go loop for op is called.
func contract(o op) string {
	if o == sum {
		return "Sum"
	}
	return "Max"
}

func at(base Register, disp int) Mem { return Mem{Base: base, Disp: disp} }

// ofFour returns the operand at disp of the i-th of four planes that are apart, apart3 being three times that.
func ofFour(base, apart, apart3 Register, i, disp int) Mem {
	return [4]Mem{at(base, disp), {Base: base, Index: apart, Scale: 1, Disp: disp},
		{Base: base, Index: apart, Scale: 2, Disp: disp}, {Base: base, Index: apart3, Scale: 1, Disp: disp}}[i]
}

// fold: eight vectors at a time, so that their chains of combinations overlap, then one, then the rest under a mask.
//
//	dst[i] = src[i] ∘ src[i+apart] ∘ … taps of them, 0 <= i < n
func fold(k kit) {
	begin(&k, "fold", "func(dst, src *float32, n, taps, apart int)")
	dst, src := Load(Param("dst"), GP64()), Load(Param("src"), GP64())
	n, taps, apart := Load(Param("n"), GP64()), Load(Param("taps"), GP64()), Load(Param("apart"), GP64())
	SHLQ(Imm(2), apart)
	k.open()
	block := func(name string, vectors int, ms *mask) {
		acc := make([]VecVirtual, vectors)
		load := func(base Register, i int) VecVirtual {
			if ms != nil {
				return k.loadMasked(at(base, 0), *ms)
			}
			return k.load(at(base, i*k.bytes()))
		}
		for i := range acc {
			acc[i] = load(src, i)
		}
		p, left := GP64(), GP64()
		MOVQ(src, p)
		MOVQ(taps, left)
		DECQ(left)
		JZ(LabelRef(name + "_store"))
		Label(name + "_tap")
		ADDQ(apart, p)
		for i := range acc {
			if ms != nil || k.isa == avx2 && k.op == maxExact {
				k.combine(acc[i], load(p, i), acc[i])
			} else {
				k.combine(acc[i], at(p, i*k.bytes()), acc[i])
			}
		}
		DECQ(left)
		JNZ(LabelRef(name + "_tap"))
		Label(name + "_store")
		for i := range acc {
			if ms != nil {
				k.storeFirst(acc[i], n, *ms, at(dst, 0))
			} else {
				VMOVUPS(acc[i], at(dst, i*k.bytes()))
			}
		}
	}
	loop := func(name string, vectors int) {
		k.groups(name, vectors, n, []Register{src, dst}, func() { block(name, vectors, nil) })
	}
	loop("eight", 8)
	loop("one", 1)
	TESTQ(n, n)
	JZ(LabelRef("done"))
	ms := k.first(n)
	block("rest", 1, &ms)
	Label("done")
	VZEROUPPER()
	RET()
}

// pick2: the even cells of two vectors a tap.
//
//	dst[i] = src[2i] ∘ src[2i+apart] ∘ … taps of them, 0 <= i < n
func pick2(k kit) {
	begin(&k, "pick2", "func(dst, src *float32, n, taps, apart int)")
	dst, src := Load(Param("dst"), GP64()), Load(Param("src"), GP64())
	n, taps, apart := Load(Param("n"), GP64()), Load(Param("taps"), GP64()), Load(Param("apart"), GP64())
	SHLQ(Imm(2), apart)
	k.open()
	u := k.unzipper()
	block := func(name string, a, b *mask) VecVirtual {
		load := func(p Register) VecVirtual {
			if a != nil {
				return k.even(u, k.loadMasked(at(p, 0), *a), k.loadMasked(at(p, k.bytes()), *b))
			}
			return k.even(u, k.load(at(p, 0)), k.load(at(p, k.bytes())))
		}
		acc := load(src)
		p, left := GP64(), GP64()
		MOVQ(src, p)
		MOVQ(taps, left)
		DECQ(left)
		JZ(LabelRef(name + "_store"))
		Label(name + "_tap")
		ADDQ(apart, p)
		k.combine(acc, load(p), acc)
		DECQ(left)
		JNZ(LabelRef(name + "_tap"))
		Label(name + "_store")
		return acc
	}
	Comment("A full vector reads the cell behind its last one, so the last vector is always under a mask.")
	Label("one")
	CMPQ(n, num(k.lanes()))
	JLE(LabelRef("rest"))
	VMOVUPS(block("one", nil, nil), at(dst, 0))
	ADDQ(num(2*k.bytes()), src)
	ADDQ(num(k.bytes()), dst)
	SUBQ(num(k.lanes()), n)
	JMP(LabelRef("one"))
	Label("rest")
	TESTQ(n, n)
	JLE(LabelRef("done"))
	lo, hi, t := GP64(), GP64(), GP64()
	LEAQ(Mem{Base: n, Index: n, Scale: 1, Disp: -1}, lo)
	MOVQ(lo, hi)
	MOVQ(U32(uint32(k.lanes())), t)
	SUBQ(t, hi)
	CMPQ(lo, t)
	CMOVQGT(t, lo)
	XORQ(t, t)
	TESTQ(hi, hi)
	CMOVQLT(t, hi)
	a, b, out := k.first(lo), k.first(hi), k.first(n)
	k.storeFirst(block("last", &a, &b), n, out, at(dst, 0))
	Label("done")
	VZEROUPPER()
	RET()
}

// pickCells takes every second cell of several elements, AVX-512 only: 16 elements out of 32 by a permutation a tap, of
// which there are as many as cells have elements, in turn.
//
//	dst[i] = src[i/u·2u + i%u] ∘ src[i/u·2u + i%u + apart] ∘ … taps of them, 0 <= i < 16·vectors + rest
//
// index holds the permutations, from where in src the 32 elements of each begin, and the turn after u of them 32·u
// further on; of the second vector hi elements are read; for the last elements, restLo and restHi of the two.
func pickCells(k kit) {
	begin(&k, "pickCells", "func(dst, src *float32, vectors, rest, u int, index *uint32, from *int, hi, restLo, restHi, taps, apart int)")
	dst, src, vectors := Load(Param("dst"), GP64()), Load(Param("src"), GP64()), Load(Param("vectors"), GP64())
	apart := Load(Param("apart"), GP64())
	SHLQ(Imm(2), apart)
	k.open()
	t := GP64()
	hi := k.first(Load(Param("hi"), t))
	block := func(name string, index, p Register, lo, hi mask) VecVirtual {
		idx := k.load(at(index, 0))
		load := func() VecVirtual {
			v, u := k.vec(), k.vec()
			if lo == (mask{}) {
				VMOVUPS(at(p, 0), v)
			} else {
				VMOVUPS_Z(at(p, 0), lo.k, v)
			}
			VMOVUPS_Z(at(p, 64), hi.k, u)
			VPERMT2PS(u, idx, v)
			return v
		}
		acc := load()
		left := GP64()
		MOVQ(param("taps"), left)
		DECQ(left)
		JZ(LabelRef(name + "_store"))
		Label(name + "_tap")
		ADDQ(apart, p)
		k.combine(acc, load(), acc)
		DECQ(left)
		JNZ(LabelRef(name + "_tap"))
		Label(name + "_store")
		return acc
	}
	index, from, turn := GP64(), GP64(), GP64()
	Label("turn")
	MOVQ(param("index"), index)
	MOVQ(param("from"), from)
	MOVQ(param("u"), turn)
	Label("one")
	p := GP64()
	MOVQ(at(from, 0), p)
	LEAQ(Mem{Base: src, Index: p, Scale: 4}, p)
	TESTQ(vectors, vectors)
	JZ(LabelRef("rest"))
	VMOVUPS(block("one", index, p, mask{}, hi), at(dst, 0))
	ADDQ(Imm(64), dst)
	ADDQ(Imm(64), index)
	ADDQ(Imm(8), from)
	DECQ(vectors)
	DECQ(turn)
	JNZ(LabelRef("one"))
	step := GP64()
	MOVQ(param("u"), step)
	SHLQ(Imm(7), step)
	ADDQ(step, src)
	JMP(LabelRef("turn"))
	Label("rest")
	rest := Load(Param("rest"), GP64())
	TESTQ(rest, rest)
	JZ(LabelRef("done"))
	lo, hi2, out := k.first(Load(Param("restLo"), GP64())), k.first(Load(Param("restHi"), GP64())), k.first(rest)
	k.storeMasked(block("last", index, p, lo, hi2), out, at(dst, 0))
	Label("done")
	VZEROUPPER()
	RET()
}

// pickN: gathers.
//
//	dst[i] = src[i·step] ∘ src[i·step+apart] ∘ … taps of them, 0 <= i < n, step·lanes < 2³¹
func pickN(k kit) {
	begin(&k, "pickN", "func(dst, src *float32, n, step, taps, apart int)")
	dst, src := Load(Param("dst"), GP64()), Load(Param("src"), GP64())
	n, step := Load(Param("n"), GP64()), Load(Param("step"), GP64())
	taps, apart := Load(Param("taps"), GP64()), Load(Param("apart"), GP64())
	SHLQ(Imm(2), apart)
	k.open()
	index, steps := k.vec(), k.vec()
	t := GP64()
	LEAQ(global("iota"), t)
	VMOVUPS(at(t, 0), index)
	k.broadcast(step.(GPVirtual).As32(), steps)
	VPMULLD(steps, index, index)
	IMUL3Q(U32(uint32(k.bytes())), step, step)
	block := func(name string, ms mask) VecVirtual {
		load := func(p Register) VecVirtual {
			v := k.vec()
			VMOVAPS(k.ident, v)
			m := Mem{Base: p, Index: index, Scale: 4}
			if k.isa == avx512 {
				used := K()
				KMOVW(ms.k, used)
				VGATHERDPS(m, used, v)
			} else {
				used := k.vec()
				VMOVAPS(ms.v, used)
				VGATHERDPS(used, m, v)
			}
			return v
		}
		acc := load(src)
		p, left := GP64(), GP64()
		MOVQ(src, p)
		MOVQ(taps, left)
		DECQ(left)
		JZ(LabelRef(name + "_store"))
		Label(name + "_tap")
		ADDQ(apart, p)
		k.combine(acc, load(p), acc)
		DECQ(left)
		JNZ(LabelRef(name + "_tap"))
		Label(name + "_store")
		return acc
	}
	lanes := GP64()
	MOVQ(U32(uint32(k.lanes())), lanes)
	all := k.first(lanes)
	Label("one")
	CMPQ(n, num(k.lanes()))
	JLT(LabelRef("rest"))
	VMOVUPS(block("one", all), at(dst, 0))
	ADDQ(step, src)
	ADDQ(num(k.bytes()), dst)
	SUBQ(num(k.lanes()), n)
	JMP(LabelRef("one"))
	Label("rest")
	TESTQ(n, n)
	JZ(LabelRef("done"))
	ms := k.first(n)
	k.storeFirst(block("last", ms), n, ms, at(dst, 0))
	Label("done")
	VZEROUPPER()
	RET()
}

// scale: dst[i] *= by[i], 0 <= i < n.
func scale(k kit) {
	TEXT("scale"+string(k.isa), NOSPLIT, "func(dst, by *float32, n int)")
	Pragma("noescape")
	Doc("scale" + string(k.isa) + " works like scale.")
	dst, by, n := Load(Param("dst"), GP64()), Load(Param("by"), GP64()), Load(Param("n"), GP64())
	Label("one")
	CMPQ(n, num(k.lanes()))
	JLT(LabelRef("rest"))
	v := k.load(at(dst, 0))
	VMULPS(at(by, 0), v, v)
	VMOVUPS(v, at(dst, 0))
	ADDQ(num(k.bytes()), dst)
	ADDQ(num(k.bytes()), by)
	SUBQ(num(k.lanes()), n)
	JMP(LabelRef("one"))
	Label("rest")
	TESTQ(n, n)
	JZ(LabelRef("done"))
	ms := k.first(n)
	v = k.loadMasked(at(dst, 0), ms)
	VMULPS(k.loadMasked(at(by, 0), ms), v, v)
	k.storeFirst(v, n, ms, at(dst, 0))
	Label("done")
	VZEROUPPER()
	RET()
}
