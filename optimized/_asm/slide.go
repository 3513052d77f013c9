package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// slideSteps is the greatest number of steps of a maximum's slide; slideBits of a sum's.
const (
	slideSteps = 7
	slideBits  = 6
)

// slide computes windows of k cells along a row in registers, AVX-512 only. Windows look back, so each step needs a
// vector and its predecessor, and shifts by at most a vector:
//
//	max  steps of one window and itself, index[i] lanes further back: 2, 4, 8 … cells, the last step shorter
//	sum  bits of k, lowest first: a is a sum of 2ⁱ cells, r the sum of the bits so far, further back:
//	     if bit i: r = a ∘ r shifted by 2ⁱ; then a = a ∘ a shifted by 2ⁱ; 32 back is the vector before the last
//
// index holds a permutation a step, of 32 lanes: 16 of the predecessor, 16 of the vector.
//
//	dst[i] = src[i] ∘ … ∘ src[i+k−1], 0 <= i < n
//
// A sum's windows are multiplied by by[i], if by is not nil.
//
// Meanwhile it fetches n cells from next into the first-level cache. Where stream is set it writes past the cache, and
// fetches into the second level, since both need the core's few line buffers; then dst must be aligned to a line.
func slide(kt kit) {
	begin(&kt, "slide", "func(dst, src *float32, n, k, steps int, index *uint32, next *float32, stream int, by *float32)")
	dst, src, n := Load(Param("dst"), GP64()), Load(Param("src"), GP64()), Load(Param("n"), GP64())
	steps := Load(Param("steps"), GP64())
	kt.open()
	levels := slideSteps
	if kt.op == sum {
		levels = slideBits
	}
	index, shift := GP64(), make([]VecVirtual, levels)
	Load(Param("index"), index)
	for i := range shift {
		shift[i] = kt.load(at(index, 64*i))
	}
	prev := make([]VecVirtual, levels) // of each level's vector; of a sum, of a
	rest := make([]VecVirtual, levels) // of a sum, of r
	for i := range prev {
		prev[i] = kt.vec()
		VMOVAPS(kt.ident, prev[i])
		if kt.op == sum {
			rest[i] = kt.vec()
			VMOVAPS(kt.ident, rest[i])
		}
	}
	older := kt.vec() // of a sum, the last step's r before rest
	VMOVAPS(kt.ident, older)
	back := func(i int, prev, v VecVirtual) VecVirtual {
		t := kt.vec()
		VMOVAPS(prev, t)
		VPERMT2PS(v, shift[i], t)
		return t
	}
	// body turns v into its windows.
	body := func(name string, v VecVirtual) VecVirtual {
		r := kt.vec()
		if kt.op == sum {
			VMOVAPS(kt.ident, r)
		}
		for i := range levels {
			if kt.op == sum {
				BTQ(Imm(uint64(i)), steps)
				JCC(LabelRef(fmt.Sprintf("%s_skip%d", name, i)))
				t := kt.vec()
				if i == slideBits-1 {
					VMOVAPS(older, t)
					VMOVAPS(rest[i], older)
				} else {
					t = back(i, rest[i], r)
				}
				VMOVAPS(r, rest[i])
				kt.combine(v, t, r)
				Label(fmt.Sprintf("%s_skip%d", name, i))
				if i == levels-1 {
					break
				}
			} else {
				CMPQ(steps, Imm(uint64(i)))
				JEQ(LabelRef(name + "_done"))
			}
			t := back(i, prev[i], v)
			VMOVAPS(v, prev[i])
			kt.combine(v, t, v)
		}
		Label(name + "_done")
		if kt.op == sum {
			return r
		}
		return v
	}
	var by GPVirtual
	if kt.op == sum {
		by = GP64()
		MOVQ(param("by"), by)
	}
	// finished multiplies a window's vector by its factors.
	finished := func(name string, v VecVirtual, ms *mask) VecVirtual {
		if kt.op != sum {
			return v
		}
		TESTQ(by, by)
		JZ(LabelRef(name + "_unscaled"))
		if ms != nil {
			VMULPS(kt.loadMasked(at(by, 0), *ms), v, v)
		} else {
			VMULPS(at(by, 0), v, v)
			ADDQ(Imm(64), by)
		}
		Label(name + "_unscaled")
		return v
	}
	Comment("The k−1 cells before the last one of the first window go through the steps, whole vectors of them last.")
	before, left := GP64(), GP64()
	MOVQ(param("k"), before)
	DECQ(before)
	MOVQ(before, left)
	ANDQ(Imm(15), left)
	JZ(LabelRef("before"))
	ms := kt.last(left)
	p := GP64()
	LEAQ(Mem{Base: src, Index: left, Scale: 4, Disp: -64}, p)
	body("first", kt.loadMasked(at(p, 0), ms))
	LEAQ(Mem{Base: src, Index: left, Scale: 4}, src)
	Label("before")
	SHRQ(Imm(4), before)
	JZ(LabelRef("windows"))
	Label("whole")
	body("whole", kt.load(at(src, 0)))
	ADDQ(Imm(64), src)
	DECQ(before)
	JNZ(LabelRef("whole"))
	Label("windows")
	next := GP64()
	MOVQ(param("next"), next)
	CMPQ(param("stream"), Imm(0))
	JNE(LabelRef("streamed"))
	for _, name := range []string{"cached", "streamed"} {
		Label(name)
		CMPQ(n, Imm(16))
		JLT(LabelRef(name + "_end"))
		if name == "streamed" {
			PREFETCHT1(at(next, 0))
		} else {
			PREFETCHT0(at(next, 0))
		}
		v := finished(name, body(name, kt.load(at(src, 0))), nil)
		if name == "streamed" {
			VMOVNTPS(v, at(dst, 0))
		} else {
			VMOVUPS(v, at(dst, 0))
		}
		ADDQ(Imm(64), src)
		ADDQ(Imm(64), dst)
		ADDQ(Imm(64), next)
		SUBQ(Imm(16), n)
		JMP(LabelRef(name))
		Label(name + "_end")
		if name == "cached" {
			JMP(LabelRef("rest"))
		}
	}
	Label("rest")
	TESTQ(n, n)
	JZ(LabelRef("done"))
	tail := kt.first(n)
	kt.storeMasked(finished("rest", body("rest", kt.loadMasked(at(src, 0), tail)), &tail), tail, at(dst, 0))
	Label("done")
	VZEROUPPER()
	RET()
}

// prefix takes a row into a prefix and completes windows with it.
//
//	acc[i] = acc[i] ∘ src[i], dst[i] = end[i] ∘ acc[i], 0 <= i < n
func prefix(k kit) {
	begin(&k, "prefix", "func(dst, acc, src, end *float32, n int)")
	dst, acc := Load(Param("dst"), GP64()), Load(Param("acc"), GP64())
	src, end, n := Load(Param("src"), GP64()), Load(Param("end"), GP64()), Load(Param("n"), GP64())
	k.open()
	step := func(vectors int, ms *mask) {
		for i := range vectors {
			load := func(r Register) VecVirtual {
				if ms != nil {
					return k.loadMasked(at(r, 0), *ms)
				}
				return k.load(at(r, i*k.bytes()))
			}
			store := func(v VecVirtual, r Register) {
				if ms != nil {
					k.storeMasked(v, *ms, at(r, 0))
				} else {
					VMOVUPS(v, at(r, i*k.bytes()))
				}
			}
			a := load(acc)
			k.combine(a, load(src), a)
			store(a, acc)
			e := load(end)
			k.combine(e, a, e)
			store(e, dst)
		}
	}
	loop := func(name string, vectors int) {
		Label(name)
		CMPQ(n, num(vectors*k.lanes()))
		JLT(LabelRef(name + "_end"))
		step(vectors, nil)
		for _, r := range []Register{dst, acc, src, end} {
			ADDQ(num(vectors*k.bytes()), r)
		}
		SUBQ(num(vectors*k.lanes()), n)
		JMP(LabelRef(name))
		Label(name + "_end")
	}
	loop("four", 4)
	loop("one", 1)
	TESTQ(n, n)
	JZ(LabelRef("done"))
	ms := k.first(n)
	step(1, &ms)
	Label("done")
	VZEROUPPER()
	RET()
}
